//! What people ask of a lane in which something starts.

use alloc::vec;

use super::{Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::order::{Order, OrderKind};
use crate::slot::Phase;

impl Turn<'_> {
    /// Does what a person asks.
    pub(super) fn ordered(self, order: &Order, phase: &Phase) -> Step {
        match (order.kind, phase) {
            (OrderKind::Pause, _) => self.pause(order),
            (OrderKind::Resume, _) => self.unpause(),
            (OrderKind::ResetBreaker, _) => self.reset_breaker(),
            (OrderKind::Retire, _) => self.retire(order),
            (OrderKind::RollBack, _) => self.asked_to_roll_back(),
            (OrderKind::Abandon, Phase::Starting(claim)) => self.abandon(claim),
            (OrderKind::Abandon, Phase::Idle | Phase::Running(_)) => {
                Step::unchanged(Unchanged::NoClaim)
            }
            (OrderKind::Approve | OrderKind::Reject, _) => Step::unchanged(Unchanged::SamePackage),
        }
    }

    fn pause(mut self, order: &Order) -> Step {
        if self.slot.paused.is_some() {
            return Step::unchanged(Unchanged::AlreadySo);
        }
        self.slot.paused = Some(order.pause(self.now));
        self.refresh_due();
        self.commit(Outcome::Paused, vec![])
    }

    fn reset_breaker(mut self) -> Step {
        if self.slot.breaker_open.take().is_none() {
            return Step::unchanged(Unchanged::AlreadySo);
        }
        self.slot.failures = 0;
        self.slot.failed_at = None;
        self.refresh_due();
        self.commit(Outcome::BreakerReset, vec![])
    }

    fn unpause(mut self) -> Step {
        let slot = &mut self.slot;
        if slot.paused.is_none() && slot.misconfigured.is_none() && slot.no_capacity.is_none() {
            return Step::unchanged(Unchanged::AlreadySo);
        }
        slot.paused = None;
        slot.misconfigured = None;
        slot.no_capacity = None;
        self.refresh_due();
        self.commit(Outcome::Unpaused, vec![])
    }
}
