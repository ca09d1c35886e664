use super::*;

fn list(codepipeline: &CodePipeline, changes: Value) -> Result<Value, ServiceError> {
    let request = json!({"pipelineName": "churn"});
    codepipeline.perform("ListPipelineExecutions", &over(request, changes))
}

fn listed_ids(answer: &Value) -> Vec<&str> {
    let summaries = answer["pipelineExecutionSummaries"].as_array().unwrap();
    summaries
        .iter()
        .map(|summary| summary["pipelineExecutionId"].as_str().unwrap())
        .collect()
}

#[test]
fn an_execution_is_got_with_its_resolved_variables_and_listed_with_its_times() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let id = start(&codepipeline, json!({})).unwrap();
    pass(&codepipeline, 60);
    codepipeline
        .finish(&id, ExecutionStatus::Failed, Some("out of memory"))
        .unwrap();
    let trigger = json!({
        "triggerType": "StartPipelineExecution",
        "triggerDetail": "arn:aws:iam::111122223333:user/sandbox",
    });
    assert_eq!(
        get(&codepipeline, &id),
        json!({
            "pipelineName": "churn",
            "pipelineVersion": 1,
            "pipelineExecutionId": id,
            "status": "Failed",
            "statusSummary": "out of memory",
            "artifactRevisions": [],
            "variables": [
                {"name": "Data", "resolvedValue": "s3://data/"},
                {"name": "Kind", "resolvedValue": "none"},
            ],
            "trigger": trigger,
            "executionMode": "SUPERSEDED",
            "executionType": "STANDARD",
        })
    );
    assert_eq!(
        list(&codepipeline, json!({})).unwrap(),
        json!({"pipelineExecutionSummaries": [{
            "pipelineExecutionId": id,
            "status": "Failed",
            "statusSummary": "out of memory",
            "startTime": 1_767_614_400,
            "lastUpdateTime": 1_767_614_460,
            "sourceRevisions": [],
            "trigger": trigger,
            "executionMode": "SUPERSEDED",
            "executionType": "STANDARD",
        }]})
    );
}

#[test]
fn the_newest_come_first_in_pages_of_a_hundred() {
    let codepipeline = codepipeline(ExecutionMode::Parallel);
    codepipeline.set_concurrency_limit(1000);
    let mut ids = started(&codepipeline, 101);
    ids.reverse();
    let first = list(&codepipeline, json!({})).unwrap();
    assert_eq!(listed_ids(&first), ids[..100]);
    // A start between two pages repeats nothing.
    start(&codepipeline, json!({})).unwrap();
    let rest = json!({"nextToken": first["nextToken"]});
    let second = list(&codepipeline, rest).unwrap();
    assert_eq!(listed_ids(&second), ids[100..]);
    assert_eq!(second.get("nextToken"), None);
    for (size, good) in [(1, true), (100, true), (0, false), (101, false)] {
        let answer = list(&codepipeline, json!({"maxResults": size}));
        assert_eq!(answer.is_ok(), good, "{size}");
    }
    assert_eq!(
        code(list(&codepipeline, json!({"nextToken": "x"}))),
        "InvalidNextTokenException"
    );
    assert_eq!(
        code(list(&codepipeline, json!({"pipelineName": "other"}))),
        "PipelineNotFoundException"
    );
    let filter = json!({"succeededInStage": {"stageName": "Build"}});
    assert_eq!(
        code(list(&codepipeline, json!({"filter": filter}))),
        "ValidationException"
    );
}

#[test]
fn a_lagging_list_hides_new_executions_but_not_from_their_token() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    codepipeline.set_list_lag(SignedDuration::from_secs(30));
    let id = start(&codepipeline, json!({})).unwrap();
    pass(&codepipeline, 29);
    let shown = || listed_ids(&list(&codepipeline, json!({})).unwrap()).len();
    assert_eq!(shown(), 0);
    assert_eq!(start(&codepipeline, json!({})).unwrap(), id);
    assert_eq!(get(&codepipeline, &id)["status"], "InProgress");
    pass(&codepipeline, 1);
    assert_eq!(shown(), 1);
}

#[test]
fn a_start_by_hand_is_listed_and_marked() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let id = codepipeline.start_by_hand("churn").unwrap();
    let execution = &codepipeline.executions()[0];
    assert!(execution.started_by_hand && execution.token.is_none());
    let got = get(&codepipeline, &id);
    assert_eq!(
        got["variables"],
        json!([{"name": "Kind", "resolvedValue": "none"}])
    );
    assert_eq!(
        got["trigger"]["triggerDetail"],
        "arn:aws:iam::111122223333:user/person"
    );
    assert!(codepipeline.start_by_hand("other").is_err());
}

