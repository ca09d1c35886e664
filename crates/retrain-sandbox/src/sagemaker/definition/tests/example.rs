//! The pipelines of examples/fraud-detection, with containers that do nothing.

use std::fs;

use crate::s3::{NewObject, Versioning};
use crate::sagemaker::definition::{Container, Containers};
use crate::sagemaker::{Execution, Pipeline, SageMaker};
use crate::{S3, VirtualClock};

/// Leaves a file wherever one is waited for, and a report of a model that is no better.
#[derive(Debug)]
struct Nothing;

impl Containers for Nothing {
    fn run(&self, container: &Container<'_>) -> Result<String, String> {
        let report = r#"{"comparison":{"auc_improvement":{"value":0}}}"#;
        for (folder, file, content) in [
            ("processing/output/train", "train.csv", "1"),
            ("processing/output/test", "test.csv", "1"),
            ("processing/output/data_quality", "statistics.json", "{}"),
            ("processing/output/evaluation", "evaluation.json", report),
            ("model", "model.joblib", "1"),
        ] {
            let folder = container.root.join(folder);
            if folder.is_dir() {
                fs::write(folder.join(file), content).map_err(|error| error.to_string())?;
            }
        }
        Ok("validation:auc=0.9;".to_owned())
    }
}

/// A world with this pipeline and an object to train on.
fn world(definition: &str) -> (SageMaker, S3) {
    let path = format!(
        "{}/../../examples/fraud-detection/pipeline/{definition}",
        env!("CARGO_MANIFEST_DIR")
    );
    // What a build fills in is some text, or the bucket.
    let text = fs::read_to_string(path).unwrap();
    let (before, places) = text.split_once("${").unwrap();
    let filled = places
        .split("${")
        .map(|part| part.split_once('}').unwrap().1);
    let text = [before].into_iter().chain(filled).collect::<Vec<_>>();
    let text = text.join("s3://bucket");
    let clock = VirtualClock::fixed("2026-01-05T12:00:00Z".parse().unwrap());
    let sagemaker = SageMaker::new(clock.clone(), "us-east-1", "111122223333");
    let pipeline = Pipeline::defined("training", &text).unwrap();
    sagemaker.create_pipeline(pipeline).unwrap();
    let s3 = S3::new(clock, "us-east-1", "111122223333");
    s3.create_bucket("bucket", Versioning::Enabled).unwrap();
    let object = NewObject::new("1");
    s3.put_object("bucket", "training/a.csv", object).unwrap();
    (sagemaker, s3)
}

/// Which steps a start with this token and manifest takes from the cache.
fn taken((sagemaker, s3): &(SageMaker, S3), token: &str, manifest: &str) -> Vec<String> {
    let given = [
        ("InputDataUri", "s3://bucket/training/"),
        ("ControllerToken", token),
        ("ManifestUri", manifest),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let arn = sagemaker.start_by_hand_with("training", "", given.into());
    sagemaker.run_steps(&arn.unwrap(), s3, &Nothing).unwrap();
    let execution = sagemaker.executions().pop().unwrap();
    let reached = execution.steps.last().map(|step| &*step.name);
    assert_eq!(reached, Some("ModelNotBetter"), "{execution:?}");
    cached(execution)
}

fn cached(execution: Execution) -> Vec<String> {
    let steps = execution.steps.into_iter();
    let cached = steps.filter(|step| step.cached_from.is_some());
    cached.map(|step| step.name).collect()
}

#[test]
fn only_the_same_start_takes_what_is_there_already() {
    for (definition, model) in [
        ("definition.json", "TrainModel"),
        ("definition-tuning.json", "TuneModel"),
    ] {
        let world = world(definition);
        let nothing: [&str; 0] = [];
        assert_eq!(taken(&world, "one", "s3://bucket/m/1"), nothing);
        assert_eq!(taken(&world, "two", "s3://bucket/m/1"), nothing);
        assert_eq!(taken(&world, "one", "s3://bucket/m/2"), nothing);
        let again = taken(&world, "one", "s3://bucket/m/1");
        assert_eq!(again, ["ProcessData", model], "{definition}");
        // After a week it would be done anew.
        world.0.clock.advance(jiff::SignedDuration::from_hours(168));
        assert_eq!(taken(&world, "one", "s3://bucket/m/1"), nothing);
    }
}
