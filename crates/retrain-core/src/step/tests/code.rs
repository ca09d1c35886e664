//! Releases ask for a start and wait for what becomes of it.

use super::*;
use crate::slot::{Fate, MAX_SETTLED, OfCode};

fn fate(model: &Model, key: &str) -> Option<Fate> {
    match model.slot.of_code(key) {
        OfCode::Settled(settled) => Some(settled.fate),
        OfCode::Waits | OfCode::Unknown => None,
    }
}

fn waits(model: &Model, key: &str) -> bool {
    model.slot.of_code(key) == OfCode::Waits
}

/// A model whose first run carries release `r1`.
fn running(fields: &str) -> Model {
    let mut model = Model::with(fields);
    assert_eq!(model.outcome(&released("r1", 0), 0), "claimed");
    assert!(waits(&model, "r1"));
    model.accept(1);
    model
}

const RULE: &str = r#""no_improvement": {"steps": ["NotBetter"]}"#;

#[test]
fn a_release_waits_until_a_run_has_served_it() {
    let mut model = running(RULE);
    assert_eq!(model.slot.of_code("r2"), OfCode::Unknown);
    assert_eq!(model.outcome(&released("r2", 5), 5), "held");
    assert!(waits(&model, "r1") && waits(&model, "r2"));
    model.end(ExecutionStatus::Succeeded, 60);
    let OfCode::Settled(settled) = model.slot.of_code("r1") else {
        panic!()
    };
    assert_eq!((settled.fate, settled.at), (Fate::Served, at(60)));
    assert_eq!(settled.execution, Some(execution(1)));
    assert!(waits(&model, "r2"));
}

#[test]
fn a_release_learns_how_its_run_has_ended() {
    let mut model = running(RULE);
    model.take(&failed_in(1, &["NotBetter"]), 60);
    assert_eq!(fate(&model, "r1"), Some(Fate::NoImprovement));
    let mut model = running(RULE);
    model.end(ExecutionStatus::Stopped, 60);
    assert_eq!(fate(&model, "r1"), Some(Fate::Discarded));
    let mut model = Model::new();
    model.policy.policy.mode = crate::policy::Mode::Observe;
    assert_eq!(model.outcome(&released("r1", 0), 0), "would_start");
    assert_eq!(fate(&model, "r1"), Some(Fate::Observed));
}

#[test]
fn a_release_waits_through_failures_until_it_is_given_up() {
    let mut model = running(RULE);
    let mut now = 60;
    for _ in 0..2 {
        model.end(ExecutionStatus::Failed, now);
        assert!(waits(&model, "r1"), "it is held again");
        now += 24 * HOUR;
        assert_eq!(model.outcome(&Event::Tick, now), "claimed");
        model.accept(now);
        now += 60;
    }
    model.end(ExecutionStatus::Failed, now);
    assert_eq!(fate(&model, "r1"), Some(Fate::GivenUp));
}

#[test]
fn a_release_that_is_interrupted_too_often_is_given_up_too() {
    let mut model = running(r#""back_off": {"initial": "1m", "cap": "1m", "max_failures": 1}"#);
    model.end(ExecutionStatus::Superseded, 60);
    assert_eq!(fate(&model, "r1"), Some(Fate::GivenUp));
}

#[test]
fn a_release_that_asks_again_waits_again() {
    let mut model = running(RULE);
    model.end(ExecutionStatus::Succeeded, 60);
    assert_eq!(model.outcome(&released("r1", 70), 70), "held");
    assert!(waits(&model, "r1"));
    model.take(&Event::Tick, 7 * HOUR);
    model.accept(7 * HOUR);
    model.end(ExecutionStatus::Stopped, 8 * HOUR);
    assert_eq!(
        fate(&model, "r1"),
        Some(Fate::Discarded),
        "the newest counts"
    );
}

#[test]
fn the_newest_fates_are_remembered() {
    let mut model = running(RULE);
    for n in 2..=MAX_SETTLED + 2 {
        model.take(&released(&alloc::format!("r{n}"), 5), 5);
    }
    model.end(ExecutionStatus::Succeeded, 60);
    model.take(&Event::Tick, 7 * HOUR);
    model.accept(7 * HOUR);
    model.end(ExecutionStatus::Succeeded, 8 * HOUR);
    assert_eq!(model.slot.settled.len(), MAX_SETTLED);
    assert_eq!(model.slot.of_code("r2"), OfCode::Unknown, "long ago");
    assert_eq!(fate(&model, "r12"), Some(Fate::Served));
    // Other causes have nobody who waits.
    let before = model.slot.settled.clone();
    model.start(24 * HOUR);
    model.end(ExecutionStatus::Succeeded, 25 * HOUR);
    assert_eq!(model.slot.settled, before);
}

#[test]
fn the_key_and_the_commit_of_a_release_are_told() {
    let mut model = Model::new();
    let name = crate::names::PipelineParameterName::parse("Release").unwrap();
    let template = crate::policy::Template::parse("{trigger}/{code_key}").unwrap();
    model.policy.policy.parameters = [(name, template)].into();
    let cause = Cause::Code {
        key: "r1".into(),
        commit: Some("0123abcd".into()),
    };
    let (outcome, _) = model.take(&asked(cause, 0), 0);
    let Outcome::Claimed { claim } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(claim.parameters.values().next().unwrap(), "code/r1");
    assert!(claim.description.contains("of commit \"0123abcd\""));
}

#[test]
fn a_release_is_one_trigger_however_often_it_is_asked_for() {
    let key = |event: &Event| match event {
        Event::Trigger(trigger) => trigger.dedupe_key(),
        _ => panic!(),
    };
    assert_eq!(key(&released("r1", 0)), key(&released("r1", 900)));
    assert_ne!(key(&released("r1", 0)), key(&released("r2", 0)));
    assert_ne!(key(&released("r1", 0)), key(&manual("r1", false, 0)));
}
