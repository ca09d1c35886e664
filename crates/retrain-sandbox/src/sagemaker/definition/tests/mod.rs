//! Definitions are read strictly, and their steps do what they say.

mod caching;
mod example;
mod tuning;
mod values;

use serde_json::{Value, json};

use super::*;
use crate::s3::{NewObject, Versioning};
use crate::sagemaker::{ApprovalStatus, Execution, ExecutionStatus, Pipeline, SageMaker};
use crate::{S3, VirtualClock};

/// A pipeline whose training counts lines, and whose model is good if they are enough.
fn document() -> Value {
    let sh = |script: &str| json!({"ImageUri": "i", "ContainerEntrypoint": ["sh", "-c", script]});
    let output = |name: &str, at: &str| {
        json!({"Outputs": [{"OutputName": name, "S3Output": {
            "S3Uri": {"Std:Join": {"On": "/", "Values": [
                {"Get": "Parameters.Artifacts"}, {"Get": "Execution.PipelineExecutionId"}, name,
            ]}},
            "LocalPath": at,
        }}]})
    };
    let input = |uri: Value, at: &str| json!([{"S3Input": {"S3Uri": uri, "LocalPath": at}}]);
    json!({
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "Data", "Type": "String"},
            {"Name": "Artifacts", "Type": "String", "DefaultValue": "s3://models/churn"},
            {"Name": "Enough", "Type": "Integer", "DefaultValue": 3},
        ],
        "Steps": [
            // Written before what it needs, because order is not by place.
            {"Name": "Compare", "Type": "Condition", "Arguments": {
                "Conditions": [{
                    "Type": "GreaterThanOrEqualTo",
                    "LeftValue": {"Std:JsonGet": {
                        "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"},
                        "Path": "lines.value",
                    }},
                    "RightValue": {"Get": "Parameters.Enough"},
                }],
                "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": {
                    "ModelPackageGroupName": "churn",
                    "InferenceSpecification": {"Containers": [{
                        "Image": "i",
                        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
                    }], "SupportedContentTypes": ["text/csv"],
                        "SupportedResponseMIMETypes": ["text/csv"]},
                    "MetadataProperties": {
                        "GeneratedBy": {"Get": "Execution.PipelineExecutionArn"},
                    },
                }}],
                "ElseSteps": [{"Name": "NotEnough", "Type": "Fail", "Arguments": {
                    "ErrorMessage": {"Std:Join": {"On": " ", "Values": [
                        "fewer than", {"Get": "Parameters.Enough"},
                    ]}},
                }}],
            }},
            {"Name": "Train", "Type": "Training", "Arguments": {
                "AlgorithmSpecification": {
                    "TrainingImage": "i",
                    "ContainerEntrypoint": ["sh", "-c",
                        "cat \"$ML\"/input/data/train/* \"$ML\"/input/config/hyperparameters.json \
                         > \"$ML\"/model/model"],
                },
                "HyperParameters": {"depth": 3},
                "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                    "S3Uri": {"Get": "Parameters.Data"},
                }}}],
                "OutputDataConfig": {"S3OutputPath": {"Get": "Parameters.Artifacts"}},
            }},
            {"Name": "Evaluate", "Type": "Processing", "PropertyFiles": [
                {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"},
            ], "Arguments": {
                "AppSpecification": sh("cd \"$ML\"/processing && tar xzf in/model.tar.gz && \
                    printf '{\"lines\":{\"value\":%d}}' $(wc -l < model) > out/report.json"),
                "ProcessingInputs": input(
                    json!({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}),
                    "/opt/ml/processing/in",
                ),
                "ProcessingOutputConfig": output("report", "/opt/ml/processing/out"),
            }},
        ],
    })
}

struct World {
    sagemaker: SageMaker,
    s3: S3,
}

impl World {
    fn new(document: &Value) -> Self {
        let noon = "2026-01-05T12:00:00Z".parse().unwrap();
        let clock = VirtualClock::fixed(noon);
        let sagemaker = SageMaker::new(clock.clone(), "us-east-1", "111122223333");
        let pipeline = Pipeline::defined("churn", &document.to_string()).unwrap();
        sagemaker.create_pipeline(pipeline).unwrap();
        let s3 = S3::new(clock, "us-east-1", "111122223333");
        for bucket in ["data", "models"] {
            s3.create_bucket(bucket, Versioning::Disabled).unwrap();
        }
        Self { sagemaker, s3 }
    }

    /// Starts an execution over these objects and runs it.
    fn run(&self, objects: &[(&str, &str)]) -> Execution {
        for (key, content) in objects {
            let object = NewObject::new((*content).to_owned());
            self.s3.put_object("data", key, object).unwrap();
        }
        let start = json!({
            "PipelineName": "churn",
            "ClientRequestToken": "0123456789abcdef0123456789abcdef",
            "PipelineParameters": [{"Name": "Data", "Value": "s3://data/train"}],
        });
        let answer = self.sagemaker.perform("StartPipelineExecution", &start);
        let arn = answer.unwrap()["PipelineExecutionArn"].clone();
        let local = LocalProcesses::new(".", "ML");
        let status = self
            .sagemaker
            .run_steps(arn.as_str().unwrap(), &self.s3, &local)
            .unwrap();
        let execution = self.sagemaker.executions().pop().unwrap();
        assert_eq!(execution.status, status);
        execution
    }
}

fn told(execution: &Execution) -> Vec<(&str, &str)> {
    let steps = execution.steps.iter();
    steps.map(|step| (&*step.name, &*step.status)).collect()
}

