//! The promises, judged by what was written, what AWS has seen, and the books.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use retrain_core::decision::{Decision, Outcome};
use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::execution::Execution;
use retrain_core::lane::Lane;
use retrain_core::reason::{Reason, Reasons};
use retrain_core::slot::{Claim, Phase, Slot};
use retrain_core::step::{Command, Commit, Look};
use retrain_core::trigger::Cause;

use crate::books::{Claimed, Fate, Lent};
use crate::print::{Print, Shared};
use crate::search::{Broken, broken};
use crate::setup::{Ends, at, index_of, seconds};
use crate::state::{State, Worker};
use crate::world::World;

impl World {
    /// A worker is writing a commit.
    pub(crate) fn judge(
        &self,
        state: &mut State,
        worker: &Worker,
        lane: usize,
        commit: &Commit,
    ) -> Result<(), Broken> {
        let before = state.slots[lane].clone();
        if worker.knows.get(&lane) != Some(&before.print()) {
            return broken(8, "a worker writes over what it has not read");
        }
        if let Some((key, _)) = &commit.marker
            && !state.books.decided.insert((lane, Print::of(key)))
        {
            return broken(4, format!("{key} is decided twice"));
        }
        for command in &commit.commands {
            if let Command::EnsureStarted { claim, look } = command {
                self.judge_lending(state, worker, lane, claim, *look)?;
            }
        }
        if let Some(decision) = &commit.decision {
            self.judge_decision(state, lane, &before, &commit.slot, decision)?;
        }
        for write in &commit.objects {
            state.books.rows += write.record.version.rows;
        }
        Ok(())
    }

    /// A claim is lent to a worker.
    fn judge_lending(
        &self,
        state: &mut State,
        worker: &Worker,
        lane: usize,
        claim: &Claim,
        look: Look,
    ) -> Result<(), Broken> {
        let books = &mut state.books;
        let foreign = books.foreign.iter();
        let foreign = { foreign }.any(|execution| state.executions[*execution].lane == lane);
        if foreign && look != Look::Only {
            return broken(1, "a start beside the run of somebody else");
        }
        let now = claim.lease_until - self.setup.timing.lease();
        let lent = Lent {
            claim: claim.number,
            attempt: claim.attempt,
            at: now,
        };
        let last = books.lent.insert(lane, lent);
        let last = last.filter(|last| last.claim == claim.number);
        if last.is_some_and(|last| last.attempt >= claim.attempt) {
            return broken(8, "one attempt is lent twice");
        }
        if last.is_some_and(|last| now < last.at + self.setup.timing.lease()) {
            return broken(8, "a claim is lent while the lease before lasts");
        }
        if look != Look::No {
            return Ok(());
        }
        let claimed = Claimed {
            token: Print::of(&claim.token.display_name()),
            parameters: Print::of_shown(&(&claim.parameters, false)),
            fate: Fate::Open,
        };
        if { books.claims.insert((lane, claim.number), claimed) }.is_some() {
            return broken(5, "one number for two claims");
        }
        let cleared = books.cleared.as_deref();
        let is_over = |reason: &Reason| {
            let over = cleared.and_then(|cleared| cleared.get(reason.cause.id()));
            over.is_some_and(|over| *over > reason.last_at)
        };
        if let Some(reason) = claim.reasons.iter().find(|reason| is_over(reason)) {
            return broken(3, format!("{} was withdrawn and starts", reason.cause));
        }
        let Some(package) = claim.package.as_ref().map(index_of) else {
            return Ok(());
        };
        let began = seconds(worker.began) - worker.skew;
        if state.packages[package]
            .approved
            .is_none_or(|last| last < began)
        {
            return broken(10, "a package is claimed that is not approved");
        }
        Ok(())
    }

