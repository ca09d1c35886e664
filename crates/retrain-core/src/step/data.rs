//! Training data arrives, is counted, and becomes a cause when it is enough.

use alloc::sync::Arc;
use alloc::vec;

use jiff::Timestamp;

use super::{Step, Turn};
use crate::data::{Arrivals, Counted, Counter, Taken};
use crate::decision::{Outcome, Unchanged, Wanted};
use crate::guard::{agreeing, is_alone, later};
use crate::policy::{DataPolicy, Mode};
use crate::reason::{Reason, Reasons};
use crate::trigger::{Cause, Trigger};

impl Turn<'_> {
    /// Objects have arrived: each is counted once, in its newest version.
    pub(super) fn arrived(mut self, arrivals: &Arrivals) -> Step {
        let closed = self.slot.closed.as_mut().map(|run| &mut run.claim);
        let claims = self.slot.phase.shared_claim().into_iter().chain(closed);
        // A claim without data stays shared.
        let with_data = claims.filter(|claim| claim.data.is_some());
        let counter = Counter {
            taken: with_data
                .filter_map(|claim| Arc::make_mut(claim).data.as_mut())
                .collect(),
            waiting: &mut self.slot.data,
            known: self.facts.objects,
        };
        let news = counter.count(arrivals);
        if news.writes.is_empty() {
            return Step::unchanged(Unchanged::AlreadyCounted);
        }
        self.note_arrival(&news);
        self.objects = news.writes.into_values().collect();
        let ready = self.data_is_enough();
        if ready.is_some()
            && !self.is_listed_later()
            && let Some(leading) = self.first_eligible()
        {
            return self.claim_held(&leading);
        }
        self.refresh_due();
        let outcome = Outcome::Counted {
            arrived: news.tally,
            repeated: news.repeated,
            uncounted: news.uncounted,
            waiting: self.slot.data.tally,
            wanted: self.wanted(),
            ready_at: self.data_ready_at(),
            held_by: ready.and_then(|reason| self.guard(&reason)),
        };
        self.commit(outcome, vec![])
    }

    fn note_arrival(&mut self, news: &Counted) {
        let data = &mut self.slot.data;
        if news.has_data {
            data.last_at = Some(self.now);
            data.needs_more = false;
        }
        if data.tally.rows == 0 {
            data.first_at = None;
        } else if news.tally.rows > 0 {
            data.first_at.get_or_insert(self.now);
        }
        if news.completes {
            data.complete_at = Some(self.now);
        }
        self.forget_data_that_is_not_enough();
    }

    /// What was enough has been overwritten since, or belongs to a run again: the rest
    /// waits for more.
    pub(super) fn forget_data_that_is_not_enough(&mut self) {
        if self.data_ready_at().is_none() {
            let nothing_left = self.slot.data.tally.rows == 0;
            self.slot
                .held
                .take(|reason| reason.is_data() && (reason.failures == 0 || nothing_left));
        }
    }

    /// Whether a start must wait for the write that counts these objects: a manifest
    /// lists what the table has, and that is not among it yet. The slot is due at
    /// once then, and whoever looks starts it.
    fn is_listed_later(&self) -> bool {
        self.policy.policy.mode != Mode::Observe && self.manifest_needed().is_some()
    }

    /// The waiting data as a cause among the held ones, if it is enough.
    pub(super) fn data_is_enough(&mut self) -> Option<Reason> {
        let is_enough = self.data_ready_at().is_some_and(|at| at <= self.now);
        if !is_enough || self.is_data_held() {
            return None;
        }
        let tally = self.slot.data.tally;
        let cause = Cause::Data {
            rows: tally.rows,
            objects: tally.objects,
        };
        // It may have been enough for long, unnoticed behind a run: it asks now.
        let at = self.now;
        Some(self.remember(&Trigger { cause, at }))
    }

    /// Whether waiting data is among the held causes.
    pub(super) fn is_data_held(&self) -> bool {
        self.slot.held.iter().any(Reason::is_data)
    }

    /// When the waiting data is enough, unless more of it comes.
    pub(super) fn data_ready_at(&self) -> Option<Timestamp> {
        let policy = self.policy.policy.data.as_ref()?;
        let data = &self.slot.data;
        if data.needs_more || data.tally.rows == 0 {
            return None;
        }
        let waited = policy
            .max_wait
            .zip(data.first_at)
            .map(|(wait, first_at)| later(first_at, wait.duration()));
        let quiet = data
            .last_at
            .max(data.complete_at)
            .filter(|_| self.reaches_minimums(policy))
            .map(|last_at| match policy.quiet_period {
                Some(quiet) => later(last_at, quiet.duration()),
                None => last_at,
            });
        [waited, quiet].into_iter().flatten().min()
    }

    fn reaches_minimums(&self, policy: &DataPolicy) -> bool {
        let DataPolicy {
            min_rows,
            min_objects,
            min_bytes,
            complete_when,
            ..
        } = policy;
        let tally = self.slot.data.tally;
        let minimums = [
            (*min_rows, tally.rows),
            (*min_objects, tally.objects),
            (*min_bytes, tally.bytes),
        ];
        let has_rule = complete_when.is_some() || minimums.iter().any(|(min, _)| min.is_some());
        has_rule
            && minimums
                .iter()
                .all(|(minimum, is)| minimum.is_none_or(|minimum| *is >= minimum))
            && (complete_when.is_none() || self.slot.data.complete_at.is_some())
    }

    fn wanted(&self) -> Wanted {
        let policy = self.policy.policy.data.as_ref();
        policy.map_or(Wanted::default(), |policy| Wanted {
            rows: policy.min_rows,
            objects: policy.min_objects,
            bytes: policy.min_bytes,
            completion: policy.complete_when.is_some(),
        })
    }

    /// The data of a claim that no run has consumed waits again; after a run that a
    /// person or the policy gave up, for more.
    pub(super) fn give_data_back(&mut self, taken: Option<&Taken>, given_up: bool) {
        if let Some(taken) = taken {
            self.slot.data.give_back(taken, given_up);
        }
    }

    /// Marks held causes that agree as confirmed, if enough kinds of them have asked.
    pub(super) fn confirm(&mut self) {
        let Some(rule) = &self.policy.policy.at_least else {
            return;
        };
        let agree = agreeing(&self.slot.held, rule, self.now);
        if agree.len() < usize::try_from(rule.kinds).unwrap_or(usize::MAX) {
            return;
        }
        let (now, within) = (self.now, rule.within.duration());
        self.slot
            .held
            .confirm(|reason| later(reason.last_at, within) > now);
    }

    /// Takes out the causes that have waited for company in vain.
    pub(super) fn take_unconfirmed(&mut self) -> Option<Reasons> {
        let rule = self.policy.policy.at_least.as_ref()?;
        let now = self.now;
        let taken = self.slot.held.take(|reason| {
            is_alone(rule, reason) && later(reason.last_at, rule.within.duration()) <= now
        });
        if taken.iter().any(Reason::is_data) {
            self.slot.data.needs_more = true;
        }
        (!taken.is_empty()).then_some(taken)
    }
}
