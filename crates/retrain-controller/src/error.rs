//! Errors that say what the caller can do about them.

use std::error::Error;

use retrain_core::lane::SlotKey;
use retrain_core::names::shortened;
use retrain_core::step::StepError;
use thiserror::Error;

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Deliver the event again: nothing was lost, and it may work then.
    Retryable,
    /// Delivering again cannot help: the event belongs in a dead-letter queue.
    Terminal,
}

/// A port could not do its work.
#[derive(Debug, Error)]
#[error("{doing}")]
pub struct PortError {
    doing: String,
    class: Class,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PortError {
    /// A failure that may be over when the event is delivered again.
    pub fn retryable(
        doing: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            doing: doing.into(),
            class: Class::Retryable,
            source: Some(source.into()),
        }
    }

    /// A failure that stays.
    pub fn terminal(
        doing: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            doing: doing.into(),
            class: Class::Terminal,
            source: Some(source.into()),
        }
    }

    /// What the caller can do.
    pub const fn class(&self) -> Class {
        self.class
    }
}

/// An event could not be handled.
#[derive(Debug, Error)]
pub enum ControllerError {
    /// A port failed before the event was decided, or before its answer was
    /// recorded. Either way delivering it again is safe.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Other workers won the slot time and again.
    #[error("slot {slot} was taken by other workers {races} times in a row")]
    Contended {
        /// The slot.
        slot: SlotKey,
        /// How often.
        races: u32,
    },
    /// The model's policy has no such lane: no such environment, or another group.
    #[error("the model's policy has no lane for slot {slot}")]
    NoLane {
        /// The slot.
        slot: SlotKey,
    },
    /// The event cannot happen to this slot.
    #[error("slot {slot} refuses the event")]
    Refused {
        /// The slot.
        slot: SlotKey,
        /// Why.
        #[source]
        source: StepError,
    },
}

impl ControllerError {
    /// What the caller can do.
    pub const fn class(&self) -> Class {
        match self {
            Self::Port(error) => error.class(),
            Self::Contended { .. } => Class::Retryable,
            Self::NoLane { .. } | Self::Refused { .. } => Class::Terminal,
        }
    }

    /// Its name in logs, metrics and the dead-letter queue.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Port(_) => "DependencyFailed",
            Self::Contended { .. } => "SlotContended",
            Self::NoLane { .. } => "NoSuchLane",
            Self::Refused { source, .. } => match source {
                StepError::OtherLane { .. } => "OtherLane",
                StepError::FromTheFuture { .. } => "EventFromTheFuture",
                StepError::NoSuchClaim { .. } => "NoSuchClaim",
            },
        }
    }
}

/// An error with its causes in one line of bounded length, which log viewers can
/// show.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    shortened(&text, 1_000)
}
