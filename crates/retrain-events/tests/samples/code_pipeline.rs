//! What is odd about CodePipeline's events.

use retrain_core::event::ExecutionStatus;
use retrain_core::execution::Execution;
use retrain_events::{ExecutionMessage, IrrelevantExecution, execution_message};
use serde_json::{Value, json};

use crate::sample::{event, execution_status, status};

const ID: &str = "01234567-0123-0123-0123-012345678901";

fn sample(name: &str) -> Value {
    execution_status(&format!("code-pipeline-{name}"))
}

#[test]
fn each_state_is_what_it_means_for_a_slot() {
    for (name, expected) in [
        ("started", ExecutionStatus::InFlight),
        ("resumed", ExecutionStatus::InFlight),
        ("stopping", ExecutionStatus::InFlight),
        ("succeeded", ExecutionStatus::Succeeded),
        ("failed", ExecutionStatus::Failed),
        ("stopped", ExecutionStatus::Stopped),
        ("canceled", ExecutionStatus::Canceled),
        ("superseded", ExecutionStatus::Superseded),
    ] {
        let told = status(&sample(name));
        assert_eq!(told.report.status, expected, "{name}");
        assert_eq!(told.pipeline, "fraud-detection-retraining", "{name}");
        let execution = format!("codepipeline/fraud-detection-retraining/{ID}");
        assert_eq!(told.report.execution.to_string(), execution, "{name}");
    }
}

#[test]
fn nobody_stumbles_over_the_version() {
    let expected = status(&sample("succeeded")).report;
    for name in ["version-as-integer", "version-as-text"] {
        assert_eq!(status(&sample(name)).report, expected, "{name}");
    }
    let mut event = sample("succeeded");
    for version in [json!(null), json!([]), json!(1e300)] {
        event["detail"]["version"] = version;
        assert_eq!(status(&event).report, expected);
    }
}

#[test]
fn the_spelling_of_an_envelope_changes_nothing() {
    let expected = status(&sample("succeeded"));
    let mut as_text = sample("succeeded");
    as_text["detail"] = as_text["detail"].to_string().into();
    assert_eq!(status(&as_text), expected);

    let mut replayed = sample("succeeded");
    replayed["replay-name"] = json!("january");
    let replayed = status(&replayed);
    assert_eq!(replayed.replay_name.as_deref(), Some("january"));
    assert_eq!(replayed.report, expected.report);
}

#[test]
fn a_pipeline_is_among_the_resources_without_a_prefix() {
    let mut event = sample("name-in-resources-only");
    let expected = status(&event).pipeline;
    assert_eq!(expected, "fraud-detection-retraining");
    let arn = event["resources"][0].clone();
    event["resources"] = json!([7, "arn:aws:s3:::fraud", "arn:aws:codepipeline", arn]);
    assert_eq!(status(&event).pipeline, expected);
    for bad in [
        "arn:aws:sagemaker:us-east-1:111122223333:fraud-detection-retraining",
        "arn:aws:codepipeline:us-east-1:111122223333:",
        "arn:aws:codepipeline:us-east-1:111122223333:a/b",
        "fraud-detection-retraining",
    ] {
        event["resources"] = json!([bad]);
        let error = execution_message(&event).unwrap_err();
        assert_eq!(error.path(), "detail.pipeline", "{bad}");
    }
}

#[test]
fn nothing_but_pipeline_execution_and_state_is_needed() {
    let event = json!({
        "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {"pipeline": "a.b@c-d_e", "execution-id": ID, "state": "FAILED"},
    });
    let told = status(&event);
    assert_eq!(told.report.started_at, None);
    assert_eq!((told.event_id, told.replay_name), (None, None));
    assert!(matches!(
        told.report.execution,
        Execution::Codepipeline { pipeline, .. } if pipeline.as_str() == "a.b@c-d_e"
    ));
}

#[test]
fn an_unreadable_start_is_ignored() {
    let mut event = sample("succeeded");
    let told = status(&event).report.started_at.unwrap();
    assert_eq!(told.to_string(), "2026-01-05T06:00:12.208Z");
    for start in [json!("soon"), json!(-1), json!({}), json!(null)] {
        event["detail"]["start-time"] = start.clone();
        assert_eq!(status(&event).report.started_at, None, "{start}");
    }
}

#[test]
fn what_tells_nothing_about_a_slot_is_irrelevant_by_name() {
    let mut other = sample("succeeded");
    other["detail-type"] = json!("CodePipeline Rule Execution State Change");
    for (event, why) in [
        (sample("unknown-state"), IrrelevantExecution::UnknownStatus),
        (
            sample("stage-state-change"),
            IrrelevantExecution::StepStatusChange,
        ),
        (
            sample("action-state-change"),
            IrrelevantExecution::StepStatusChange,
        ),
        (other, IrrelevantExecution::OtherEvent),
    ] {
        let message = execution_message(&event).unwrap();
        assert_eq!(message, ExecutionMessage::Irrelevant(why), "{event}");
    }
}

#[test]
fn errors_name_the_field() {
    for (name, path) in [
        ("no-id", "detail.execution-id"),
        ("bad-id", "detail.execution-id"),
        ("no-pipeline", "detail.pipeline"),
        ("bad-pipeline", "detail.pipeline"),
        ("no-state", "detail.state"),
    ] {
        let name = format!("invalid/execution-code-pipeline-{name}");
        let error = execution_message(&event(&name)).unwrap_err();
        assert_eq!(error.path(), path, "{name}: {error}");
    }
}
