//! The books that are kept from the outside, and the promises themselves.

use alloc::collections::BTreeSet;
use alloc::string::ToString;

use jiff::SignedDuration;

use super::world::{Fate, Op, Ran, World};
use crate::event::ExecutionStatus;
use crate::reason::Reasons;
use crate::step::*;
use crate::token::ClientRequestToken;

impl World {
    /// Keeps the books on what was taken in, from the outside.
    pub(super) fn account(&mut self, event: &Event, outcome: &Outcome) {
        match (event, outcome) {
            (Event::Trigger(trigger), Outcome::Held { .. } | Outcome::Claimed { .. }) => {
                assert!(
                    self.decided.insert(trigger.dedupe_key()),
                    "promise 4: decided twice: {trigger:?}"
                );
                let newest = self
                    .open
                    .entry(trigger.cause.id().to_string())
                    .or_insert(trigger.at);
                *newest = trigger.at.max(*newest);
            }
            (Event::Trigger(trigger), Outcome::Stale { .. }) => {
                assert!(
                    self.decided.insert(trigger.dedupe_key()),
                    "promise 4: decided twice: {trigger:?}"
                );
            }
            (Event::AlarmCleared { alarm, at }, Outcome::AlarmCleared { .. })
                if self
                    .open
                    .get(alarm.as_str())
                    .is_some_and(|asked| asked < at) =>
            {
                self.open.remove(alarm.as_str());
            }
            (_, Outcome::Succeeded { .. } | Outcome::Stopped { .. } | Outcome::Failed { .. }) => {
                let Phase::Running(run) = &self.slot.phase else {
                    let Phase::Starting(claim) = &self.slot.phase else {
                        panic!("{outcome:?} while idle")
                    };
                    let reasons = claim.reasons.clone();
                    return self.settle(&reasons, outcome);
                };
                let reasons = run.claim.reasons.clone();
                self.settle(&reasons, outcome);
            }
            _ => {}
        }
    }

    /// A run has ended: what it carried is served, discarded, or given up.
    pub(super) fn settle(&mut self, reasons: &Reasons, outcome: &Outcome) {
        let held: BTreeSet<&str> = self
            .slot
            .held
            .iter()
            .map(|reason| reason.cause.id())
            .collect();
        for reason in reasons.iter() {
            let over = match outcome {
                Outcome::Failed { .. } => reason.failures + 1 >= 3,
                _ => true,
            };
            if over && !held.contains(reason.cause.id()) {
                self.open.remove(reason.cause.id());
            }
        }
    }

    /// The executions that the controller started.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Ran> {
        self.executions
            .iter()
            .filter(|execution| execution.token.is_some())
    }

    /// The promises that hold after every single thing that happens.
    pub(super) fn check(&self) {
        let running = |execution: &&Ran| execution.status == ExecutionStatus::InFlight;
        assert!(
            self.ours().filter(running).count() <= 1,
            "promise 1: two executions in flight"
        );

        let mut starts: Vec<Timestamp> = self.ours().map(|execution| execution.started).collect();
        starts.sort();
        for pair in starts.windows(2) {
            assert!(
                pair[1] - SignedDuration::from_hours(1) >= pair[0],
                "promise 2: {pair:?} are too close"
            );
        }

        let tokens: BTreeSet<&str> = self
            .ours()
            .filter_map(|execution| execution.token.as_ref())
            .map(ClientRequestToken::as_str)
            .collect();
        assert_eq!(
            tokens.len(),
            self.ours().count(),
            "promise 5: two executions with one token"
        );

        let carried = match &self.slot.phase {
            Phase::Idle => None,
            Phase::Starting(claim) => Some(&claim.reasons),
            Phase::Running(run) => Some(&run.claim.reasons),
        };
        let known: BTreeSet<&str> = self
            .slot
            .held
            .iter()
            .chain(carried.into_iter().flat_map(Reasons::iter))
            .map(|reason| reason.cause.id())
            .collect();
        for cause in self.open.keys() {
            assert!(known.contains(cause.as_str()), "promise 3: {cause} is lost");
        }

        for window in starts.windows(3) {
            assert!(
                window[2] - SignedDuration::from_hours(12) >= window[0],
                "promise 9: {window:?} are over the budget"
            );
        }

        let waits_for_a_person = self.slot.paused.is_some() || self.slot.breaker_open.is_some();
        let has_work = !self.slot.held.is_empty() || self.slot.phase != Phase::Idle;
        assert!(
            !has_work || waits_for_a_person || self.slot.due_at.is_some(),
            "promise 3: nobody will look again: {:?}",
            self.slot
        );
    }

    /// From here on everything works, and the reconciler looks when it is due.
    pub(super) fn drain(&mut self) {
        self.workers.clear();
        self.apply(&Op::Unpause);
        self.apply(&Op::Reset);
        for _ in 0..60 {
            for execution in 0..self.executions.len() {
                let n = u8::try_from(execution).unwrap();
                self.apply(&Op::End {
                    execution: n,
                    status: ExecutionStatus::Succeeded,
                });
                self.apply(&Op::Report {
                    execution: n,
                    named: true,
                });
            }
            if let Some(due_at) = self.slot.due_at {
                self.now = self.now.max(due_at);
            }
            self.apply(&Op::Tick);
            self.apply(&Op::Send {
                worker: 0,
                fate: Fate::Accepted,
            });
            self.apply(&Op::Answer(0));
        }
        assert_eq!(self.slot.phase, Phase::Idle, "promise 3: a run never ends");
        assert!(
            self.slot.held.is_empty(),
            "promise 3: held for ever: {:?}",
            self.slot
        );
        assert!(
            self.open.is_empty(),
            "promise 3: never served: {:?}",
            self.open
        );
    }
}
