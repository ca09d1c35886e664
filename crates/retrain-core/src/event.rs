//! What can happen to a slot.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data::Arrivals;
use crate::execution::Execution;
use crate::gate::Signoff;
use crate::names::{AlarmArn, EndpointName, ModelPackageArn};
use crate::order::Order;
use crate::package::{
    BaselineAnswer, PackageApproval, PackageDescription, RegisteredPackage, UpdateAnswer,
};
use crate::trigger::{DedupeKey, Trigger};

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
    /// Training data has arrived, and was counted.
    Data(Arrivals),
    /// The registry was searched for the package of the last successful run.
    Registered {
        /// The newest package since its start, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<RegisteredPackage>,
    },
    /// The registry describes a package, to the slot that decides about it. It was
    /// described after the slot was written last: an older description would undo what
    /// a newer one has led to.
    Package {
        /// What it says now.
        description: Box<PackageDescription>,
        /// What an event says of it, if one is the reason to ask.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Told>,
    },
    /// A person signs a package off for a role, or refuses to.
    SignOff(Signoff),
    /// A person asks for something else.
    Order(Order),
    /// A write to a package was answered, or was not.
    PackageWritten {
        /// The write's number.
        number: u64,
        /// The attempt whose worker tells.
        attempt: u32,
        /// What SageMaker answered.
        answer: UpdateAnswer,
    },
    /// A package shall not run, or not yet: told to the slots that deploy it.
    Withdrawn {
        /// The package.
        package: ModelPackageArn,
        /// Why.
        because: Withdrawal,
        /// Since when.
        at: Timestamp,
    },
    /// The endpoint has gone back by itself to what it served before.
    EndpointRolledBack {
        /// The endpoint.
        endpoint: EndpointName,
        /// What SageMaker says about it, shortened.
        what: String,
        /// When.
        at: Timestamp,
    },
    /// An errand is done.
    ErrandDone {
        /// Its number.
        number: u64,
        /// What became of the baseline, if it was about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        baseline: Option<BaselineAnswer>,
    },
    /// Time has passed.
    Tick,
}

/// What an event says of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// `ModelApprovalStatus`, if the event may tell a changed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<PackageApproval>,
    /// `LastModifiedTime`.
    pub at: Timestamp,
}

/// Why a package shall not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawal {
    /// It was rejected.
    Rejected,
    /// It is no longer approved: it is pending again, or being deleted.
    NotApproved,
    /// The controller's approval has covered up a person's decision.
    Contested,
    /// A person wants it gone.
    Unwanted,
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "was rejected",
            Self::NotApproved => "is no longer approved",
            Self::Contested => "was approved over a person's decision",
            Self::Unwanted => "shall not run here any more",
        })
    }
}

/// What became of a start call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum StartAnswer {
    /// The execution exists.
    Accepted {
        /// The execution.
        execution: Execution,
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
    /// It does not exist: the worker has looked, and had to send nothing.
    Absent,
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

/// The status of an execution, as AWS describes it now.
///
/// Events are late, doubled and out of order; what they say is not believed. They
/// are the reason to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionReport {
    /// The execution.
    pub execution: Execution,
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
    /// What its steps tell, once it has ended.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub steps: Steps,
}

/// What the steps of an ended execution tell. CodePipeline's have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// The names of those that failed; at most [`MAX_STEPS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// The names of those that should have trained, but took an earlier result from
    /// the cache; at most [`MAX_STEPS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached_training: Vec<String>,
}

impl Steps {
    /// Whether they tell nothing.
    pub const fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.cached_training.is_empty()
    }
}

/// How many steps of one kind a report names. A pipeline has 50 by default.
pub const MAX_STEPS: usize = 10;

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
    /// A newer execution of the pipeline has overtaken it (CodePipeline).
    Superseded,
    /// Its pipeline was changed while it ran (CodePipeline).
    Canceled,
    /// AWS does not know it any more: its pipeline was deleted.
    Gone,
}

impl ExecutionStatus {
    /// Whether an execution that had ended otherwise must have been retried.
    pub(crate) const fn tells_retry(self) -> bool {
        matches!(self, Self::InFlight | Self::Succeeded)
    }
}

impl Event {
    /// The key under which it is remembered, so that it is decided once however often
    /// it is told. Other events are recognised by what they find.
    pub fn dedupe_key(&self) -> Option<DedupeKey> {
        match self {
            Self::Trigger(trigger) => Some(trigger.dedupe_key()),
            Self::Order(order) => order.dedupe_key(),
            _ => None,
        }
    }

    /// The event as the record of a decision keeps it.
    pub(crate) fn recorded(&self) -> Self {
        match self {
            Self::Data(arrivals) => Self::Data(arrivals.shown()),
            // What it says of reports and metadata is in the registry.
            Self::Package { description, told } => Self::Package {
                description: Box::new(description.shown()),
                told: *told,
            },
            other => other.clone(),
        }
    }
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
            Self::Data(arrivals) => write!(f, "{} object(s)", arrivals.len()),
            Self::Registered { .. } => f.write_str("a look at the registry"),
            Self::Package { description, .. } => write!(
                f,
                "package {} is {}, {}",
                description.package.version(),
                description.status,
                description.approval
            ),
            Self::SignOff(signoff) => signoff.fmt(f),
            Self::Order(order) => order.fmt(f),
            Self::PackageWritten { number, .. } => write!(f, "answer to write {number}"),
            Self::Withdrawn {
                package, because, ..
            } => write!(f, "package {} {because}", package.version()),
            Self::EndpointRolledBack { endpoint, .. } => {
                write!(f, "endpoint {endpoint} has rolled back")
            }
            Self::ErrandDone { number, .. } => write!(f, "errand {number} is done"),
            Self::Tick => f.write_str("a look at what is due"),
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