    fn judge_decision(
        &self,
        state: &mut State,
        lane: usize,
        before: &Slot,
        after: &Slot,
        decision: &Decision,
    ) -> Result<(), Broken> {
        self.keep_open(state, lane, before, after, decision)?;
        let place = |execution: &Execution| {
            let mut executions = state.executions.iter();
            executions.position(|ran| ran.execution.is_same(execution))
        };
        match &decision.outcome {
            Outcome::NotStarted { claim, .. }
            | Outcome::NotSent { claim, .. }
            | Outcome::Yielded { claim, .. } => {
                let mut ours = state.executions.iter();
                if ours.any(|ran| ran.lane == lane && ran.claim == *claim) {
                    return broken(5, format!("claim {claim} is released, and runs"));
                }
                Self::settle(state, lane, *claim, Fate::Released);
            }
            Outcome::Abandoned { claim, .. } => {
                Self::settle(state, lane, *claim, Fate::Abandoned);
            }
            Outcome::Started {
                claim, execution, ..
            } => {
                let ran = place(execution).map(|place| &state.executions[place]);
                if ran.is_none_or(|ran| ran.lane != lane || ran.claim != *claim) {
                    return broken(5, format!("{execution} is not that of claim {claim}"));
                }
            }
            Outcome::SecondExecution { claim, .. } => {
                return broken(5, format!("two executions for claim {claim}"));
            }
            Outcome::Succeeded {
                execution,
                consumed,
                ..
            } => {
                let ran = place(execution).map(|place| &state.executions[place]);
                let succeeded = Some(Ends::As(ExecutionStatus::Succeeded));
                if ran.is_none_or(|ran| ran.ended != succeeded) {
                    return broken(3, format!("{execution} has not succeeded"));
                }
                let Some(rows) = state.books.rows.checked_sub(consumed.rows) else {
                    return broken(6, "rows are consumed twice");
                };
                state.books.rows = rows;
            }
            Outcome::ForeignRunSeen { execution, .. } => {
                let place = place(execution).expect("only what runs is seen");
                state.books.foreign.insert(place);
            }
            Outcome::ForeignRunEnded { execution } => {
                let place = place(execution).expect("only what runs is seen");
                state.books.foreign.remove(&place);
            }
            _ => {}
        }
        Ok(())
    }

    fn settle(state: &mut State, lane: usize, claim: u64, fate: Fate) {
        if let Some(known) = state.books.claims.get_mut(&(lane, claim)) {
            known.fate = fate;
        }
    }

    /// Keeps the books on causes.
    fn keep_open(
        &self,
        state: &mut State,
        lane: usize,
        before: &Slot,
        after: &Slot,
        decision: &Decision,
    ) -> Result<(), Broken> {
        if lane != 0 {
            return Ok(());
        }
        let mut open = state.books.open();
        let outcome = &decision.outcome;
        match (&decision.event, outcome) {
            (Event::Trigger(trigger), Outcome::Held { .. } | Outcome::Claimed { .. }) => {
                let newest = { open.entry(trigger.cause.id().to_owned()) }.or_insert(trigger.at);
                *newest = trigger.at.max(*newest);
            }
            (Event::AlarmCleared { alarm, at }, Outcome::AlarmCleared { .. }) => {
                if open.get(alarm.as_str()).is_some_and(|asked| asked < at) {
                    open.remove(alarm.as_str());
                }
                let cleared = state.books.cleared.as_deref();
                let mut cleared = cleared.cloned().unwrap_or_default();
                let known = cleared.entry(alarm.as_str().to_owned()).or_insert(*at);
                *known = (*known).max(*at);
                state.books.cleared = Some(Shared::new(cleared));
            }
            _ => {}
        }
        if let Some(claim) = before.phase.claim()
            && ends_run(outcome)
        {
            self.close(&mut open, claim, after, outcome)?;
        }
        if open != state.books.open() {
            state.books.open = Some(Shared::new(open));
        }
        Ok(())
    }

    /// A run has ended: what it carried is served, discarded or given up, or held again.
    fn close(
        &self,
        open: &mut BTreeMap<String, Timestamp>,
        claim: &Claim,
        after: &Slot,
        outcome: &Outcome,
    ) -> Result<(), Broken> {
        let max_failures = self.setup.policy.policy.back_off.max_failures;
        let held: BTreeSet<&str> = after.held.iter().map(|reason| reason.cause.id()).collect();
        for reason in claim.reasons.iter() {
            let id = reason.cause.id();
            let is_over = match outcome {
                Outcome::Failed { .. } | Outcome::Interrupted { .. } => {
                    reason.failures + 1 >= max_failures
                }
                _ => true,
            };
            if held.contains(id) || !is_over {
                continue;
            }
            let latest = claim.claimed_at + self.setup.timing.max_skew() * 2;
            if open.remove(id).is_some_and(|asked| asked > latest) {
                return broken(3, format!("{id} has asked after the claim that settles it"));
            }
        }
        Ok(())
    }

