//! A deployment in which nothing is missing.

use retrain_sandbox::cloudwatch::{Alarm, Metric};
use retrain_sandbox::codepipeline::Pipeline as Release;
use retrain_sandbox::eventbridge::{On, Rule};
use retrain_sandbox::lambda::{Function, Mapping};
use serde_json::Value;

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

pub(super) const FUNCTIONS: [&str; 5] = [
    "drift-alarm",
    "data-arrival",
    "execution-status",
    "model-approval",
    "reconciler",
];

pub(super) fn alarm() -> Alarm {
    let mut metric = Metric::new(NAMESPACE, METRIC);
    metric.dimensions = [("Endpoint".to_owned(), "fraud".to_owned())].into();
    metric.treat_missing_data = Some("ignore".to_owned());
    Alarm::new(ALARM).metric(metric)
}

pub(super) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:111122223333:function:retrain-{function}:live")
}

pub(super) fn queue(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:111122223333:{name}")
}

/// That data-arrival reads the queue.
pub(super) fn mapping(enabled: bool) -> Mapping {
    Mapping {
        uuid: "11111111-2222-4333-8444-555555555555".to_owned(),
        source: queue("retrain-data"),
        function: arn("data-arrival"),
        enabled,
    }
}

/// The template's rules with its parameters filled in, which the template's tests compare
/// with the template.
pub(super) fn rules() -> Vec<Rule> {
    let written: Vec<Value> = serde_json::from_str(include_str!("rules.json")).unwrap();
    let written = written.into_iter();
    let rule = |rule: Value| {
        let text = |field: &str| rule[field].as_str().unwrap();
        let on = match rule.get("schedule") {
            Some(_) => On::Schedule(text("schedule").to_owned()),
            None => On::Events(rule["pattern"].clone()),
        };
        let target = if rule["queue"] == true {
            queue("retrain-data")
        } else {
            arn(text("function"))
        };
        Rule::new(text("name"), on).target(&target)
    };
    written.map(rule).collect()
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
    sandbox.lambda().put_mapping(mapping(true));
    for name in FUNCTIONS {
        sandbox.lambda().put_function(function(name));
    }
    scene
}
