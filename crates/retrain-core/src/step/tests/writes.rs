//! What the controller writes to a package, and when it must do something elsewhere.

use super::release::*;
use super::*;
use crate::gate::MetadataKey;
use crate::package::UpdateAnswer;
use crate::pins::Pin;

#[test]
fn a_package_is_pinned_before_an_environment_is_told_of_it() {
    let mut model = review("0.9");
    with_origin(&mut model);
    let (_, commands) = model.take(&seen(2, Approved), 0);
    let [Command::UpdatePackage(write)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(write.update.approval, None);
    let pinned: Vec<&str> = write
        .update
        .metadata
        .keys()
        .map(MetadataKey::as_str)
        .collect();
    assert_eq!(
        pinned,
        [Pin::RetrainPolicyVersion.key(), Pin::RetrainToken.key()]
    );
    assert_eq!(model.errands().len(), 1);
    let (_, commands) = model.take(&wrote(1, 1, 0, 2), 2);
    assert!(matches!(commands[..], [Command::Errand(_)]), "{commands:?}");
    // The event of the stamp is no decision, and stamps nothing again.
    let (outcome, commands) = model.take(&seen(2, Approved), 3);
    assert_eq!((outcome.name(), commands.len()), ("unchanged", 0));
}

#[test]
fn a_package_without_pins_is_still_a_package() {
    let refused = UpdateAnswer::Refused {
        what: "AccessDenied".into(),
    };
    let mut model = review("0.9");
    with_origin(&mut model);
    model.take(&seen(2, Approved), 0);
    let (outcome, commands) = model.take(&write_answered(1, 1, refused), 2);
    assert_eq!((outcome.name(), commands.len()), ("not_written", 1));
    assert!(model.slot.review.as_ref().unwrap().waits.is_none());
    // An answer that never comes keeps the environments waiting for a moment only.
    let mut model = review("0.9");
    with_origin(&mut model);
    model.take(&seen(2, Approved), 0);
    let (_, commands) = model.take(&Event::Tick, MOMENT);
    assert!(
        matches!(commands[..], [Command::Errand(_), ..]),
        "{commands:?}"
    );
}

#[test]
fn the_decision_and_the_pins_are_one_write() {
    let mut model = review("0.95");
    with_origin(&mut model);
    let (_, commands) = model.take(&seen(2, Pending), 0);
    let [Command::UpdatePackage(write)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert!(write.update.approval.is_some());
    assert_eq!(write.update.metadata.len(), 2);
    model.take(&wrote(1, 1, 0, 2), 2);
    let (_, commands) = model.take(&seen(2, Approved), 3);
    assert_eq!(commands, [], "it is pinned already");
}

#[test]
fn a_write_whose_answer_nobody_knows_is_taken_up_when_its_lease_is_over() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    let unknown = UpdateAnswer::Unknown {
        read_at: Some(at(1)),
        what: "timeout".into(),
    };
    let (outcome, _) = model.take(&write_answered(1, 1, unknown.clone()), 10);
    let resumes = Outcome::WriteUnknown {
        number: 1,
        what: "timeout".into(),
        resume_at: at(190),
    };
    assert_eq!(outcome, resumes);
    assert_eq!(model.slot.due_at, Some(at(190)));
    let is_taken_up = |commands: &[Command]| {
        commands.iter().find_map(|command| match command {
            Command::UpdatePackage(write) => Some(write.attempt),
            _ => None,
        })
    };
    assert_eq!(is_taken_up(&model.take(&Event::Tick, 189).1), None);
    assert_eq!(is_taken_up(&model.take(&Event::Tick, 190).1), Some(2));
    assert_eq!(
        is_taken_up(&model.take(&Event::Tick, 191).1),
        None,
        "it is leased"
    );
    // The worker of the first attempt has nothing to say any more but a success.
    assert_eq!(
        model.outcome(&write_answered(1, 1, unknown), 192),
        "unchanged"
    );
    assert_eq!(model.outcome(&wrote(1, 1, 5, 9), 193), "wrote");
    let write = model.slot.review.as_ref().unwrap().write.as_ref().unwrap();
    assert_eq!(write.read_at, Some(at(1)), "the first look counts");
    assert_eq!(model.outcome(&wrote(1, 2, 194, 195), 196), "unchanged");
    assert_eq!(model.outcome(&wrote(2, 1, 194, 195), 197), "unchanged");
}

#[test]
fn the_waits_between_attempts_double_up_to_a_bound() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    let mut now = 0;
    let mut waits = vec![];
    for _ in 0..9 {
        let next = model.slot.review.as_ref().unwrap().write.as_ref().unwrap();
        let next = next.resume_at.unwrap().duration_since(at(0)).as_secs();
        waits.push(next - now - 160);
        now = next;
        model.take(&Event::Tick, now);
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
}

#[test]
fn a_write_that_shows_in_the_registry_was_written() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    let (outcome, _) = model.take(&seen(2, Approved), 5);
    let told = Outcome::Approved {
        by_controller: true,
        told: 1,
    };
    assert_eq!(outcome, told);
    assert_eq!(model.slot.due_at, Some(at(5 + MOMENT)));
    assert_eq!(model.outcome(&wrote(1, 1, 0, 2), 6), "unchanged");
    assert!(!matches!(
        model.take(&Event::Tick, 190).1[..],
        [Command::UpdatePackage(_), ..]
    ));
}

