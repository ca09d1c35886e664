use super::*;

#[test]
fn every_limit_holds_at_the_limit_and_not_one_past_it() {
    let text = |length: usize| "a".repeat(length);
    let parameters = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"Name": format!("P{n}"), "Value": ""}))
            .collect()
    };
    let parameter = |name: usize, value: usize| json!([{"Name": text(name), "Value": text(value)}]);
    let steps = |count: usize| -> Value {
        let steps: Vec<Value> = (0..count).map(|_| json!({"StepName": "Train"})).collect();
        json!({"SelectedSteps": steps})
    };
    let parallel = |steps: i64| json!({"MaxParallelExecutionSteps": steps});
    let cases = [
        ("ClientRequestToken", json!(text(32)), json!(text(31))),
        ("ClientRequestToken", json!(text(128)), json!(text(129))),
        ("PipelineExecutionDisplayName", json!(text(1)), json!("")),
        (
            "PipelineExecutionDisplayName",
            json!(text(82)),
            json!(text(83)),
        ),
        ("PipelineExecutionDisplayName", json!("a-b"), json!("a_b")),
        (
            "PipelineExecutionDescription",
            json!(text(3072)),
            json!(text(3073)),
        ),
        ("PipelineExecutionDescription", json!("a b"), json!("a\nb")),
        ("PipelineParameters", parameters(200), parameters(201)),
        ("PipelineParameters", parameter(256, 1), parameter(257, 1)),
        ("PipelineParameters", parameter(1, 1024), parameter(1, 1025)),
        ("PipelineParameters", parameter(1, 0), parameter(0, 0)),
        ("ParallelismConfiguration", parallel(1), parallel(0)),
        ("SelectiveExecutionConfig", steps(1), steps(0)),
        ("SelectiveExecutionConfig", steps(50), steps(51)),
        ("MlflowExperimentName", json!(text(256)), json!(text(257))),
        ("PipelineVersionId", json!(1), json!(0)),
        ("PipelineName", json!(text(256)), json!(text(257))),
    ];
    for (member, good, bad) in cases {
        let sagemaker = sagemaker();
        // For names and parameters, a pipeline that has the good one.
        let mut pipeline = Pipeline::new(good.as_str().unwrap_or("P"));
        let given = good.as_array().into_iter().flatten();
        for name in given.filter_map(|parameter| parameter["Name"].as_str()) {
            pipeline = pipeline.parameter(name);
        }
        let base = if matches!(member, "PipelineParameters" | "PipelineName") {
            json!({"PipelineName": pipeline.name, "PipelineParameters": []})
        } else {
            json!({})
        };
        sagemaker.create_pipeline(pipeline).unwrap();
        let with = |value: Value| {
            let mut changes = base.clone();
            changes[member] = value;
            start(&sagemaker, changes)
        };
        let refused = with(bad.clone()).expect_err("one past the limit");
        assert_eq!(refused.code, "ValidationException", "{member}");
        assert!(sagemaker.executions().is_empty(), "{member}");
        let mut path = member.to_owned();
        path[..1].make_ascii_lowercase();
        assert!(refused.message.contains(&path), "{}", refused.message);
        if let Err(refused) = with(good) {
            panic!("{member}: {}", refused.message);
        }
    }
}

#[test]
fn a_violation_deep_in_a_list_is_named_with_its_place() {
    let sagemaker = sagemaker();
    let parameters = json!([{"Name": "Data", "Value": "x"}, {"Name": "no spaces", "Value": "x"}]);
    let refused = start(&sagemaker, json!({"PipelineParameters": parameters})).unwrap_err();
    assert!(
        refused
            .message
            .contains("at 'pipelineParameters.2.member.name'"),
        "{}",
        refused.message
    );
}

#[test]
fn members_that_are_missing_or_misspelt_are_refused() {
    let sagemaker = sagemaker();
    let without = |member: &str| start(&sagemaker, json!({member: null}));
    assert_eq!(code(without("ClientRequestToken")), "ValidationException");
    assert_eq!(code(without("PipelineName")), "ValidationException");
    let misspelt = start(&sagemaker, json!({"PipelineParameter": []}));
    assert_eq!(code(misspelt), "SerializationException");
    let parameter = json!([{"Name": "Data", "Value": "x", "Type": "String"}]);
    let misspelt = start(&sagemaker, json!({"PipelineParameters": parameter}));
    assert_eq!(code(misspelt), "SerializationException");
    let number = start(&sagemaker, json!({"PipelineName": 1}));
    assert_eq!(code(number), "SerializationException");
}

