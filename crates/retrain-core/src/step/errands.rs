//! What must still be done elsewhere.

use alloc::vec;
use alloc::vec::Vec;

use jiff::SignedDuration;

use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::errand::{Errand, Task};
use crate::guard::{doubled, later};
use crate::package::BaselineAnswer;

/// An errand that is not known to be done is done again: after a minute at first, in the
/// end once an hour.
const AGAIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(1), SignedDuration::from_hours(1));

impl Turn<'_> {
    /// The errands that are due, as commands. Each is put off before it is tried.
    pub(super) fn run_errands(&mut self) -> Vec<Command> {
        let now = self.now;
        let lease = self.facts.timing.lease();
        let (initial, cap) = AGAIN;
        let again = |errand: &Errand| later(now, lease + doubled(initial, errand.attempts, cap));
        let due = self.slot.errands.take_due(now, again);
        due.into_iter().map(Command::Errand).collect()
    }

    /// An errand is done.
    pub(super) fn errand_done(mut self, number: u64, baseline: Option<&BaselineAnswer>) -> Step {
        let Some(errand) = self.slot.errands.done(number) else {
            return Step::unchanged(Unchanged::AlreadyDone);
        };
        self.refresh_due();
        match (errand.task, baseline) {
            (Task::RefreshBaseline { schedule, package }, Some(answer)) => {
                let outcome = Outcome::Baseline {
                    schedule,
                    package,
                    answer: answer.clone(),
                };
                self.commit(outcome, vec![])
            }
            _ => self.commit_silently(vec![]),
        }
    }
}
