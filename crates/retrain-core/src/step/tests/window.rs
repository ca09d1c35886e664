//! People decide at any moment around the controller's look and its write.

use super::release::*;
use super::*;
use crate::event::Told;
use crate::package::UpdateAnswer;

/// The gate approves at 0, looks at 1, writes at 3, and is answered at 4.
fn written() -> Model {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 4);
    model
}

fn is_contested(model: &Model) -> bool {
    model.slot.review.as_ref().unwrap().contested.is_some()
}

/// Which environments are to be told, of what.
fn tells(model: &Model) -> Vec<String> {
    let errands = model.errands();
    errands
        .iter()
        .map(|task| task.split(" at ").next().unwrap().to_string())
        .collect()
}

const CONTESTED: [&str; 2] = [
    "tell deploy#staging of package 2 was approved over a person's decision",
    "tell deploy#production of package 2 was approved over a person's decision",
];

const APPROVED: &str = "tell deploy#staging of package 2 was approved";

#[test]
fn a_persons_word_inside_the_window_is_contested_in_every_order() {
    // After our own echo.
    let mut model = written();
    model.take(&seen(2, Approved), 5);
    assert_eq!(tells(&model), [APPROVED]);
    let (outcome, commands) = model.take(&heard(2, Approved, Rejected, 2), 30);
    assert_eq!((outcome.name(), commands.len()), ("contested", 2));
    assert_eq!(
        tells(&model),
        CONTESTED,
        "the approval is not told any more"
    );
    // Before it, with the answer known.
    let mut model = written();
    assert_eq!(
        model.outcome(&heard(2, Approved, Rejected, 2), 5),
        "contested"
    );
    assert_eq!(tells(&model), CONTESTED);
    assert_eq!(model.outcome(&seen(2, Approved), 6), "unchanged");
    // Before the answer: the registry shows that it is written.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    assert_eq!(
        model.outcome(&heard(2, Approved, Rejected, 2), 3),
        "contested"
    );
    assert_eq!(model.outcome(&wrote(1, 1, 1, 3), 4), "unchanged");
    assert_eq!(model.outcome(&seen(2, Approved), 5), "unchanged");
    assert_eq!(tells(&model), CONTESTED);
    // Before the write: the person's decision shows, and then ours does.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    assert_eq!(
        model.outcome(&heard(2, Rejected, Rejected, 2), 2),
        "rejected"
    );
    assert_eq!(model.outcome(&wrote(1, 1, 1, 3), 4), "wrote");
    assert_eq!(model.outcome(&seen(2, Approved), 5), "contested");
    assert_eq!(tells(&model)[..2], CONTESTED);
}

#[test]
fn a_rejection_over_a_persons_approval_is_contested_too() {
    let mut model = review("0.7");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 4);
    model.take(&seen(2, Rejected), 5);
    assert_eq!(
        model.outcome(&heard(2, Rejected, Approved, 2), 30),
        "contested"
    );
    let contested = model.slot.review.as_ref().unwrap().contested.unwrap();
    assert_eq!(
        (contested.theirs, contested.ours, contested.at),
        (Approved, Rejected, at(2))
    );
    assert!(model.slot.review.as_ref().unwrap().waits.is_some());
    // The person decides again.
    assert_eq!(model.outcome(&seen(2, Approved), 200), "approved");
    assert!(!is_contested(&model));
}

#[test]
fn only_another_decision_inside_the_window_contests() {
    let slack = MOMENT;
    for (told, told_at, expected) in [
        (Rejected, 1 - slack - 1, "unchanged"),
        (Rejected, 1 - slack, "contested"),
        (Rejected, 3 + 5, "contested"),
        (Rejected, 3 + 6, "unchanged"),
        (Approved, 2, "unchanged"),
        (Pending, 2, "unchanged"),
    ] {
        let mut model = written();
        model.take(&seen(2, Approved), 5);
        let found = model.outcome(&heard(2, Approved, told, told_at), 30);
        assert_eq!(found, expected, "{told} at {told_at}");
    }
    // What an event may not tell does not count.
    let mut model = written();
    model.take(&seen(2, Approved), 5);
    let event = Event::Package {
        description: Box::new(described(2, Approved)),
        told: Some(Told {
            approval: None,
            at: at(2),
        }),
    };
    assert_eq!(model.outcome(&event, 30), "unchanged");
}

#[test]
fn a_write_of_pins_covers_nothing_up() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    model.lookups.as_mut().unwrap().origin = Some(crate::package::Origin {
        policy_version: Some(3),
        ..Default::default()
    });
    assert_eq!(model.outcome(&seen(2, Approved), 10), "approved");
    model.take(&wrote(1, 1, 11, 12), 12);
    assert_eq!(
        model.outcome(&heard(2, Approved, Rejected, 11), 13),
        "unchanged"
    );
    assert!(!is_contested(&model));
}

