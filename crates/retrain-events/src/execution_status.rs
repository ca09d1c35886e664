//! Pipeline executions: SageMaker's events about their status, through EventBridge.
//! CodePipeline's parse to the same.
//!
//! The shapes are those of the SageMaker developer guide's page on the events that it
//! sends to EventBridge. SageMaker may send several events for one change, or none.

use core::fmt;

use retrain_core::event::{ExecutionReport, ExecutionStatus, Steps};
use retrain_core::names::PipelineExecutionArn;
use serde_json::Value;

use crate::code_pipeline;
use crate::error::{InvalidEvent, quoted};
use crate::eventbridge::{self, Detail, label};
use crate::instant::instant;
use crate::node::Node;

/// The names in an execution's ARN have limits that keep it shorter than this.
const LONGEST_ARN: usize = 512;

/// What an invocation tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionMessage {
    /// The status of an execution.
    Status(Box<ExecutionEvent>),
    /// Well formed, but nothing to decide about.
    Irrelevant(IrrelevantExecution),
}

/// The status of an execution and how it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionEvent {
    /// The status. These events tell no reason for a failure: the execution's
    /// description does.
    pub report: ExecutionReport,
    /// The pipeline's name as it is spelled. Compare a SageMaker pipeline's without
    /// regard to case, as older ARNs are lower-cased.
    pub pipeline: String,
    /// EventBridge's event id, for logs. Not for deduplication: one change may come
    /// with several ids.
    pub event_id: Option<String>,
    /// The EventBridge replay that sent the event from an archive.
    pub replay_name: Option<String>,
}

/// Why a well-formed event is nothing to decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrrelevantExecution {
    /// The execution has a status that is not known here. What that means for its slot
    /// is found out when the execution is described.
    UnknownStatus,
    /// One step of an execution changed its status, or one stage or action of a
    /// CodePipeline's.
    StepStatusChange,
    /// The service speaks of something other than a pipeline's executions.
    OtherEvent,
}

impl IrrelevantExecution {
    /// The reason as decisions and metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownStatus => "unknown_status",
            Self::StepStatusChange => "step_status_change",
            Self::OtherEvent => "other_event",
        }
    }
}

impl fmt::Display for IrrelevantExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that an execution-status function can be invoked with.
pub fn execution_message(event: &Value) -> Result<ExecutionMessage, InvalidEvent> {
    let event = Node::root(event);
    // Fails where there are no fields at all.
    event.optional("source")?;
    let irrelevant = |why| Ok(ExecutionMessage::Irrelevant(why));
    match eventbridge::kind(&event) {
        (
            Some("aws.sagemaker"),
            Some("SageMaker Model Building Pipeline Execution Status Change"),
        ) => status_change(&event),
        (
            Some("aws.sagemaker"),
            Some("SageMaker Model Building Pipeline Execution Step Status Change"),
        ) => irrelevant(IrrelevantExecution::StepStatusChange),
        (Some("aws.sagemaker"), Some(_)) => irrelevant(IrrelevantExecution::OtherEvent),
        (Some("aws.codepipeline"), Some(detail_type)) => {
            code_pipeline::message(&event, detail_type)
        }
        _ => Err(eventbridge::unknown(&event)),
    }
}

fn status_change(event: &Node<'_>) -> Result<ExecutionMessage, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    let execution = execution(event, &detail)?;
    let pipeline = pipeline(event, &detail, &execution)?;
    let Some(status) = status(&detail.required("currentPipelineExecutionStatus")?)? else {
        return Ok(ExecutionMessage::Irrelevant(
            IrrelevantExecution::UnknownStatus,
        ));
    };
    Ok(ExecutionMessage::Status(Box::new(ExecutionEvent {
        report: ExecutionReport {
            execution: execution.into(),
            display_name: detail
                .text_if_any("pipelineExecutionDisplayName")
                .map(label),
            status,
            failure: None,
            // Only narrows down what is known already, so that an odd one is no loss.
            started_at: detail
                .peek("executionStartTime")
                .and_then(|time| instant(time.value())),
            // Nor do they tell of steps.
            steps: Steps::default(),
        },
        pipeline,
        event_id: eventbridge::id(event),
        replay_name: eventbridge::replay_name(event),
    })))
}

/// The execution that the details name, or else the one among the resources.
fn execution(event: &Node<'_>, detail: &Node<'_>) -> Result<PipelineExecutionArn, InvalidEvent> {
    const FIELD: &str = "pipelineExecutionArn";
    match detail.optional(FIELD)? {
        Some(arn) => {
            let text = arn.text()?;
            execution_arn(text).ok_or_else(|| {
                arn.invalid(format!(
                    "is {}, not a pipeline execution's ARN",
                    quoted(text)
                ))
            })
        }
        None => eventbridge::resources(event)?
            .find_map(|arn| execution_arn(arn.value().as_str()?))
            .ok_or_else(|| InvalidEvent::MissingField {
                path: detail.path_of(FIELD),
            }),
    }
}

/// The length is checked before the copy that parsing makes.
fn execution_arn(text: &str) -> Option<PipelineExecutionArn> {
    (text.len() <= LONGEST_ARN)
        .then(|| PipelineExecutionArn::parse(text))
        .and_then(Result::ok)
}

/// The name of the execution's pipeline, as the pipeline's own ARN spells it where there
/// is one. The details must not name another pipeline than their execution's.
fn pipeline(
    event: &Node<'_>,
    detail: &Node<'_>,
    execution: &PipelineExecutionArn,
) -> Result<String, InvalidEvent> {
    let of_execution = execution.pipeline_name();
    let fits = |name: &&str| name.eq_ignore_ascii_case(of_execution);
    let name = match detail.optional("pipelineArn")? {
        Some(arn) => {
            let text = arn.text()?;
            pipeline_name(text).filter(fits).ok_or_else(|| {
                arn.invalid(format!(
                    "is {}, not the ARN of the execution's pipeline {}",
                    quoted(text),
                    quoted(of_execution)
                ))
            })?
        }
        None => eventbridge::resources(event)
            .into_iter()
            .flatten()
            .find_map(|arn| pipeline_name(arn.value().as_str()?).filter(fits))
            .unwrap_or(of_execution),
    };
    Ok(name.to_owned())
}

/// The name in a pipeline's ARN, or in that of one of its executions.
fn pipeline_name(arn: &str) -> Option<&str> {
    eventbridge::resource_name(arn, "pipeline")?
        .split('/')
        .next()
}

/// `None` stands for a status that this version does not know.
fn status(status: &Node<'_>) -> Result<Option<ExecutionStatus>, InvalidEvent> {
    Ok(match status.text()? {
        "Executing" | "Stopping" => Some(ExecutionStatus::InFlight),
        "Succeeded" => Some(ExecutionStatus::Succeeded),
        "Failed" | "CompletedWithFailures" => Some(ExecutionStatus::Failed),
        "Stopped" => Some(ExecutionStatus::Stopped),
        _ => None,
    })
}
