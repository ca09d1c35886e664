use super::*;

#[test]
fn every_limit_holds_at_the_limit_and_not_one_past_it() {
    let text = |length: usize| "a".repeat(length);
    let variable = |name: usize, value: usize| json!([{"name": text(name), "value": text(value)}]);
    let variables = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"name": format!("V{n}"), "value": "x"}))
            .collect()
    };
    let cases = [
        ("clientRequestToken", json!("a"), json!("")),
        ("clientRequestToken", json!(text(128)), json!(text(129))),
        ("clientRequestToken", json!("a-Z0"), json!("a_Z0")),
        ("variables", variables(50), variables(51)),
        ("variables", variables(1), json!([])),
        ("variables", variable(128, 1), variable(129, 1)),
        ("variables", variable(1, 1), variable(0, 1)),
        ("variables", variable(1, 1000), variable(1, 1001)),
        ("variables", variable(1, 1), variable(1, 0)),
        ("name", json!(text(100)), json!(text(101))),
        ("name", json!("a.b@c-d_e"), json!("a/b")),
    ];
    for (member, good, bad) in cases {
        let codepipeline = codepipeline(ExecutionMode::Superseded);
        // For names and variables, a pipeline that has the good one.
        let mut pipeline = Pipeline::new(good.as_str().unwrap_or("P"));
        let given = good.as_array().into_iter().flatten();
        for name in given.filter_map(|variable| variable["name"].as_str()) {
            pipeline = pipeline.variable(name);
        }
        let base = if matches!(member, "variables" | "name") {
            json!({"name": pipeline.name, "variables": null})
        } else {
            json!({})
        };
        codepipeline.create_pipeline(pipeline).unwrap();
        let with = |value: Value| {
            let mut changes = base.clone();
            changes[member] = value;
            start(&codepipeline, changes)
        };
        let refused = with(bad).expect_err("one past the limit");
        assert_eq!(refused.code, "ValidationException", "{member}");
        assert!(
            refused.message.contains(&format!("'{member}")),
            "{}",
            refused.message
        );
        assert!(codepipeline.executions().is_empty(), "{member}");
        if let Err(refused) = with(good) {
            panic!("{member}: {}", refused.message);
        }
    }
}

#[test]
fn members_that_are_missing_misspelt_or_not_emulated_are_refused() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let with = |changes: Value| code(start(&codepipeline, changes));
    assert_eq!(with(json!({"name": null})), "ValidationException");
    assert_eq!(with(json!({"Name": "churn"})), "SerializationException");
    assert_eq!(with(json!({"name": 1})), "SerializationException");
    let typed = json!([{"name": "Data", "value": "x", "type": "String"}]);
    assert_eq!(with(json!({"variables": typed})), "SerializationException");
    let no_value = json!([{"name": "Data"}]);
    assert_eq!(with(json!({"variables": no_value})), "ValidationException");
    assert_eq!(with(json!({"sourceRevisions": []})), "ValidationException");
}

#[test]
fn the_same_token_and_request_start_once_within_the_window() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let first = start(&codepipeline, json!({})).unwrap();
    codepipeline
        .finish(&first, ExecutionStatus::Succeeded, None)
        .unwrap();
    pass(&codepipeline, 3599);
    assert_eq!(start(&codepipeline, json!({})).unwrap(), first);
    pass(&codepipeline, 1);
    let second = start(&codepipeline, json!({})).unwrap();
    assert_ne!(second, first);

    codepipeline.set_token_window(SignedDuration::from_secs(10));
    pass(&codepipeline, 9);
    assert_eq!(start(&codepipeline, json!({})).unwrap(), second);
    pass(&codepipeline, 1);
    assert_ne!(start(&codepipeline, json!({})).unwrap(), second);
}

#[test]
fn another_request_under_a_used_token_is_refused() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    start(&codepipeline, json!({})).unwrap();
    let other = json!({"variables": [{"name": "Data", "value": "s3://other/"}]});
    assert_eq!(code(start(&codepipeline, other)), "ValidationException");
    assert_eq!(codepipeline.executions().len(), 1);
}

#[test]
fn without_a_token_every_start_is_one() {
    let codepipeline = codepipeline(ExecutionMode::Parallel);
    let without = json!({"clientRequestToken": null});
    let first = start(&codepipeline, without.clone()).unwrap();
    assert_ne!(start(&codepipeline, without).unwrap(), first);
}

#[test]
fn a_refused_start_does_not_use_up_its_token() {
    let codepipeline = codepipeline(ExecutionMode::Queued);
    codepipeline.set_concurrency_limit(0);
    assert_eq!(
        code(start(&codepipeline, json!({}))),
        "ConcurrentPipelineExecutionsLimitExceededException"
    );
    codepipeline.set_concurrency_limit(1);
    let other = json!({"variables": [{"name": "Data", "value": "s3://other/"}]});
    assert!(start(&codepipeline, other).is_ok());
}

#[test]
fn the_fifty_first_execution_of_a_pipeline_is_refused() {
    for mode in [ExecutionMode::Queued, ExecutionMode::Parallel] {
        let codepipeline = codepipeline(mode);
        let running = started(&codepipeline, 50);
        assert_eq!(
            code(start(&codepipeline, json!({}))),
            "ConcurrentPipelineExecutionsLimitExceededException"
        );
        // A repeated token is an answer, not a start.
        let again = json!({"clientRequestToken": "started-3"});
        assert_eq!(start(&codepipeline, again).unwrap(), running[3]);
        // The limit is the pipeline's own.
        codepipeline
            .create_pipeline(Pipeline::new("fraud").mode(mode))
            .unwrap();
        let of_fraud = json!({"name": "fraud", "variables": null, "clientRequestToken": "f"});
        assert!(start(&codepipeline, of_fraud).is_ok());
        codepipeline
            .finish(&running[0], ExecutionStatus::Failed, None)
            .unwrap();
        assert!(start(&codepipeline, json!({})).is_ok());
    }
}

#[test]
fn unknown_pipelines_and_variables_and_missing_values_are_refused() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let with = |changes: Value| code(start(&codepipeline, changes));
    for unknown in ["other", "Churn"] {
        assert_eq!(with(json!({"name": unknown})), "PipelineNotFoundException");
    }
    let data = json!({"name": "Data", "value": "x"});
    let unknown = json!({"name": "data", "value": "x"});
    for variables in [json!([data, unknown]), json!([data, data]), json!(null)] {
        assert_eq!(
            with(json!({"variables": variables})),
            "ValidationException",
            "{variables}"
        );
    }
    let v1 = Pipeline {
        pipeline_type: PipelineType::V1,
        ..Pipeline::new("v1")
    };
    codepipeline.create_pipeline(v1).unwrap();
    assert_eq!(with(json!({"name": "v1"})), "ValidationException");
    assert!(start(&codepipeline, json!({"name": "v1", "variables": null})).is_ok());
}
