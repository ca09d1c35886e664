//! What is odd about the events of executions.

use retrain_core::event::ExecutionStatus;
use retrain_events::{ExecutionMessage, IrrelevantExecution, execution_message};
use serde_json::{Value, json};

use crate::sample::{event, execution_status, status};

#[test]
fn each_status_is_what_it_means_for_a_slot() {
    for (name, expected) in [
        ("executing-first", ExecutionStatus::InFlight),
        ("stopping", ExecutionStatus::InFlight),
        ("succeeded", ExecutionStatus::Succeeded),
        ("failed", ExecutionStatus::Failed),
        ("completed-with-failures", ExecutionStatus::Failed),
        ("stopped", ExecutionStatus::Stopped),
    ] {
        let report = status(&execution_status(name)).report;
        assert_eq!(report.status, expected, "{name}");
        assert_eq!(report.failure, None, "{name}");
    }
}

#[test]
fn one_change_is_the_same_in_every_spelling() {
    let plain = status(&execution_status("succeeded"));
    assert_eq!(plain.pipeline, "fraud-detection-training");
    for name in [
        "epoch-millisecond-start",
        "arns-in-resources-only",
        "lower-case-arn",
    ] {
        let other = status(&execution_status(name));
        assert_eq!(other.report, plain.report, "{name}");
        assert!(other.pipeline.eq_ignore_ascii_case(&plain.pipeline));
    }

    let mut as_text = execution_status("succeeded");
    as_text["detail"] = as_text["detail"].to_string().into();
    assert_eq!(status(&as_text), plain);
}

#[test]
fn a_pipeline_is_spelled_as_in_its_own_arn_where_there_is_one() {
    let mut event = execution_status("lower-case-arn");
    assert_eq!(status(&event).pipeline, "Fraud-Detection-Training");
    event["detail"]["pipelineArn"] = Value::Null;
    assert_eq!(status(&event).pipeline, "Fraud-Detection-Training");
    for resources in [json!([]), json!(null), json!("none"), json!([7, "x", {}])] {
        event["resources"] = resources;
        assert_eq!(status(&event).pipeline, "fraud-detection-training");
    }
}

#[test]
fn resources_may_come_in_any_order() {
    let mut event = execution_status("arns-in-resources-only");
    let expected = status(&event);
    event["resources"].as_array_mut().unwrap().reverse();
    assert_eq!(status(&event), expected);
}

#[test]
fn details_that_name_another_pipeline_than_their_execution_are_an_error() {
    for arn in [
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-training",
        "arn:aws:sagemaker:us-east-1:111122223333:model/fraud-detection-training",
        "fraud-detection-training",
        "",
    ] {
        let mut event = execution_status("succeeded");
        event["detail"]["pipelineArn"] = json!(arn);
        let error = execution_message(&event).unwrap_err();
        assert_eq!(
            (error.name(), error.path()),
            ("InvalidField", "detail.pipelineArn"),
            "{arn}"
        );
    }
}

#[test]
fn nothing_but_the_execution_and_its_status_is_needed() {
    let event = json!({
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "detail": {
            "pipelineExecutionArn": "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-detection-training/execution/000000000001",
            "currentPipelineExecutionStatus": "Failed",
        },
    });
    let told = status(&event);
    assert_eq!(told.report.status, ExecutionStatus::Failed);
    assert_eq!(told.report.display_name, None);
    assert_eq!(told.report.started_at, None);
    assert_eq!(told.pipeline, "fraud-detection-training");
    assert_eq!((told.event_id, told.replay_name), (None, None));
}

#[test]
fn an_unreadable_start_is_ignored() {
    let mut event = execution_status("succeeded");
    for start in [
        json!("soon"),
        json!(-1),
        json!(1_767_592_812),
        json!({}),
        json!(null),
    ] {
        event["detail"]["executionStartTime"] = start.clone();
        assert_eq!(status(&event).report.started_at, None, "{start}");
    }
    event["detail"]["executionStartTime"] = json!("1767592812000");
    assert_eq!(
        status(&event).report,
        status(&execution_status("succeeded")).report
    );
}

#[test]
fn a_replay_tells_its_name() {
    let mut event = execution_status("succeeded");
    event["replay-name"] = json!("executions-of-january");
    let told = status(&event);
    assert_eq!(told.replay_name.as_deref(), Some("executions-of-january"));
    assert_eq!(told.report, status(&execution_status("succeeded")).report);
}

#[test]
fn what_tells_nothing_about_a_slot_is_irrelevant_by_name() {
    let mut of_a_model = execution_status("succeeded");
    of_a_model["detail-type"] = json!("SageMaker Model Package State Change");
    for (event, why, name) in [
        (
            execution_status("unknown-status"),
            IrrelevantExecution::UnknownStatus,
            "unknown_status",
        ),
        (
            execution_status("step-status-change"),
            IrrelevantExecution::StepStatusChange,
            "step_status_change",
        ),
        (of_a_model, IrrelevantExecution::OtherEvent, "other_event"),
    ] {
        let message = execution_message(&event).unwrap();
        assert_eq!(message, ExecutionMessage::Irrelevant(why), "{event}");
        assert_eq!(why.to_string(), name);
    }
}

#[test]
fn errors_name_the_field() {
    for (name, path) in [
        ("no-status", "detail.currentPipelineExecutionStatus"),
        ("bad-arn", "detail.pipelineExecutionArn"),
        ("no-arn", "detail.pipelineExecutionArn"),
    ] {
        let error = execution_message(&event(&format!("invalid/execution-{name}"))).unwrap_err();
        assert_eq!(error.path(), path, "{name}: {error}");
    }
}

#[test]
fn events_of_other_sources_are_unknown() {
    for other in [
        event("drift-alarm/alarm"),
        event("drift-alarm/sns-eventbridge"),
        json!({}),
        json!({ "source": "aws.sagemaker" }),
    ] {
        let error = execution_message(&other).unwrap_err();
        assert_eq!(error.name(), "UnknownEvent", "{other}");
    }
    let error = execution_message(&json!([])).unwrap_err();
    assert_eq!(error.name(), "NotAnObject");
}
