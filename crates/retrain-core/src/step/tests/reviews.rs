//! What is decided about one package, and what follows for the environments.

use super::release::*;
use super::*;
use crate::facts::ReviewNeeded;
use crate::gate;

/// The lane of package 2, of which the evidence and the origin are known.
fn review(candidate: &str) -> Model {
    looked_at(Model::in_lane(&Lane::Package(package(2))), candidate)
}

#[test]
fn what_the_gate_needs_is_asked_for_before_it_looks() {
    let mut model = review("0.95");
    model.lookups = None;
    let Step::NeedFacts(needed) = model.try_step(&seen(2, Pending), None, 0).unwrap() else {
        panic!()
    };
    let expected = ReviewNeeded {
        package: described(2, Pending),
        champion_of: model.policy.policy.model_package_group.clone(),
        origin: true,
    };
    assert_eq!(needed.review.as_deref(), Some(&expected));
}

#[test]
fn the_gate_approves_and_the_first_environment_is_told_after_a_moment() {
    let mut model = review("0.95");
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    let Outcome::Writing { write, verdict } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(verdict.unwrap().outcome, gate::Outcome::Approve);
    let decision = write.update.approval.as_ref().unwrap();
    assert_eq!((decision.approval, decision.over), (Approved, Pending));
    assert_eq!(commands, [Command::UpdatePackage(write)]);
    assert_eq!(model.errands(), [""; 0], "nothing is told before it stands");

    let (outcome, commands) = model.take(&wrote(1, 1, 0, 2), 2);
    assert_eq!(outcome, Outcome::Wrote { number: 1 });
    let look = Command::DescribePackage {
        package: package(2),
    };
    assert_eq!(commands, [look]);

    let (outcome, commands) = model.take(&seen(2, Approved), 3);
    let told = Outcome::Approved {
        by_controller: true,
        told: 1,
    };
    assert_eq!((outcome, commands), (told, vec![]));
    assert_eq!(
        model.errands(),
        ["tell deploy#staging of package 2 was approved at 2026-01-05T00:00:03Z"]
    );
    assert_eq!(model.slot.due_at, Some(at(3 + MOMENT)));
    assert_eq!(
        model.take(&Event::Tick, 2 + MOMENT).1.len(),
        1,
        "only a look"
    );
    let (_, commands) = model.take(&Event::Tick, 3 + MOMENT);
    assert!(matches!(commands[..], [Command::Errand(_), ..]));
}

#[test]
fn a_persons_word_inside_the_write_window_is_contested() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 3);
    model.take(&seen(2, Approved), 4);
    let (outcome, _) = model.take(&heard(2, Approved, Rejected, 2), 30);
    assert_eq!(outcome.name(), "contested");
    let staging = "tell deploy#staging of package 2 was approved over a person's decision";
    let production = "tell deploy#production of package 2 was approved over a person's decision";
    assert_eq!(model.errands(), [staging, production]);
}
