//! What was decided, and why: the record that every start can show.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Event, Refusal};
use crate::guard::Guard;
use crate::lane::SlotKey;
use crate::names::PipelineExecutionArn;
use crate::reason::Reasons;
use crate::slot::Claim;
use crate::trigger::TriggerKind;

/// The recorded outcome of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The slot that it is about.
    pub slot: SlotKey,
    /// Its number within the slot: the version of the slot that it made.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// What it answers.
    pub event: Event,
    /// What was decided.
    pub outcome: Outcome,
    /// The version of the policy under which it was made.
    pub policy_version: u64,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {}",
            self.event,
            self.outcome.name(),
            self.outcome
        )
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The trigger was decided before. Not recorded again.
    Duplicate {
        /// The decision that it led to.
        decision: u64,
        /// The claim that took it, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<u64>,
    },
    /// The event tells nothing new. Not recorded.
    Unchanged {
        /// Why.
        because: Unchanged,
    },
    /// The trigger is out of date.
    Stale {
        /// Why.
        because: Stale,
    },
    /// The trigger waits for a guard to clear.
    Held {
        /// The guard.
        #[serde(flatten)]
        guard: Guard,
    },
    /// The trigger was dropped, as the policy wants.
    Dropped {
        /// The guard.
        #[serde(flatten)]
        guard: Guard,
    },
    /// An execution is about to be started.
    Claimed {
        /// The intent.
        claim: Box<Claim>,
    },
    /// An execution would be started, but the policy only observes.
    WouldStart {
        /// The kind of the trigger that leads to it.
        kind: TriggerKind,
        /// The causes that it would carry.
        reasons: Reasons,
    },
    /// An unfinished claim is taken up again.
    Resumed {
        /// The intent, with its new lease.
        claim: Box<Claim>,
    },
    /// AWS runs the execution.
    Started {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: PipelineExecutionArn,
        /// Whether it was found running instead of started by this worker.
        adopted: bool,
        /// The causes that it carries.
        reasons: Reasons,
    },
    /// AWS definitely did not start the execution; the causes are held again.
    NotStarted {
        /// The claim's number.
        claim: u64,
        /// What AWS said.
        refusal: Refusal,
        /// How many causes are held again.
        held_again: usize,
    },
    /// Nobody knows whether AWS started the execution; the claim is resumed later.
    StartUnknown {
        /// The claim's number.
        claim: u64,
        /// What happened.
        what: String,
        /// When it is resumed.
        resume_at: Timestamp,
    },
    /// The alarm is over: what it asked for is not started any more.
    AlarmCleared {
        /// How many held causes are withdrawn.
        withdrawn: usize,
        /// How many causes in a claim or run are marked, so that a refusal or a
        /// failure does not bring them back.
        marked: usize,
    },
    /// The execution succeeded; its causes are served.
    Succeeded {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: PipelineExecutionArn,
        /// The causes that it served.
        served: usize,
    },
    /// The execution failed.
    Failed {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: PipelineExecutionArn,
        /// AWS's failure reason, shortened.
        failure: Option<String>,
        /// How many causes are held again, behind the back-off.
        held_again: usize,
        /// How many causes have failed too often and are given up.
        given_up: usize,
        /// Whether this failure opened the breaker.
        breaker_opened: bool,
    },
    /// A person stopped the execution; its causes are discarded.
    Stopped {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: PipelineExecutionArn,
        /// How many causes are discarded.
        discarded: usize,
    },
    /// AWS runs two executions for one claim. The second is treated as foreign.
    SecondExecution {
        /// The claim's number.
        claim: u64,
        /// The execution that the slot runs.
        known: PipelineExecutionArn,
        /// The other one.
        second: PipelineExecutionArn,
    },
    /// A person gave the claim up; its causes are held again.
    Abandoned {
        /// The claim's number.
        claim: u64,
        /// How many causes are held again.
        held_again: usize,
    },
    /// An execution that is not ours runs the model's pipeline.
    ForeignRunSeen {
        /// The execution.
        execution: PipelineExecutionArn,
    },
    /// An execution that is not ours has ended.
    ForeignRunEnded {
        /// The execution.
        execution: PipelineExecutionArn,
    },
    /// A person paused the model.
    Paused,
    /// A person resumed the model.
    Unpaused,
    /// A person reset the breaker.
    BreakerReset,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unchanged {
    /// Nothing is due.
    NothingDue,
    /// It was looked at, and is looked at again later.
    Looked,
    /// The claim was answered, or superseded, before.
    Superseded,
    /// The lease of the claim is live: its worker, or the reconciler, finishes it.
    LeaseIsLive,
    /// The execution was known to be in this state.
    SameStatus,
    /// The status has no name to tell whose execution it is about.
    Nameless,
    /// The alarm was known to be over.
    AlreadyCleared,
    /// The model is in the state that is asked for.
    AlreadySo,
    /// There is no claim to give up.
    NoClaim,
}

