use aws_sdk_sagemaker::types::ModelApprovalStatus;
use jiff::SignedDuration;
use retrain_sandbox::sagemaker::{
    ApprovalStatus, EventTimes, NewPackage, PackageStatus, Report, Source,
};
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use super::sandbox;
use crate::client;

#[tokio::test]
async fn a_registration_is_announced_without_changed_fields() {
    let (sandbox, _client) = sandbox().await;
    let package = NewPackage::new("churn")
        .report(
            Report::ModelQualityStatistics,
            Source::json("s3://models/q.json"),
        )
        .metadata(
            "GeneratedBy",
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn/execution/1",
        )
        .member("SourceUri", json!("https://git"));
    let arn = sandbox.sagemaker().register(package).unwrap();
    let events = sandbox.sagemaker().package_events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].arn(), arn);
    assert!(events[0].updated_fields().is_empty());
    assert_eq!(
        events[0].eventbridge(),
        json!({
            "version": "0",
            "id": "00000000-0000-4000-8000-000000000001",
            "detail-type": "SageMaker Model Package State Change",
            "source": "aws.sagemaker",
            "account": "111122223333",
            "time": "2026-01-05T00:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/1"],
            "detail": {
                "ModelPackageName": "churn/1",
                "ModelPackageGroupName": "churn",
                "ModelPackageVersion": 1,
                "ModelPackageArn": arn,
                "CreationTime": "2026-01-05T00:00:00.000Z",
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
                "ModelApprovalStatus": "PendingManualApproval",
                "CertifyForMarketplace": false,
                "MetadataProperties": {
                    "GeneratedBy":
                        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn/execution/1",
                },
                "ModelMetrics": {"ModelQuality": {"Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": "s3://models/q.json",
                }}},
            },
        })
    );
    assert!(sandbox.sagemaker().package_events().is_empty(), "taken");
}

#[tokio::test]
async fn an_event_names_exactly_what_changed_whoever_changed_it() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    let arn = sagemaker.register_package(
        "churn",
        ApprovalStatus::PendingManualApproval,
        PackageStatus::InProgress,
    );
    sagemaker.complete_package(&arn).unwrap();
    sagemaker
        .decide(&arn, ApprovalStatus::Approved, "fine")
        .unwrap();
    // The same again, and then with other words only.
    sagemaker
        .decide(&arn, ApprovalStatus::Approved, "fine")
        .unwrap();
    sagemaker
        .decide(&arn, ApprovalStatus::Approved, "better")
        .unwrap();
    let cycle = json!({"ModelLifeCycle": {"Stage": "Production", "StageStatus": "Live"}});
    sagemaker.edit_package(&arn, &cycle).unwrap();
    let update = || client.update_model_package().model_package_arn(&arn);
    update()
        .customer_metadata_properties("gate", "passed")
        .send()
        .await
        .unwrap();
    update()
        .customer_metadata_properties("gate", "passed")
        .model_approval_status(ModelApprovalStatus::Rejected)
        .source_uri("https://git")
        .send()
        .await
        .unwrap();
    update()
        .customer_metadata_properties_to_remove("gate")
        .send()
        .await
        .unwrap();

    let events = sagemaker.package_events();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let approval = event.detail()["ModelApprovalStatus"].as_str().unwrap();
            (approval, event.updated_fields())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("PendingManualApproval", vec![]),
            ("PendingManualApproval", vec![]),
            (
                "Approved",
                vec!["ModelApprovalStatus", "ApprovalDescription"]
            ),
            ("Approved", vec!["ApprovalDescription"]),
            ("Approved", vec!["ModelLifeCycle"]),
            ("Approved", vec!["CustomerMetadataProperties"]),
            ("Rejected", vec!["ModelApprovalStatus", "sourceUri"]),
            ("Rejected", vec!["CustomerMetadataProperties"]),
        ]
    );
    assert_eq!(events[0].detail()["ModelPackageStatus"], "InProgress");
    assert_eq!(events[1].detail()["ModelPackageStatus"], "Completed");
    assert!(
        events[1]
            .detail()
            .get("UpdatedModelPackageFields")
            .is_none()
    );
    assert_eq!(
        events[5].detail()["CustomerMetadataProperties"],
        json!({"gate": "passed"})
    );
    assert!(
        events[7]
            .detail()
            .get("CustomerMetadataProperties")
            .is_none()
    );
}

