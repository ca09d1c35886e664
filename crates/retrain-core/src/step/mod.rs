//! The life-cycle of a slot as one pure function.
//!
//! [`step`] takes what is stored, what happened, and what is known; it returns
//! what to store and what to do. Everything else in the workspace only loads,
//! looks up, steps, commits and performs.

mod answer;
mod claim;
mod data;
mod deployment;
mod ended;
mod errands;
mod explain;
mod orders;
mod package;
#[cfg(test)]
mod promises;
mod retire;
mod review;
mod run;
#[cfg(test)]
mod tests;
mod trigger;
mod withdrawal;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

pub use self::explain::verdicts;
use crate::data::ObjectWrite;
use crate::decision::{Decision, Outcome, Unchanged};
use crate::errand::Errand;
use crate::event::Event;
use crate::execution::Execution;
use crate::facts::{Facts, FactsNeeded, Seen};
use crate::guard::{Guard, View, blackout_until, later};
use crate::lane::Lane;
use crate::names::{ModelPackageArn, ModelPackageGroupName};
use crate::policy::PolicyInForce;
use crate::reason::Reason;
use crate::review::Write;
use crate::slot::{Claim, Phase, Slot};
use crate::trigger::DedupeKey;

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A start is called for, but not everything that it needs is known. Look
    /// these up and step again.
    NeedFacts(FactsNeeded),
    /// There is nothing to write and nothing to do.
    Settled(Outcome),
    /// Write this, then do what it commands.
    Commit(Box<Commit>),
}

/// One atomic write, and what to do after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The slot as it shall be. Its version is one more than the one read.
    pub slot: Box<Slot>,
    /// The trigger to remember as seen.
    pub marker: Option<(DedupeKey, Seen)>,
    /// The decision to record. A mere change of the due time has none.
    pub decision: Option<Decision>,
    /// What to remember of objects that were counted.
    pub objects: Vec<ObjectWrite>,
    /// What to do once the write has succeeded.
    pub commands: Vec<Command>,
}

/// Something to do at AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// See to it that the claim's execution exists: look for it first if an
    /// earlier attempt may have started it.
    EnsureStarted {
        /// The claim.
        claim: Arc<Claim>,
        /// Whether an earlier attempt may have started it, and whether it may be
        /// sent now.
        look: Look,
    },
    /// Look for the newest package of the group.
    FindPackage {
        /// The group.
        group: ModelPackageGroupName,
        /// It was registered after this.
        after: Timestamp,
    },
    /// Describe the execution and tell its status.
    Describe {
        /// The execution.
        execution: Execution,
    },
    /// Describe the package and tell what it is.
    DescribePackage {
        /// The package.
        package: ModelPackageArn,
    },
    /// Write to the package, if it still is what the update is to be written over.
    UpdatePackage(Box<Write>),
    /// Do something elsewhere.
    Errand(Errand),
    /// Look at the slot once more.
    Look,
}

/// How a worker makes sure that a claim's execution exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nobody can have sent the claim before: send it.
    No,
    /// An earlier attempt may have sent it: send it only if its execution is not
    /// found.
    First,
    /// An earlier attempt may have sent it, but nothing may be sent now: a pause or
    /// a foreign run forbids it.
    Only,
}

/// An event that cannot happen to this slot.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StepError {
    /// A trigger claims to be from later than now. Were it believed, every real
    /// transition until then would be taken for stale.
    #[error("it happened at {at}, which is in the future at {now}")]
    FromTheFuture {
        /// When it claims to have happened.
        at: Timestamp,
        /// The time.
        now: Timestamp,
    },
    /// An answer is about a claim that was never made.
    #[error("an answer to claim {claim}, but the last claim is {last}")]
    NoSuchClaim {
        /// The claim that the answer names.
        claim: u64,
        /// The last claim of the slot.
        last: u64,
    },
    /// The event is none of this lane.
    #[error("{event} is no event of the lane {lane}")]
    OtherLane {
        /// The event.
        event: String,
        /// The lane.
        lane: Lane,
    },
}

/// Decides what follows from `event` for a slot.
///
/// `now` is the caller's clock; time never runs backwards for a slot, so the time
/// that counts is the later of `now` and the slot's last write. The slot of a package
/// tells others of approvals and rejections, whose times alone say which is the newer one:
/// no two of its writes share a millisecond, however far a clock lags.
pub fn step(
    slot: &Slot,
    event: &Event,
    facts: &Facts<'_>,
    policy: &PolicyInForce,
    now: Timestamp,
) -> Result<Step, StepError> {
    let turn = || Turn::new(slot, event, facts, policy, now);
    Ok(match decide(slot, turn())? {
        // What is asked with a key is remembered also where there is nothing to do: it would
        // undo what somebody asks meanwhile, were it delivered again.
        Step::Settled(outcome) if facts.seen.is_none() && event.dedupe_key().is_some() => {
            turn().commit(outcome, vec![])
        }
        step => step,
    })
}

