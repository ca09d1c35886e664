//! What can happen to a slot.

use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::{AlarmArn, PipelineExecutionArn};
use crate::trigger::Trigger;

/// Something that happens to a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Something asks for retraining.
    Trigger(Trigger),
    /// An alarm returned to OK.
    AlarmCleared {
        /// The alarm.
        alarm: AlarmArn,
        /// When.
        at: Timestamp,
    },
    /// A start call was answered, or was not.
    StartAnswered {
        /// The claim's number.
        claim: u64,
        /// The attempt whose worker tells.
        attempt: u32,
        /// What AWS answered.
        answer: StartAnswer,
    },
    /// AWS tells the status of an execution.
    Status(ExecutionReport),
    /// Time has passed.
    Tick,
    /// A person pauses the model.
    Pause {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person gives up the model's unfinished claim. Its causes are held again.
    Abandon {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person closes the model's breaker.
    ResetBreaker {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person resumes the model. It also clears a misconfiguration and the
    /// wait for capacity.
    Unpause {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

/// What became of a start call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum StartAnswer {
    /// The execution exists.
    Accepted {
        /// The execution.
        execution: PipelineExecutionArn,
        /// When it started, at the latest.
        started_at: Timestamp,
        /// Whether it was found by its claim instead of started by this call.
        adopted: bool,
    },
    /// AWS refused, and said so.
    Refused {
        /// What it said.
        refusal: Refusal,
        /// Whether the worker had looked for the claim's execution just before, and
        /// there was none.
        looked: bool,
    },
    /// A timeout, a server error, a lost connection: it may or may not exist.
    Unknown {
        /// What happened, shortened.
        what: String,
    },
}

/// AWS's refusal of a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Too many executions or requests: worth another try later.
    NoCapacity {
        /// AWS's error code and message, shortened.
        what: String,
    },
    /// The request can never work: no such pipeline, no such parameter, no
    /// permission.
    Misconfigured {
        /// AWS's error code and message, shortened.
        what: String,
    },
}

impl Refusal {
    /// What AWS said.
    pub fn what(&self) -> &str {
        match self {
            Self::NoCapacity { what } | Self::Misconfigured { what } => what,
        }
    }
}

/// The status of an execution, as SageMaker describes it now.
///
/// Events are late, doubled and out of order; what they say is not believed. They
/// are the reason to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionReport {
    /// The execution.
    pub execution: PipelineExecutionArn,
    /// Its display name, by which a claim recognises its own execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its status.
    pub status: ExecutionStatus,
    /// AWS's failure reason, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it started, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}

/// The status of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// It runs (`Executing`), or is about to stop (`Stopping`).
    InFlight,
    /// It succeeded.
    Succeeded,
    /// It failed, wholly or in part (`Failed`, `CompletedWithFailures`).
    Failed,
    /// A person stopped it.
    Stopped,
    /// SageMaker does not know it any more: its pipeline was deleted.
    Gone,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trigger(trigger) => write!(f, "{} at {}", trigger.cause, trigger.at),
            Self::AlarmCleared { alarm, at } => {
                write!(f, "alarm {:?} cleared at {at}", alarm.alarm_name())
            }
            Self::StartAnswered { claim, attempt, .. } => {
                write!(f, "answer to claim {claim}, attempt {attempt}")
            }
            Self::Status(report) => write!(f, "{} is {:?}", report.execution, report.status),
            Self::Tick => f.write_str("a look at what is due"),
            Self::Pause { by, why } => write!(f, "{by:?} pauses: {why:?}"),
            Self::ResetBreaker { by, why } => write!(f, "{by:?} resets the breaker: {why:?}"),
            Self::Abandon { by, why } => write!(f, "{by:?} gives the claim up: {why:?}"),
            Self::Unpause { by, why } => write!(f, "{by:?} resumes: {why:?}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCapacity { what } => write!(f, "AWS has no capacity: {what}"),
            Self::Misconfigured { what } => write!(f, "AWS refuses the request: {what}"),
        }
    }
}
