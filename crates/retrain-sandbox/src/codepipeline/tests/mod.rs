//! The operations, without HTTP between.

mod approval;
mod executions;
mod flow;
mod jobs;
mod pipelines;
mod start;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

/// A CodePipeline with one pipeline, which needs `Data` and has a default for `Kind`.
fn codepipeline(mode: ExecutionMode) -> CodePipeline {
    let noon = "2026-01-05T12:00:00Z".parse().unwrap();
    let codepipeline = CodePipeline::new(VirtualClock::fixed(noon), "us-east-1", "111122223333");
    codepipeline.create_pipeline(churn().mode(mode)).unwrap();
    codepipeline
}

fn churn() -> Pipeline {
    Pipeline::new("churn")
        .variable("Data")
        .variable_with_default("Kind", "none")
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

/// A valid start, with `changes` over it.
fn start(codepipeline: &CodePipeline, changes: Value) -> Result<String, ServiceError> {
    let valid = json!({
        "name": "churn",
        "clientRequestToken": "token-1",
        "variables": [{"name": "Data", "value": "s3://data/"}],
    });
    codepipeline
        .perform("StartPipelineExecution", &over(valid, changes))
        .map(|answer| answer["pipelineExecutionId"].as_str().unwrap().to_owned())
}

fn started(codepipeline: &CodePipeline, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let token = format!("started-{number}");
            start(codepipeline, json!({"clientRequestToken": token})).unwrap()
        })
        .collect()
}

fn get(codepipeline: &CodePipeline, id: &str) -> Value {
    let request = json!({"pipelineName": "churn", "pipelineExecutionId": id});
    let answer = codepipeline.perform("GetPipelineExecution", &request);
    answer.unwrap()["pipelineExecution"].clone()
}

/// The status of each execution and whether it waits, in the order of their starts.
fn standing(codepipeline: &CodePipeline) -> Vec<(ExecutionStatus, usize, bool)> {
    let executions = codepipeline.executions().into_iter();
    executions
        .map(|execution| (execution.status, execution.stage, execution.waiting))
        .collect()
}

fn code<T>(result: Result<T, ServiceError>) -> String {
    result.err().expect("an error").code
}

fn pass(codepipeline: &CodePipeline, seconds: i64) {
    codepipeline
        .clock
        .advance(SignedDuration::from_secs(seconds));
}
