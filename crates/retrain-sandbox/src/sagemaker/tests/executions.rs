use super::*;

fn list(sagemaker: &SageMaker, changes: Value) -> Result<Value, ServiceError> {
    let request = json!({"PipelineName": "Churn"});
    sagemaker.perform("ListPipelineExecutions", &over(request, changes))
}

fn listed_arns(answer: &Value) -> Vec<&Value> {
    all(answer, "PipelineExecutionSummaries", "PipelineExecutionArn")
}

fn on(sagemaker: &SageMaker, operation: &str, arn: &str) -> Result<Value, ServiceError> {
    sagemaker.perform(operation, &json!({"PipelineExecutionArn": arn}))
}

#[test]
fn an_execution_is_described_with_what_it_was_started_with() {
    let sagemaker = sagemaker();
    let arn = start(
        &sagemaker,
        json!({
            "PipelineExecutionDisplayName": "retrain-1",
            "PipelineExecutionDescription": "drift",
        }),
    )
    .unwrap();
    pass(&sagemaker, 60);
    sagemaker
        .finish(&arn, ExecutionStatus::Failed, Some("out of memory"))
        .unwrap();
    assert_eq!(
        on(&sagemaker, "DescribePipelineExecution", &arn).unwrap(),
        json!({
            "PipelineArn": "arn:aws:sagemaker:us-east-1:111122223333:pipeline/Churn",
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": "retrain-1",
            "PipelineExecutionDescription": "drift",
            "PipelineExecutionStatus": "Failed",
            "FailureReason": "out of memory",
            "CreationTime": 1_767_614_400,
            "LastModifiedTime": 1_767_614_460,
            "PipelineVersionId": 1,
        })
    );
    let parameters = on(&sagemaker, "ListPipelineParametersForExecution", &arn).unwrap();
    assert_eq!(
        parameters["PipelineParameters"],
        json!([{"Name": "Data", "Value": "s3://data/"}, {"Name": "Kind", "Value": "none"}])
    );
}

#[test]
fn an_execution_runs_until_it_is_told_otherwise() {
    let sagemaker = sagemaker();
    let arn = start(&sagemaker, json!({})).unwrap();
    pass(&sagemaker, 1_000_000);
    let status = || sagemaker.executions()[0].status;
    assert_eq!(status(), ExecutionStatus::Executing);
    let not_terminal = sagemaker.finish(&arn, ExecutionStatus::Stopping, None);
    assert!(not_terminal.is_err());
    sagemaker
        .finish(&arn, ExecutionStatus::CompletedWithFailures, None)
        .unwrap();
    assert!(
        sagemaker
            .finish(&arn, ExecutionStatus::Failed, None)
            .is_err()
    );
    sagemaker.reopen(&arn).unwrap();
    assert_eq!(status(), ExecutionStatus::Executing);
}

#[test]
fn the_newest_come_first_unless_asked_otherwise() {
    let sagemaker = sagemaker();
    let mut arns = Vec::new();
    for number in 0..3 {
        arns.push(start(&sagemaker, json!({"ClientRequestToken": token(number)})).unwrap());
        pass(&sagemaker, 1);
    }
    let ascending = list(&sagemaker, json!({"SortOrder": "Ascending"})).unwrap();
    assert_eq!(listed_arns(&ascending), arns.iter().collect::<Vec<_>>());
    arns.reverse();
    for changes in [json!({}), json!({"SortBy": "PipelineExecutionArn"})] {
        let answer = list(&sagemaker, changes).unwrap();
        assert_eq!(listed_arns(&answer), arns.iter().collect::<Vec<_>>());
    }
    assert_eq!(
        code(list(&sagemaker, json!({"SortOrder": "Down"}))),
        "ValidationException"
    );
}

#[test]
fn pages_hold_at_most_a_hundred() {
    let sagemaker = sagemaker();
    sagemaker.set_concurrency_limit(1000);
    let arns = started(&sagemaker, 101);
    let first = list(&sagemaker, json!({"SortOrder": "Ascending"})).unwrap();
    assert_eq!(listed_arns(&first).len(), 100);
    let second = list(
        &sagemaker,
        json!({"SortOrder": "Ascending", "NextToken": first["NextToken"]}),
    )
    .unwrap();
    assert_eq!(listed_arns(&second), [arns.last().unwrap()]);
    assert_eq!(second.get("NextToken"), None);
    for (size, good) in [(1, true), (100, true), (0, false), (101, false)] {
        let answer = list(&sagemaker, json!({"MaxResults": size}));
        assert_eq!(answer.is_ok(), good, "{size}");
    }
    assert_eq!(
        code(list(&sagemaker, json!({"NextToken": "x"}))),
        "ValidationException"
    );
}

#[test]
fn a_start_between_two_pages_repeats_nothing() {
    let sagemaker = sagemaker();
    let arns = started(&sagemaker, 2);
    let first = list(&sagemaker, json!({"MaxResults": 1})).unwrap();
    pass(&sagemaker, 1);
    start(&sagemaker, json!({})).unwrap();
    let second = list(&sagemaker, json!({"NextToken": first["NextToken"]})).unwrap();
    assert_eq!(listed_arns(&second), [&arns[0]]);
}

