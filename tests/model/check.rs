//! What is explored, and what is found.

use std::env;

use crate::mutant::Mutant;
use crate::releases::{gate, promotion, rejection, requests};
use crate::retraining::{crashes, data, demands, ends, leases, people, refusals};
use crate::search::explore;
use crate::setup::Setup;
use crate::world::World;

/// More states than any configuration has.
const TOO_MANY: usize = 8_000_000;

/// A configuration, quick or deep.
type Configuration = fn(bool) -> Setup;

/// How many states a configuration has, in a run of seconds and in one of minutes.
#[derive(Clone, Copy)]
struct States {
    quick: usize,
    deep: usize,
}

/// Explores a configuration: no promise is broken, and nothing is left out.
#[track_caller]
fn keeps_its_promises(setup: Configuration, states: States) {
    let is_deep = env::var("MODEL").is_ok_and(|how| how == "deep");
    let expected = if is_deep { states.deep } else { states.quick };
    let world = World::new(setup(is_deep));
    let explored = explore(&world, TOO_MANY).unwrap_or_else(|trace| panic!("{trace}"));
    assert_eq!(
        explored.states,
        expected,
        "another number of states: {explored:?}, and {} futures",
        world.rested.borrow().len()
    );
}

#[test]
fn workers_that_die_or_do_not_hear() {
    keeps_its_promises(
        crashes,
        States {
            quick: 81_919,
            deep: 151_201,
        },
    );
}

#[test]
fn calls_that_are_lost_or_late_and_clocks_that_differ() {
    keeps_its_promises(
        leases,
        States {
            quick: 26_948,
            deep: 1_057_587,
        },
    );
}

#[test]
fn refusals_before_and_after_what_is_unknown() {
    keeps_its_promises(
        refusals,
        States {
            quick: 34_200,
            deep: 100_465,
        },
    );
}

#[test]
fn runs_that_end_in_every_way_and_alarms_that_clear() {
    keeps_its_promises(
        ends,
        States {
            quick: 151_435,
            deep: 273_643,
        },
    );
}

#[test]
fn people_who_act_at_the_same_time() {
    keeps_its_promises(
        people,
        States {
            quick: 48_371,
            deep: 500_792,
        },
    );
}

#[test]
fn objects_that_arrive_in_any_order() {
    keeps_its_promises(
        data,
        States {
            quick: 17_389,
            deep: 405_841,
        },
    );
}

#[test]
fn starts_within_interval_and_budget() {
    keeps_its_promises(
        demands,
        States {
            quick: 129_999,
            deep: 309_717,
        },
    );
}

#[test]
fn a_gate_and_a_person_who_decide_at_the_same_time() {
    keeps_its_promises(
        gate,
        States {
            quick: 35_105,
            deep: 155_885,
        },
    );
}

#[test]
fn a_person_who_approves_and_rejects() {
    keeps_its_promises(
        rejection,
        States {
            quick: 17_283,
            deep: 17_283,
        },
    );
}

#[test]
fn a_package_on_its_way_through_two_environments() {
    keeps_its_promises(
        promotion,
        States {
            quick: 61_160,
            deep: 61_160,
        },
    );
}

#[test]
fn people_who_decide_through_the_controller() {
    keeps_its_promises(
        requests,
        States {
            quick: 6_806,
            deep: 6_806,
        },
    );
}

/// Each mistake, where it shows, and the promise that it breaks.
const MUTANTS: [(Mutant, Configuration, u8); 22] = [
    (Mutant::NoFence, crashes, 8),
    (Mutant::AnswerWithoutFence, crashes, 8),
    (Mutant::MarkerBefore, crashes, 3),
    (Mutant::MarkerAfter, crashes, 4),
    (Mutant::AcknowledgedOnReceipt, crashes, 3),
    (Mutant::TokenOfEvent, crashes, 5),
    (Mutant::ParametersAnew, leases, 5),
    (Mutant::ResumedWithoutLooking, crashes, 5),
    (Mutant::LeaseIgnored, leases, 8),
    (Mutant::ClockStandsStill, leases, 8),
    (Mutant::RefusalAfterLostAnswer, refusals, 5),
    (Mutant::GivenBackOnTimeout, leases, 5),
    (Mutant::NeverDue, crashes, 3),
    (Mutant::CausesDroppedOnFailure, ends, 3),
    (Mutant::RowsDroppedOnFailure, data, 6),
    (Mutant::WithdrawalNotMarked, ends, 3),
    (Mutant::StartsForgotten, demands, 2),
    (Mutant::ForeignRunsForgotten, people, 1),
    (Mutant::ApprovalBelieved, rejection, 10),
    (Mutant::WrittenBlindly, gate, 10),
    (Mutant::NeverLookedAt, rejection, 11),
    (Mutant::ErrandsForgotten, rejection, 3),
];

#[test]
fn every_mistake_is_found() {
    for (mutant, setup, promise) in MUTANTS {
        let world = World::new(Setup {
            mutant: Some(mutant),
            ..setup(false)
        });
        match explore(&world, TOO_MANY) {
            Ok(explored) => panic!("{mutant:?} breaks nothing: {explored:?}"),
            Err(trace) => assert_eq!(trace.broken.promise, promise, "{mutant:?}: {trace}"),
        }
    }
}
