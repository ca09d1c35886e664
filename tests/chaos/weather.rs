//! What goes wrong, and how often.

use std::collections::BTreeMap;

use super::line::Misfortune;
use super::process::Function;
use crate::dice::Dice;

/// A long freeze is at most so many seconds.
const HOURS: u64 = 6 * 3_600;

/// What the calls of one invocation meet; while a service is down, rarely anything good.
pub(crate) fn misfortunes(
    dice: &mut Dice,
    function: Function,
    is_down: bool,
) -> BTreeMap<usize, Misfortune> {
    let mut plan = BTreeMap::new();
    if is_down && dice.percent(85) {
        let kind = refusal(dice);
        let first = 1 + dice.place(4);
        return (first..first + 40).map(|place| (place, kind)).collect();
    }
    // The reconciler makes many calls, and its first ones are queries.
    let places = if function == Function::Reconciler {
        30
    } else {
        8
    };
    let mut place = 1 + dice.place(places);
    match dice.roll(100) {
        0..=64 => {}
        // An outage: the SDK's retries do not help.
        65..=75 => {
            let kind = refusal(dice);
            for _ in 0..4 + dice.roll(8) {
                plan.insert(place, kind);
                place += 1;
            }
        }
        _ => {
            plan.insert(place, misfortune(dice, function));
            if dice.percent(30) {
                plan.insert(1 + dice.place(places), misfortune(dice, function));
            }
        }
    }
    plan
}

fn refusal(dice: &mut Dice) -> Misfortune {
    match dice.roll(5) {
        0 => Misfortune::Throttle,
        1 => Misfortune::ServerError(500),
        2 => Misfortune::ServerError(503),
        3 => Misfortune::Conflict,
        _ => Misfortune::Lost,
    }
}

fn misfortune(dice: &mut Dice, function: Function) -> Misfortune {
    let after = dice.percent(50);
    match dice.roll(12) {
        0 | 1 => refusal(dice),
        2 => Misfortune::ServerErrorAfter,
        3 => Misfortune::LostAfter,
        4 => Misfortune::Slow(dice.roll(9_000).cast_signed()),
        5 => Misfortune::TimedOut,
        6 => Misfortune::Late(dice.roll(20).cast_signed()),
        7 | 8 => Misfortune::Dies { after },
        9 => Misfortune::DiesLate(dice.roll(30).cast_signed()),
        _ => {
            let seconds = if function.may_freeze_for_long() && dice.percent(50) {
                dice.roll(HOURS)
            } else {
                1 + dice.roll(35)
            };
            let seconds = seconds.cast_signed();
            Misfortune::Freezes { after, seconds }
        }
    }
}
