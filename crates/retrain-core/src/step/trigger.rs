//! Triggers arrive, wait, go away, and lead to claims.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Look, Step, StepError, Turn};
use crate::decision::{Outcome, Stale, Unchanged};
use crate::drift::AlarmState;
use crate::guard::{Guard, earlier, later};
use crate::lane::Lane;
use crate::names::AlarmArn;
use crate::policy::{Mode, WithinMinInterval};
use crate::reason::Reason;
use crate::slot::{AlarmSeen, Fate, Misconfigured, Phase};
use crate::token::Digest;
use crate::trigger::{Cause, Trigger};

/// How far ahead of our clock another clock may be before it is not believed.
const FUTURE_TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

impl Turn<'_> {
    pub(super) fn triggered(mut self, trigger: &Trigger) -> Result<Step, StepError> {
        if let Some(seen) = self.facts.seen {
            return Ok(self.delivered_again(seen.decision, seen.claim));
        }
        self.check_not_ahead(trigger.at)?;
        let alarm = trigger.cause.alarm().map(|arn| Digest::of(arn.as_str()));
        if let Some(because) = self.staleness(trigger, alarm) {
            let commands = self.promote_again(&trigger.cause);
            return Ok(self.commit(Outcome::Stale { because }, commands));
        }
        if let Some(guard) = self.is_not_promoted(&trigger.cause) {
            return Ok(self.commit(Outcome::Dropped { guard }, vec![]));
        }
        if let Some(alarm) = alarm {
            self.see_alarm(alarm, AlarmState::Alarm, trigger.at);
        }
        // What time alone has made enough agrees with it, and is among the causes.
        self.data_is_enough();
        let drops = self.policy.policy.within_min_interval == WithinMinInterval::Drop;
        let held_before = drops.then(|| self.slot.held.clone());
        let reason = self.remember(trigger);
        let guard = self.guard(&reason);
        if let (Some(guard @ Guard::MinInterval { .. }), Some(held_before)) = (&guard, held_before)
        {
            let guard = guard.clone();
            self.slot.held = held_before;
            return Ok(self.commit(Outcome::Dropped { guard }, vec![]));
        }
        // Of retraining the newest cause leads, which is the one that is told.
        if guard.is_none() && self.policy.lane == Lane::Retrain {
            return Ok(self.claim_held(&reason));
        }
        Ok(match (guard, self.first_eligible()) {
            (_, Some(best)) => self.claim_held(&best),
            (None, None) => self.claim_held(&reason),
            (Some(guard), None) => self.hold(guard),
        })
    }

    /// Adds a cause to the held ones, which it may confirm; it is given as it is remembered.
    pub(super) fn remember(&mut self, trigger: &Trigger) -> Reason {
        self.slot.held.add(Reason::of(trigger));
        self.confirm();
        let listed = self.slot.held.of(&trigger.cause).cloned();
        listed.unwrap_or_else(|| Reason::of(trigger))
    }

    /// The marker knows the trigger. If the claim was left unfinished by a worker
    /// that is gone, this delivery is a chance to finish it.
    fn delivered_again(self, decision: u64, claim: Option<u64>) -> Step {
        match &self.slot.phase {
            Phase::Starting(own) if self.now >= own.resume_at => {
                let own = own.clone();
                self.resume(&own)
            }
            Phase::Starting(_) | Phase::Idle | Phase::Running(_) => {
                Step::Settled(Outcome::Duplicate { decision, claim })
            }
        }
    }

    fn check_not_ahead(&self, at: Timestamp) -> Result<(), StepError> {
        let tolerance = FUTURE_TOLERANCE.max(self.facts.timing.max_skew());
        if at > later(self.now, tolerance) {
            return Err(StepError::FromTheFuture { at, now: self.now });
        }
        Ok(())
    }

    fn staleness(&self, trigger: &Trigger, alarm: Option<Digest>) -> Option<Stale> {
        if trigger.cause.package().is_some() {
            return self.is_overtaken(&trigger.cause);
        }
        if trigger.at < self.horizon() {
            return Some(Stale::TooOld { at: trigger.at });
        }
        self.slot
            .alarms
            .newest_of(alarm?)
            .filter(|newest| newest.at >= trigger.at)
            .map(|newest| Stale::NewerTransition { at: newest.at })
    }

    /// What happened before this moment is too old to act on.
    fn horizon(&self) -> Timestamp {
        earlier(self.now, self.policy.policy.max_event_age.duration())
    }

    fn see_alarm(&mut self, alarm: Digest, state: AlarmState, at: Timestamp) {
        let horizon = self.horizon();
        self.slot
            .alarms
            .record(alarm, AlarmSeen { state, at }, horizon);
    }

    pub(super) fn alarm_cleared(
        mut self,
        alarm: &AlarmArn,
        at: Timestamp,
    ) -> Result<Step, StepError> {
        self.check_not_ahead(at)?;
        let known = Digest::of(alarm.as_str());
        let newest = self.slot.alarms.newest_of(known);
        let is_news = newest.is_none_or(|newest| newest.at < at) && at >= self.horizon();
        if is_news {
            self.see_alarm(known, AlarmState::Ok, at);
        }
        // An OK that arrives late still takes back what was asked before it.
        let withdrawn = self.slot.held.remove_cleared(alarm, at);
        let in_flight = self.slot.phase.claim_mut();
        let marked = in_flight.map_or(0, |claim| claim.reasons.mark_cleared(alarm, at));
        if !is_news && withdrawn == 0 && marked == 0 {
            return Ok(Step::unchanged(Unchanged::AlreadyCleared));
        }
        self.refresh_due();
        Ok(self.commit(Outcome::AlarmCleared { withdrawn, marked }, vec![]))
    }

    /// Looks at the held causes of an idle slot.
    pub(super) fn look_at_held(mut self) -> Step {
        let ripe = [self.age(), self.data_is_enough()];
        if let Some(leading) = self.first_eligible() {
            return self.claim_held(&leading);
        }
        if let Some(reasons) = self.take_unconfirmed() {
            self.refresh_due();
            return self.commit(Outcome::Unconfirmed { reasons }, vec![]);
        }
        let mut ripe = ripe.iter().flatten();
        if let Some(guard) = ripe.find_map(|reason| self.guard(reason)) {
            return self.hold(guard);
        }
        self.look_at_current();
        let mut commands = self.describe_foreign();
        commands.extend(self.find_package());
        commands.extend(self.run_errands());
        let due_at = self.due_when_idle();
        if due_at == self.slot.due_at && commands.is_empty() {
            return Step::unchanged(Unchanged::NothingDue);
        }
        self.slot.due_at = due_at;
        self.commit_silently(commands)
    }

    /// When the last success will be, or has been, too long ago.
    pub(super) fn aged_at(&self) -> Option<Timestamp> {
        let max_age = self.policy.policy.max_age?;
        Some(later(self.slot.succeeded_at?, max_age.duration()))
    }

    /// Whether the model's age is among the held causes.
    pub(super) fn is_aged(&self) -> bool {
        let mut held = self.slot.held.iter();
        held.any(|reason| matches!(reason.cause, Cause::Age { .. }))
    }

    /// Holds the model's age as a cause, once the last success is too long ago.
    fn age(&mut self) -> Option<Reason> {
        let at = self
            .aged_at()
            .filter(|at| *at <= self.now && !self.is_aged())?;
        let last_success = self.slot.succeeded_at?;
        let reason = Reason::of(&Trigger {
            cause: Cause::Age { last_success },
            at,
        });
        self.slot.held.add(reason.clone());
        Some(reason)
    }

    /// The first held cause that no guard keeps.
    pub(super) fn first_eligible(&self) -> Option<Reason> {
        let held = self.slot.held.iter();
        self.best_of(held.filter(|reason| self.guard(reason).is_none()))
            .cloned()
    }

    fn hold(mut self, guard: Guard) -> Step {
        if let Some(needed) = self.needed_to_take_up() {
            return Step::NeedFacts(needed);
        }
        self.refresh_due();
        // Whoever delivers a trigger behind an unfinished claim can finish it.
        let unfinished = match &self.slot.phase {
            Phase::Starting(claim) => Some(claim.clone()),
            Phase::Idle | Phase::Running(_) => None,
        };
        let taken_up = unfinished.and_then(|claim| self.take_up(&claim));
        let commands = taken_up.into_iter().map(|(_, command)| command);
        self.commit(Outcome::Held { guard }, commands.collect())
    }

    /// Writes a claim over all held causes, led by one that no guard keeps; or
    /// asks what must be known before. A claim that cannot be written leaves them
    /// held, and the slot misconfigured.
    pub(super) fn claim_held(mut self, leading: &Reason) -> Step {
        if self.policy.policy.mode == Mode::Observe {
            return self.would_start(leading);
        }
        let needed = self.facts_needed(leading);
        if self.facts.lookups.is_none() && !needed.is_empty() {
            return Step::NeedFacts(needed);
        }
        if self.is_retried() {
            return self.hold_behind_retry();
        }
        if let Some(outcome) = self.not_approved(leading) {
            return self.commit(outcome, vec![]);
        }
        let claim = match self.write_claim(leading) {
            Ok(claim) => claim,
            Err(what) => {
                let guard = self.misconfigure(what);
                return self.hold(guard);
            }
        };
        self.slot.misconfigured = None;
        self.slot.claims = claim.number;
        self.slot.due_at = Some(claim.resume_at);
        let claim = Arc::new(claim);
        self.slot.phase = Phase::Starting(Arc::clone(&claim));
        let command = Command::EnsureStarted {
            claim: Arc::clone(&claim),
            look: Look::No,
        };
        self.commit(Outcome::Claimed { claim }, vec![command])
    }

    /// Records what would be started now, and goes on as if it had succeeded.
    fn would_start(mut self, leading: &Reason) -> Step {
        let reasons = self.take_held(leading);
        self.consume_closed();
        self.slot.record_observed_start(self.now);
        self.slot.settle(&reasons, Fate::Observed, None, self.now);
        let data = self.slot.data.take().tally;
        self.slot.due_at = self.due_when_idle();
        let kind = leading.cause.kind();
        self.commit(
            Outcome::WouldStart {
                kind,
                reasons,
                data,
            },
            vec![],
        )
    }

    /// Notes that a start cannot work under this policy.
    pub(super) fn misconfigure(&mut self, what: String) -> Guard {
        let policy_version = self.policy.version;
        self.slot.misconfigured = Some(Misconfigured {
            what: what.clone(),
            policy_version,
            policy_digest: self.policy.digest(),
            since: self.now,
        });
        Guard::Misconfigured {
            what,
            policy_version,
        }
    }
}
