//! Everything that can break, and how.

use retrain_sandbox::cloudwatch::{Alarm, Metric};
use retrain_sandbox::codepipeline::{Pipeline as Release, PipelineType};
use retrain_sandbox::eventbridge::{On, Rule};
use serde_json::json;

use super::healthy::{
    ALARM, METRIC, NAMESPACE, POLICY, alarm, arn, function, mapping, queue, release,
};
use crate::scene::{MODEL, Scene};

/// What breaks something; its check and subject; a part of what mends it.
pub(super) type Case = (fn(&Scene), &'static str, &'static str, &'static str);

pub(super) fn change_rule(scene: &Scene, name: &str, change: impl FnOnce(&mut Rule)) {
    let eventbridge = scene.deployment.sandbox.eventbridge();
    let mut rule = eventbridge.rule(name).unwrap();
    change(&mut rule);
    eventbridge.put_rule(rule).unwrap();
}

pub(super) fn change_policy(scene: &Scene, from: &str, to: &str) {
    assert!(POLICY.contains(from));
    let policy = POLICY.replace(from, to);
    scene.deployment.put_policy(MODEL, &policy).unwrap();
}

pub(super) fn change_alarm(scene: &Scene, change: impl FnOnce(&mut Alarm)) {
    let mut alarm = alarm();
    change(&mut alarm);
    scene
        .deployment
        .sandbox
        .cloudwatch()
        .put_alarm(alarm)
        .unwrap();
}

pub(super) fn change_release(scene: &Scene, change: impl FnOnce(&mut Release)) {
    let mut pipeline = release();
    change(&mut pipeline);
    let codepipeline = scene.deployment.sandbox.codepipeline();
    codepipeline.delete_pipeline(&pipeline.name).unwrap();
    codepipeline.create_pipeline(pipeline).unwrap();
}

/// Everything that can break.
pub(super) const CASES: [Case; 37] = [
    (
        |scene| change_policy(scene, "6h", "soon"),
        "policy",
        "/retrain/policies/fraud-detection",
        "retrainctl policy check fraud-detection.json",
    ),
    (
        |scene| {
            let ssm = scene.deployment.sandbox.ssm();
            ssm.delete_parameter("/retrain/policies/fraud-detection")
                .unwrap();
        },
        "policy",
        "/retrain/policies/fraud-detection",
        "retrainctl policy new fraud-detection",
    ),
    (
        |scene| {
            let ssm = scene.deployment.sandbox.ssm();
            ssm.delete_parameter("/fraud-detection/training-data-uri")
                .unwrap();
        },
        "training-data",
        "/fraud-detection/training-data-uri",
        "aws ssm put-parameter --type String --name /fraud-detection/training-data-uri",
    ),
    (
        |scene| {
            scene
                .deployment
                .sandbox
                .cloudwatch()
                .delete_alarm(ALARM)
                .unwrap();
        },
        "alarm",
        r#"{"alarm_name":"fraud-detection-*"}"#,
        "examples/model.yaml",
    ),
    (
        |scene| {
            change_alarm(scene, |alarm| {
                alarm.metric = Some(Metric::new("AWS/SageMaker", "ModelLatency"));
            });
        },
        "alarm",
        ALARM,
        "drift.alarms",
    ),
    (
        |scene| scene.deployment.sandbox.cloudwatch().forget_metrics(),
        "alarm-metric",
        ALARM,
        "Namespace and MetricName",
    ),
    (
        |scene| {
            let cloudwatch = scene.deployment.sandbox.cloudwatch();
            cloudwatch.forget_metrics();
            cloudwatch.put_metric(NAMESPACE, METRIC, &[("EndpointName", "fraud")]);
        },
        "alarm-dimensions",
        ALARM,
        "Dimensions: [{ Name: EndpointName, Value: fraud }]",
    ),
    (
        |scene| {
            change_alarm(scene, |alarm| {
                let metric = alarm.metric.as_mut().unwrap();
                metric.treat_missing_data = Some("breaching".to_owned());
            });
        },
        "alarm-missing-data",
        ALARM,
        "TreatMissingData: ignore",
    ),
    (
        |scene| {
            change_alarm(scene, |alarm| {
                alarm.actions_enabled = false;
                alarm.alarm_actions = vec![arn("drift-alarm")];
            });
        },
        "alarm-actions",
        ALARM,
        "aws cloudwatch enable-alarm-actions --alarm-names fraud-detection-data-quality",
    ),
    (
        |scene| change_rule(scene, "retrain-alarms", |rule| rule.enabled = false),
        "alarm-rule",
        ALARM,
        "aws events enable-rule --name retrain-alarms",
    ),
    (
        |scene| change_rule(scene, "retrain-alarms", |rule| rule.targets.clear()),
        "alarm-rule",
        ALARM,
        "sam deploy",
    ),
    (
        // What ends an alarm must be heard of, too.
        |scene| {
            change_rule(scene, "retrain-alarms", |rule| {
                rule.on = On::Events(json!({"detail": {"state": {"value": ["ALARM"]}}}));
            });
        },
        "alarm-rule",
        ALARM,
        "AlarmNames",
    ),
    (
        |scene| {
            scene
                .deployment
                .sandbox
                .eventbridge()
                .delete_rule("retrain-alarms");
        },
        "alarm-rule",
        ALARM,
        "AlarmNames",
    ),
    (
        // Its own action is told of the ALARM, but nobody of the OK.
        |scene| {
            let eventbridge = scene.deployment.sandbox.eventbridge();
            eventbridge.delete_rule("retrain-alarms");
            change_alarm(scene, |alarm| {
                alarm.alarm_actions = vec![arn("drift-alarm")];
            });
        },
        "alarm-rule",
        ALARM,
        "AlarmNames",
    ),
    (
        |scene| change_policy(scene, "fraud-detection-data\"", "fraud-nowhere\""),
        "bucket",
        "fraud-nowhere",
        "create the bucket",
    ),
    (
        |scene| {
            let s3 = scene.deployment.sandbox.s3();
            s3.notify_eventbridge("fraud-detection-data", false)
                .unwrap();
        },
        "bucket-events",
        "fraud-detection-data",
        "EventBridgeEnabled: true",
    ),
    (
        |scene| change_rule(scene, "retrain-data", |rule| rule.enabled = false),
        "data-rule",
        "s3://fraud-detection-data/training/",
        "aws events enable-rule --name retrain-data",
    ),
    (
        // Some other queue is none of data-arrival's.
        |scene| {
            change_rule(scene, "retrain-data", |rule| {
                rule.targets = vec![queue("others")];
            });
        },
        "data-rule",
        "s3://fraud-detection-data/training/",
        "sam deploy",
    ),
    (
        |scene| {
            let lambda = scene.deployment.sandbox.lambda();
            lambda.put_mapping(mapping(false));
        },
        "data-rule",
        "s3://fraud-detection-data/training/",
        "aws lambda update-event-source-mapping --uuid 11111111-2222-4333-8444-555555555555 \
         --enabled",
    ),
    (
        |scene| {
            let lambda = scene.deployment.sandbox.lambda();
            lambda.put_function(function("data-arrival").variable("RETRAIN_TABLE", "other"));
        },
        "function",
        "retrain-data-arrival",
        "--table other",
    ),
    (
        // The completion mark must be heard of, too.
        |scene| {
            change_rule(scene, "retrain-data", |rule| {
                rule.on = On::Events(json!({
                    "source": ["aws.s3"],
                    "detail": {"object": {"key": [{"suffix": ".csv"}]}},
                }));
            });
        },
        "data-rule",
        "s3://fraud-detection-data/training/",
        "DataBucketNames and DataKeys",
    ),
    (
        |scene| change_policy(scene, "fraud-detection-training", "fraud-nowhere"),
        "pipeline",
        "fraud-nowhere",
        "correct pipeline in the policy",
    ),
    (
        |scene| {
            change_policy(
                scene,
                "\"ControllerToken\"",
                "\"Token\": \"x\", \"ControllerToken\"",
            );
        },
        "pipeline-parameters",
        "fraud-detection-training",
        "declare each as a parameter",
    ),
    (
        |scene| change_policy(scene, ", \"ControllerToken\": \"{token}\"", ""),
        "pipeline-parameters",
        "fraud-detection-training",
        "a default in the pipeline",
    ),
    (
        |scene| change_rule(scene, "retrain-sagemaker", |rule| rule.enabled = false),
        "execution-rule",
        "fraud-detection-training",
        "aws events enable-rule --name retrain-sagemaker",
    ),
    (
        |scene| {
            scene
                .deployment
                .sandbox
                .eventbridge()
                .delete_rule("retrain-codepipeline");
        },
        "execution-rule",
        "fraud-detection-staging",
        "CodePipelineNames",
    ),
    (
        |scene| {
            change_policy(
                scene,
                "\"model_package_group\": \"fraud-detection\"",
                "\"model_package_group\": \"fraud-nowhere\"",
            );
        },
        "package-group",
        "fraud-nowhere",
        "create-model-package-group --model-package-group-name fraud-nowhere",
    ),
    (
        |scene| change_rule(scene, "retrain-packages", |rule| rule.enabled = false),
        "package-rule",
        "fraud-detection",
        "aws events enable-rule --name retrain-packages",
    ),
    (
        |scene| {
            let codepipeline = scene.deployment.sandbox.codepipeline();
            codepipeline
                .delete_pipeline("fraud-detection-staging")
                .unwrap();
        },
        "deployment-pipeline",
        "fraud-detection-staging",
        "correct environments in the policy",
    ),
    (
        |scene| {
            change_release(scene, |pipeline| {
                pipeline.pipeline_type = PipelineType::V1;
                pipeline.variables.clear();
            });
        },
        "deployment-pipeline",
        "fraud-detection-staging",
        "PipelineType: V2",
    ),
    (
        |scene| {
            change_release(scene, |pipeline| {
                pipeline.variables.remove("RETRAIN_TOKEN");
            });
        },
        "deployment-variables",
        "fraud-detection-staging",
        "Variables: [{ Name: RETRAIN_TOKEN, DefaultValue: none }]",
    ),
    (
        |scene| {
            change_release(scene, |pipeline| {
                pipeline.variables.insert("COMMIT".to_owned(), None);
            });
        },
        "deployment-variables",
        "fraud-detection-staging",
        "a default in the pipeline",
    ),
    (
        |scene| change_rule(scene, "retrain-endpoints", |rule| rule.enabled = false),
        "endpoint-rule",
        "fraud-staging",
        "aws events enable-rule --name retrain-endpoints",
    ),
    (
        |scene| change_rule(scene, "retrain-reconcile", |rule| rule.enabled = false),
        "reconcile-rule",
        "reconciler",
        "aws events enable-rule --name retrain-reconcile",
    ),
    (
        |scene| {
            let lambda = scene.deployment.sandbox.lambda();
            lambda.delete_function("retrain-model-approval");
        },
        "function",
        "retrain-model-approval",
        "sam deploy",
    ),
    (
        |scene| {
            let lambda = scene.deployment.sandbox.lambda();
            lambda.put_function(function("reconciler").state("Failed"));
        },
        "function",
        "retrain-reconciler",
        "sam deploy",
    ),
    (
        |scene| {
            let lambda = scene.deployment.sandbox.lambda();
            lambda.put_function(function("drift-alarm").variable("RETRAIN_TABLE", "other"));
        },
        "function",
        "retrain-drift-alarm",
        "--table other",
    ),
];
