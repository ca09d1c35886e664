//! An execution of ours has ended, or runs again after it had.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::{Command, Step, Turn};
use crate::data::Tally;
use crate::decision::{Interruption, Outcome, Unchanged};
use crate::event::{ExecutionReport, ExecutionStatus};
use crate::execution::Execution;
use crate::facts::{FactsNeeded, Lookup};
use crate::guard::{Guard, later};
use crate::names::{AlarmArn, shortened};
use crate::reason::{Reason, Reasons};
use crate::slot::{BreakerOpen, Fate, Phase, Run};
use crate::trigger::Cause;

impl Turn<'_> {
    /// The execution has ended: its causes are served, held again or discarded.
    pub(super) fn ended(mut self, run: &Run, report: &ExecutionReport) -> Step {
        let no_improvement = self.found_no_improvement(report);
        if no_improvement && self.facts.lookups.is_none() {
            let alarms = drift_alarms(&run.claim.reasons);
            if !alarms.is_empty() {
                return Step::NeedFacts(FactsNeeded {
                    alarms,
                    ..FactsNeeded::default()
                });
            }
        }
        self.slot.phase = Phase::Idle;
        // What has succeeded cannot be retried.
        let can_be_retried = report.status != ExecutionStatus::Succeeded;
        self.slot.closed = can_be_retried.then(|| run.closed());
        let failure = report.failure.as_deref().map(|text| shortened(text, 500));
        let outcome = match report.status {
            ExecutionStatus::InFlight => return Step::unchanged(Unchanged::SameStatus),
            _ if no_improvement => self.not_improved(run, failure),
            ExecutionStatus::Succeeded => self.succeeded(run, report),
            ExecutionStatus::Stopped => self.stopped(run),
            ExecutionStatus::Superseded => self.interrupted(run, Interruption::Superseded),
            ExecutionStatus::Canceled => self.interrupted(run, Interruption::Canceled),
            ExecutionStatus::Failed => self.failed(run, failure),
            ExecutionStatus::Gone => self.failed(run, Some("the execution is gone".into())),
        };
        let errands = self.run_errands();
        self.slot.due_at = self.due_when_idle();
        self.commit(outcome, errands)
    }

    /// Whether only Fail steps that the policy names have failed.
    fn found_no_improvement(&self, report: &ExecutionReport) -> bool {
        let rule = self.policy.policy.no_improvement.as_ref();
        report.status == ExecutionStatus::Failed
            && rule.is_some_and(|rule| rule.is_told_by(&report.steps.failed))
    }

    fn succeeded(&mut self, run: &Run, report: &ExecutionReport) -> Outcome {
        let reasons = &run.claim.reasons;
        self.slot.failures = 0;
        self.slot.failed_at = None;
        self.slot.succeeded_at = Some(self.now);
        self.settle(reasons, Fate::Served, run);
        self.await_package(run);
        self.deployed(run);
        Outcome::Succeeded {
            claim: run.claim.number,
            execution: run.execution.clone(),
            served: reasons.len(),
            consumed: run
                .claim
                .data
                .as_ref()
                .map_or(Tally::default(), |taken| taken.tally),
            cached_training: report.steps.cached_training.clone(),
        }
    }

    /// The run has trained, compared, and refused to register. The interval applies,
    /// the breaker does not.
    fn not_improved(&mut self, run: &Run, failure: Option<String>) -> Outcome {
        let reasons = run.claim.reasons.clone();
        let total = reasons.len();
        let max_times = self
            .policy
            .policy
            .no_improvement
            .as_ref()
            .map_or(0, |rule| rule.max_times);
        let in_alarm = self.facts.lookups.map(|known| &known.in_alarm);
        let unreadable = in_alarm.and_then(Lookup::unreadable).map(String::from);
        let in_alarm: Option<&BTreeSet<AlarmArn>> = in_alarm.and_then(Lookup::found);
        let (back, given_up) = reasons.clone().after_no_improvement(max_times, |alarm| {
            unreadable.is_some() || in_alarm.is_some_and(|alarms| alarms.contains(alarm))
        });
        let (held_again, given_up) = (back.len(), given_up.len());
        self.slot.held.add_all(back);
        // It has shown that the model is still the best.
        self.slot.succeeded_at = Some(self.now);
        self.settle(&reasons, Fate::NoImprovement, run);
        self.consume_closed();
        Outcome::NoImprovement {
            claim: run.claim.number,
            execution: run.execution.clone(),
            failure,
            held_again,
            given_up,
            served: total - held_again - given_up,
            unreadable: unreadable.map(|why| shortened(&why, 300)),
        }
    }

    /// The data of the run that ended last is consumed: should its execution be
    /// retried, it has none.
    pub(super) fn consume_closed(&mut self) {
        if let Some(closed) = &mut self.slot.closed
            && closed.claim.data.is_some()
        {
            Arc::make_mut(&mut closed.claim).data = None;
        }
    }

    fn failed(&mut self, run: &Run, failure: Option<String>) -> Outcome {
        let (held_again, given_up) = self.hold_again(run);
        self.slot.failures = self.slot.failures.saturating_add(1);
        self.slot.failed_at = Some(self.now);
        Outcome::Failed {
            claim: run.claim.number,
            execution: run.execution.clone(),
            failure,
            held_again,
            given_up,
            breaker_opened: self.open_breaker(),
        }
    }

    fn interrupted(&mut self, run: &Run, how: Interruption) -> Outcome {
        let (held_again, given_up) = self.hold_again(run);
        Outcome::Interrupted {
            claim: run.claim.number,
            execution: run.execution.clone(),
            how,
            held_again,
            given_up,
        }
    }

    /// Holds the causes of a run that has not served them, at most n times, and lets
    /// its data wait again.
    fn hold_again(&mut self, run: &Run) -> (usize, usize) {
        let max_failures = self.policy.policy.back_off.max_failures;
        let (back, given_up) = run.claim.reasons.clone().after_failure(max_failures);
        self.settle(&given_up, Fate::GivenUp, run);
        // Data that is given up as a cause is not forgotten: it joins what comes next.
        let data_is_given_up = given_up.iter().any(Reason::is_data);
        self.give_data_back(run.claim.data.as_ref(), data_is_given_up);
        let held_again = back.len();
        self.slot.held.add_all(back);
        (held_again, given_up.len())
    }

    /// A person did not want the run: its causes are discarded. Its data was counted
    /// and has not been consumed, so it waits, but for more.
    fn stopped(&mut self, run: &Run) -> Outcome {
        let reasons = &run.claim.reasons;
        self.settle(reasons, Fate::Discarded, run);
        let taken = run.claim.data.as_ref();
        self.give_data_back(taken, true);
        Outcome::Stopped {
            claim: run.claim.number,
            execution: run.execution.clone(),
            discarded: reasons.len(),
            waits_again: taken.map_or(Tally::default(), |taken| {
                taken.tally.minus(taken.superseded)
            }),
        }
    }

    fn settle(&mut self, reasons: &Reasons, fate: Fate, run: &Run) {
        let now = self.now;
        self.slot.settle(reasons, fate, Some(&run.execution), now);
    }

    /// Opens the breaker if this failure was one too many.
    fn open_breaker(&mut self) -> bool {
        let failures = self.slot.failures;
        let opens = self.slot.breaker_open.is_none()
            && failures >= self.policy.policy.breaker_after_failures;
        if opens {
            self.slot.breaker_open = Some(BreakerOpen {
                failures,
                since: self.now,
            });
        }
        opens
    }

    /// Whether this is the run that ended last, with nothing started since.
    pub(super) fn is_closed_run(&self, execution: &Execution) -> bool {
        self.slot.phase == Phase::Idle
            && self
                .slot
                .closed
                .as_ref()
                .is_some_and(|closed| closed.execution.is_same(execution))
    }

    /// The execution of the run that ended last, if it can be retried.
    pub(super) fn last_run(&self) -> Option<Execution> {
        let closed = self.slot.closed.as_ref();
        closed.map(|run| run.execution.clone())
    }

    /// Whether the run that ended last turns out to have been retried, of which nobody
    /// has told.
    pub(super) fn is_retried(&self) -> bool {
        let status = self.facts.lookups.and_then(|known| known.last_run.found());
        self.slot.closed.is_some() && status.is_some_and(|status| status.tells_retry())
    }

    /// The run that ended last has its causes and its data again: nothing starts with
    /// them, and its description says how it goes on.
    pub(super) fn hold_behind_retry(mut self) -> Step {
        self.refresh_due();
        let claim = self.slot.closed.as_ref().map_or(0, |run| run.claim.number);
        let describe = self.last_run();
        let commands = describe.map(|execution| Command::Describe { execution });
        let guard = Guard::InFlight { claim };
        self.commit(Outcome::Held { guard }, commands.into_iter().collect())
    }

    /// The run that ended last was retried (RetryPipelineExecution): it goes on, or has
    /// succeeded before anybody told that it does.
    pub(super) fn reopen(mut self, report: &ExecutionReport) -> Step {
        self.slot
            .foreign
            .retain(|run| !run.execution.is_same(&report.execution));
        let Some(run) = self.take_up_closed() else {
            return Step::unchanged(Unchanged::SameStatus);
        };
        self.count_foreign(self.now);
        if report.status != ExecutionStatus::InFlight {
            return self.ended(&run, report);
        }
        let outcome = Outcome::Reopened {
            claim: run.claim.number,
            execution: run.execution.clone(),
            reasons: run.claim.reasons.clone(),
        };
        // Its end may have overtaken this description: that is found out soon.
        self.slot.due_at = Some(later(self.now, self.facts.timing.settle()));
        self.slot.phase = Phase::Running(run);
        self.commit(outcome, vec![])
    }

    /// The run that ended last, with the causes and the data that its end has given
    /// back. Causes that have asked since its claim are not its business: its
    /// parameters are older than they are.
    fn take_up_closed(&mut self) -> Option<Run> {
        let mut run = self.slot.closed.take()?;
        let claim = Arc::make_mut(&mut run.claim);
        let claimed_at = claim.claimed_at;
        claim.reasons = self.slot.held.take(|reason| {
            (reason.failures > 0 || reason.no_improvements > 0) && reason.last_at <= claimed_at
        });
        if let Some(taken) = &claim.data {
            self.slot.data.withdraw(taken, claimed_at);
            self.forget_data_that_is_not_enough();
        }
        Some(run)
    }
}

/// The alarms of the drift among the causes, but for those that are over.
fn drift_alarms(reasons: &Reasons) -> Vec<AlarmArn> {
    let alarms: BTreeSet<&AlarmArn> = reasons
        .iter()
        .filter(|reason| !reason.withdrawn)
        .filter_map(|reason| match &reason.cause {
            Cause::Drift { alarm, .. } => Some(alarm),
            _ => None,
        })
        .collect();
    alarms.into_iter().cloned().collect()
}
