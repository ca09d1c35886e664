//! What may be requested, and in which words.

use jiff::Timestamp;
use retrain_core::gate::{Opinion, Role};
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::order::{Order, OrderKind};
use retrain_events::{
    DeploymentAsks, DeploymentRequest, InvalidEvent, PackageAsks, PackageRef, PackageRequest,
    Request, request,
};
use serde_json::{Value, json};

use crate::sample::event;

const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/7";

fn of_package(event: &Value) -> PackageRequest {
    match request(event) {
        Ok(Some(Request::Package(request))) => *request,
        other => panic!("{other:?}: {event}"),
    }
}

fn of_environment(event: &Value) -> DeploymentRequest {
    match request(event) {
        Ok(Some(Request::Deployment(request))) => *request,
        other => panic!("{other:?}: {event}"),
    }
}

fn refused(event: &Value) -> InvalidEvent {
    request(event).unwrap_err()
}

fn sample(name: &str) -> Value {
    event(&format!("reconciler/{name}"))
}

#[test]
fn a_package_is_named_by_version_or_by_arn() {
    let asked = of_package(&sample("approve"));
    assert_eq!(
        asked,
        PackageRequest {
            model: ModelName::parse("fraud-detection").unwrap(),
            package: PackageRef::Version(7),
            asks: PackageAsks::Order(Order::new(
                OrderKind::Approve,
                "ana@example.com",
                "better on last week's fraud",
            )),
        }
    );
    let rejected = of_package(&sample("reject"));
    let PackageAsks::Order(order) = rejected.asks else {
        panic!()
    };
    assert_eq!((order.kind, order.key), (OrderKind::Reject, None));
    let arn = ModelPackageArn::parse(ARN).unwrap();
    assert_eq!(rejected.package, PackageRef::Arn(arn));
}

#[test]
fn a_version_is_a_number_that_sagemaker_can_give() {
    let mut event = sample("approve");
    for good in [1_u64, 2_147_483_647] {
        event["package_version"] = json!(good);
        assert_eq!(of_package(&event).package, PackageRef::Version(good));
    }
    for bad in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(2_147_483_648_u64),
        json!("7"),
        json!([7]),
    ] {
        event["package_version"] = bad.clone();
        let error = refused(&event);
        assert_eq!(error.path(), "package_version", "{bad}: {error}");
    }
}

#[test]
fn every_role_may_sign_off_with_either_opinion() {
    let mut event = sample("sign-off");
    for (role_told, role) in [
        ("technical", Role::Technical),
        ("fairness", Role::Fairness),
        ("compliance", Role::Compliance),
    ] {
        for (told, opinion) in [
            ("approves", Opinion::Approves),
            ("rejects", Opinion::Rejects),
        ] {
            event["role"] = json!(role_told);
            event["opinion"] = json!(told);
            let signs_off = matches!(
                of_package(&event).asks,
                PackageAsks::SignOff { role: found, opinion: said, .. }
                    if (found, said) == (role, opinion)
            );
            assert!(signs_off, "{role_told} {told}");
        }
    }
}

#[test]
fn a_deployment_is_forced_only_on_request() {
    let mut event = sample("deploy");
    for (told, force) in [
        (json!(null), false),
        (json!(false), false),
        (json!(true), true),
    ] {
        event["force"] = told;
        let asked = of_environment(&event);
        assert_eq!(asked.environment.as_str(), "production");
        assert_eq!(
            asked.asks,
            DeploymentAsks::Deploy {
                package: PackageRef::Version(7),
                key: "release-12".into(),
                by: "ana@example.com".into(),
                why: "staging went well".into(),
                force,
            }
        );
    }
    let rollback = of_environment(&sample("rollback"));
    let DeploymentAsks::Order(order) = rollback.asks else {
        panic!()
    };
    let key = order.key.as_deref();
    assert_eq!(
        (order.kind, key),
        (OrderKind::RollBack, Some("incident-88"))
    );
}

#[test]
fn an_order_with_an_environment_is_about_its_deployments() {
    for (word, kind) in [
        ("pause", OrderKind::Pause),
        ("resume", OrderKind::Resume),
        ("reset_breaker", OrderKind::ResetBreaker),
        ("abandon", OrderKind::Abandon),
    ] {
        let mut event = sample("pause-environment");
        event["request"] = json!(word);
        assert_eq!(
            of_environment(&event),
            DeploymentRequest {
                model: ModelName::parse("fraud-detection").unwrap(),
                environment: EnvironmentName::parse("production").unwrap(),
                asks: DeploymentAsks::Order(Order::new(
                    kind,
                    "ana@example.com",
                    "the holiday sale"
                )),
            }
        );
        event["environment"] = json!(null);
        let told = request(&event);
        assert!(matches!(told, Ok(Some(Request::Model(_)))), "{told:?}");
    }
}

