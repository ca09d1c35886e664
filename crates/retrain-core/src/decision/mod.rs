//! What was decided, and why: the record that every start can show.

mod outcome;
mod release;
mod text;

use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::outcome::Outcome;
use crate::event::Event;
use crate::lane::SlotKey;
use crate::names::ModelPackageArn;

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
    /// Where a person sees the execution that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
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

/// How an execution ended that neither succeeded nor failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// A newer execution of the pipeline has overtaken it.
    Superseded,
    /// Its pipeline was changed while it ran.
    Canceled,
}

/// What follows when the package that an environment runs shall go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rollback", rename_all = "snake_case")]
pub enum Rollback {
    /// An earlier package is deployed again.
    To {
        /// That package.
        package: ModelPackageArn,
    },
    /// No package that ran before is still approved.
    Nothing,
    /// The policy leaves it to a person.
    Reported,
}

/// How much training data a policy wants before a start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether an object must say that the batch is complete.
    #[serde(default)]
    pub completion: bool,
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
    /// A start is under way: before its policy goes, its execution is known, or somebody
    /// gives it up.
    StartIsUnderWay,
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
    /// All objects were counted before.
    AlreadyCounted,
    /// The errand was done before.
    AlreadyDone,
    /// The package is as it was.
    SamePackage,
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
    /// The environment runs this package, or a later version.
    RunsLater {
        /// What it runs.
        package: ModelPackageArn,
    },
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = " of ";
        let minimums = [
            (self.rows, "row(s)"),
            (self.objects, "object(s)"),
            (self.bytes, "byte(s)"),
        ];
        for (minimum, of) in minimums {
            if let Some(minimum) = minimum {
                write!(f, "{before}{minimum} {of}")?;
                before = ", ";
            }
        }
        if self.completion {
            write!(f, "{before}a completion")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingDue => "nothing is due",
            Self::Looked => "it was looked at, and is looked at again later",
            Self::Superseded => "the claim was answered or superseded before",
            Self::LeaseIsLive => "the claim's lease is live",
            Self::StartIsUnderWay => "a start is under way, and its execution may exist",
            Self::SameStatus => "the status was known",
            Self::Nameless => "the status does not tell whose execution it is about",
            Self::AlreadyCleared => "the alarm was known to be over",
            Self::AlreadySo => "the model is so already",
            Self::NoClaim => "there is no unfinished claim",
            Self::AlreadyCounted => "all objects were counted before",
            Self::AlreadyDone => "the errand was done before",
            Self::SamePackage => "the package is as it was",
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
            Self::RunsLater { package } => {
                write!(f, "the environment runs package {}", package.version())
            }
        }
    }
}
