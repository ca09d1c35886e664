//! A tuning step trains at each point of its grid, and others take the best model.

use serde_json::{Value, json};

use super::{World, document, told};
use crate::s3::NewObject;
use crate::sagemaker::definition::LocalProcesses;
use crate::sagemaker::{Definition, Execution, ExecutionStatus};

/// The image's program: its model has as many lines as the product of what is tuned, and a
/// training of the depth 1 fails.
const TRAIN: &str = r#"
hyper=$ML/input/config/hyperparameters.json
value() { sed "s/.*\"$1\":\"\([0-9]*\)\".*/\1/" "$hyper"; }
[ "$(value depth)" = 1 ] && { mkdir "$ML/output"; printf shallow > "$ML/output/failure"; exit 1; }
lines=$(($(value depth) * $(value leaves)))
seq "$lines" > "$ML/model/model"
echo "loss=0.5; score=99 at first"
echo "score=$lines of $(value token)"
"#;

/// The same pipeline, whose training is tuned.
fn tuned() -> Value {
    let mut document = document();
    document["Steps"][1] = json!({
        "Name": "TuneModel",
        "Type": "Tuning",
        "CacheConfig": {"Enabled": true, "ExpireAfter": "P1D"},
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Grid",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": {"MaxParallelTrainingJobs": 2},
                "ParameterRanges": {"CategoricalParameterRanges": [
                    {"Name": "depth", "Values": ["1", "2"]},
                    {"Name": "leaves", "Values": ["1", "3", "2"]},
                ]},
            },
            "TrainingJobDefinition": {
                "AlgorithmSpecification": {
                    "TrainingImage": "i",
                    "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+)"}],
                },
                "StaticHyperParameters": {"token": "one"},
                "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                    "S3Uri": {"Get": "Parameters.Data"},
                }}}],
                "OutputDataConfig": {"S3OutputPath": {"Get": "Parameters.Artifacts"}},
            },
        },
    });
    let model = json!({"Std:Join": {"On": "/", "Values": [
        {"Get": "Parameters.Artifacts"},
        {"Get": "Steps.TuneModel.BestTrainingJob.TrainingJobName"},
        "output/model.tar.gz",
    ]}});
    for place in [
        "/Steps/0/Arguments/IfSteps/0/Arguments/InferenceSpecification/Containers/0/ModelDataUrl",
        "/Steps/2/Arguments/ProcessingInputs/0/S3Input/S3Uri",
    ] {
        *document.pointer_mut(place).unwrap() = model.clone();
    }
    document
}

fn run(document: &Value, program: &str) -> (World, Execution) {
    let world = World::new(document);
    let execution = run_in(&world, program);
    (world, execution)
}

fn run_in(world: &World, program: &str) -> Execution {
    let object = NewObject::new("1\n");
    world.s3.put_object("data", "train/a.csv", object).unwrap();
    let given = [("Data".to_owned(), "s3://data/train".to_owned())];
    let arn = { &world.sagemaker }
        .start_by_hand_with("churn", "", given.into())
        .unwrap();
    let local = LocalProcesses::new(".", "ML").entry_point("train", &["sh", "-c", program]);
    world.sagemaker.run_steps(&arn, &world.s3, &local).unwrap();
    world.sagemaker.executions().pop().unwrap()
}

fn model(world: &World) -> Value {
    let package = world.sagemaker.packages().pop().unwrap();
    package.details["InferenceSpecification"]["Containers"][0]["ModelDataUrl"].clone()
}

