//! What must be done once a decision is committed, and may be done twice.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::lane::Lane;
use crate::names::{ModelPackageArn, MonitoringScheduleName};
use crate::omitted::is_default;

/// Something that a slot still has to do elsewhere.
///
/// It is written together with the decision that calls for it and stays until it is
/// known to be done, so a crash loses none. It may be done twice, and that does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Its number within the slot.
    pub number: u64,
    /// What is to be done.
    pub task: Task,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts: u32,
}

/// What an errand does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Another slot of the model is told something.
    Tell {
        /// Which slot.
        lane: Lane,
        /// What.
        event: Box<Event>,
    },
    /// A monitoring schedule gets the baselines of a package.
    RefreshBaseline {
        /// The schedule.
        schedule: MonitoringScheduleName,
        /// The package.
        package: ModelPackageArn,
    },
}

/// The errands of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errands {
    /// How many there have been.
    made: u64,
    /// Those that are not done.
    open: Vec<Errand>,
}

impl Errands {
    /// Whether there has never been one.
    pub const fn is_empty(&self) -> bool {
        self.made == 0
    }

    /// Those that are not done.
    pub fn open(&self) -> &[Errand] {
        &self.open
    }

    /// When the next one is due.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.open.iter().map(|errand| errand.due_at).min()
    }

    pub(crate) fn add(&mut self, task: Task, due_at: Timestamp) {
        self.made = self.made.saturating_add(1);
        self.open.push(Errand {
            number: self.made,
            task,
            due_at,
            attempts: 0,
        });
    }

    /// Takes those up that are due; `again` says when one is tried again that is not
    /// done by then.
    pub(crate) fn take_due(
        &mut self,
        now: Timestamp,
        again: impl Fn(&Errand) -> Timestamp,
    ) -> Vec<Errand> {
        let due = self.open.iter_mut().filter(|errand| errand.due_at <= now);
        due.map(|errand| {
            errand.due_at = again(errand);
            errand.attempts = errand.attempts.saturating_add(1);
            errand.clone()
        })
        .collect()
    }

    /// All that wait are due at this moment at the latest.
    pub(crate) fn hurry(&mut self, at: Timestamp) {
        for errand in &mut self.open {
            errand.due_at = errand.due_at.min(at);
        }
    }

    /// The errand is done; nothing if it was before.
    pub(crate) fn done(&mut self, number: u64) -> Option<Errand> {
        let at = self
            .open
            .iter()
            .position(|errand| errand.number == number)?;
        Some(self.open.remove(at))
    }

    /// Those that are not needed any more are forgotten; says how many.
    pub(crate) fn forget(&mut self, is_needless: impl Fn(&Task) -> bool) -> usize {
        let before = self.open.len();
        self.open.retain(|errand| !is_needless(&errand.task));
        before - self.open.len()
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tell { lane, event } => write!(f, "tell {lane} of {event}"),
            Self::RefreshBaseline { schedule, package } => {
                write!(
                    f,
                    "give {schedule} the baselines of package {}",
                    package.version()
                )
            }
        }
    }
}
