//! What is known from the outside about what was promised.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::print::{Print, Shared};

/// What was taken in, claimed and learned. Nothing here is read from a slot that could be
/// wrong about it.
#[derive(Clone, Default, Hash)]
pub(crate) struct Books {
    /// The claims of each lane, by number.
    pub(crate) claims: BTreeMap<(usize, u64), Claimed>,
    /// The keys of what was decided, by lane.
    pub(crate) decided: BTreeSet<(usize, Print)>,
    /// The attempt to which each lane was lent last.
    pub(crate) lent: BTreeMap<usize, Lent>,
    /// Causes that were taken in and are neither served nor rightly gone, and when each
    /// has asked last.
    pub(crate) open: Option<Shared<BTreeMap<String, Timestamp>>>,
    /// Since when each alarm is known to be over.
    pub(crate) cleared: Option<Shared<BTreeMap<String, Timestamp>>>,
    /// The executions of others that a slot has been told of and that run, by their place.
    pub(crate) foreign: BTreeSet<usize>,
    /// Rows that were taken in and that no run has consumed.
    pub(crate) rows: u64,
}

/// A claim as it was written.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Claimed {
    pub(crate) token: Print,
    pub(crate) parameters: Print,
    pub(crate) fate: Fate,
}

/// What has become of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// It leads to one execution.
    Open,
    /// It was recorded that it leads to none.
    Released,
    /// A person has given it up, whatever it leads to.
    Abandoned,
}

/// To whom a lane was lent.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Lent {
    pub(crate) claim: u64,
    pub(crate) attempt: u32,
    pub(crate) at: Timestamp,
}

impl Books {
    /// The causes that are open.
    pub(crate) fn open(&self) -> BTreeMap<String, Timestamp> {
        self.open.as_deref().cloned().unwrap_or_default()
    }
}