#[tokio::test]
async fn two_events_of_one_change_differ_in_their_id_only() {
    let (sandbox, _client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    sagemaker.register(NewPackage::new("churn")).unwrap();
    sagemaker.register(NewPackage::new("churn")).unwrap();
    let events = sagemaker.package_events();
    let (first, again) = (events[0].eventbridge(), events[0].again().eventbridge());
    assert_eq!(first, events[0].eventbridge());
    let ids = [
        &first,
        &again,
        &events[1].eventbridge(),
        &events[0].again().again().eventbridge(),
    ]
    .map(|event| event["id"].as_str().unwrap().to_owned());
    let mut different = ids.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4, "{ids:?}");
    let mut same = again;
    same["id"] = first["id"].clone();
    assert_eq!(same, first);
}

#[tokio::test]
async fn times_are_written_as_documented_or_as_captured() {
    let (sandbox, _client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    sagemaker.set_event_times(EventTimes::EpochMillis);
    let arn = sagemaker.register(NewPackage::new("churn")).unwrap();
    sandbox.clock().advance(SignedDuration::from_millis(1_500));
    sagemaker
        .set_approval(&arn, ApprovalStatus::Approved)
        .unwrap();
    sagemaker.set_event_times(EventTimes::Iso);
    sagemaker
        .set_approval(&arn, ApprovalStatus::Rejected)
        .unwrap();
    let events = sagemaker.package_events();
    let times = |number: usize| {
        let detail = events[number].detail();
        [
            detail["CreationTime"].clone(),
            detail["LastModifiedTime"].clone(),
        ]
    };
    assert_eq!(times(0), [json!(1_767_571_200_000_i64), Value::Null]);
    assert_eq!(
        times(1),
        [json!(1_767_571_200_000_i64), json!(1_767_571_201_500_i64)]
    );
    assert_eq!(
        times(2),
        [
            json!("2026-01-05T00:00:00.000Z"),
            json!("2026-01-05T00:00:01.500Z")
        ]
    );
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_announced_and_one_that_never_was_is_not() {
    for (kind, announced) in [(FaultKind::DropBefore, 0), (FaultKind::DropAfter, 1)] {
        let (sandbox, client) = sandbox().await;
        let arn = sandbox
            .sagemaker()
            .register(NewPackage::new("churn"))
            .unwrap();
        sandbox.sagemaker().package_events();
        sandbox
            .faults()
            .inject(Fault::on(Service::SageMaker, "UpdateModelPackage", kind));
        let update = client.update_model_package().model_package_arn(&arn);
        assert!(update.approval_description("x").send().await.is_err());
        assert_eq!(sandbox.sagemaker().package_events().len(), announced);
    }
}

#[tokio::test]
async fn packages_are_edited_and_their_events_taken_over_http() {
    let (sandbox, _client) = sandbox().await;
    let plain = client::of(&sandbox);
    let package = json!({
        "group": "churn",
        "approvalStatus": "PendingManualApproval",
        "details": {"CustomerMetadataProperties": {"team": "retention"}},
    });
    let arn = plain.post("/_sandbox/packages", package).await.body["arn"].clone();
    let edit = json!({"arn": arn, "edit": {
        "ModelApprovalStatus": "Approved",
        "ApprovalDescription": "fine",
    }});
    assert_eq!(
        plain.post("/_sandbox/packages/edit", edit).await.status,
        200
    );
    let edit = json!({"arn": arn, "edit": {"ModelApprovalStatu": "Approved"}});
    assert_eq!(
        plain.post("/_sandbox/packages/edit", edit).await.status,
        400
    );
    let events = plain.post("/_sandbox/events/reset", json!({})).await.body["events"].clone();
    assert_eq!(
        events[0]["detail"]["CustomerMetadataProperties"]["team"],
        "retention"
    );
    assert_eq!(
        events[1]["detail"]["UpdatedModelPackageFields"],
        json!(["ModelApprovalStatus", "ApprovalDescription"])
    );
    let details = json!({"group": "a", "approvalStatus": "Approved", "details": {"Modl": 1}});
    assert_eq!(plain.post("/_sandbox/packages", details).await.status, 400);
}