#[test]
fn jobs_run_in_the_order_of_their_needs_and_a_good_model_is_registered() {
    let world = World::new(&document());
    let execution = world.run(&[
        ("train/a.csv", "1\n2\n"),
        ("train/b.csv", "3\n"),
        ("x", "4\n"),
    ]);
    assert_eq!(execution.failure_reason, None);
    assert_eq!(execution.status, ExecutionStatus::Succeeded);
    assert_eq!(
        told(&execution),
        [
            ("Train", "Succeeded"),
            ("Evaluate", "Succeeded"),
            ("Compare", "Succeeded"),
            ("Register", "Succeeded"),
        ]
    );
    let package = world.sagemaker.packages().pop().unwrap();
    assert_eq!(
        package.approval_status,
        ApprovalStatus::PendingManualApproval
    );
    assert_eq!(
        package.details["MetadataProperties"]["GeneratedBy"],
        json!(execution.arn)
    );
    let url = &package.details["InferenceSpecification"]["Containers"][0]["ModelDataUrl"];
    let model = "s3://models/churn/pipelines-000000000001-Train/output/model.tar.gz";
    assert_eq!(url, model);
    assert!(!world.s3.read(model).unwrap().is_empty());
    let report = world
        .s3
        .read("s3://models/churn/000000000001/report/report.json");
    assert_eq!(report.unwrap(), r#"{"lines":{"value":3}}"#);
}

#[test]
fn a_model_that_is_not_good_ends_in_the_fail_step_and_is_not_registered() {
    let world = World::new(&document());
    let execution = world.run(&[("train/a.csv", "1\n")]);
    assert_eq!(
        told(&execution),
        [
            ("Train", "Succeeded"),
            ("Evaluate", "Succeeded"),
            ("Compare", "Succeeded"),
            ("NotEnough", "Failed"),
        ]
    );
    let step = execution.steps.last().unwrap();
    assert_eq!(step.failure_reason.as_deref(), Some("fewer than 3"));
    assert_eq!(
        step.metadata,
        Some(json!({"Fail": {"ErrorMessage": "fewer than 3"}}))
    );
    let compare = &execution.steps[2];
    assert_eq!(
        compare.metadata,
        Some(json!({"Condition": {"Outcome": "False"}}))
    );
    assert!(world.sagemaker.packages().is_empty());
}

#[test]
fn a_job_that_fails_ends_the_execution_with_its_own_words() {
    let mut document = document();
    let script = "mkdir \"$ML\"/output; printf 'too odd' > \"$ML\"/output/failure; exit 3";
    let place = "/Steps/1/Arguments/AlgorithmSpecification/ContainerEntrypoint/2";
    *document.pointer_mut(place).unwrap() = json!(script);
    let execution = World::new(&document).run(&[("train/a.csv", "1\n")]);
    assert_eq!(told(&execution), [("Train", "Failed")]);
    let reason = execution.failure_reason.unwrap();
    assert!(
        reason.ends_with("Train: AlgorithmError: too odd"),
        "{reason}"
    );

    *document.pointer_mut(place).unwrap() = json!("echo oh >&2; exit 3");
    let execution = World::new(&document).run(&[("train/a.csv", "1\n")]);
    let reason = execution.failure_reason.unwrap();
    assert!(reason.ends_with("oh, exit status: 3"), "{reason}");
}

#[test]
fn a_job_without_data_fails() {
    let execution = World::new(&document()).run(&[("other/a.csv", "1\n")]);
    let reason = execution.failure_reason.unwrap();
    assert!(
        reason.contains("there is nothing at s3://data/train"),
        "{reason}"
    );
}

#[test]
fn what_is_described_is_what_was_given() {
    let world = World::new(&document());
    let request = json!({"PipelineName": "churn"});
    let answer = world
        .sagemaker
        .perform("DescribePipeline", &request)
        .unwrap();
    assert_eq!(answer["PipelineDefinition"], json!(document().to_string()));
}

#[test]
fn a_pipeline_without_a_definition_has_nothing_to_run() {
    let world = World::new(&document());
    let bare = Pipeline::new("bare");
    world.sagemaker.create_pipeline(bare).unwrap();
    let arn = world.sagemaker.start_by_hand("bare", "").unwrap();
    let local = LocalProcesses::new(".", "ML");
    let error = world.sagemaker.run_steps(&arn, &world.s3, &local);
    assert!(matches!(error, Err(RunError::NoDefinition(_))));
}

#[test]
fn a_definition_with_a_mistake_is_refused() {
    let mistakes = [
        ("/Version", json!("2021-01-01"), "version"),
        ("/Steps/0/Type", json!("Compare"), "Steps[0].Type"),
        ("/Steps/0/Name", json!("Train"), "named twice"),
        ("/Steps/1/Nmae", json!("x"), "Nmae"),
        ("/Steps/1/DependsOn", json!(["Nobody"]), "unknown Nobody"),
        ("/Parameters/1/Name", json!("Data"), "declared twice"),
        (
            "/Parameters/2/DefaultValue",
            json!("three"),
            "Enough is not of its type",
        ),
        ("/Parameters/1/Name", json!("Other"), "Parameters.Artifacts"),
        (
            "/Steps/0/Arguments/IfSteps/0/Type",
            json!("Register"),
            "IfSteps of Compare",
        ),
    ];
    for (place, value, named) in mistakes {
        let mut document = document();
        let (parent, member) = place.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[member] = value;
        let error = Definition::parse(&document.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{place}: {error}");
    }
}

#[test]
fn steps_that_wait_for_each_other_fail() {
    let mut document = document();
    document["Steps"][1]["DependsOn"] = json!(["Evaluate"]);
    let execution = World::new(&document).run(&[("train/a.csv", "1\n")]);
    let reason = execution.failure_reason.unwrap();
    assert_eq!(reason, "the steps wait for each other");
}
