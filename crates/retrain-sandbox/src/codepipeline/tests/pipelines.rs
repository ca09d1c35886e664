use super::*;

#[test]
fn a_pipeline_is_got_by_version_with_its_variables() {
    let codepipeline = codepipeline(ExecutionMode::Queued);
    pass(&codepipeline, 60);
    codepipeline.update_pipeline(churn()).unwrap();
    let get = |version: Value| {
        let request = json!({"name": "churn", "version": version});
        codepipeline.perform("GetPipeline", &request)
    };
    let current = get(Value::Null).unwrap();
    assert_eq!(get(json!(2)).unwrap(), current);
    assert_eq!(
        current["pipeline"]["variables"],
        json!([{"name": "Data"}, {"name": "Kind", "defaultValue": "none"}])
    );
    assert_eq!(
        current["metadata"],
        json!({
            "pipelineArn": "arn:aws:codepipeline:us-east-1:111122223333:churn",
            "created": 1_767_614_400,
            "updated": 1_767_614_460,
        })
    );
    let mode = |answer: &Value| answer["pipeline"]["executionMode"].clone();
    assert_eq!(mode(&current), "SUPERSEDED");
    assert_eq!(mode(&get(json!(1)).unwrap()), "QUEUED");
    assert_eq!(code(get(json!(3))), "PipelineVersionNotFoundException");
    assert_eq!(code(get(json!(0))), "ValidationException");
    let unknown = codepipeline.perform("GetPipeline", &json!({"name": "other"}));
    assert_eq!(code(unknown), "PipelineNotFoundException");
}

#[test]
fn the_state_tells_who_is_in_a_stage_and_who_waits() {
    let codepipeline = codepipeline(ExecutionMode::Queued);
    let ids = started(&codepipeline, 3);
    codepipeline.pass_stage(&ids[0]).unwrap();
    codepipeline
        .finish(&ids[0], ExecutionStatus::Failed, None)
        .unwrap();
    let state = codepipeline
        .perform("GetPipelineState", &json!({"name": "churn"}))
        .unwrap();
    let execution = |id: &str, status: &str| json!({"pipelineExecutionId": id, "status": status, "type": "STANDARD"});
    let [source, build] = state["stageStates"].as_array().unwrap().as_slice() else {
        panic!("two stages: {state}");
    };
    assert_eq!(source["latestExecution"], execution(&ids[1], "InProgress"));
    assert_eq!(source["inboundExecution"], execution(&ids[2], "InProgress"));
    assert_eq!(build["latestExecution"], execution(&ids[0], "Failed"));
    assert_eq!(build["inboundExecutions"], json!([]));
    assert_eq!(
        build["actionStates"][0]["latestExecution"]["status"],
        "Failed"
    );
}