/// Why a trigger is out of date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    /// It is older than the policy's `max_event_age`.
    TooOld {
        /// When it happened.
        at: Timestamp,
    },
    /// The alarm has had a newer transition.
    NewerTransition {
        /// When.
        at: Timestamp,
    },
}

impl Outcome {
    /// Its name in logs, metrics and records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::Unchanged { .. } => "unchanged",
            Self::Stale { .. } => "stale",
            Self::Held { .. } => "held",
            Self::Dropped { .. } => "dropped",
            Self::Claimed { .. } => "claimed",
            Self::WouldStart { .. } => "would_start",
            Self::Resumed { .. } => "resumed",
            Self::Started { .. } => "started",
            Self::NotStarted { .. } => "not_started",
            Self::StartUnknown { .. } => "start_unknown",
            Self::AlarmCleared { .. } => "alarm_cleared",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Stopped { .. } => "stopped",
            Self::SecondExecution { .. } => "second_execution",
            Self::Abandoned { .. } => "abandoned",
            Self::ForeignRunSeen { .. } => "foreign_run_seen",
            Self::ForeignRunEnded { .. } => "foreign_run_ended",
            Self::Paused => "paused",
            Self::Unpaused => "unpaused",
            Self::BreakerReset => "breaker_reset",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { decision, .. } => write!(f, "decision {decision} answered it before"),
            Self::Unchanged { because } => because.fmt(f),
            Self::Stale { because } => because.fmt(f),
            Self::Held { guard } | Self::Dropped { guard } => guard.fmt(f),
            Self::Claimed { claim } => write!(
                f,
                "claim {} for {}: {}",
                claim.number, claim.target, claim.reasons
            ),
            Self::WouldStart { reasons, .. } => write!(f, "the policy only observes: {reasons}"),
            Self::Resumed { claim } => {
                write!(f, "claim {}, attempt {}", claim.number, claim.attempt)
            }
            Self::Started {
                execution,
                adopted,
                reasons,
                ..
            } => {
                let how = if *adopted { "found running" } else { "started" };
                write!(f, "{how} {execution}: {reasons}")
            }
            Self::NotStarted {
                refusal,
                held_again,
                ..
            } => write!(f, "{refusal}; {held_again} cause(s) held again"),
            Self::StartUnknown {
                what, resume_at, ..
            } => write!(f, "{what}; looked at again at {resume_at}"),
            Self::AlarmCleared { withdrawn, marked } => {
                write!(
                    f,
                    "{withdrawn} held cause(s) withdrawn, {marked} marked in flight"
                )
            }
            Self::Succeeded {
                execution, served, ..
            } => write!(f, "{execution} served {served} cause(s)"),
            Self::Failed {
                execution,
                failure,
                held_again,
                given_up,
                ..
            } => {
                let failure = failure.as_deref().unwrap_or("no failure reason");
                write!(
                    f,
                    "{execution}: {failure:?}; {held_again} cause(s) held again, {given_up} given up"
                )
            }
            Self::Stopped {
                execution,
                discarded,
                ..
            } => {
                write!(f, "{execution} was stopped; {discarded} cause(s) discarded")
            }
            Self::SecondExecution {
                claim,
                known,
                second,
            } => {
                write!(f, "claim {claim} runs as {known} and as {second}")
            }
            Self::Abandoned { claim, held_again } => {
                write!(
                    f,
                    "claim {claim} is given up; {held_again} cause(s) held again"
                )
            }
            Self::ForeignRunSeen { execution } => {
                write!(
                    f,
                    "{execution} runs, which is none of ours: triggers are held"
                )
            }
            Self::ForeignRunEnded { execution } => {
                write!(f, "{execution}, which is none of ours, has ended")
            }
            Self::Paused => f.write_str("triggers are held"),
            Self::Unpaused => f.write_str("triggers start again"),
            Self::BreakerReset => f.write_str("the breaker is closed: triggers start again"),
        }
    }
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingDue => "nothing is due",
            Self::Looked => "it was looked at, and is looked at again later",
            Self::Superseded => "the claim was answered or superseded before",
            Self::LeaseIsLive => "the claim's lease is live",
            Self::SameStatus => "the status was known",
            Self::Nameless => "the status does not tell whose execution it is about",
            Self::AlreadyCleared => "the alarm was known to be over",
            Self::AlreadySo => "the model is so already",
            Self::NoClaim => "there is no unfinished claim",
        })
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { at } => write!(f, "it happened at {at}, longer ago than max_event_age"),
            Self::NewerTransition { at } => {
                write!(f, "the alarm has had a newer transition at {at}")
            }
        }
    }
}
