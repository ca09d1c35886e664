//! `doctor`: a healthy deployment has no failure, and each thing that breaks has its own.

mod cases;
mod healthy;

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use retrain_sandbox::lambda::{Function, Mapping};
use retrain_sandbox::s3::Versioning;
use retrain_sandbox::{Fault, FaultKind, Service};
use retrainctl::Exit;
use retrainctl::cli::Cli;
use serde_json::Value;

use self::cases::{CASES, change_alarm, change_policy, change_rule};
use self::healthy::{FUNCTIONS, arn, function, healthy, queue, rules};
use crate::scene::{MODEL, Printed, Scene};

async fn examine(scene: &Scene) -> Printed {
    scene.run(&["doctor", MODEL, "--json"]).await
}

/// The checks that ended in one of these states, each with its subject.
fn found(printed: &Printed, states: &[&str]) -> Vec<(String, String)> {
    let json = printed.json();
    let findings = json["findings"].as_array().unwrap().iter();
    let text = |finding: &Value, name| finding[name].as_str().unwrap().to_owned();
    findings
        .filter(|finding| states.contains(&finding["state"].as_str().unwrap()))
        .map(|finding| (text(finding, "check"), text(finding, "subject")))
        .collect()
}

#[tokio::test]
async fn a_healthy_deployment_has_no_failure_and_is_only_read() {
    let scene = healthy().await;
    let before = scene.table().await;
    scene.deployment.sandbox.calls().take();
    let printed = examine(&scene).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
    assert_eq!(found(&printed, &["failed", "warning", "unknown"]), []);
    let mut checks: Vec<String> = found(&printed, &["ok"])
        .into_iter()
        .map(|of| of.0)
        .collect();
    checks.sort();
    checks.dedup();
    let expected = [
        "alarm",
        "alarm-metric",
        "alarm-missing-data",
        "alarm-rule",
        "bucket-events",
        "data-rule",
        "deployment-pipeline",
        "deployment-variables",
        "endpoint-rule",
        "execution-rule",
        "function",
        "package-group",
        "package-rule",
        "pipeline",
        "pipeline-parameters",
        "policy",
        "reconcile-rule",
        "table",
        "training-data",
    ];
    assert_eq!(checks, expected);
    // What is called is what the help says that it may call.
    let calls = scene.deployment.sandbox.calls().take().into_iter();
    let called = calls.map(|call| match call.operation.as_str() {
        "GetBucketNotificationConfiguration" => "GetBucketNotification".to_owned(),
        operation => operation.to_owned(),
    });
    let command = Cli::command();
    let help = command.find_subcommand("doctor").unwrap().get_after_help();
    let help = help.unwrap().to_string();
    let listed = help.split("It may call ").nth(1).unwrap();
    let listed = listed.split('.').next().unwrap();
    let listed = listed.split([' ', ',', '\n']);
    let listed = listed.filter_map(|word| Some(word.split_once(':')?.1.to_owned()));
    let mut called: BTreeSet<String> = called.collect();
    // That is how a bundle is read, which takes the place of the path.
    assert!(called.insert("GetObject".to_owned()));
    assert_eq!(called, listed.collect());
    let reads = ["Describe", "Get", "List", "TestEventPattern"];
    for operation in called {
        let reads = reads.iter().any(|verb| operation.starts_with(verb));
        assert!(reads, "{operation}");
    }
    assert_eq!(scene.table().await, before);
}

#[tokio::test]
async fn whatever_breaks_is_the_only_failure_and_is_told_with_what_mends_it() {
    for (breaks, check, subject, fix) in CASES {
        let scene = healthy().await;
        breaks(&scene);
        let printed = examine(&scene).await;
        assert!(matches!(printed.exit, Ok(Exit::No)), "{check}: {printed:?}");
        let failed = found(&printed, &["failed", "unknown"]);
        let [(found, about)] = failed.as_slice() else {
            panic!("{check} {subject}: {failed:?}")
        };
        assert_eq!(found, check);
        assert!(about.starts_with(subject), "{check}: {about}");
        let text = scene.run(&["doctor", MODEL]).await.out;
        assert!(text.contains(fix), "{check}: {text}");
        let failed = text.lines().position(|line| line.starts_with("FAILED"));
        let below = text.lines().nth(failed.unwrap() + 1).unwrap();
        assert!(below.trim_start().starts_with("mend it:"), "{text}");
    }
}