#[test]
fn the_same_token_and_request_start_once() {
    let sagemaker = sagemaker();
    let first = start(&sagemaker, json!({})).unwrap();
    pass(&sagemaker, 3599);
    assert_eq!(start(&sagemaker, json!({})).unwrap(), first);
    sagemaker
        .finish(&first, ExecutionStatus::Succeeded, None)
        .unwrap();
    assert_eq!(start(&sagemaker, json!({})).unwrap(), first);
    assert_eq!(sagemaker.executions().len(), 1);
}

#[test]
fn another_request_under_the_same_token_is_refused() {
    let sagemaker = sagemaker();
    start(&sagemaker, json!({})).unwrap();
    let other = start(&sagemaker, json!({"PipelineExecutionDescription": "other"}));
    assert_eq!(code(other), "ValidationException");
    assert_eq!(sagemaker.executions().len(), 1);
}

#[test]
fn after_its_window_a_token_starts_a_second_execution() {
    let sagemaker = sagemaker();
    let first = start(&sagemaker, json!({})).unwrap();
    pass(&sagemaker, 3600);
    let second = start(&sagemaker, json!({})).unwrap();
    assert_ne!(first, second);

    sagemaker.set_token_window(SignedDuration::from_secs(10));
    pass(&sagemaker, 9);
    assert_eq!(start(&sagemaker, json!({})).unwrap(), second);
    pass(&sagemaker, 1);
    assert_ne!(start(&sagemaker, json!({})).unwrap(), second);
}

#[test]
fn a_refused_start_does_not_use_up_its_token() {
    let sagemaker = sagemaker();
    sagemaker.set_concurrency_limit(0);
    assert_eq!(code(start(&sagemaker, json!({}))), "ResourceLimitExceeded");
    sagemaker.set_concurrency_limit(1);
    assert!(start(&sagemaker, json!({"PipelineExecutionDescription": "other"})).is_ok());
}

#[test]
fn the_twenty_first_execution_in_the_account_is_refused() {
    let sagemaker = sagemaker();
    let running = started(&sagemaker, 20);
    let refused = start(&sagemaker, json!({"ClientRequestToken": token(20)}));
    assert_eq!(code(refused), "ResourceLimitExceeded");
    // A repeated token is an answer, not a start.
    assert_eq!(
        start(&sagemaker, json!({"ClientRequestToken": token(3)})).unwrap(),
        running[3]
    );
    sagemaker
        .finish(&running[0], ExecutionStatus::Failed, Some("no"))
        .unwrap();
    assert!(start(&sagemaker, json!({"ClientRequestToken": token(20)})).is_ok());
}

#[test]
fn unknown_pipelines_versions_and_parameters_are_refused() {
    let sagemaker = sagemaker();
    let with = |changes: Value| start(&sagemaker, changes);
    assert_eq!(
        code(with(json!({"PipelineName": "Other"}))),
        "ResourceNotFound"
    );
    assert_eq!(
        code(with(json!({"PipelineVersionId": 2}))),
        "ResourceNotFound"
    );
    let parameters = |list: Value| with(json!({"PipelineParameters": list}));
    let data = json!({"Name": "Data", "Value": "x"});
    let unknown = json!({"Name": "data", "Value": "x"});
    assert_eq!(
        code(parameters(json!([data, unknown]))),
        "ValidationException"
    );
    assert_eq!(code(parameters(json!([data, data]))), "ValidationException");
    assert_eq!(code(parameters(json!([]))), "ValidationException");
    assert!(sagemaker.executions().is_empty());
}

#[test]
fn a_pipeline_goes_by_its_name_or_by_its_arn_in_any_case() {
    let sagemaker = sagemaker();
    let with = |name: &str, n: usize| {
        start(
            &sagemaker,
            json!({"PipelineName": name, "ClientRequestToken": token(n)}),
        )
    };
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:pipeline";
    assert!(with(&format!("{arn}/Churn"), 1).is_ok());
    assert!(with(&format!("{arn}/churn"), 2).is_ok());
    assert_eq!(code(with("churn", 3)), "ResourceNotFound");
}

#[test]
fn arns_are_lower_case_on_request_and_understood_in_either() {
    let sagemaker = sagemaker();
    let before = start(&sagemaker, json!({})).unwrap();
    assert!(before.contains(":pipeline/Churn/execution/"), "{before}");
    sagemaker.lower_case_arns(true);
    let after = start(&sagemaker, json!({})).unwrap();
    assert_eq!(after, before.to_lowercase());
    assert_eq!(sagemaker.executions()[0].arn, after);
    for arn in [before, after] {
        let answer = sagemaker
            .perform(
                "DescribePipelineExecution",
                &json!({"PipelineExecutionArn": arn}),
            )
            .unwrap();
        assert_eq!(
            answer["PipelineArn"],
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn"
        );
    }
}
