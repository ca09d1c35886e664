//! What AWS tells about executions.

use alloc::vec;

use super::answer::same_execution;
use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::{ExecutionReport, ExecutionStatus};
use crate::guard::later;
use crate::slot::{Claim, Phase, Run};

impl Turn<'_> {
    /// A status that comes before the answer to the start call: if it carries the
    /// claim's display name, it is the answer.
    pub(super) fn reported_before_answer(
        mut self,
        claim: &Claim,
        report: &ExecutionReport,
    ) -> Step {
        if report.display_name.as_deref() != Some(claim.token.display_name().as_str()) {
            return Step::unchanged(Unchanged::NotOurs);
        }
        let started_at = report.started_at.unwrap_or(self.now);
        self.acknowledge(claim, &report.execution, started_at);
        if report.status == ExecutionStatus::InFlight {
            let outcome = Outcome::Started {
                claim: claim.number,
                execution: report.execution.clone(),
                adopted: true,
                reasons: claim.reasons.clone(),
            };
            return self.commit(outcome, vec![]);
        }
        let run = Run {
            claim: claim.clone(),
            execution: report.execution.clone(),
            started_at,
        };
        self.close(&run, report)
    }

    pub(super) fn reported(self, run: &Run, report: &ExecutionReport) -> Step {
        if !same_execution(&run.execution, &report.execution) {
            return Step::unchanged(Unchanged::NotOurs);
        }
        if report.status == ExecutionStatus::InFlight {
            return Step::unchanged(Unchanged::SameStatus);
        }
        self.close(run, report)
    }

    /// The execution has ended: its causes are served, held again or discarded.
    fn close(mut self, run: &Run, report: &ExecutionReport) -> Step {
        let claim = run.claim.number;
        let execution = run.execution.clone();
        let reasons = run.claim.reasons.clone();
        self.slot.phase = Phase::Idle;
        let outcome = match report.status {
            ExecutionStatus::InFlight | ExecutionStatus::Succeeded => {
                self.slot.failures = 0;
                self.slot.failed_at = None;
                Outcome::Succeeded {
                    claim,
                    execution,
                    served: reasons.len(),
                }
            }
            ExecutionStatus::Failed => {
                let (back, given_up) =
                    reasons.after_failure(self.policy.policy.back_off.max_failures);
                let held_again = back.len();
                self.slot.held.add_all(back);
                self.slot.failures = self.slot.failures.saturating_add(1);
                self.slot.failed_at = Some(self.now);
                Outcome::Failed {
                    claim,
                    execution,
                    failure: report.failure.clone(),
                    held_again,
                    given_up,
                }
            }
            ExecutionStatus::Stopped => Outcome::Stopped {
                claim,
                execution,
                discarded: reasons.len(),
            },
        };
        self.slot.due_at = self.due_when_idle();
        self.commit(outcome, vec![])
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
