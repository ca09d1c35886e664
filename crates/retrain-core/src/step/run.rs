//! What AWS tells about executions.

use alloc::vec;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};

use super::answer::same_execution;
use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::{ExecutionReport, ExecutionStatus};
use crate::guard::later;
use crate::names::{PipelineExecutionArn, shortened};
use crate::slot::{BreakerOpen, Claim, ForeignRun, MAX_FOREIGN_RUNS, Phase, Run};
use crate::token::ClientRequestToken;

impl Turn<'_> {
    /// A status that comes before the answer to the start call: if it carries the
    /// claim's display name, it is the answer.
    pub(super) fn reported_before_answer(
        mut self,
        claim: &Claim,
        report: &ExecutionReport,
    ) -> Step {
        match report.display_name.as_deref() {
            // It may be the claim's own execution: the claim's resume will look.
            None => return Step::unchanged(Unchanged::Nameless),
            Some(name) if name != claim.token.display_name() => {
                return self.reported_of_other(report);
            }
            Some(_) => {}
        }
        let started_at = report.started_at.unwrap_or(self.now);
        self.acknowledge(claim, &report.execution, started_at);
        if report.status != ExecutionStatus::InFlight {
            let run = Run {
                claim: claim.clone(),
                execution: report.execution.clone(),
                started_at,
            };
            return self.reported(&run, report);
        }
        let outcome = Outcome::Started {
            claim: claim.number,
            execution: report.execution.clone(),
            adopted: true,
            reasons: claim.reasons.clone(),
        };
        self.commit(outcome, vec![])
    }

    pub(super) fn reported(self, run: &Run, report: &ExecutionReport) -> Step {
        if !same_execution(&run.execution, &report.execution) {
            return self.reported_of_other(report);
        }
        let failure = report.failure.as_deref();
        match report.status {
            ExecutionStatus::InFlight => Step::unchanged(Unchanged::SameStatus),
            ExecutionStatus::Succeeded => self.ended(run, End::Succeeded, failure),
            ExecutionStatus::Failed => self.ended(run, End::Failed, failure),
            ExecutionStatus::Stopped => self.ended(run, End::Stopped, failure),
            // SageMaker may not show an execution at once.
            ExecutionStatus::Gone if self.now < self.settled(run.started_at) => {
                Step::unchanged(Unchanged::SameStatus)
            }
            ExecutionStatus::Gone => self.ended(run, End::Failed, Some("the execution is gone")),
        }
    }

    /// When SageMaker must have shown what happened at `at`.
    fn settled(&self, at: Timestamp) -> Timestamp {
        later(
            at,
            self.facts.timing.settle() + self.facts.timing.max_skew(),
        )
    }

    /// A status of an execution that is not the slot's own. One of ours that runs
    /// again after it had ended, because a person retried it, is treated alike: its
    /// causes have been settled.
    pub(super) fn reported_of_other(mut self, report: &ExecutionReport) -> Step {
        let execution = report.execution.clone();
        let known = self
            .slot
            .foreign
            .iter()
            .position(|run| same_execution(&run.execution, &execution));
        match (report.status, known) {
            (ExecutionStatus::InFlight, Some(at)) => {
                let look_at = later(self.now, self.facts.timing.describe_every());
                if let Some(run) = self.slot.foreign.get_mut(at) {
                    run.look_at = look_at;
                }
                self.refresh_due();
                self.commit_silently(vec![])
            }
            // SageMaker may not show an execution at once: no news.
            (ExecutionStatus::Gone, Some(at))
                if self
                    .slot
                    .foreign
                    .get(at)
                    .is_some_and(|run| self.now < self.settled(run.started_at)) =>
            {
                Step::unchanged(Unchanged::SameStatus)
            }
            (ExecutionStatus::InFlight, None) => {
                let timing = self.facts.timing;
                // One of ours was retried, or its end has overtaken this description:
                // that is found out soon.
                let look_after = if is_ours(report) {
                    timing.settle()
                } else {
                    timing.describe_every()
                };
                let started_at = report.started_at.unwrap_or(self.now);
                self.see_foreign(&execution, started_at, look_after);
                self.refresh_due();
                self.commit(Outcome::ForeignRunSeen { execution }, vec![])
            }
            (_, Some(at)) => {
                self.slot.foreign.remove(at);
                self.refresh_due();
                self.commit(Outcome::ForeignRunEnded { execution }, vec![])
            }
            (_, None) => self.ended_unseen(report),
        }
    }

    pub(super) fn see_foreign(
        &mut self,
        execution: &PipelineExecutionArn,
        started_at: Timestamp,
        look_after: SignedDuration,
    ) {
        let known = |run: &ForeignRun| same_execution(&run.execution, execution);
        if self.slot.foreign.iter().any(known) {
            return;
        }
        self.slot.foreign.push(ForeignRun {
            execution: execution.clone(),
            started_at,
            look_at: later(self.now, look_after),
        });
        let excess = self.slot.foreign.len().saturating_sub(MAX_FOREIGN_RUNS);
        self.slot.foreign.drain(..excess);
        self.count_foreign(started_at);
    }

    /// An execution of which nobody told while it ran. If it is newer than the last
    /// start, the interval counts from it; a repeated status of our own is not.
    fn ended_unseen(mut self, report: &ExecutionReport) -> Step {
        let newer = |at: &Timestamp| self.slot.last_start().is_none_or(|last| last < *at);
        match report.started_at.filter(newer) {
            Some(started_at) if !is_ours(report) => {
                self.count_foreign(started_at);
                self.refresh_due();
                let execution = report.execution.clone();
                self.commit(Outcome::ForeignRunEnded { execution }, vec![])
            }
            _ => Step::unchanged(Unchanged::SameStatus),
        }
    }

    fn count_foreign(&mut self, started_at: Timestamp) {
        self.slot.foreign_started_at = self
            .slot
            .foreign_started_at
            .max(Some(started_at.min(self.now)));
    }

    /// Looks at the foreign runs that are due; nothing if none is.
    pub(super) fn describe_foreign(&mut self) -> Vec<Command> {
        let now = self.now;
        let look_at = later(now, self.facts.timing.describe_every());
        let due = self
            .slot
            .foreign
            .iter_mut()
            .filter(|run| run.look_at <= now);
        due.map(|run| {
            run.look_at = look_at;
            Command::Describe {
                execution: run.execution.clone(),
            }
        })
        .collect()
    }

    /// The execution has ended: its causes are served, held again or discarded.
    fn ended(mut self, run: &Run, end: End, failure: Option<&str>) -> Step {
        self.slot.phase = Phase::Idle;
        let claim = run.claim.number;
        let execution = run.execution.clone();
        let reasons = run.claim.reasons.clone();
        let outcome = match end {
            End::Succeeded => {
                self.slot.failures = 0;
                self.slot.failed_at = None;
                self.slot.succeeded_at = Some(self.now);
                Outcome::Succeeded {
                    claim,
                    execution,
                    served: reasons.len(),
                }
            }
            End::Failed => {
                let max_failures = self.policy.policy.back_off.max_failures;
                let (back, given_up) = reasons.after_failure(max_failures);
                let held_again = back.len();
                self.slot.held.add_all(back);
                self.slot.failures = self.slot.failures.saturating_add(1);
                self.slot.failed_at = Some(self.now);
                let breaker_opened = self.open_breaker();
                Outcome::Failed {
                    claim,
                    execution,
                    failure: failure.map(|text| shortened(text, 500)),
                    held_again,
                    given_up,
                    breaker_opened,
                }
            }
            End::Stopped => Outcome::Stopped {
                claim,
                execution,
                discarded: reasons.len(),
            },
        };
        self.slot.due_at = self.due_when_idle();
        self.commit(outcome, vec![])
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

    /// Time to look at an execution about which no event has told.
    pub(super) fn describe(mut self, run: &Run) -> Step {
        if self.slot.due_at.is_some_and(|due_at| self.now < due_at) {
            return Step::unchanged(Unchanged::NothingDue);
        }
        self.slot.due_at = Some(later(self.now, self.facts.timing.describe_every()));
        let execution = run.execution.clone();
        self.commit_silently(vec![Command::Describe { execution }])
    }
}

/// Whether a claim of this controller, now or earlier, gave the execution its name.
fn is_ours(report: &ExecutionReport) -> bool {
    let name = report.display_name.as_deref();
    name.is_some_and(ClientRequestToken::is_display_name)
}

/// How a run of ours can end.
#[derive(Clone, Copy)]
enum End {
    Succeeded,
    Failed,
    Stopped,
}
