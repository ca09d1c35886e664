//! The books that are kept from the outside, and the promises themselves.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};

use jiff::SignedDuration;

use super::world::{Fate, Op, Ran, World};
use crate::event::ExecutionStatus;
use crate::policy::Mode;
use crate::reason::Reasons;
use crate::step::*;
use crate::token::ClientRequestToken;

impl World {
    /// Keeps the books on what was taken in, from the outside.
    pub(super) fn account(&mut self, event: &Event, outcome: &Outcome, after: &Slot) {
        match (event, outcome) {
            (
                Event::Trigger(trigger),
                Outcome::Held { .. } | Outcome::Claimed { .. } | Outcome::WouldStart { .. },
            ) => {
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
            _ => {}
        }
        match outcome {
            Outcome::Succeeded { .. }
            | Outcome::NoImprovement { .. }
            | Outcome::Interrupted { .. }
            | Outcome::Stopped { .. }
            | Outcome::Failed { .. } => self.settle(outcome, after),
            Outcome::WouldStart { reasons, .. } => {
                self.is_far_from_a_retry();
                for reason in reasons.iter() {
                    self.open.remove(reason.cause.id());
                }
            }
            Outcome::Claimed { .. } => self.is_far_from_a_retry(),
            Outcome::Reopened { .. } => self.reopened_at = Some(self.now),
            _ => {}
        }
    }

    fn is_far_from_a_retry(&self) {
        let since = |at| self.now - SignedDuration::from_hours(1) >= at;
        assert!(
            self.reopened_at.is_none_or(since),
            "promise 2: a start soon after a retry"
        );
    }

    /// A run has ended: what it carried is served, discarded, or given up.
    fn settle(&mut self, outcome: &Outcome, after: &Slot) {
        let before = &self.slot;
        let ids = |reasons: &Reasons| -> BTreeSet<String> {
            let ids = reasons.iter().map(|reason| reason.cause.id());
            ids.map(ToString::to_string).collect()
        };
        let held = ids(&after.held);
        let (claim, reasons) = match &before.phase {
            // Retried, and it has succeeded before that was told.
            Phase::Idle => (&before.closed.as_ref().unwrap().claim, &before.held),
            Phase::Starting(claim) => (claim, &claim.reasons),
            Phase::Running(run) => (&run.claim, &run.claim.reasons),
        };
        let claimed_at = claim.claimed_at;
        let over = reasons.iter().filter(|reason| match outcome {
            Outcome::Failed { .. } | Outcome::Interrupted { .. } => reason.failures + 1 >= 3,
            Outcome::NoImprovement { .. } => {
                reason.no_improvements + 1 >= 3 || !self.rings(reason.cause.id())
            }
            _ => true,
        });
        let over: Vec<String> = over
            .map(|reason| reason.cause.id().to_string())
            .filter(|id| !held.contains(id))
            .collect();
        for id in over {
            if let Some(asked) = self.open.remove(&id) {
                assert!(
                    asked <= claimed_at,
                    "promise 3: {id} asked after the claim that settles it"
                );
            }
        }
    }

    /// The executions that the controller started.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Ran> {
        self.executions
            .iter()
            .filter(|execution| execution.token.is_some())
    }

    /// The executions that the controller answers for: it started them, and no person
    /// has retried them after a later start was decided. That nobody can forbid.
    fn accountable(&self) -> impl Iterator<Item = &Ran> {
        let is_late = |n: usize, retried: usize| {
            let mut newer = self.executions.iter().skip(n + 1);
            newer.any(|newer| newer.token.is_some() && newer.decided <= retried)
        };
        let ours = self.executions.iter().enumerate();
        ours.filter(|(_, ran)| ran.token.is_some())
            .filter(move |(n, ran)| !ran.retried.is_some_and(|retried| is_late(*n, retried)))
            .map(|(_, ran)| ran)
    }

    /// The promises that hold after every single thing that happens.
    pub(super) fn check(&self) {
        let in_flight = self
            .accountable()
            .filter(|ran| ran.status == ExecutionStatus::InFlight);
        assert!(
            in_flight.count() <= 1,
            "promise 1: two executions in flight"
        );
        let trained = self
            .accountable()
            .filter(|ran| ran.status == ExecutionStatus::Succeeded);
        self.books.check_trained(trained.map(|ran| ran.claim));

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

        let carried = self.slot.phase.claim().map(|claim| &claim.reasons);
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
        let data = &self.slot.data;
        let has_work = !self.slot.held.is_empty()
            || self.slot.phase != Phase::Idle
            || (data.tally.rows > 0 && !data.needs_more);
        assert!(
            !has_work || waits_for_a_person || self.slot.due_at.is_some(),
            "promise 3: nobody will look again: {:?}",
            self.slot
        );
        self.books.check(&self.slot, &self.store);
    }

    /// From here on everything works, and the reconciler looks when it is due.
    pub(super) fn drain(&mut self) {
        self.apply(&Op::Unpause);
        self.apply(&Op::Reset);
        self.apply(&Op::Mode(Mode::Act));
        self.all_arrives();
        self.workers.clear();
        for _ in 0..60 {
            let is_quiet = self.slot.phase == Phase::Idle && self.slot.held.is_empty();
            if is_quiet && self.slot.data.tally.rows == 0 {
                break;
            }
            for execution in 0..self.executions.len() {
                let n = u8::try_from(execution).unwrap();
                self.apply(&Op::End {
                    execution: n,
                    status: ExecutionStatus::Succeeded,
                    not_better: false,
                });
                self.apply(&Op::Report {
                    execution: n,
                    named: true,
                });
            }
            if let Some(due_at) = self.slot.due_at {
                self.now = self.now.max(due_at);
            }
            self.apply(&Op::Tick { may_start: true });
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
        self.books.all_is_consumed(&self.slot);
    }
}
