//! Pipeline executions: CodePipeline's events about their state, through EventBridge.
//!
//! The shapes are those of the CodePipeline user guide's page on the events that it
//! sends to EventBridge. Its `version` comes as float, integer or text, so that it is
//! well that nobody needs it.

use retrain_core::event::{ExecutionReport, ExecutionStatus, Steps};
use retrain_core::execution::Execution;
use retrain_core::names::{CodePipelineExecutionId, CodePipelineName};

use crate::error::InvalidEvent;
use crate::eventbridge::{self, Detail};
use crate::execution_status::{ExecutionEvent, ExecutionMessage, IrrelevantExecution};
use crate::instant::instant;
use crate::node::Node;

/// Reads an event of CodePipeline by its detail-type.
pub(crate) fn message(
    event: &Node<'_>,
    detail_type: &str,
) -> Result<ExecutionMessage, InvalidEvent> {
    let irrelevant = |why| Ok(ExecutionMessage::Irrelevant(why));
    match detail_type {
        "CodePipeline Pipeline Execution State Change" => state_change(event),
        "CodePipeline Stage Execution State Change"
        | "CodePipeline Action Execution State Change" => {
            irrelevant(IrrelevantExecution::StepStatusChange)
        }
        _ => irrelevant(IrrelevantExecution::OtherEvent),
    }
}

fn state_change(event: &Node<'_>) -> Result<ExecutionMessage, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    let id = detail
        .required("execution-id")?
        .named(CodePipelineExecutionId::parse)?;
    let pipeline = pipeline(event, &detail)?;
    let Some(status) = status(detail.required("state")?.text()?) else {
        return Ok(ExecutionMessage::Irrelevant(
            IrrelevantExecution::UnknownStatus,
        ));
    };
    Ok(ExecutionMessage::Status(Box::new(ExecutionEvent {
        pipeline: pipeline.as_str().to_owned(),
        report: ExecutionReport {
            execution: Execution::Codepipeline { pipeline, id },
            // The variables, among which the claim's token is, are not told.
            display_name: None,
            status,
            failure: None,
            // Only narrows down what is known already, so that an odd one is no loss.
            started_at: detail
                .peek("start-time")
                .and_then(|time| instant(time.value())),
            steps: Steps::default(),
        },
        event_id: eventbridge::id(event),
        replay_name: eventbridge::replay_name(event),
    })))
}

/// The pipeline that the details name, or else the one among the resources.
fn pipeline(event: &Node<'_>, detail: &Node<'_>) -> Result<CodePipelineName, InvalidEvent> {
    const FIELD: &str = "pipeline";
    match detail.optional(FIELD)? {
        Some(name) => name.named(CodePipelineName::parse),
        None => eventbridge::resources(event)?
            .find_map(|arn| CodePipelineName::parse(pipeline_name(arn.value().as_str()?)?).ok())
            .ok_or_else(|| InvalidEvent::MissingField {
                path: detail.path_of(FIELD),
            }),
    }
}

/// The name in `arn:PARTITION:codepipeline:REGION:ACCOUNT:NAME`.
fn pipeline_name(arn: &str) -> Option<&str> {
    let (service, rest) = arn
        .strip_prefix("arn:")?
        .split_once(':')?
        .1
        .split_once(':')?;
    let name = rest.splitn(3, ':').nth(2)?;
    (service == "codepipeline").then_some(name)
}

/// `None` stands for a state that this version does not know.
fn status(state: &str) -> Option<ExecutionStatus> {
    match state {
        "STARTED" | "RESUMED" | "STOPPING" => Some(ExecutionStatus::InFlight),
        "SUCCEEDED" => Some(ExecutionStatus::Succeeded),
        "FAILED" => Some(ExecutionStatus::Failed),
        "STOPPED" => Some(ExecutionStatus::Stopped),
        "CANCELED" => Some(ExecutionStatus::Canceled),
        "SUPERSEDED" => Some(ExecutionStatus::Superseded),
        _ => None,
    }
}
