//! The operations, without HTTP between.

mod executions;
mod registry;
mod start;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A SageMaker with one pipeline, which needs `Data` and has a default for `Kind`.
fn sagemaker() -> SageMaker {
    let noon = "2026-01-05T12:00:00Z".parse().unwrap();
    let sagemaker = SageMaker::new(VirtualClock::fixed(noon), "us-east-1", "111122223333");
    let pipeline = Pipeline::new("Churn")
        .parameter("Data")
        .parameter_with_default("Kind", "none");
    sagemaker.create_pipeline(pipeline).unwrap();
    sagemaker
}

/// A request with `changes` over it; null takes a member away.
fn over(mut request: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (member, value) in changes {
        request[member] = value;
    }
    request
}

fn token(number: usize) -> String {
    format!("{number:032}")
}

/// A valid start, with `changes` over it.
fn start(sagemaker: &SageMaker, changes: Value) -> Result<String, ServiceError> {
    let valid = json!({
        "PipelineName": "Churn",
        "ClientRequestToken": TOKEN,
        "PipelineParameters": [{"Name": "Data", "Value": "s3://data/"}],
    });
    sagemaker
        .perform("StartPipelineExecution", &over(valid, changes))
        .map(|answer| answer["PipelineExecutionArn"].as_str().unwrap().to_owned())
}

fn started(sagemaker: &SageMaker, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| start(sagemaker, json!({"ClientRequestToken": token(number)})).unwrap())
        .collect()
}

fn code<T>(result: Result<T, ServiceError>) -> String {
    result.err().expect("an error").code
}

fn pass(sagemaker: &SageMaker, seconds: i64) {
    sagemaker.clock.advance(SignedDuration::from_secs(seconds));
}

/// What the members named `member` of a list's items are.
fn all<'a>(answer: &'a Value, list: &str, member: &str) -> Vec<&'a Value> {
    answer[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item[member])
        .collect()
}
