//! The fields about environments and the packages that are deployed to them.

use super::tests::{SAMPLE, refused, with};
use super::*;
use crate::names::EnvironmentName;

/// A policy with these environments.
fn environments(list: &str) -> String {
    with(&alloc::format!(r#""environments": [{list}]"#))
}

/// One environment of this name with these further fields.
fn named(name: &str, pipeline: &str, fields: &str) -> String {
    alloc::format!(
        r#"{{"name": "{name}", "pipeline": "{pipeline}", "variables": {{"ARN": "{{model_package_arn}}"}}{fields}}}"#
    )
}

/// A policy with staging, which has this further field, and production.
fn staging(field: &str) -> String {
    let field = alloc::format!(", {field}");
    let (staging, production) = (
        named("staging", "fraud-staging", &field),
        named("production", "fraud-production", ""),
    );
    environments(&alloc::format!("{staging}, {production}"))
}

fn variables(variables: &str) -> String {
    environments(&alloc::format!(
        r#"{{"name": "staging", "pipeline": "fraud-staging", "variables": {{{variables}}}}}"#
    ))
}

fn name(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).unwrap()
}

#[test]
fn every_field_about_environments_is_taken() {
    let json = staging(
        r#""promotion": "person", "on_rejected": "roll_back", "min_interval": "1h",
        "back_off": {"initial": "5m", "cap": "1h", "max_failures": 2},
        "breaker_after_failures": 2, "blackouts": [{"from": "00:00", "to": "01:00", "time_zone": "UTC"}],
        "endpoint": "fraud-staging", "monitoring_schedules": ["fraud-data"]"#,
    );
    let policy = Policy::parse(&json).unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    assert!(policy.is_first_environment(&name("staging")));
    assert!(!policy.is_first_environment(&name("production")));
    let after = |one: &str| policy.environment_after(&name(one));
    assert_eq!(after("staging").unwrap().name, name("production"));
    assert!(after("production").is_none() && after("test").is_none());
}

#[test]
fn what_is_left_out_deploys_at_once_and_reports() {
    let policy = Policy::parse(&staging(r#""promotion": "automatic""#)).unwrap();
    let plain = &policy.environments[1];
    assert_eq!(plain.promotion, Promotion::Automatic);
    assert_eq!(plain.on_rejected, OnRejected::Report);
    assert_eq!(plain.min_interval, Period::from_mins(0));
    assert_eq!(plain.back_off.max_failures, 1);
    assert_eq!(plain.breaker_after_failures, 5);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row for every rule")]
fn an_error_about_environments_names_its_field() {
    let one = |at: usize| named(&alloc::format!("e{at}"), &alloc::format!("p{at}"), "");
    let many: Vec<String> = (0..11).map(one).collect();
    let many_variables: Vec<String> = (0..50).map(|n| alloc::format!(r#""V{n}": "x""#)).collect();
    let without_group = |fields: &str| {
        alloc::format!(r#"{{"pipeline": {{"name": "p"}}, "min_interval": "6h", {fields}}}"#)
    };
    refused([
        (
            environments(&many.join(", ")),
            "environments: ",
            "at most 10",
        ),
        (
            without_group(&alloc::format!(r#""environments": [{}]"#, one(1))),
            "environments: ",
            "needs the field model_package_group",
        ),
        (
            without_group(r#""model_package_accounts": ["111122223333"]"#),
            "model_package_accounts: ",
            "needs the field model_package_group",
        ),
        (
            with(r#""model_package_accounts": ["11112222333"]"#),
            "model_package_accounts[0]: ",
            "12 digits",
        ),
        (
            environments(&named("Staging", "p", "")),
            "environments[0].name: ",
            "lower-case",
        ),
        (
            environments(&named("staging", "p q", "")),
            "environments[0].pipeline: ",
            "not a valid CodePipeline name",
        ),
        (
            environments(r#"{"name": "staging", "pipeline": "p"}"#),
            "environments[0]: ",
            "missing field `variables`",
        ),
        (
            environments(&alloc::format!("{}, {}", one(1), named("e1", "p2", ""))),
            "environments[1].name: ",
            "two environments",
        ),
        (
            environments(&alloc::format!("{}, {}", one(1), named("e2", "p1", ""))),
            "environments[1].pipeline: ",
            "deploys to another environment",
        ),
        (
            alloc::format!(
                r#"{{"pipeline": {{"service": "codepipeline", "name": "p1"}}, "min_interval": "6h",
                "model_package_group": "fraud", "environments": [{}]}}"#,
                one(1)
            ),
            "environments[0].pipeline: ",
            "retrains the model",
        ),
        (
            variables(r#""A": "{training_data_uri}""#),
            "environments[0].variables.A: ",
            "{training_data_uri} has no value in a deployment",
        ),
        (
            variables(r#""A": "{nothing}""#),
            "environments[0].variables.A: ",
            "unknown placeholder",
        ),
        (
            variables(r#""RETRAIN_TOKEN": "x""#),
            "environments[0].variables.RETRAIN_TOKEN: ",
            "which the controller sets",
        ),
        (
            variables(&alloc::format!(r#""{}": "x""#, "V".repeat(129))),
            "environments[0].variables.V",
            "at most 128 characters",
        ),
        (
            variables(&many_variables.join(", ")),
            "environments[0].variables: ",
            "at most 50",
        ),
        (
            staging(r#""promotion": "always""#),
            "environments[0].promotion: ",
            "unknown variant",
        ),
        (
            staging(r#""on_rejected": "panic""#),
            "environments[0].on_rejected: ",
            "unknown variant",
        ),
        (
            staging(r#""min_interval": "often""#),
            "environments[0].min_interval: ",
            "length of time",
        ),
        (
            staging(r#""back_off": {"initial": "2h", "cap": "1h", "max_failures": 2}"#),
            "environments[0].back_off",
            "",
        ),
        (
            staging(r#""breaker_after_failures": 0"#),
            "environments[0].breaker_after_failures: ",
            "from 1 to 100",
        ),
        (
            staging(r#""breaker_after_failures": 101"#),
            "environments[0].breaker_after_failures: ",
            "from 1 to 100",
        ),
        (
            staging(r#""blackouts": [{"from": "00:00", "to": "24:00", "time_zone": "UTC"}]"#),
            "environments[0].blackouts: ",
            "leave no time open",
        ),
        (
            staging(r#""endpoint": "no endpoint""#),
            "environments[0].endpoint: ",
            "endpoint name",
        ),
        (
            staging(r#""monitoring_schedules": ["no schedule"]"#),
            "environments[0].monitoring_schedules[0]: ",
            "schedule name",
        ),
        (
            staging(&alloc::format!(
                r#""monitoring_schedules": [{}]"#,
                ["\"s\""; 11].join(", ")
            )),
            "environments[0].monitoring_schedules: ",
            "at most 10",
        ),
        (
            staging(r#""stage": "x""#),
            "environments[0].stage: ",
            "unknown field",
        ),
        (
            with(r#""min_interval_by_kind": {"deployment": "1h"}"#),
            "min_interval_by_kind.deployment: ",
            "in their environment",
        ),
        (
            with(
                r#""gate": {"conditions": [{"metric": "auc", "at_least": 0.9}], "remind_every": "59m"}"#,
            ),
            "gate.remind_every: ",
            "at least 1h",
        ),
    ]);
}

#[test]
fn what_a_deployment_knows_is_unknown_to_retraining() {
    for placeholder in Placeholder::ALL {
        let text = alloc::format!(r#""Token": "{{{placeholder}|}}""#);
        let json = SAMPLE.replacen(r#""Token": "{token}""#, &text, 1);
        let retrains = Policy::parse(&json);
        let deploys = Policy::parse(&variables(&alloc::format!(r#""A": "{{{placeholder}|}}""#)));
        assert!(retrains.is_ok() || deploys.is_ok() || placeholder.is_of_retraining());
        assert_eq!(
            deploys.is_ok(),
            placeholder.is_of_deployment(),
            "{placeholder}"
        );
        if !placeholder.is_of_retraining() {
            let error = retrains.unwrap_err();
            assert_eq!(error.field, "parameters.Token", "{placeholder}");
            assert!(error.reason.contains("when the model is retrained"));
        }
    }
}

#[test]
fn a_model_has_the_lanes_of_its_policy() {
    let policy = Policy::parse(&staging(r#""min_interval": "1h""#)).unwrap();
    let policy = PolicyInForce::new(ModelName::parse("fraud").unwrap(), 3, policy);
    let package = |group: &str| {
        let arn =
            alloc::format!("arn:aws:sagemaker:us-east-1:111122223333:model-package/{group}/7");
        Lane::Package(crate::names::ModelPackageArn::parse(arn).unwrap())
    };
    for (lane, has) in [
        (Lane::Retrain, true),
        (Lane::Deploy(name("staging")), true),
        (Lane::Deploy(name("test")), false),
        (package("fraud-detection"), true),
        (package("Fraud-Detection"), true),
        (package("other"), false),
    ] {
        assert_eq!(policy.has_lane(&lane), has, "{lane}");
        assert_eq!(policy.in_lane(&lane).is_some(), has, "{lane}");
    }
    let staging = policy.in_lane(&Lane::Deploy(name("staging"))).unwrap();
    assert_eq!(staging.environment().unwrap().name, name("staging"));
    assert_eq!(staging.policy.min_interval, Period::from_hours(1));
    assert_eq!(
        staging.policy.target().to_string(),
        "codepipeline/fraud-staging"
    );
    // Nothing of retraining is left in it.
    let derived = &staging.policy;
    assert!(derived.drift.is_empty() && derived.data.is_none() && derived.gate.is_none());
    assert!(derived.budget.is_none() && derived.max_age.is_none());
    assert!(policy.environment().is_none());
}