/// Decides, without looking whether what is settled must be remembered.
fn decide(slot: &Slot, turn: Turn<'_>) -> Result<Step, StepError> {
    let Turn {
        event,
        facts,
        policy,
        ..
    } = turn;
    if !is_of(event, &policy.lane) {
        return Err(StepError::OtherLane {
            event: event.to_string(),
            lane: policy.lane.clone(),
        });
    }
    // A trigger that comes again may find its claim unfinished: see `triggered`. What follows
    // from it has no key, and is no duplicate.
    if let Some(seen) = facts.seen
        && !matches!(event, Event::Trigger(_))
        && event.dedupe_key().is_some()
    {
        let (decision, claim) = (seen.decision, seen.claim);
        return Ok(Step::Settled(Outcome::Duplicate { decision, claim }));
    }
    if let Lane::Package(package) = &policy.lane {
        return Ok(turn.review(package));
    }
    match (event, &slot.phase) {
        (Event::Trigger(trigger), _) => turn.triggered(trigger),
        (Event::AlarmCleared { alarm, at }, _) => turn.alarm_cleared(alarm, *at),

        (Event::StartAnswered { claim, .. }, _) if *claim > slot.claims => {
            Err(StepError::NoSuchClaim {
                claim: *claim,
                last: slot.claims,
            })
        }
        (
            Event::StartAnswered {
                claim,
                attempt,
                answer,
            },
            Phase::Starting(own),
        ) if *claim == own.number => Ok(turn.answered(own, *attempt, answer)),
        (Event::StartAnswered { claim, answer, .. }, Phase::Running(run))
            if *claim == run.claim.number =>
        {
            Ok(turn.answered_again(run, answer))
        }
        (Event::StartAnswered { .. }, _) => Ok(Step::unchanged(Unchanged::Superseded)),

        (Event::Status(report), Phase::Starting(claim)) => {
            Ok(turn.reported_before_answer(claim, report))
        }
        (Event::Status(report), Phase::Running(run)) => Ok(turn.reported(run, report)),
        (Event::Status(report), Phase::Idle) => Ok(turn.reported_of_other(report)),

        (Event::Data(arrivals), _) => Ok(turn.arrived(arrivals)),

        (Event::Registered { found }, _) => Ok(turn.registered(found.as_ref())),

        (Event::Tick, Phase::Idle) => Ok(turn.look_at_held()),
        (Event::Tick, Phase::Starting(claim)) => Ok(turn.resume(claim)),
        (Event::Tick, Phase::Running(run)) => Ok(turn.describe(run)),

        (Event::Order(order), phase) => Ok(turn.ordered(order, phase)),

        (
            Event::Withdrawn {
                package,
                because,
                at,
            },
            _,
        ) => Ok(turn.withdrawn(package, *because, *at)),
        (Event::EndpointRolledBack { endpoint, what, at }, _) => {
            Ok(turn.endpoint_rolled_back(endpoint, what, *at))
        }
        (Event::ErrandDone { number, baseline }, _) => {
            Ok(turn.errand_done(*number, baseline.as_ref()))
        }
        (Event::Package { .. } | Event::SignOff(_) | Event::PackageWritten { .. }, _) => {
            Ok(Step::unchanged(Unchanged::SamePackage))
        }
    }
}

/// The earliest time that counts for the next write.
fn earliest(slot: &Slot, lane: &Lane) -> Timestamp {
    match lane {
        Lane::Package(_) => later(slot.updated_at, SignedDuration::from_millis(1)),
        Lane::Retrain | Lane::Deploy(_) => slot.updated_at,
    }
}

/// Whether the event can happen in this lane.
fn is_of(event: &Event, lane: &Lane) -> bool {
    let of_package = matches!(lane, Lane::Package(_));
    let of_deployment = matches!(lane, Lane::Deploy(_));
    match event {
        Event::Tick | Event::ErrandDone { .. } => true,
        Event::Order(order) => order.kind.is_of(lane),
        Event::Package { .. } | Event::SignOff(_) | Event::PackageWritten { .. } => of_package,
        Event::Withdrawn { .. } | Event::EndpointRolledBack { .. } => of_deployment,
        Event::Trigger(trigger) => {
            !of_package && trigger.cause.package().is_some() == of_deployment
        }
        Event::AlarmCleared { .. } | Event::Data(_) | Event::Registered { .. } => {
            *lane == Lane::Retrain
        }
        Event::StartAnswered { .. } | Event::Status(_) => !of_package,
    }
}

/// One call of [`step`]: what it was given, and the slot that it is changing.
struct Turn<'a> {
    /// On the heap: it is large, and a turn is handed on from one method to the next.
    slot: Box<Slot>,
    event: &'a Event,
    facts: &'a Facts<'a>,
    policy: &'a PolicyInForce,
    now: Timestamp,
    /// The end of the blackout hours that cover `now`. Worked out once: it is the
    /// only guard whose cost grows with the policy.
    blackout_until: Option<Timestamp>,
    /// What to remember of objects that this turn has counted.
    objects: Vec<ObjectWrite>,
}

