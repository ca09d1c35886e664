//! Jobs of Lambda actions.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_job_is_answered_once() {
    let codepipeline = codepipeline(ExecutionMode::Parallel);
    let event = codepipeline.invoke("{}", None);
    let id = event["CodePipeline.job"]["id"].clone();
    let succeed = |members: Value| codepipeline.perform("PutJobSuccessResult", &members);
    succeed(json!({"jobId": id, "continuationToken": "again"})).unwrap();
    assert_eq!(
        code(succeed(json!({"jobId": id}))),
        "InvalidJobStateException"
    );
    assert_eq!(
        codepipeline.jobs()[0].answer,
        Some(JobAnswer::Continue {
            token: "again".to_owned()
        })
    );
    let next = codepipeline.invoke("{}", Some("again"));
    assert_eq!(
        next["CodePipeline.job"]["data"]["continuationToken"],
        "again"
    );
    let id = next["CodePipeline.job"]["id"].clone();
    let fail = |members: Value| codepipeline.perform("PutJobFailureResult", &members);
    let bad = json!({"jobId": id, "failureDetails": {"type": "Tired", "message": "no"}});
    assert_eq!(code(fail(bad)), "ValidationException");
    let long =
        json!({"jobId": id, "failureDetails": {"type": "JobFailed", "message": "x".repeat(5_001)}});
    assert_eq!(code(fail(long)), "ValidationException");
    fail(json!({"jobId": id, "failureDetails": {"type": "JobFailed", "message": "no"}})).unwrap();
    let unknown = uuid(9, 77);
    assert_eq!(
        code(succeed(json!({"jobId": unknown}))),
        "JobNotFoundException"
    );
}
