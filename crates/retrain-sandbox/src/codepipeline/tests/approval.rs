use super::*;

const DECIDE: &str = "Decide";

/// A pipeline whose second stage asks a person, and an execution that is there.
fn asking(mode: ExecutionMode) -> (CodePipeline, String) {
    let codepipeline = codepipeline(mode);
    let deploy = Pipeline::new("deploy").mode(mode).stages([
        Stage::new("Source").action("Source", ActionCategory::Source),
        Stage::new("Approve").action(DECIDE, ActionCategory::Approval),
        Stage::new("Deploy").action("Deploy", ActionCategory::Deploy),
    ]);
    codepipeline.create_pipeline(deploy).unwrap();
    let id = codepipeline.start_by_hand("deploy").unwrap();
    codepipeline.pass_stage(&id).unwrap();
    (codepipeline, id)
}

fn token(codepipeline: &CodePipeline) -> Value {
    let state = codepipeline
        .perform("GetPipelineState", &json!({"name": "deploy"}))
        .unwrap();
    state["stageStates"][1]["actionStates"][0]["latestExecution"]["token"].clone()
}

fn answer(
    codepipeline: &CodePipeline,
    token: &Value,
    changes: Value,
) -> Result<Value, ServiceError> {
    let valid = json!({
        "pipelineName": "deploy",
        "stageName": "Approve",
        "actionName": DECIDE,
        "result": {"status": "Approved", "summary": "good"},
        "token": token,
    });
    codepipeline.perform("PutApprovalResult", &over(valid, changes))
}

#[test]
fn an_approval_lets_the_execution_go_on_once() {
    let (codepipeline, _) = asking(ExecutionMode::Superseded);
    let token = token(&codepipeline);
    let approved = answer(&codepipeline, &token, json!({})).unwrap();
    assert_eq!(approved, json!({"approvedAt": 1_767_614_400}));
    assert_eq!(
        standing(&codepipeline),
        [(ExecutionStatus::InProgress, 2, false)]
    );
    assert_eq!(
        code(answer(&codepipeline, &token, json!({}))),
        "ApprovalAlreadyCompletedException"
    );
}

#[test]
fn a_rejection_fails_the_execution() {
    let (codepipeline, id) = asking(ExecutionMode::Superseded);
    let token = token(&codepipeline);
    let rejected = json!({"result": {"status": "Rejected", "summary": "bias"}});
    answer(&codepipeline, &token, rejected).unwrap();
    let execution = &codepipeline.executions()[0];
    assert_eq!(execution.id, id);
    assert_eq!(execution.status, ExecutionStatus::Failed);
    assert_eq!(execution.status_summary.as_deref(), Some("bias"));
    assert_eq!(execution.actions[1].status, ActionStatus::Failed);
}

#[test]
fn a_token_is_good_for_its_open_approval_only() {
    let (codepipeline, id) = asking(ExecutionMode::Superseded);
    let first = token(&codepipeline);
    let other = json!(uuid(0x0c, 99));
    assert_eq!(
        code(answer(&codepipeline, &other, json!({}))),
        "InvalidApprovalTokenException"
    );
    codepipeline
        .finish(&id, ExecutionStatus::Failed, None)
        .unwrap();
    assert_eq!(token(&codepipeline), Value::Null);
    assert_eq!(
        code(answer(&codepipeline, &first, json!({}))),
        "InvalidApprovalTokenException"
    );
    codepipeline.retry_stage(&id).unwrap();
    let second = token(&codepipeline);
    assert_ne!(second, first);
    assert!(answer(&codepipeline, &second, json!({})).is_ok());
}

#[test]
fn what_the_request_names_must_be_there_and_be_an_approval() {
    let (codepipeline, _) = asking(ExecutionMode::Superseded);
    let token = token(&codepipeline);
    let result = |summary: usize, status: &str| json!({"result": {"summary": "x".repeat(summary), "status": status}});
    for (changes, expected) in [
        (
            json!({"pipelineName": "other"}),
            "PipelineNotFoundException",
        ),
        (json!({"stageName": "Other"}), "StageNotFoundException"),
        (json!({"actionName": "Other"}), "ActionNotFoundException"),
        (
            json!({"stageName": "Deploy", "actionName": "Deploy"}),
            "ActionNotFoundException",
        ),
        (json!({"token": "t"}), "ValidationException"),
        (json!({"token": null}), "ValidationException"),
        (json!({"result": null}), "ValidationException"),
        (
            json!({"result": {"status": "Approved"}}),
            "ValidationException",
        ),
        (json!({"result": {"summary": ""}}), "ValidationException"),
        (result(513, "Approved"), "ValidationException"),
        (result(1, "Maybe"), "ValidationException"),
    ] {
        let shown = changes.to_string();
        let refused = code(answer(&codepipeline, &token, changes));
        assert_eq!(refused, expected, "{shown}");
    }
    assert!(answer(&codepipeline, &token, result(512, "Approved")).is_ok());
}

#[test]
fn in_parallel_mode_only_the_actions_tell_the_token() {
    let (codepipeline, id) = asking(ExecutionMode::Parallel);
    assert_eq!(token(&codepipeline), Value::Null);
    let actions = codepipeline
        .perform(
            "ListActionExecutions",
            &json!({"pipelineName": "deploy", "filter": {"pipelineExecutionId": id}}),
        )
        .unwrap();
    let result = &actions["actionExecutionDetails"][0]["output"]["executionResult"];
    let token = &result["externalExecutionId"];
    assert!(answer(&codepipeline, token, json!({})).is_ok());
}
