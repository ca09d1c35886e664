//! What is taken from an earlier execution, and what is done anew.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::{World, document};
use crate::s3::NewObject;
use crate::sagemaker::definition::LocalProcesses;
use crate::sagemaker::{Definition, Execution, ExecutionStatus, Pipeline};

/// Its training sees the controller's token, and is cached like the evaluation after it.
fn cached() -> Value {
    let mut document = document();
    let parameters = document["Parameters"].as_array_mut().unwrap();
    parameters.push(json!({"Name": "Token", "Type": "String"}));
    document["Steps"][1]["Arguments"]["HyperParameters"]["controller_token"] =
        json!({"Get": "Parameters.Token"});
    for step in [1, 2] {
        document["Steps"][step]["CacheConfig"] = json!({"Enabled": true, "ExpireAfter": "P7D"});
    }
    document
}

/// A world in which three lines are there to be trained on.
fn world(document: &Value) -> World {
    let world = World::new(document);
    write(&world, "1\n2\n3\n");
    world
}

fn write(world: &World, lines: &str) {
    let object = NewObject::new(lines.to_owned());
    world.s3.put_object("data", "train/a.csv", object).unwrap();
}

fn run(world: &World, pipeline: &str, token: &str) -> Execution {
    let given = [("Data", "s3://data/train"), ("Token", token)];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let arn = { &world.sagemaker }
        .start_by_hand_with(pipeline, "", given.into())
        .unwrap();
    let local = LocalProcesses::new(".", "ML");
    world.sagemaker.run_steps(&arn, &world.s3, &local).unwrap();
    world.sagemaker.executions().pop().unwrap()
}

/// Each step that was taken from the cache.
fn taken(execution: &Execution) -> Vec<&str> {
    let steps = execution.steps.iter();
    let cached = steps.filter(|step| step.cached_from.is_some());
    cached.map(|step| &*step.name).collect()
}