#[tokio::test]
async fn a_table_that_is_gone_is_the_only_failure() {
    let scene = healthy().await;
    let (client, table) = scene.deployment.dynamodb();
    client
        .delete_table()
        .table_name(table)
        .send()
        .await
        .unwrap();
    let printed = examine(&scene).await;
    assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
    let failed = found(&printed, &["failed", "unknown"]);
    assert_eq!(failed, [("table".to_owned(), "retrain".to_owned())]);
}

#[tokio::test]
async fn what_works_otherwise_than_most_want_it_is_a_warning() {
    for (breaks, check) in [
        (
            (|scene| {
                change_policy(
                    scene,
                    "\"min_interval\"",
                    "\"mode\": \"observe\", \"min_interval\"",
                );
            }) as fn(&Scene),
            "policy-mode",
        ),
        (
            |scene| {
                change_alarm(scene, |alarm| {
                    alarm.metric.as_mut().unwrap().treat_missing_data = None;
                });
            },
            "alarm-missing-data",
        ),
        (
            |scene| {
                change_alarm(scene, |alarm| {
                    alarm.actions_enabled = false;
                    alarm.alarm_actions =
                        vec!["arn:aws:sns:us-east-1:111122223333:team".to_owned()];
                });
            },
            "alarm-actions",
        ),
        (
            // Who is subscribed to a topic is not looked at.
            |scene| {
                scene
                    .deployment
                    .sandbox
                    .eventbridge()
                    .delete_rule("retrain-alarms");
                change_alarm(scene, |alarm| {
                    alarm.alarm_actions =
                        vec!["arn:aws:sns:us-east-1:111122223333:team".to_owned()];
                });
            },
            "alarm-rule",
        ),
    ] {
        let scene = healthy().await;
        breaks(&scene);
        let printed = examine(&scene).await;
        assert!(
            matches!(printed.exit, Ok(Exit::Done)),
            "{check}: {printed:?}"
        );
        let warned = found(&printed, &["warning", "failed", "unknown"]);
        assert_eq!(warned.len(), 1, "{check}: {warned:?}");
        assert_eq!(warned[0].0, check);
    }
}

#[tokio::test]
async fn an_alarm_whose_action_is_the_function_needs_no_rule() {
    let scene = healthy().await;
    scene
        .deployment
        .sandbox
        .eventbridge()
        .delete_rule("retrain-alarms");
    change_alarm(&scene, |alarm| {
        alarm.alarm_actions = vec![arn("drift-alarm")];
        alarm.ok_actions = vec![arn("drift-alarm")];
    });
    let printed = examine(&scene).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
}

/// Adds the rules and functions of a stack whose table is another one.
fn another_stack(scene: &Scene) {
    let sandbox = &scene.deployment.sandbox;
    let lambda = sandbox.lambda();
    for mut rule in rules() {
        // EventBridge lists rules by name.
        rule.name = rule.name.replace("retrain", "a-test");
        for target in &mut rule.targets {
            *target = target.replace("retrain", "a-test");
        }
        sandbox.eventbridge().put_rule(rule).unwrap();
    }
    lambda.put_mapping(Mapping {
        uuid: "another".to_owned(),
        source: queue("a-test-data"),
        function: arn("data-arrival").replace("retrain", "a-test"),
        enabled: true,
    });
    for own in FUNCTIONS {
        let function = Function::new(&format!("a-test-{own}"));
        let function = function.variable("RETRAIN_TABLE", "a-test");
        lambda.put_function(function.variable("RETRAIN_POLICY_PATH", "/a-test/policies"));
    }
}