#[test]
fn the_best_of_the_grid_is_the_model() {
    let (world, execution) = run(&tuned(), TRAIN);
    assert_eq!(execution.failure_reason, None);
    assert_eq!(told(&execution)[0], ("TuneModel", "Succeeded"));
    let name = "000000000001-TuneMod";
    assert_eq!(
        execution.steps[0].metadata,
        Some(json!({"TuningJob": {"Arn": format!(
            "arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/{}",
            name.to_ascii_lowercase()
        )}}))
    );
    // The fifth point is the depth 2 with 3 leaves.
    assert_eq!(
        model(&world),
        format!("s3://models/churn/{name}-005/output/model.tar.gz")
    );
    let report = { &world.s3 }
        .read("s3://models/churn/000000000001/report/report.json")
        .unwrap();
    assert_eq!(report, r#"{"lines":{"value":6}}"#);
    // Those of the depth 1 have failed, which does not end the others.
    let kept = |number: u32| {
        let uri = format!("s3://models/churn/{name}-00{number}/output/model.tar.gz");
        world.s3.read(&uri).is_ok()
    };
    assert_eq!(
        [1, 2, 3, 4, 5, 6].map(kept),
        [false, false, false, true, true, true]
    );
}

#[test]
fn the_least_is_best_if_it_is_minimized() {
    let mut document = tuned();
    let config = &mut document["Steps"][1]["Arguments"]["HyperParameterTuningJobConfig"];
    config["HyperParameterTuningJobObjective"]["Type"] = json!("Minimize");
    document["Parameters"][2]["DefaultValue"] = json!(1);
    let (world, _) = run(&document, TRAIN);
    assert_eq!(
        model(&world),
        "s3://models/churn/000000000001-TuneMod-004/output/model.tar.gz"
    );
}

#[test]
fn a_tuning_job_fails_if_none_of_its_trainings_tells_how_good_it_is() {
    let (_, execution) = run(&tuned(), "mkdir \"$ML/output\"; exit 3");
    let reason = execution.failure_reason.unwrap();
    assert!(reason.contains("TuneModel: AlgorithmError: "), "{reason}");
    let (_, execution) = run(&tuned(), "echo score=none, score=");
    let reason = execution.failure_reason.unwrap();
    assert!(reason.ends_with("no training has told score"), "{reason}");
}

#[test]
fn a_tuning_step_is_cached_by_what_its_trainings_are_given() {
    let mut document = tuned();
    document["Parameters"]
        .as_array_mut()
        .unwrap()
        .push(json!({"Name": "Token", "Type": "String", "DefaultValue": "one"}));
    let job = &mut document["Steps"][1]["Arguments"]["TrainingJobDefinition"];
    job["StaticHyperParameters"]["token"] = json!({"Get": "Parameters.Token"});
    let (world, _) = run(&document, TRAIN);
    let again = run_in(&world, TRAIN);
    assert!(again.steps[0].cached_from.is_some());
    assert_eq!(
        model(&world),
        "s3://models/churn/000000000001-TuneMod-005/output/model.tar.gz"
    );
    let given = [("Data", "s3://data/train"), ("Token", "two")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let arn = { &world.sagemaker }
        .start_by_hand_with("churn", "", given.into())
        .unwrap();
    let local = LocalProcesses::new(".", "ML").entry_point("train", &["sh", "-c", TRAIN]);
    let status = world.sagemaker.run_steps(&arn, &world.s3, &local).unwrap();
    assert_eq!(status, ExecutionStatus::Succeeded);
    let other = world.sagemaker.executions().pop().unwrap();
    assert_eq!(other.steps[0].cached_from, None);
}

#[test]
fn what_cannot_be_searched_here_is_refused() {
    let config = "/Steps/1/Arguments/HyperParameterTuningJobConfig";
    let definitions =
        "/Steps/1/Arguments/TrainingJobDefinition/AlgorithmSpecification/MetricDefinitions";
    for (place, value, named) in [
        (
            format!("{config}/Strategy"),
            json!("Bayesian"),
            "searches by Bayesian",
        ),
        (
            format!("{config}/ParameterRanges"),
            json!({"IntegerParameterRanges": []}),
            "no IntegerParameterRanges",
        ),
        (
            format!("{config}/ParameterRanges/CategoricalParameterRanges"),
            json!([]),
            "nothing is tuned",
        ),
        (
            format!("{config}/ParameterRanges/CategoricalParameterRanges/0/Values"),
            json!("1"),
            "depth has no values",
        ),
        (
            format!("{config}/ResourceLimits"),
            json!({"MaxNumberOfTrainingJobs": 5}),
            "a grid of 6 points",
        ),
        (
            format!("{config}/HyperParameterTuningJobObjective/MetricName"),
            json!("loss"),
            "nothing defines the metric loss",
        ),
        (
            format!("{definitions}/0/Regex"),
            json!("sc.re=([0-9]+)"),
            "no text with a number",
        ),
        (
            format!("{definitions}/0/Regex"),
            json!("[0-9]+"),
            "no text with a number",
        ),
    ] {
        let mut document = tuned();
        *document.pointer_mut(&place).unwrap() = value;
        let error = Definition::parse(&document.to_string()).unwrap_err();
        assert!(error.to_string().contains(named), "{place}: {error}");
    }
    let mut document = tuned();
    let config = &mut document["Steps"][1]["Arguments"]["HyperParameterTuningJobConfig"];
    config["ResourceLimits"]["MaxNumberOfTrainingJobs"] = json!(6);
    Definition::parse(&document.to_string()).unwrap();
}
