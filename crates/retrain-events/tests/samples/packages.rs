//! What is odd about the events of model packages and endpoints.

use std::collections::BTreeSet;

use retrain_core::package::{PackageApproval, PackageStatus};
use retrain_events::{
    EndpointStatus, IrrelevantPackage, PackageMessage, UpdatedField, package_message,
};
use serde_json::{Value, json};

use crate::sample::{endpoint, event, model_approval, package};

const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/7";

#[test]
fn each_change_tells_its_approval_and_whether_that_may_be_new() {
    use PackageApproval::{Approved, PendingManualApproval, Rejected};
    for (name, approval, may_be_new) in [
        ("pending-created", Some(PendingManualApproval), true),
        ("completed", Some(PendingManualApproval), true),
        ("approved", Some(Approved), true),
        ("approved-by-creation", Some(Approved), true),
        ("no-updated-fields", Some(Approved), true),
        ("rejected", Some(Rejected), true),
        ("metadata-edit", Some(Approved), false),
        ("own-stamp", Some(Approved), false),
        ("life-cycle-edit", Some(Approved), false),
        ("registry-schema-shape", None, true),
        ("unknown-statuses", None, true),
    ] {
        let told = package(&model_approval(name));
        assert_eq!(told.package.as_str(), ARN, "{name}");
        assert_eq!(told.approval, approval, "{name}");
        assert_eq!(told.may_tell_approval(), may_be_new, "{name}");
    }
}

#[test]
fn one_change_is_the_same_in_every_spelling() {
    let plain = package(&model_approval("approved"));
    assert_eq!(plain.at.to_string(), "2026-01-05T09:12:40.123Z");
    for name in [
        "approved-other-id",
        "epoch-millis",
        "lower-case-group",
        "arn-in-resources-only",
        "detail-as-text",
        "duplicated-key",
        "replayed",
    ] {
        let mut other = package(&model_approval(name));
        other.event_id.clone_from(&plain.event_id);
        assert_eq!(
            other.replay_name.take().is_some(),
            name == "replayed",
            "{name}"
        );
        assert_eq!(other, plain, "{name}");
    }
}