#[tokio::test]
async fn functions_that_read_a_bundle_are_looked_at_with_it() {
    let scene = healthy().await;
    let uri = "s3://policies/retrain.jsonl.gz";
    let sandbox = &scene.deployment.sandbox;
    let s3 = sandbox.s3();
    s3.create_bucket("policies", Versioning::Enabled).unwrap();
    let copy = ["policy", "bundle", uri, "--why", "many", "--yes"];
    scene.does(&copy).await;
    let with_bundle = ["doctor", MODEL, "--policy-bundle", uri];
    let early = scene.run(&with_bundle).await;
    let why = format!("its RETRAIN_POLICY_BUNDLE is nothing, and here it is {uri}");
    assert!(early.out.contains(&why), "{early:?}");
    for name in FUNCTIONS {
        let function = function(name).variable("RETRAIN_POLICY_BUNDLE", uri);
        sandbox.lambda().put_function(function);
    }
    let told = scene.does(&with_bundle).await;
    assert!(told.out.contains(&format!("{MODEL} in {uri}")), "{told:?}");
    let late = scene.run(&["doctor", MODEL]).await;
    assert!(matches!(late.exit, Ok(Exit::No)), "{late:?}");
    let fix = format!("look where it looks: --policy-bundle {uri}");
    assert!(late.out.contains(&fix), "{late:?}");
}

#[tokio::test]
async fn of_two_stacks_the_one_of_this_table_counts() {
    let scene = healthy().await;
    another_stack(&scene);
    let printed = examine(&scene).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
    assert!(!printed.out.contains("a-test"), "{printed:?}");

    // That the other one's rules are on does not help.
    for name in ["retrain-alarms", "retrain-data", "retrain-reconcile"] {
        change_rule(&scene, name, |rule| rule.enabled = false);
    }
    let printed = examine(&scene).await;
    let failed = found(&printed, &["failed", "unknown"]);
    let checks: Vec<&str> = failed.iter().map(|of| of.0.as_str()).collect();
    assert_eq!(checks, ["alarm-rule", "data-rule", "reconcile-rule"]);
    assert!(!printed.out.contains("a-test"), "{printed:?}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_no_failure_and_not_good_either() {
    let denied = |service, operation| {
        let kind = FaultKind::Refuse {
            code: "AccessDeniedException".to_owned(),
            message: "not authorized".to_owned(),
        };
        Fault::on(service, operation, kind).times(9)
    };
    for (service, operation, check) in [
        (Service::CloudWatch, "DescribeAlarms", "alarm"),
        (Service::CloudWatch, "ListMetrics", "alarm-metric"),
        (Service::CodePipeline, "GetPipeline", "deployment-pipeline"),
        (Service::DynamoDb, "DescribeTable", "table"),
        (Service::EventBridge, "ListRules", "rules"),
        (Service::EventBridge, "ListTargetsByRule", "rules"),
        (Service::EventBridge, "TestEventPattern", "alarm-rule"),
        (Service::Lambda, "GetFunctionConfiguration", "function"),
        (Service::Lambda, "ListEventSourceMappings", "rules"),
        (
            Service::S3,
            "GetBucketNotificationConfiguration",
            "bucket-events",
        ),
        (Service::SageMaker, "DescribePipeline", "pipeline"),
        (
            Service::SageMaker,
            "DescribeModelPackageGroup",
            "package-group",
        ),
        (Service::Ssm, "GetParametersByPath", "policy"),
        (Service::Ssm, "GetParameter", "training-data"),
    ] {
        let scene = healthy().await;
        scene
            .deployment
            .sandbox
            .faults()
            .inject(denied(service, operation));
        let printed = examine(&scene).await;
        assert!(
            matches!(printed.exit, Ok(Exit::Failed)),
            "{operation}: {printed:?}"
        );
        let unknown = found(&printed, &["unknown", "failed"]);
        assert!(!unknown.is_empty(), "{operation}");
        assert!(
            unknown.iter().any(|of| of.0 == check),
            "{operation}: {unknown:?}"
        );
        assert_eq!(found(&printed, &["failed"]), [], "{operation}");
    }
}