#[test]
fn filters_by_time_leave_out_the_times_themselves() {
    let sagemaker = sagemaker();
    started(&sagemaker, 1);
    let at = sagemaker.executions()[0].start_time.as_second();
    for (changes, shown) in [
        (json!({"CreatedAfter": at - 1, "CreatedBefore": at + 1}), 1),
        (json!({"CreatedAfter": at}), 0),
        (json!({"CreatedBefore": at}), 0),
        (json!({"CreatedBefore": 1_767_614_400.5}), 1),
    ] {
        assert_eq!(
            listed_arns(&list(&sagemaker, changes).unwrap()).len(),
            shown
        );
    }
}

#[test]
fn a_lagging_list_hides_new_executions_but_not_from_their_token() {
    let sagemaker = sagemaker();
    sagemaker.set_list_lag(SignedDuration::from_secs(30));
    let arn = start(&sagemaker, json!({})).unwrap();
    pass(&sagemaker, 29);
    let shown = |sagemaker: &SageMaker| listed_arns(&list(sagemaker, json!({})).unwrap()).len();
    assert_eq!(shown(&sagemaker), 0);
    assert_eq!(start(&sagemaker, json!({})).unwrap(), arn);
    assert!(on(&sagemaker, "DescribePipelineExecution", &arn).is_ok());
    pass(&sagemaker, 1);
    assert_eq!(shown(&sagemaker), 1);
}

#[test]
fn a_stop_needs_a_token_and_ends_only_when_it_is_finished() {
    let sagemaker = sagemaker();
    let arn = start(&sagemaker, json!({})).unwrap();
    let stop = |token: &str| {
        sagemaker.perform(
            "StopPipelineExecution",
            &json!({"PipelineExecutionArn": arn, "ClientRequestToken": token}),
        )
    };
    assert_eq!(
        code(on(&sagemaker, "StopPipelineExecution", &arn)),
        "ValidationException"
    );
    assert_eq!(code(stop(&TOKEN[1..])), "ValidationException");
    // A start's token is another operation's.
    assert_eq!(stop(TOKEN).unwrap()["PipelineExecutionArn"], json!(arn));
    assert_eq!(sagemaker.executions()[0].status, ExecutionStatus::Stopping);
    assert!(
        sagemaker
            .finish(&arn, ExecutionStatus::Succeeded, None)
            .is_err()
    );
    sagemaker
        .finish(&arn, ExecutionStatus::Stopped, None)
        .unwrap();
    assert!(stop(TOKEN).is_ok());
    assert_eq!(code(stop(&token(9))), "ConflictException");
}

#[test]
fn steps_are_those_that_were_set() {
    let sagemaker = sagemaker();
    let arn = start(&sagemaker, json!({})).unwrap();
    let none = on(&sagemaker, "ListPipelineExecutionSteps", &arn).unwrap();
    assert_eq!(none, json!({"PipelineExecutionSteps": []}));
    let step = Step {
        name: "NotBetter".to_owned(),
        status: "Failed".to_owned(),
        failure_reason: None,
        cached_from: None,
        metadata: Some(json!({"Fail": {"ErrorMessage": "auc 0.8"}})),
    };
    sagemaker.set_steps(&arn, vec![step]).unwrap();
    let steps = on(&sagemaker, "ListPipelineExecutionSteps", &arn).unwrap();
    let metadata = all(&steps, "PipelineExecutionSteps", "Metadata");
    assert_eq!(metadata[0]["Fail"]["ErrorMessage"], "auc 0.8");
}

#[test]
fn a_start_by_hand_is_listed_and_marked() {
    let sagemaker = sagemaker();
    sagemaker.start_by_hand("Churn", "by-hand").unwrap();
    let execution = &sagemaker.executions()[0];
    assert!(execution.started_by_hand && execution.token.is_none());
    assert_eq!(listed_arns(&list(&sagemaker, json!({})).unwrap()).len(), 1);
    assert!(sagemaker.start_by_hand("Other", "by-hand").is_err());
}

#[test]
fn unknown_executions_and_operations_are_refused() {
    let sagemaker = sagemaker();
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/Churn/execution/none";
    for operation in [
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
        "ListPipelineParametersForExecution",
    ] {
        assert_eq!(code(on(&sagemaker, operation, arn)), "ResourceNotFound");
        assert_eq!(
            code(on(&sagemaker, operation, "none")),
            "ValidationException"
        );
    }
    assert_eq!(
        code(sagemaker.perform("CreateEndpoint", &json!({}))),
        "UnknownOperationException"
    );
}

#[test]
fn a_pipeline_is_described_with_its_parameters() {
    let sagemaker = sagemaker();
    let answer = sagemaker
        .perform("DescribePipeline", &json!({"PipelineName": "Churn"}))
        .unwrap();
    let definition = answer["PipelineDefinition"].as_str().unwrap();
    let definition: Value = serde_json::from_str(definition).unwrap();
    assert_eq!(
        definition["Parameters"],
        json!([
            {"Name": "Data", "Type": "String"},
            {"Name": "Kind", "Type": "String", "DefaultValue": "none"},
        ])
    );
    let unknown = sagemaker.perform("DescribePipeline", &json!({"PipelineName": "Other"}));
    assert_eq!(code(unknown), "ResourceNotFound");
}