    /// AWS starts an execution.
    pub(crate) fn judge_start(
        &self,
        state: &State,
        lane: usize,
        claim: &Claim,
        parameters: Print,
        skew: i64,
    ) -> Result<(), Broken> {
        let now = state.now;
        let ours = || {
            let ours = state.executions.iter();
            ours.filter(|ran| ran.lane == lane && ran.token.is_some())
        };
        if ours().any(|ran| ran.claim == claim.number) {
            return broken(5, format!("two executions for claim {}", claim.number));
        }
        if ours().any(|ran| ran.ended.is_none()) {
            return broken(1, "two executions in flight");
        }
        let Some(known) = state.books.claims.get(&(lane, claim.number)) else {
            return broken(5, "an execution without a claim");
        };
        if known.parameters != parameters {
            return broken(5, "an execution with other parameters than its claim's");
        }
        if known.fate == Fate::Released {
            return broken(5, format!("claim {} was released", claim.number));
        }
        if at(now + skew) > claim.lease_until {
            return broken(8, "sent after the end of the lease");
        }
        let lent = state.books.lent.get(&lane);
        if lent.is_some_and(|lent| lent.claim == claim.number && lent.attempt > claim.attempt) {
            return broken(8, "sent by a worker whose attempt is superseded");
        }
        let policy = &self.setup.lanes[lane].1.policy;
        let is_forced = claim.reasons.iter().any(|reason| reason.cause.is_forced());
        let tolerance = self.setup.timing.max_skew() * 2;
        let since = |started: i64| SignedDuration::from_secs(now - started) + tolerance;
        let interval = policy.min_interval_for(claim.kind).duration();
        let mut of_lane = state.executions.iter().filter(|ran| ran.lane == lane);
        let is_known = |ran: &&Shared<crate::state::Ran>| ran.token.is_some();
        if of_lane.any(|ran| is_known(&ran) && since(ran.started) < interval && !is_forced) {
            return broken(2, "two starts within the interval");
        }
        if let Some(budget) = policy.budget {
            let within = ours().filter(|ran| since(ran.started) < budget.window.duration());
            if u32::try_from(within.count()).is_ok_and(|count| count >= budget.starts) {
                return broken(9, "a start beyond the budget");
            }
        }
        self.judge_deployment(state, lane, claim)
    }

    fn judge_deployment(&self, state: &State, lane: usize, claim: &Claim) -> Result<(), Broken> {
        let Some(package) = claim.package.as_ref().map(index_of) else {
            if state.packages.is_empty() {
                return Ok(());
            }
            return broken(10, "an approval leads to training");
        };
        let is_own = |reason: &Reason| match &reason.cause {
            Cause::Deployment { because, .. } => because.waits_for_promotion(),
            _ => false,
        };
        if !claim.reasons.iter().any(is_own) {
            return Ok(());
        }
        let of = |lane: usize| {
            let of_lane = state.executions.iter().filter(move |ran| ran.lane == lane);
            of_lane.filter(|ran| ran.package == Some(package))
        };
        let succeeded = Some(Ends::As(ExecutionStatus::Succeeded));
        let allowed = match &self.setup.lanes[lane - 1].0 {
            Lane::Deploy(_) => of(lane - 1).filter(|ran| ran.ended == succeeded).count(),
            Lane::Retrain | Lane::Package(_) => state.packages[package].approvals.into(),
        };
        if of(lane).count() >= allowed {
            return broken(
                10,
                "it is deployed more often than it was approved or promoted",
            );
        }
        Ok(())
    }

    /// What must be true of each slot at any moment.
    pub(crate) fn check_slots(&self, state: &State) -> Result<(), Broken> {
        let slot = &*state.slots[0];
        let claim = slot.phase.claim();
        if let Some(open) = state.books.open.as_deref().filter(|open| !open.is_empty()) {
            let carried = claim.map(|claim| &claim.reasons);
            let known = slot
                .held
                .iter()
                .chain(carried.into_iter().flat_map(Reasons::iter));
            let known: BTreeSet<&str> = known.map(|reason| reason.cause.id()).collect();
            if let Some(lost) = open.keys().find(|cause| !known.contains(cause.as_str())) {
                return broken(3, format!("{lost} is lost"));
            }
        }
        let in_flight = claim.and_then(|claim| claim.data.as_ref());
        let rows = slot.data.tally.rows + in_flight.map_or(0, |taken| taken.tally.rows);
        if rows != state.books.rows {
            let counted = state.books.rows;
            return broken(6, format!("{rows} rows are known of {counted}"));
        }
        for (lane, slot) in state.slots.iter().enumerate() {
            let waits = slot.paused.is_some() || slot.breaker_open.is_some();
            let has_work = !slot.held.is_empty() || slot.phase != Phase::Idle;
            if has_work && !waits && slot.due_at.is_none() {
                return broken(3, format!("nobody looks again at lane {lane}"));
            }
            let latest = slot.updated_at + self.setup.timing.describe_every();
            let is_late = slot.due_at.is_none_or(|due| due > latest);
            if matches!(slot.phase, Phase::Running(_)) && is_late {
                return broken(11, format!("the run of lane {lane} is looked at too late"));
            }
        }
        Ok(())
    }
}

/// Whether a run of ours has ended, in one way or the other.
fn ends_run(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Succeeded { .. }
            | Outcome::NoImprovement { .. }
            | Outcome::Interrupted { .. }
            | Outcome::Stopped { .. }
            | Outcome::Failed { .. }
    )
}
