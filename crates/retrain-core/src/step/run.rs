//! What AWS tells about executions.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::{ExecutionReport, ExecutionStatus};
use crate::execution::Execution;
use crate::guard::later;
use crate::slot::{Claim, ForeignRun, MAX_FOREIGN_RUNS, Run};
use crate::token::ClientRequestToken;

impl Turn<'_> {
    /// A status that comes before the answer to the start call: if it carries the
    /// claim's display name, it is the answer.
    pub(super) fn reported_before_answer(
        mut self,
        claim: &Arc<Claim>,
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
                claim: Arc::clone(claim),
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
        if !run.execution.is_same(&report.execution) {
            return self.reported_of_other(report);
        }
        match report.status {
            // AWS may not show an execution at once.
            ExecutionStatus::Gone if self.now < self.facts.timing.settled(run.started_at) => {
                Step::unchanged(Unchanged::SameStatus)
            }
            _ => self.ended(run, report),
        }
    }

    /// A status of an execution that is not the slot's own. An older one of ours that
    /// runs again, because a person retried it, is treated alike: its causes have been
    /// settled. Only the last one takes its causes up again.
    pub(super) fn reported_of_other(mut self, report: &ExecutionReport) -> Step {
        let execution = report.execution.clone();
        let known = self
            .slot
            .foreign
            .iter()
            .position(|run| run.execution.is_same(&execution));
        if report.status.tells_retry() && self.is_closed_run(&execution) {
            return self.reopen(report);
        }
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
                    .is_some_and(|run| self.now < self.facts.timing.settled(run.started_at)) =>
            {
                Step::unchanged(Unchanged::SameStatus)
            }
            (ExecutionStatus::InFlight, None) => {
                let timing = self.facts.timing;
                // One of ours was retried, or its end has overtaken this description:
                // that is found out soon.
                let retried = is_ours(report);
                let look_after = if retried {
                    timing.settle()
                } else {
                    timing.describe_every()
                };
                let started_at = report.started_at.unwrap_or(self.now);
                self.see_foreign(&execution, started_at, look_after);
                self.refresh_due();
                self.commit(Outcome::ForeignRunSeen { execution, retried }, vec![])
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
        execution: &Execution,
        started_at: Timestamp,
        look_after: SignedDuration,
    ) {
        let known = |run: &ForeignRun| run.execution.is_same(execution);
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

    pub(super) fn count_foreign(&mut self, started_at: Timestamp) {
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

    /// Time to look at an execution about which no event has told.
    pub(super) fn describe(mut self, run: &Run) -> Step {
        if self.slot.due_at.is_some_and(|due_at| self.now < due_at) {
            return Step::unchanged(Unchanged::NothingDue);
        }
        self.slot.due_at = Some(later(self.now, self.facts.timing.describe_every()));
        let execution = run.execution.clone();
        let mut commands = vec![Command::Describe { execution }];
        commands.extend(self.run_errands());
        self.commit_silently(commands)
    }
}

/// Whether a claim of this controller, now or earlier, gave the execution its name.
fn is_ours(report: &ExecutionReport) -> bool {
    let name = report.display_name.as_deref();
    name.is_some_and(ClientRequestToken::is_display_name)
}
