//! The start call was answered, or was not.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Look, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::{Refusal, StartAnswer};
use crate::execution::Execution;
use crate::facts::FactsNeeded;
use crate::guard::{doubled, later};
use crate::names::shortened;
use crate::policy::Mode;
use crate::slot::{Claim, NoCapacity, Phase, Run, Start};

/// The first wait after AWS had no capacity, and the longest.
const NO_CAPACITY_WAIT: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(2), SignedDuration::from_mins(60));

/// The first extra wait before an attempt is repeated, and the longest.
const ATTEMPT_WAIT: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(1), SignedDuration::from_mins(60));

impl Turn<'_> {
    pub(super) fn answered(
        mut self,
        claim: &Arc<Claim>,
        attempt: u32,
        answer: &StartAnswer,
    ) -> Step {
        match answer {
            // True whichever attempt tells it: the token makes it one execution.
            StartAnswer::Accepted {
                execution,
                started_at,
                adopted,
            } => {
                self.acknowledge(claim, execution, *started_at);
                let outcome = Outcome::Started {
                    claim: claim.number,
                    execution: execution.clone(),
                    adopted: *adopted,
                    reasons: claim.reasons.clone(),
                };
                self.commit(outcome, vec![])
            }
            StartAnswer::Refused { refusal, looked }
                if claim.attempt == attempt && is_definite(attempt, refusal, *looked) =>
            {
                self.not_started(claim, refusal)
            }
            // An earlier attempt may have had the effect: our own execution can be
            // what the refusal is about.
            StartAnswer::Refused { refusal, .. } => {
                self.start_unknown(claim, attempt, refusal.what())
            }
            StartAnswer::Absent => self.not_found(claim, attempt),
            StartAnswer::Unknown { what } => self.start_unknown(claim, attempt, what),
        }
    }

    /// The claim is fulfilled: from here on the slot runs its execution.
    pub(super) fn acknowledge(
        &mut self,
        claim: &Arc<Claim>,
        execution: &Execution,
        started_at: Timestamp,
    ) {
        self.slot.record_start(Start {
            at: started_at,
            claim: claim.number,
        });
        self.slot
            .foreign
            .retain(|run| !run.execution.is_same(execution));
        self.slot.no_capacity = None;
        self.slot.closed = None;
        self.slot.due_at = Some(later(self.now, self.facts.timing.describe_every()));
        self.slot.phase = Phase::Running(Run {
            claim: Arc::clone(claim),
            execution: execution.clone(),
            started_at,
        });
    }

    fn not_started(mut self, claim: &Claim, refusal: &Refusal) -> Step {
        let held_again = self.give_back(claim);
        match refusal {
            Refusal::NoCapacity { .. } => {
                let times = self
                    .slot
                    .no_capacity
                    .as_ref()
                    .map_or(0, |known| known.times);
                let (initial, cap) = NO_CAPACITY_WAIT;
                let wait = jittered(doubled(initial, times, cap), claim);
                self.slot.no_capacity = Some(NoCapacity {
                    times: times.saturating_add(1),
                    until: later(self.now, wait),
                });
            }
            Refusal::Misconfigured { what } => {
                self.misconfigure(shortened(what, 500));
            }
        }
        self.slot.due_at = self.due_when_idle();
        let outcome = Outcome::NotStarted {
            claim: claim.number,
            refusal: refusal.clone(),
            held_again,
        };
        self.commit(outcome, vec![])
    }

    /// Nothing has started for the claim, and this worker has sent nothing. If the run
    /// that ended last was retried, what the claim took from it is that run's again.
    fn not_found(mut self, claim: &Claim, attempt: u32) -> Step {
        if attempt == claim.attempt && self.is_withdrawn(claim) {
            let held_again = self.give_back(claim);
            self.slot.due_at = self.due_when_idle();
            let claim = claim.number;
            return self.commit(Outcome::NotSent { claim, held_again }, vec![]);
        }
        if attempt == claim.attempt
            && let Some(execution) = self.last_run()
        {
            if self.facts.lookups.is_none() {
                return Step::NeedFacts(FactsNeeded::of_last_run(execution));
            }
            if self.is_retried() {
                let held_again = self.give_back(claim);
                self.slot.due_at = self.due_when_idle();
                let outcome = Outcome::Yielded {
                    claim: claim.number,
                    execution: execution.clone(),
                    held_again,
                };
                return self.commit(outcome, vec![Command::Describe { execution }]);
            }
        }
        self.start_unknown(claim, attempt, "not found, and nothing may be sent now")
    }

    fn start_unknown(self, claim: &Claim, attempt: u32, what: &str) -> Step {
        if attempt != claim.attempt {
            return Step::unchanged(Unchanged::Superseded);
        }
        let outcome = Outcome::StartUnknown {
            claim: claim.number,
            what: shortened(what, 500),
            resume_at: claim.resume_at,
        };
        self.commit(outcome, vec![])
    }

    /// An answer to a claim whose execution is known.
    pub(super) fn answered_again(mut self, run: &Run, answer: &StartAnswer) -> Step {
        match answer {
            StartAnswer::Accepted {
                execution,
                started_at,
                ..
            } if !execution.is_same(&run.execution) => {
                self.slot.record_start(Start {
                    at: *started_at,
                    claim: run.claim.number,
                });
                let look_after = self.facts.timing.describe_every();
                self.see_foreign(execution, *started_at, look_after);
                let outcome = Outcome::SecondExecution {
                    claim: run.claim.number,
                    known: run.execution.clone(),
                    second: execution.clone(),
                };
                self.commit(outcome, vec![])
            }
            StartAnswer::Accepted { .. }
            | StartAnswer::Refused { .. }
            | StartAnswer::Absent
            | StartAnswer::Unknown { .. } => Step::unchanged(Unchanged::Superseded),
        }
    }

    /// Takes up a claim that its worker left unfinished, if it is time.
    pub(super) fn resume(mut self, claim: &Claim) -> Step {
        if let Some(needed) = self.needed_to_take_up() {
            return Step::NeedFacts(needed);
        }
        match self.take_up(claim) {
            Some((claim, command)) => {
                // A foreign run may be what forbids to send it.
                let mut commands = self.describe_foreign();
                commands.push(command);
                self.commit(Outcome::Resumed { claim }, commands)
            }
            None => Step::unchanged(Unchanged::LeaseIsLive),
        }
    }

    /// What must be known before an unfinished claim may be sent once more.
    pub(super) fn needed_to_take_up(&self) -> Option<FactsNeeded> {
        let Phase::Starting(claim) = &self.slot.phase else {
            return None;
        };
        let asks = self.facts.lookups.is_none() && self.now >= claim.resume_at && self.may_send();
        let needed = FactsNeeded {
            last_run: self.last_run(),
            packages: claim.package.clone().into_iter().collect(),
            ..FactsNeeded::default()
        };
        (asks && !needed.is_empty()).then_some(needed)
    }

    /// Gives an unfinished claim a new lease, if the old one is over and settled.
    pub(super) fn take_up(&mut self, claim: &Claim) -> Option<(Arc<Claim>, Command)> {
        if self.now < claim.resume_at {
            return None;
        }
        let timing = self.facts.timing;
        let mut claim = claim.clone();
        let withdrawn = self.is_withdrawn(&claim);
        if withdrawn && let Some(package) = &claim.package {
            claim.reasons.mark(|reason| reason.cause.asks_for(package));
        }
        let look = if self.may_send() && !withdrawn && !self.is_retried() {
            Look::First
        } else {
            Look::Only
        };
        let (initial, cap) = ATTEMPT_WAIT;
        let wait = match look {
            // What is only looked for is sent as soon as nothing forbids it.
            Look::Only => SignedDuration::ZERO,
            Look::First | Look::No => jittered(
                doubled(initial, claim.attempt.saturating_sub(1), cap),
                &claim,
            ),
        };
        claim.attempt = claim.attempt.saturating_add(1);
        claim.lease_until = later(self.now, timing.lease());
        claim.resume_at = later(later(claim.lease_until, timing.settle()), wait);
        self.slot.due_at = Some(claim.resume_at);
        let claim = Arc::new(claim);
        self.slot.phase = Phase::Starting(Arc::clone(&claim));
        let command = Command::EnsureStarted {
            claim: Arc::clone(&claim),
            look,
        };
        Some((claim, command))
    }

    /// Whether a claim that was written earlier may still be sent now.
    fn may_send(&self) -> bool {
        self.facts.controller.paused.is_none()
            && self.slot.paused.is_none()
            && self.slot.foreign.is_empty()
            && self.policy.policy.mode == Mode::Act
            && self.blackout_until.is_none()
    }

    /// A person gives up a claim that no worker holds any more. Should its
    /// execution turn up after all, it is a foreign run.
    pub(super) fn abandon(mut self, claim: &Claim) -> Step {
        if self.now < claim.lease_until {
            return Step::unchanged(Unchanged::LeaseIsLive);
        }
        let held_again = self.give_back(claim);
        // Its execution may exist for all that is known, so it counts as a start.
        self.slot.record_start(Start {
            at: claim.lease_until,
            claim: claim.number,
        });
        self.slot.due_at = self.due_when_idle();
        let outcome = Outcome::Abandoned {
            claim: claim.number,
            held_again,
        };
        self.commit(outcome, vec![])
    }

    /// The claim is over without an execution: its causes are held again.
    fn give_back(&mut self, claim: &Claim) -> usize {
        self.give_data_back(claim.data.as_ref(), false);
        let back = claim.reasons.clone().without_withdrawn();
        let held_again = back.len();
        self.slot.held.add_all(back);
        self.slot.phase = Phase::Idle;
        held_again
    }
}

/// Whether a refusal proves that no attempt has started the execution.
///
/// A first attempt knows that nobody sent the claim before. A later one does not,
/// unless it has looked: it looks when `settle` has passed since every earlier
/// lease, so an execution would be in the list. That is good enough to believe that
/// a request can never work. It is not for a lack of capacity, which our own
/// execution can cause: should the list lag more than it may, the run is ours.
const fn is_definite(attempt: u32, refusal: &Refusal, looked: bool) -> bool {
    match refusal {
        Refusal::NoCapacity { .. } => attempt == 1,
        Refusal::Misconfigured { .. } => attempt == 1 || looked,
    }
}

/// Up to a tenth more, derived from the claim's token: models that were refused
/// together do not come back together.
fn jittered(wait: SignedDuration, claim: &Claim) -> SignedDuration {
    let head: String = claim.token.to_string().chars().take(4).collect();
    let share = i32::from_str_radix(&head, 16).unwrap_or(0);
    wait + (wait / 10) * share / 0xffff
}