#[test]
fn a_stop_is_asked_for_once_and_once_more_to_abandon() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let id = start(&codepipeline, json!({})).unwrap();
    let stop = |changes: Value| {
        let request = json!({"pipelineName": "churn", "pipelineExecutionId": id});
        codepipeline.perform("StopPipelineExecution", &over(request, changes))
    };
    let long = json!({"reason": "x".repeat(201)});
    assert_eq!(code(stop(long)), "ValidationException");
    let reason = json!({"reason": "x".repeat(200)});
    assert_eq!(stop(reason).unwrap()["pipelineExecutionId"], json!(id));
    assert_eq!(get(&codepipeline, &id)["status"], "Stopping");
    assert_eq!(code(stop(json!({}))), "DuplicatedStopRequestException");
    let running = |codepipeline: &CodePipeline| codepipeline.executions()[0].actions[0].status;
    assert_eq!(running(&codepipeline), ActionStatus::InProgress);
    stop(json!({"abandon": true, "reason": "now"})).unwrap();
    assert_eq!(running(&codepipeline), ActionStatus::Abandoned);
    for abandon in [true, false] {
        let again = stop(json!({"abandon": abandon}));
        assert_eq!(code(again), "DuplicatedStopRequestException");
    }
    codepipeline
        .finish(&id, ExecutionStatus::Stopped, None)
        .unwrap();
    assert_eq!(
        code(stop(json!({}))),
        "PipelineExecutionNotStoppableException"
    );
    let summaries = list(&codepipeline, json!({})).unwrap();
    assert_eq!(
        summaries["pipelineExecutionSummaries"][0]["stopTrigger"],
        json!({"reason": "now"})
    );
}

#[test]
fn unknown_executions_and_operations_are_refused() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    codepipeline
        .create_pipeline(Pipeline::new("fraud"))
        .unwrap();
    let of_fraud = codepipeline.start_by_hand("fraud").unwrap();
    for operation in ["GetPipelineExecution", "StopPipelineExecution"] {
        for (pipeline, id, expected) in [
            ("churn", &*of_fraud, "PipelineExecutionNotFoundException"),
            ("other", &*of_fraud, "PipelineNotFoundException"),
            ("churn", "none", "ValidationException"),
        ] {
            let request = json!({"pipelineName": pipeline, "pipelineExecutionId": id});
            let answer = codepipeline.perform(operation, &request);
            assert_eq!(code(answer), expected, "{operation}");
        }
    }
    assert_eq!(
        code(codepipeline.perform("DeletePipeline", &json!({}))),
        "UnknownOperationException"
    );
}

#[test]
fn executions_go_with_their_pipeline() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let id = start(&codepipeline, json!({})).unwrap();
    codepipeline.delete_pipeline("churn").unwrap();
    assert!(codepipeline.delete_pipeline("churn").is_err());
    codepipeline.create_pipeline(churn()).unwrap();
    let request = json!({"pipelineName": "churn", "pipelineExecutionId": id});
    assert_eq!(
        code(codepipeline.perform("GetPipelineExecution", &request)),
        "PipelineExecutionNotFoundException"
    );
    assert_ne!(codepipeline.start_by_hand("churn").unwrap(), id);
}

#[test]
fn actions_are_listed_newest_first() {
    let codepipeline = codepipeline(ExecutionMode::Parallel);
    let ids = started(&codepipeline, 2);
    codepipeline.pass_stage(&ids[0]).unwrap();
    let actions = |changes: Value| {
        let request = over(json!({"pipelineName": "churn"}), changes);
        codepipeline.perform("ListActionExecutions", &request)
    };
    let told = |answer: &Value| -> Vec<String> {
        let details = answer["actionExecutionDetails"].as_array().unwrap();
        details
            .iter()
            .map(|action| format!("{} {}", action["actionName"], action["status"]).replace('"', ""))
            .collect()
    };
    assert_eq!(
        told(&actions(json!({})).unwrap()),
        ["Build InProgress", "Source InProgress", "Source Succeeded"]
    );
    let filter = json!({"filter": {"pipelineExecutionId": ids[0]}, "maxResults": 1});
    let first = actions(filter.clone()).unwrap();
    assert_eq!(told(&first), ["Build InProgress"]);
    let rest = over(filter, json!({"nextToken": first["nextToken"]}));
    assert_eq!(told(&actions(rest).unwrap()), ["Source Succeeded"]);
    let unknown = json!({"filter": {"pipelineExecutionId": uuid(0, 0)}});
    assert_eq!(code(actions(unknown)), "PipelineExecutionNotFoundException");
}