#[test]
fn two_tellings_of_one_change_have_two_ids() {
    let ids: BTreeSet<_> = ["approved", "approved-other-id"]
        .into_iter()
        .map(|name| package(&model_approval(name)).event_id.unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn packages_of_all_partitions_and_accounts_are_read() {
    for (name, start) in [
        ("approved", "arn:aws:sagemaker:us-east-1:111122223333:"),
        ("other-account", "arn:aws:sagemaker:us-east-1:444455556666:"),
        (
            "gov-partition",
            "arn:aws-us-gov:sagemaker:us-gov-west-1:111122223333:",
        ),
        (
            "china-partition",
            "arn:aws-cn:sagemaker:cn-north-1:111122223333:",
        ),
    ] {
        let told = package(&model_approval(name)).package;
        assert!(told.as_str().starts_with(start), "{told}");
        assert_eq!((told.group_name(), told.version()), ("fraud-detection", 7));
    }
}

#[test]
fn each_package_status_is_what_it_means_here() {
    use PackageStatus::{Completed, Deleting, Failed, InProgress};
    let mut event = model_approval("approved");
    for (told, expected) in [
        (json!("Pending"), Some(InProgress)),
        (json!("InProgress"), Some(InProgress)),
        (json!("Completed"), Some(Completed)),
        (json!("Failed"), Some(Failed)),
        (json!("Deleting"), Some(Deleting)),
        (json!("Archived"), None),
        (json!(""), None),
        (json!(7), None),
        (json!(null), None),
    ] {
        event["detail"]["ModelPackageStatus"] = told.clone();
        assert_eq!(package(&event).status, expected, "{told}");
    }
}

#[test]
fn updated_fields_that_tell_nothing_leave_the_approval_open() {
    use UpdatedField::{CustomerMetadataProperties, ModelApprovalStatus, Other};
    let mut event = model_approval("approved");
    for (told, fields, may_be_new) in [
        (json!(null), None, true),
        (json!([]), None, true),
        (json!({}), None, true),
        (json!("ModelApprovalStatus"), None, true),
        (json!(["sourceUri"]), Some(vec![Other]), false),
        (json!([null, 1, {}, "x"]), Some(vec![Other]), false),
        (
            json!(["x", "modelApprovalStatus", "ModelApprovalStatus"]),
            Some(vec![Other, ModelApprovalStatus]),
            true,
        ),
        (
            json!(["CustomerMetadataProperties", "InferenceSpecification"]),
            Some(vec![CustomerMetadataProperties, Other]),
            false,
        ),
    ] {
        event["detail"]["UpdatedModelPackageFields"] = told.clone();
        let package = package(&event);
        assert_eq!(package.updated_fields, fields, "{told}");
        assert_eq!(package.may_tell_approval(), may_be_new, "{told}");
    }
}

#[test]
fn a_life_cycle_needs_stage_and_status() {
    let mut event = model_approval("life-cycle-edit");
    let told = package(&event).life_cycle.unwrap();
    assert_eq!(
        (
            told.stage.as_str(),
            told.status.as_str(),
            told.description.as_deref()
        ),
        (
            "Production",
            "PendingApproval",
            Some("waits for the change window")
        )
    );
    event["detail"]["ModelLifeCycle"]["StageDescription"] = json!(null);
    assert_eq!(package(&event).life_cycle.unwrap().description, None);
    event["detail"]["ModelLifeCycle"]["StageStatus"] = json!(null);
    assert_eq!(package(&event).life_cycle, None);
}

#[test]
fn an_odd_modification_time_gives_way_to_the_time_of_sending() {
    for name in ["approved", "endpoint-in-service"] {
        let mut event = model_approval(name);
        let sent = event["time"].as_str().unwrap().parse().unwrap();
        for odd in [json!(null), json!("soon"), json!(1_767_604_360), json!({})] {
            event["detail"]["LastModifiedTime"] = odd.clone();
            let at = match package_message(&event).unwrap() {
                PackageMessage::Package(package) => package.at,
                PackageMessage::Endpoint(endpoint) => endpoint.at,
                PackageMessage::Irrelevant(why) => panic!("{why}"),
            };
            assert_eq!(at, sent, "{name}: {odd}");
        }
    }
}

#[test]
fn nothing_but_the_package_and_a_time_is_needed() {
    let event = json!({
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Package State Change",
        "time": "2026-01-05T09:12:41Z",
        "resources": [7, "x", {}, ARN],
        "detail": {},
    });
    let told = package(&event);
    assert_eq!(told.package.as_str(), ARN);
    assert_eq!(
        (told.approval, told.status, told.updated_fields),
        (None, None, None)
    );
    assert_eq!(
        (told.life_cycle, told.event_id, told.replay_name),
        (None, None, None)
    );
    assert_eq!(told.at.to_string(), "2026-01-05T09:12:41Z");
}

#[test]
fn each_endpoint_status_is_read_in_both_spellings() {
    use EndpointStatus::{
        Creating, Deleting, Failed, InService, OutOfService, RollingBack, SystemUpdating,
        UpdateRollbackFailed, Updating,
    };
    let mut event = model_approval("endpoint-in-service");
    for (in_event, in_api, expected) in [
        ("IN_SERVICE", "InService", InService),
        ("UPDATING", "Updating", Updating),
        ("SYSTEM_UPDATING", "SystemUpdating", SystemUpdating),
        ("ROLLING_BACK", "RollingBack", RollingBack),
        (
            "UPDATE_ROLLBACK_FAILED",
            "UpdateRollbackFailed",
            UpdateRollbackFailed,
        ),
        ("FAILED", "Failed", Failed),
        ("OUT_OF_SERVICE", "OutOfService", OutOfService),
        ("CREATING", "Creating", Creating),
        ("DELETING", "Deleting", Deleting),
    ] {
        for told in [in_event, in_api] {
            event["detail"]["EndpointStatus"] = json!(told);
            let status = endpoint(&event).status;
            assert_eq!(status, expected, "{told}");
            assert_eq!(status.to_string(), in_api);
        }
    }
    let unknown = endpoint(&model_approval("endpoint-unknown-status")).status;
    assert_eq!(unknown, EndpointStatus::Other("HIBERNATING".into()));
}

#[test]
fn endpoint_samples_tell_what_became_of_a_deployment() {
    for (name, status, config) in [
        ("endpoint-updating", EndpointStatus::Updating, "7"),
        ("endpoint-in-service", EndpointStatus::InService, "7"),
        ("endpoint-rolling-back", EndpointStatus::RollingBack, "7"),
        ("endpoint-failed", EndpointStatus::Failed, "7"),
        (
            "endpoint-deployment-state-change",
            EndpointStatus::Updating,
            "6",
        ),
    ] {
        let told = endpoint(&model_approval(name));
        assert_eq!(told.endpoint.as_str(), "fraud-detection-prod", "{name}");
        assert_eq!(told.status, status, "{name}");
        let config = format!("fraud-detection-{config}");
        assert_eq!(told.config, Some(config), "{name}");
        assert_eq!(told.failure.is_some(), name == "endpoint-failed", "{name}");
    }
    let told = endpoint(&model_approval("endpoint-update-rollback-failed"));
    assert!(told.failure.unwrap().starts_with("Failed to roll back"));
    assert_eq!(told.at.to_string(), "2026-01-05T10:40:00Z");
}

#[test]
fn an_endpoint_is_known_by_its_arn_too() {
    let mut event = model_approval("endpoint-arn-only");
    let named = endpoint(&model_approval("endpoint-in-service"));
    assert_eq!(endpoint(&event).endpoint, named.endpoint);
    event["detail"]["EndpointArn"] = Value::Null;
    assert_eq!(endpoint(&event).endpoint, named.endpoint);
}

#[test]
fn failure_reasons_are_cut_and_half_a_configuration_is_none() {
    let mut event = model_approval("endpoint-failed");
    event["detail"]["FailureReason"] = json!("x".repeat(1024));
    event["detail"]["EndpointConfigName"] = json!("c".repeat(64));
    let told = endpoint(&event);
    assert_eq!(told.failure.unwrap().chars().count(), 301);
    assert_eq!(told.config, None);
}

#[test]
fn what_tells_nothing_about_a_model_is_irrelevant_by_name() {
    for (name, why, spelled) in [
        (
            "unversioned",
            IrrelevantPackage::UnversionedPackage,
            "unversioned_package",
        ),
        (
            "processing-job",
            IrrelevantPackage::OtherEvent,
            "other_event",
        ),
    ] {
        let message = package_message(&model_approval(name)).unwrap();
        assert_eq!(message, PackageMessage::Irrelevant(why), "{name}");
        assert_eq!(why.to_string(), spelled);
    }
    let mut event = model_approval("unversioned");
    event["detail"]["ModelPackageArn"] = Value::Null;
    assert_eq!(
        package_message(&event).unwrap(),
        PackageMessage::Irrelevant(IrrelevantPackage::UnversionedPackage)
    );
}

#[test]
fn errors_name_the_field() {
    for (name, error, path) in [
        ("no-arn", "MissingField", "detail.ModelPackageArn"),
        ("bad-arn", "InvalidField", "detail.ModelPackageArn"),
        ("bad-version", "InvalidField", "detail.ModelPackageArn"),
        ("arn-number", "InvalidField", "detail.ModelPackageArn"),
        ("no-detail", "MissingField", "detail"),
        ("detail-not-json", "InvalidField", "detail"),
        ("resources-text", "InvalidField", "resources"),
        ("no-time", "MissingField", "detail.LastModifiedTime"),
        ("bad-time", "InvalidField", "detail.LastModifiedTime"),
        ("unknown-source", "UnknownEvent", "detail-type"),
        ("endpoint-no-name", "MissingField", "detail.EndpointName"),
        ("endpoint-bad-name", "InvalidField", "detail.EndpointName"),
        (
            "endpoint-no-status",
            "MissingField",
            "detail.EndpointStatus",
        ),
        (
            "endpoint-bad-status",
            "InvalidField",
            "detail.EndpointStatus",
        ),
        (
            "endpoint-no-time",
            "MissingField",
            "detail.LastModifiedTime",
        ),
    ] {
        let found = package_message(&event(&format!("invalid/package-{name}"))).unwrap_err();
        assert_eq!((found.name(), found.path()), (error, path), "{name}");
    }
}

#[test]
fn events_of_other_sources_are_unknown() {
    for other in [
        event("drift-alarm/alarm"),
        event("execution-status/code-pipeline-succeeded"),
        json!({}),
        json!({ "source": "aws.sagemaker" }),
    ] {
        let error = package_message(&other).unwrap_err();
        assert_eq!(error.name(), "UnknownEvent", "{other}");
    }
    let error = package_message(&json!([])).unwrap_err();
    assert_eq!(error.name(), "NotAnObject");
}
