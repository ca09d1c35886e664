//! A deployment in which nothing is missing.

use retrain_sandbox::cloudwatch::{Alarm, Metric};
use retrain_sandbox::codepipeline::Pipeline as Release;
use retrain_sandbox::eventbridge::{On, Rule};
use retrain_sandbox::lambda::Function;
use serde_json::{Value, json};

use crate::scene::{MODEL, Scene};

/// A model with everything that a policy can have.
pub(super) const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {"InputDataUri": "{training_data_uri}", "ControllerToken": "{token}"},
    "training_data_uri_parameter": "/fraud-detection/training-data-uri",
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "data": {
        "objects": [{"bucket": "fraud-detection-data", "prefix": "training/", "suffix": ".csv"}],
        "min_rows": 10,
        "complete_when": {"suffix": "/_SUCCESS"}
    },
    "model_package_group": "fraud-detection",
    "gate": {"conditions": [{"metric": "metadata:auc", "at_least": 0.9}]},
    "environments": [{
        "name": "staging",
        "pipeline": "fraud-detection-staging",
        "variables": {"MODEL_PACKAGE_ARN": "{model_package_arn}"},
        "endpoint": "fraud-staging"
    }],
    "min_interval": "6h"
}"#;

pub(super) const NAMESPACE: &str = "aws/sagemaker/Endpoints/data-metrics";
pub(super) const METRIC: &str = "feature_baseline_drift_amount";
pub(super) const ALARM: &str = "fraud-detection-data-quality";

pub(super) fn alarm() -> Alarm {
    let mut metric = Metric::new(NAMESPACE, METRIC);
    metric.dimensions = [("Endpoint".to_owned(), "fraud".to_owned())].into();
    metric.treat_missing_data = Some("ignore".to_owned());
    Alarm::new(ALARM).metric(metric)
}

pub(super) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:111122223333:function:retrain-{function}:live")
}

/// A rule of the template.
fn rule(name: &str, target: &str, pattern: Value) -> Rule {
    let target = if target == "queue" {
        "arn:aws:sqs:us-east-1:111122223333:retrain-data".to_owned()
    } else {
        arn(target)
    };
    Rule::new(name, On::Events(pattern)).target(&target)
}

/// The template's patterns, with its parameters filled in.
fn rules() -> [Rule; 7] {
    let sagemaker = |kind: &str, of: &str, detail: Value| {
        json!({
            "source": ["aws.sagemaker"],
            "detail-type": [kind],
            "resources": [{"wildcard": format!("arn:aws:sagemaker:us-east-1:111122223333:{of}")}],
            "detail": detail,
        })
    };
    let statuses = json!({"currentPipelineExecutionStatus": ["Executing", "Succeeded", "Failed"]});
    let mut packages = sagemaker(
        "SageMaker Model Package State Change",
        "model-package/fraud-*/*",
        json!({"$or": [
            {"UpdatedModelPackageFields": [{"exists": false}, "ModelApprovalStatus"]},
            {"ModelApprovalStatus": ["PendingManualApproval"]},
        ]}),
    );
    packages["account"] = json!(["111122223333"]);
    let reconcile = On::Schedule("rate(5 minutes)".to_owned());
    [
        rule(
            "retrain-alarms",
            "drift-alarm",
            json!({
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {
                    "alarmName": [{"wildcard": "fraud-*"}],
                    "state": {"value": ["ALARM", "OK"]},
                },
            }),
        ),
        rule(
            "retrain-data",
            "queue",
            json!({
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "resources": [{"wildcard": "arn:aws:s3:::fraud-*"}],
                "detail": {"object": {"key": [{"wildcard": "training/*"}]}},
            }),
        ),
        rule(
            "retrain-sagemaker",
            "execution-status",
            sagemaker(
                "SageMaker Model Building Pipeline Execution Status Change",
                "pipeline/fraud-*",
                statuses,
            ),
        ),
        rule(
            "retrain-codepipeline",
            "execution-status",
            json!({
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Pipeline Execution State Change"],
                "resources": [{"wildcard": "arn:aws:codepipeline:us-east-1:111122223333:fraud-*"}],
                "detail": {"state": ["SUCCEEDED", "FAILED"]},
            }),
        ),
        rule("retrain-packages", "model-approval", packages),
        rule(
            "retrain-endpoints",
            "model-approval",
            sagemaker(
                "SageMaker Endpoint State Change",
                "endpoint/fraud-*",
                json!({"EndpointStatus": ["ROLLING_BACK", "FAILED"]}),
            ),
        ),
        Rule::new("retrain-reconcile", reconcile).target(&arn("reconciler")),
    ]
}

pub(super) fn release() -> Release {
    Release::new("fraud-detection-staging")
        .variable("MODEL_PACKAGE_ARN")
        .variable_with_default("RETRAIN_TOKEN", "none")
}

pub(super) fn function(name: &str) -> Function {
    Function::new(&format!("retrain-{name}"))
        .variable("RETRAIN_TABLE", "retrain")
        .variable("RETRAIN_POLICY_PATH", "/retrain/policies")
}

/// A deployment in which nothing is missing.
pub(super) async fn healthy() -> Scene {
    let scene = Scene::start().await;
    let sandbox = &scene.deployment.sandbox;
    scene.deployment.put_policy(MODEL, POLICY).unwrap();
    sandbox.codepipeline().create_pipeline(release()).unwrap();
    let cloudwatch = sandbox.cloudwatch();
    cloudwatch.put_alarm(alarm()).unwrap();
    cloudwatch.put_metric(NAMESPACE, METRIC, &[("Endpoint", "fraud")]);
    let s3 = sandbox.s3();
    s3.notify_eventbridge("fraud-detection-data", true).unwrap();
    for rule in rules() {
        sandbox.eventbridge().put_rule(rule).unwrap();
    }
    for name in [
        "drift-alarm",
        "execution-status",
        "model-approval",
        "reconciler",
    ] {
        sandbox.lambda().put_function(function(name));
    }
    scene
}
