//! What every guard says, for a person who asks.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;

use jiff::Timestamp;

use super::Turn;
use crate::event::Event;
use crate::facts::Facts;
use crate::guard::{Guard, Verdict, blackout_until};
use crate::policy::PolicyInForce;
use crate::reason::Reason;
use crate::slot::Slot;

/// What every guard, in its order, says about a cause of this slot now. [`step`]
/// goes by the first that bites; a person may want to know what comes after it.
///
/// [`step`]: super::step
pub fn verdicts(
    slot: &Slot,
    reason: &Reason,
    facts: &Facts<'_>,
    policy: &PolicyInForce,
    now: Timestamp,
) -> Vec<Verdict> {
    let now = now.max(slot.updated_at);
    let turn = Turn {
        slot: Box::new(slot.clone()),
        event: &Event::Tick,
        facts,
        policy,
        now,
        blackout_until: blackout_until(&policy.policy.blackouts, now),
        objects: Vec::new(),
    };
    Guard::all(turn.view(), reason)
        .map(|(guard, bites)| Verdict {
            guard: guard.to_owned(),
            bites,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::facts::{ControllerState, Timing};
    use crate::step::tests::{Model, alarmed};
    use crate::token::Epoch;
    use crate::trigger::Trigger;
    use crate::trigger::tests::{at, drift};

    /// The names of all guards, and of those that keep a second alarm.
    fn told(model: &Model, trigger: &Trigger, seconds: i64) -> (usize, Vec<&'static str>) {
        let controller = ControllerState {
            epoch: Epoch::derive(&["table"]),
            paused: None,
        };
        let facts = Facts::new(&controller, Timing::default());
        let reason = Reason::of(trigger);
        let all = verdicts(&model.slot, &reason, &facts, &model.policy, at(seconds));
        for verdict in &all {
            let name = verdict.bites.as_ref().map(Guard::name);
            assert_eq!(name.unwrap_or(&verdict.guard), verdict.guard);
        }
        let bites = all.iter().filter_map(|verdict| verdict.bites.as_ref());
        (all.len(), bites.map(Guard::name).collect())
    }

    #[test]
    fn every_guard_is_asked_also_after_the_first_that_bites() {
        let mut model = Model::with(r#""budget": {"starts": 1, "window": "1d"}"#);
        let trigger = drift("mq", 10);
        assert_eq!(told(&model, &trigger, 10), (15, vec![]));
        model.start(0);
        let bites = vec!["in_flight", "min_interval", "budget"];
        assert_eq!(told(&model, &trigger, 10), (15, bites));
        // The first of them is what the step goes by.
        let (outcome, _) = model.take(&alarmed("mq", 10), 10);
        let crate::decision::Outcome::Held { guard } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(guard.name(), "in_flight");
    }
}