#[test]
fn what_a_person_writes_on_top_of_ours_stands() {
    let mut model = written();
    model.take(&seen(2, Approved), 5);
    assert_eq!(
        model.outcome(&heard(2, Rejected, Rejected, 10), 11),
        "rejected"
    );
    assert!(!is_contested(&model));
    // The person comes round.
    assert_eq!(
        model.outcome(&heard(2, Approved, Approved, 20), 21),
        "approved"
    );
    assert!(!is_contested(&model));
}

#[test]
fn what_shows_long_after_our_write_is_the_last_word() {
    // The person's decision shows while ours is under way, and still when it has settled.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&heard(2, Rejected, Rejected, 2), 2);
    let (_, commands) = model.take(&wrote(1, 1, 1, 3), 4);
    assert_eq!(commands.len(), 1);
    let look = 3 + MOMENT;
    assert_eq!(model.slot.review.as_ref().unwrap().look_at, Some(at(look)));
    model.take(&seen(2, Rejected), look);
    assert!(model.slot.review.as_ref().unwrap().write.is_none());
    assert_eq!(model.outcome(&seen(2, Approved), look + 10), "approved");
    assert!(!is_contested(&model));
}

#[test]
fn a_contest_ends_when_a_person_decides_again() {
    let contested = || {
        let mut model = written();
        model.take(&seen(2, Approved), 5);
        model.take(&heard(2, Approved, Rejected, 2), 30);
        assert!(is_contested(&model));
        model
    };
    // Through the controller: both were right.
    let mut model = contested();
    assert_eq!(model.outcome(&decided(true), 100), "approved");
    assert_eq!(tells(&model).last().unwrap(), APPROVED);
    assert!(!is_contested(&model));
    assert_eq!(model.outcome(&decided(true), 101), "not_taken");
    // Nobody contests it any more, whatever is told once more.
    assert_eq!(
        model.outcome(&heard(2, Approved, Rejected, 2), 102),
        "unchanged"
    );
    assert!(!is_contested(&model));
    // Through the controller: the person was.
    let mut model = contested();
    let (outcome, _) = model.take(&decided(false), 100);
    let Outcome::Writing { write, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let decision = write.update.approval.unwrap();
    assert_eq!((decision.approval, decision.over), (Rejected, Approved));
    assert!(!is_contested(&model));
    // In the registry: by rejecting it, and approving it again.
    let mut model = contested();
    assert_eq!(model.outcome(&seen(2, Rejected), 100), "rejected");
    assert!(!is_contested(&model));
    assert_eq!(model.outcome(&seen(2, Approved), 200), "approved");
    // In the registry: by setting it back.
    let mut model = contested();
    assert_eq!(model.outcome(&seen(2, Pending), 100), "undecided");
    assert!(!is_contested(&model));
}

#[test]
fn a_confirmed_rejection_is_no_more_contested() {
    let mut model = review("0.7");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 4);
    model.take(&seen(2, Rejected), 5);
    model.take(&heard(2, Rejected, Approved, 2), 30);
    assert_eq!(model.outcome(&decided(false), 100), "rejected");
    assert!(!is_contested(&model));
    assert!(model.slot.review.as_ref().unwrap().waits.is_none());
}

#[test]
fn a_contest_is_found_once_and_reminded_of() {
    let mut model = written();
    model.take(&seen(2, Approved), 5);
    model.take(&heard(2, Approved, Rejected, 2), 30);
    assert_eq!(
        model.outcome(&heard(2, Approved, Rejected, 2), 31),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&seen(2, Approved), 30 + 24 * HOUR),
        "reminded"
    );
}

#[test]
fn what_a_person_approves_while_a_write_is_under_way_waits_until_it_is_settled() {
    let mut model = review("0.7");
    model.take(&seen(2, Pending), 0);
    model.take(&seen(2, Approved), 2);
    assert_eq!(tells(&model), [APPROVED]);
    let told_at = |model: &Model| model.slot.errands.due_at();
    assert_eq!(told_at(&model), Some(at(190 + MOMENT)));
    // The write was never sent: the approval stands, and is told now.
    let overtaken = UpdateAnswer::Overtaken { approval: Approved };
    model.take(&write_answered(1, 1, overtaken), 10);
    assert!(told_at(&model) > Some(at(10)), "it is being told");
    let told = model.slot.errands.open()[0].attempts;
    assert_eq!(told, 1);
}

#[test]
fn what_a_decision_was_written_over_was_seen() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    model.take(&heard(2, Approved, Approved, 98), 98);
    assert_eq!(model.outcome(&decided(false), 100), "writing");
    model.take(&wrote(1, 1, 101, 102), 102);
    assert_eq!(model.outcome(&seen(2, Rejected), 103), "rejected");
    // The event of the approval comes once more, late.
    assert_eq!(
        model.outcome(&heard(2, Rejected, Approved, 98), 104),
        "unchanged"
    );
}