/// Whoever may be heard twice gives a key.
#[test]
fn orders_and_decisions_may_have_a_key() {
    let keyed = |name: &str| {
        let mut event = sample(name);
        event["key"] = json!("ticket-12");
        event
    };
    let PackageAsks::Order(approve) = of_package(&keyed("approve")).asks else {
        panic!()
    };
    let DeploymentAsks::Order(pause) = of_environment(&keyed("pause-environment")).asks else {
        panic!()
    };
    for order in [approve, pause] {
        assert_eq!(order.key.as_deref(), Some("ticket-12"));
    }
    let Ok(Some(Request::Model(asked))) = request(&keyed("pause")) else {
        panic!()
    };
    let event = asked.event(Timestamp::UNIX_EPOCH);
    assert_eq!(event.dedupe_key().unwrap().as_str(), "pause|ticket-12");
    let mut empty = sample("approve");
    empty["key"] = json!(" ");
    assert_eq!(request(&empty).unwrap_err().to_string(), "`key` is empty");
}

#[test]
fn an_unknown_field_is_told_with_those_that_the_request_has() {
    let by_and_why = json!({ "by": "ana", "why": "because" });
    for (kind, fields) in [
        (
            "retrain",
            "request, model, schedule, scheduled_time, key, by, why, force",
        ),
        ("pause", "request, model, environment, key, by, why"),
        (
            "sign_off",
            "request, model, package_version, package, role, opinion, by, why",
        ),
        (
            "approve",
            "request, model, package_version, package, key, by, why",
        ),
        (
            "reject",
            "request, model, package_version, package, key, by, why",
        ),
        (
            "deploy",
            "request, model, environment, package_version, package, key, by, why, force",
        ),
        ("rollback", "request, model, environment, key, by, why"),
        ("pause_controller", "request, key, by, why"),
    ] {
        let mut event = by_and_why.clone();
        event["request"] = json!(kind);
        event["forse"] = json!(true);
        let says = refused(&event).to_string();
        assert!(says.starts_with("`\"forse\"` "), "{kind}: {says}");
        assert!(says.ends_with(&format!("there are: {fields}")), "{says}");
    }
}

#[test]
fn a_misspelt_request_is_told_with_those_that_there_are() {
    let says = refused(&event("invalid/request-unknown")).to_string();
    for kind in [
        "retrain",
        "pause",
        "resume",
        "reset_breaker",
        "abandon",
        "sign_off",
        "approve",
        "reject",
        "deploy",
        "rollback",
        "pause_controller",
        "resume_controller",
    ] {
        assert!(says.contains(kind), "{kind}: {says}");
    }
}

#[test]
fn names_and_reasons_have_their_limits() {
    let mut event = sample("approve");
    for (field, longest) in [("by", 256), ("why", 500)] {
        event[field] = json!("ä".repeat(longest));
        of_package(&event);
        for bad in ["ä".repeat(longest + 1), " \n".to_owned()] {
            event[field] = json!(bad);
            assert_eq!(refused(&event).path(), field);
        }
        event[field] = json!("ana");
    }
}

#[test]
fn errors_name_the_field() {
    for (name, error, path) in [
        ("sign-off-no-role", "MissingField", "role"),
        ("sign-off-unknown-role", "InvalidField", "role"),
        ("sign-off-unknown-opinion", "InvalidField", "opinion"),
        (
            "sign-off-with-environment",
            "InvalidField",
            "\"environment\"",
        ),
        ("approve-no-package", "MissingField", "package_version"),
        ("approve-two-packages", "InvalidField", "package"),
        ("approve-no-why", "MissingField", "why"),
        ("approve-blank-by", "InvalidField", "by"),
        ("package-version-zero", "InvalidField", "package_version"),
        ("package-version-as-text", "InvalidField", "package_version"),
        ("package-bad-arn", "InvalidField", "package"),
        ("deploy-no-environment", "MissingField", "environment"),
        ("deploy-bad-environment", "InvalidField", "environment"),
        ("deploy-no-key", "MissingField", "key"),
        ("deploy-force-as-text", "InvalidField", "force"),
        (
            "rollback-with-package",
            "InvalidField",
            "\"package_version\"",
        ),
        ("pause-bad-environment", "InvalidField", "environment"),
        ("sign-off-with-key", "InvalidField", "\"key\""),
        ("controller-with-model", "InvalidField", "\"model\""),
    ] {
        let found = refused(&event(&format!("invalid/request-{name}")));
        assert_eq!((found.name(), found.path()), (error, path), "{name}");
    }
}
