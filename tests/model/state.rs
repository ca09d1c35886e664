//! Everything that is so at one moment.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use jiff::Timestamp;
use retrain_core::data::KnownObjects;
use retrain_core::event::Event;
use retrain_core::execution::Execution;
use retrain_core::facts::Seen;
use retrain_core::package::{PackageApproval, PackageUpdate};
use retrain_core::slot::{Claim, Slot};
use retrain_core::trigger::DedupeKey;

use crate::books::Books;
use crate::print::{Print, Shared};
use crate::replay::{Call, Heard};
use crate::setup::{Ends, Limits, SharedNews};

/// Everything that is so at one moment.
#[derive(Clone, Hash)]
pub(crate) struct State {
    /// In seconds after the beginning.
    pub(crate) now: i64,
    /// By lane.
    pub(crate) slots: Vec<Shared<Slot>>,
    pub(crate) markers: Shared<BTreeMap<(usize, DedupeKey), Seen>>,
    pub(crate) objects: Shared<KnownObjects>,
    pub(crate) news: Vec<Parcel>,
    /// In the order of their prints: no worker is special.
    pub(crate) workers: Vec<Worker>,
    /// Calls that AWS has taken and whose workers have given up or are dead.
    pub(crate) late: Vec<Late>,
    pub(crate) executions: Vec<Shared<Ran>>,
    pub(crate) packages: Vec<Registered>,
    /// What may still go wrong, or happen.
    pub(crate) left: Limits,
    /// What is known from the outside, and judges.
    pub(crate) books: Books,
}

/// News on its way.
#[derive(Clone, Hash)]
pub(crate) struct Parcel {
    pub(crate) news: SharedNews,
    /// It is not told earlier.
    pub(crate) from: i64,
    /// How often it may still be delivered.
    pub(crate) left: u8,
    /// Whether somebody delivers it until it is understood.
    pub(crate) owed: bool,
}

/// One invocation, waiting for the answer to a call.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) lane: usize,
    pub(crate) event: Shared<Event>,
    /// The parcel that it was told, by its place.
    pub(crate) source: Option<usize>,
    pub(crate) skew: i64,
    /// By its own clock.
    pub(crate) began: Timestamp,
    pub(crate) heard: Vec<Heard>,
    /// All of the above, in short.
    pub(crate) print: Print,
    /// What it knows of the slots, by lane: what it has read or written last.
    pub(crate) knows: BTreeMap<usize, Print>,
    /// What the package was that it has described last.
    pub(crate) saw: Option<PackageApproval>,
    /// When it made the call for whose answer it waits.
    pub(crate) asked: i64,
    pub(crate) next: Rc<Asked>,
}

/// A call, and the print of the slot that it writes.
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) slot: Option<Shared<Slot>>,
}

impl Hash for Worker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.print, self.source, self.skew, self.asked).hash(state);
        self.knows.hash(state);
        self.saw.map(|saw| saw as u8).hash(state);
    }
}

/// A call that takes its effect whatever has become of its worker.
#[derive(Clone, Hash)]
pub(crate) struct Late {
    pub(crate) call: Shared<LateCall>,
    pub(crate) until: i64,
    pub(crate) skew: i64,
    pub(crate) event: Print,
}

#[derive(Clone, Debug)]
pub(crate) enum LateCall {
    Start(Box<Claim>),
    Update(PackageUpdate, Option<PackageApproval>),
}

/// An execution, as AWS has it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) lane: usize,
    pub(crate) execution: Execution,
    /// The token that it was started with; none if a person has started it.
    pub(crate) token: Option<String>,
    /// The claim's number.
    pub(crate) claim: u64,
    pub(crate) parameters: Print,
    pub(crate) started: i64,
    pub(crate) ended: Option<Ends>,
    /// The package that it deploys.
    pub(crate) package: Option<usize>,
}

/// A package, as the registry has it.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) approval: PackageApproval,
    pub(crate) metadata: Shared<BTreeMap<String, String>>,
    pub(crate) modified: i64,
    /// When it was approved last, if it ever was: now, while it is.
    pub(crate) approved: Option<i64>,
    /// How often it has become approved.
    pub(crate) approvals: u8,
}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.approval as u8, &self.metadata, self.modified).hash(state);
        (self.approved, self.approvals).hash(state);
    }
}

impl State {
    /// Time passes.
    pub(crate) fn pass_until(&mut self, now: i64) {
        self.now = now;
        self.late.retain(|late| late.until >= now);
        for package in &mut self.packages {
            if package.approval == PackageApproval::Approved {
                package.approved = Some(now);
            }
        }
    }

    /// The execution that AWS calls so.
    pub(crate) fn execution(&self, execution: &Execution) -> Option<&Shared<Ran>> {
        let mut executions = self.executions.iter();
        executions.find(|ran| ran.execution.is_same(execution))
    }
}