#[test]
fn a_step_that_is_given_the_same_takes_the_earlier_result() {
    let world = world(&cached());
    let first = run(&world, "churn", "one");
    assert!(taken(&first).is_empty());
    let again = run(&world, "churn", "one");
    assert_eq!(taken(&again), ["Train", "Evaluate"]);
    assert_eq!(again.status, ExecutionStatus::Succeeded);
    // Later steps go on with what the earlier ones have left, values in files too.
    let packages = world.sagemaker.packages();
    let models: Vec<_> = packages
        .iter()
        .map(|one| &one.details["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
        .collect();
    assert_eq!(models.len(), 2);
    assert_eq!(models[0], models[1]);

    let request = json!({"PipelineExecutionArn": again.arn});
    let told = { &world.sagemaker }
        .perform("ListPipelineExecutionSteps", &request)
        .unwrap();
    let train = &told["PipelineExecutionSteps"][0];
    assert_eq!(train["StepStatus"], "Succeeded");
    assert_eq!(
        train["CacheHitResult"],
        json!({"SourcePipelineExecutionArn": first.arn})
    );
    // The job is the earlier one: there is no other.
    assert_eq!(
        train["Metadata"]["TrainingJob"]["Arn"],
        first.steps[0].metadata.as_ref().unwrap()["TrainingJob"]["Arn"]
    );
    assert_eq!(
        told["PipelineExecutionSteps"][2].get("CacheHitResult"),
        None
    );
}

#[test]
fn another_token_of_the_controller_trains_anew() {
    let world = world(&cached());
    run(&world, "churn", "one");
    let other = run(&world, "churn", "two");
    // The evaluation takes another model in, so it is another one too.
    assert!(taken(&other).is_empty());
    // Any of the earlier ones is taken, not only the last.
    assert_eq!(taken(&run(&world, "churn", "one")), ["Train", "Evaluate"]);
}

#[test]
fn without_the_token_new_data_in_the_same_place_is_not_seen() {
    let mut document = cached();
    let training = document["Steps"][1]["Arguments"].as_object_mut().unwrap();
    training["HyperParameters"] = json!({"depth": 3});
    let world = world(&document);
    run(&world, "churn", "one");
    write(&world, "4\n5\n6\n7\n");
    // This is the old model of an old start, which a definition must not allow.
    assert_eq!(taken(&run(&world, "churn", "two")), ["Train", "Evaluate"]);
}

#[test]
fn a_result_that_is_too_old_is_not_taken() {
    let world = world(&cached());
    let noon = world.sagemaker.clock.now();
    run(&world, "churn", "one");
    world.sagemaker.clock.set(noon + 167.hours() + 59.minutes());
    assert_eq!(taken(&run(&world, "churn", "one")), ["Train", "Evaluate"]);
    // A hit makes nothing younger.
    world.sagemaker.clock.set(noon + 168.hours());
    assert!(taken(&run(&world, "churn", "one")).is_empty());
    assert_eq!(taken(&run(&world, "churn", "one")), ["Train", "Evaluate"]);
}

#[test]
fn where_a_step_writes_and_on_what_it_runs_makes_no_other_result() {
    let mut document = cached();
    let world = world(&document);
    run(&world, "churn", "one");
    document["Steps"][1]["Arguments"]["ResourceConfig"] = json!({"InstanceType": "ml.m5.xlarge"});
    let place = json!({"Get": "Execution.PipelineExecutionId"});
    let place = json!({"Std:Join": {"On": "/", "Values": ["s3://models/other", place]}});
    document["Steps"][1]["Arguments"]["OutputDataConfig"] = json!({"S3OutputPath": place});
    redefine(&world, &document);
    assert_eq!(taken(&run(&world, "churn", "one")), ["Train", "Evaluate"]);
    // Another image is another algorithm.
    document["Steps"][1]["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = json!("j");
    redefine(&world, &document);
    assert!(taken(&run(&world, "churn", "one")).is_empty());
}

/// `UpdatePipeline`.
fn redefine(world: &World, document: &Value) {
    let pipeline = Pipeline::defined("churn", &document.to_string()).unwrap();
    let mut state = world.sagemaker.lock();
    state.pipelines[0].pipeline = pipeline;
}

#[test]
fn a_step_that_is_not_cached_takes_nothing_and_can_be_taken() {
    let mut document = cached();
    document["Steps"][1]["CacheConfig"] = json!({"Enabled": false});
    let world = world(&document);
    run(&world, "churn", "one");
    assert!(!taken(&run(&world, "churn", "one")).contains(&"Train"));
    redefine(&world, &cached());
    assert!(taken(&run(&world, "churn", "one")).contains(&"Train"));
}

#[test]
fn what_has_failed_and_what_another_pipeline_did_is_not_taken() {
    let mut document = cached();
    let world = world(&document);
    run(&world, "churn", "one");
    let other = Pipeline::defined("other", &document.to_string()).unwrap();
    world.sagemaker.create_pipeline(other).unwrap();
    assert!(taken(&run(&world, "other", "one")).is_empty());

    let script = "test \"$(cat \"$ML\"/input/data/train/*)\" = fine && touch \"$ML\"/model/model";
    let place = "/Steps/1/Arguments/AlgorithmSpecification/ContainerEntrypoint/2";
    *document.pointer_mut(place).unwrap() = json!(script);
    redefine(&world, &document);
    assert_eq!(run(&world, "churn", "one").status, ExecutionStatus::Failed);
    write(&world, "fine");
    let again = run(&world, "churn", "one");
    assert_eq!(again.steps[0].status, "Succeeded");
    assert!(taken(&again).is_empty());
}

#[test]
fn a_pipeline_that_is_deleted_takes_its_cache_with_it() {
    let document = cached();
    let world = world(&document);
    run(&world, "churn", "one");
    world.sagemaker.delete_pipeline("churn").unwrap();
    let again = Pipeline::defined("churn", &document.to_string()).unwrap();
    world.sagemaker.create_pipeline(again).unwrap();
    assert!(taken(&run(&world, "churn", "one")).is_empty());
}

#[test]
fn a_duration_is_one_of_iso_8601_or_as_the_guide_writes_it() {
    for (written, fits) in [
        ("P7D", true),
        ("30d", true),
        ("5y", true),
        ("T16m", true),
        ("30dT5h", true),
        ("PT90M", true),
        ("P0D", false),
        ("-P1D", false),
        ("a week", false),
        ("", false),
    ] {
        let mut document = cached();
        document["Steps"][1]["CacheConfig"]["ExpireAfter"] = json!(written);
        let parsed = Definition::parse(&document.to_string());
        assert_eq!(parsed.is_ok(), fits, "{written}: {parsed:?}");
    }
}

#[test]
fn a_cache_that_cannot_be_is_refused() {
    for (step, config, named) in [
        (1, json!({"Enabled": true}), "needs ExpireAfter"),
        (1, json!({"ExpireAfter": "P7D"}), "Enabled"),
        (
            0,
            json!({"Enabled": true, "ExpireAfter": "P7D"}),
            "step Compare is cached",
        ),
    ] {
        let mut document = cached();
        document["Steps"][step]["CacheConfig"] = config;
        let error = Definition::parse(&document.to_string()).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
}