impl Step {
    fn unchanged(because: Unchanged) -> Self {
        Self::Settled(Outcome::Unchanged { because })
    }
}

impl<'a> Turn<'a> {
    fn new(
        slot: &Slot,
        event: &'a Event,
        facts: &'a Facts<'a>,
        policy: &'a PolicyInForce,
        now: Timestamp,
    ) -> Self {
        let now = now.max(earliest(slot, &policy.lane));
        Self {
            slot: Box::new(slot.clone()),
            event,
            facts,
            policy,
            now,
            blackout_until: blackout_until(&policy.policy.blackouts, now),
            objects: Vec::new(),
        }
    }

    /// The write that ends this turn, with its decision.
    fn commit(self, outcome: Outcome, commands: Vec<Command>) -> Step {
        let at = self.now;
        let decision = Decision {
            slot: self.policy.slot(),
            number: self.slot.version.saturating_add(1),
            at,
            event: self.event.recorded(),
            console_url: self.console_url(&outcome),
            outcome,
            policy_version: self.policy.version,
        };
        self.write(Some(decision), commands)
    }

    /// Where a person sees what the outcome is about.
    fn console_url(&self, outcome: &Outcome) -> Option<String> {
        match &self.policy.lane {
            Lane::Package(package) => Some(package.console_url()),
            Lane::Retrain | Lane::Deploy(_) => outcome.execution().map(Execution::console_url),
        }
    }

    /// The write that ends this turn and moves no more than the due time.
    fn commit_silently(self, commands: Vec<Command>) -> Step {
        self.write(None, commands)
    }

    fn write(self, decision: Option<Decision>, commands: Vec<Command>) -> Step {
        let mut slot = self.slot;
        slot.version = slot.version.saturating_add(1);
        slot.updated_at = self.now;
        // What was seen has its marker; this write is about its claim.
        let key = self
            .event
            .dedupe_key()
            .filter(|_| self.facts.seen.is_none());
        let claim = decision
            .as_ref()
            .and_then(|decision| match &decision.outcome {
                Outcome::Claimed { claim } => Some(claim.number),
                _ => None,
            });
        let marker = key.map(|key| {
            let decision = slot.version;
            (key, Seen { decision, claim })
        });
        Step::Commit(Box::new(Commit {
            slot,
            marker,
            decision,
            objects: self.objects,
            commands,
        }))
    }

    /// The first guard that keeps `reason` from starting now.
    fn guard(&self, reason: &Reason) -> Option<Guard> {
        Guard::first(self.view(), reason)
    }

    /// What the guards look at.
    fn view(&self) -> View<'_> {
        View {
            slot: &self.slot,
            controller: self.facts.controller,
            policy: self.policy,
            blackout_until: self.blackout_until,
            may_start: self.facts.may_start,
            data_ready_at: self.data_ready_at(),
            now: self.now,
        }
    }

    /// Sets when to look again, unless a claim or a run has its own time for that.
    fn refresh_due(&mut self) {
        if self.slot.phase == Phase::Idle {
            self.slot.due_at = self.due_when_idle();
        }
    }

    /// When an idle slot must be looked at again: for its held causes, and for
    /// foreign runs whose end nobody may tell about.
    fn due_when_idle(&self) -> Option<Timestamp> {
        let foreign = self.slot.foreign.iter().map(|run| run.look_at).min();
        let aged = self.aged_at().filter(|_| !self.is_aged());
        let data = self.data_ready_at().filter(|_| !self.is_data_held());
        let held = self.due_for_held();
        let package = self.package_due_at();
        let current = self.current_due_at();
        let errands = self.slot.errands.due_at();
        let due = held.into_iter().chain(foreign).chain(aged).chain(package);
        let due = due
            .chain(current)
            .chain(errands)
            .chain(self.review_due_at());
        due.chain(data).min()
    }

    fn due_for_held(&self) -> Option<Timestamp> {
        let guards = self.slot.held.iter().map(|reason| self.guard(reason));
        guards
            .filter_map(|guard| match guard {
                // Eligible already: whoever looks next starts it.
                None => Some(self.now),
                // A person must act, on the policy or on the model. Looking again
                // at a slow pace notices a changed policy without being told.
                Some(Guard::Promotion { .. }) => Some(later(self.now, LOOK_AT_WAITING_EVERY)),
                Some(
                    Guard::Misconfigured { .. }
                    | Guard::ControllerPaused { .. }
                    | Guard::NotEnoughData { until: None },
                ) => Some(later(self.now, LOOK_AGAIN_EVERY)),
                Some(guard) => guard.until(),
            })
            .min()
    }
}

/// How often a slot is looked at whose guard only a person can clear.
const LOOK_AGAIN_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// How often a package is looked at that waits for a person's promotion: the policy may
/// have stopped asking for one.
const LOOK_AT_WAITING_EVERY: SignedDuration = SignedDuration::from_hours(1);
