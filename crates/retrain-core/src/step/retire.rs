//! The model's policy goes: nobody will look at its slots any more.

use alloc::vec;

use super::{Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::order::Order;
use crate::reason::Reasons;
use crate::slot::{Fate, Phase};

impl Turn<'_> {
    /// What waits is discarded, and what runs is let go; a claim is never. The slot is paused: a worker that
    /// still knows the policy starts nothing, and neither does a later policy before a
    /// person resumes.
    ///
    /// What is known stays known: data that has not been consumed, and the run, should it
    /// still be there when the model has a policy again.
    pub(super) fn retire(mut self, order: &Order) -> Step {
        let mut discarded = core::mem::take(&mut self.slot.held);
        let mut execution = None;
        match self.slot.phase.clone() {
            Phase::Idle => {}
            // Its execution may exist for all that is known, also after its lease: forgotten
            // here it would be found by nobody.
            Phase::Starting(_) => return Step::unchanged(Unchanged::StartIsUnderWay),
            Phase::Running(run) => {
                self.slot.phase = Phase::Idle;
                self.slot.closed = Some(run.closed());
                self.give_data_back(run.claim.data.as_ref(), true);
                discarded.add_all(run.claim.reasons.clone());
                execution = Some(run.execution);
            }
        }
        let settled = discarded.is_empty() && execution.is_none();
        if settled && self.slot.paused.is_some() && self.slot.due_at.is_none() {
            return Step::unchanged(Unchanged::AlreadySo);
        }
        let now = self.now;
        self.slot
            .settle(&discarded, Fate::Discarded, execution.as_ref(), now);
        self.slot.paused = Some(order.pause(self.now));
        self.retired(&discarded, execution)
    }

    /// Nobody waits for a decision about the package any more. It stays what it is.
    pub(super) fn retire_package(mut self) -> Step {
        let now = self.now;
        if let Some(review) = self.slot.review.as_deref_mut() {
            if let Some(write) = review.write.as_deref_mut() {
                if write.resume_at.is_some_and(|resume_at| now < resume_at) {
                    return Step::unchanged(Unchanged::LeaseIsLive);
                }
                write.resume_at = None;
            }
            review.waits = None;
            review.look_at = None;
        }
        if self.slot.due_at.is_none() {
            return Step::unchanged(Unchanged::AlreadySo);
        }
        self.retired(&Reasons::default(), None)
    }

    fn retired(
        mut self,
        discarded: &Reasons,
        execution: Option<crate::execution::Execution>,
    ) -> Step {
        self.slot.awaited = None;
        self.slot.errands.forget(|_| true);
        self.slot.due_at = None;
        let outcome = Outcome::Retired {
            discarded: discarded.len(),
            execution,
        };
        self.commit(outcome, vec![])
    }
}