#[test]
fn a_decision_that_is_overtaken_or_refused_is_not_written() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    let overtaken = UpdateAnswer::Overtaken { approval: Rejected };
    let (outcome, commands) = model.take(&write_answered(1, 1, overtaken), 5);
    assert_eq!((outcome.name(), commands.len()), ("not_written", 1));
    let (outcome, _) = model.take(&seen(2, Rejected), 6);
    let told = Outcome::Rejected {
        by_controller: false,
        told: 2,
    };
    assert_eq!(outcome, told);
    assert_eq!(
        model
            .slot
            .review
            .as_ref()
            .unwrap()
            .write
            .as_ref()
            .unwrap()
            .resume_at,
        None
    );

    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    let refused = UpdateAnswer::Refused {
        what: "AccessDenied".into(),
    };
    assert_eq!(
        model.outcome(&write_answered(1, 1, refused), 5),
        "not_written"
    );
    let review = model.slot.review.as_ref().unwrap();
    let waits = review.waits.as_ref().unwrap();
    assert_eq!(waits.why, "SageMaker refuses the decision: AccessDenied");
    assert_eq!(
        model.take(&seen(2, Pending), 6).1,
        [],
        "it is not tried again"
    );
    assert_eq!(
        model.outcome(&decided(true), 7),
        "writing",
        "but a person may"
    );
}

#[test]
fn an_errand_is_done_at_least_once() {
    let mut model = review("0.9");
    let (_, commands) = model.take(&seen(2, Approved), 0);
    let [Command::Errand(first)] = &commands[..] else {
        panic!("{commands:?}")
    };
    // Its worker dies: after its lease it is tried again, and again, ever later.
    let mut due = vec![];
    for _ in 0..8 {
        let next = model.slot.errands.due_at().unwrap();
        due.push(next.duration_since(model.slot.updated_at).as_secs());
        let now = next.duration_since(at(0)).as_secs();
        let (_, commands) = model.take(&Event::Tick, now);
        let [Command::Errand(again), ..] = &commands[..] else {
            panic!("{commands:?}")
        };
        assert_eq!((again.number, &again.task), (first.number, &first.task));
    }
    assert_eq!(due, [160, 220, 340, 580, 1_060, 2_020, 3_700, 3_700]);
    let done = Event::ErrandDone {
        number: first.number,
        baseline: None,
    };
    model.take(&done, 99 * HOUR);
    assert_eq!(model.errands(), [""; 0]);
    assert_eq!(model.outcome(&done, 99 * HOUR), "unchanged");
}

#[test]
fn an_errand_that_is_done_leaves_the_looks_and_reminders_due() {
    let mut model = review("0.9");
    model.take(&seen(2, Approved), 0);
    model.take(&seen(2, Pending), 10);
    let due = |model: &Model| model.slot.due_at.unwrap();
    for number in model
        .slot
        .errands
        .open()
        .iter()
        .map(|one| one.number)
        .collect::<Vec<_>>()
    {
        let done = Event::ErrandDone {
            number,
            baseline: None,
        };
        model.take(&done, 11);
    }
    assert_eq!(model.errands(), [""; 0]);
    assert_eq!(due(&model), at(10 + HOUR), "it is looked at");
    // So does one that is done while a write is under way.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&seen(2, Rejected), 1);
    for number in [1, 2] {
        let done = Event::ErrandDone {
            number,
            baseline: None,
        };
        model.take(&done, 2);
    }
    assert_eq!(due(&model), at(190), "the write is taken up");
}
