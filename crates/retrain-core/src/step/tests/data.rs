//! When training data is enough for a start.

use super::*;

const ENOUGH: &str = r#""data": {
    "objects": [{"bucket": "fraud-data", "prefix": "in/"}], "min_rows": 100
}"#;

fn policy(fields: &str) -> Model {
    let objects = r#""objects": [{"bucket": "fraud-data", "prefix": "in/"}]"#;
    Model::with(&alloc::format!(r#""data": {{{objects}, {fields}}}"#))
}

fn counted(outcome: Outcome) -> (Tally, Option<Timestamp>, Option<Guard>) {
    match outcome {
        Outcome::Counted {
            waiting,
            ready_at,
            held_by,
            ..
        } => (waiting, ready_at, held_by),
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_starts_at_the_minimum_and_not_one_row_below() {
    let mut model = Model::with(ENOUGH);
    let (outcome, commands) = model.take(&arrived([version("in/a", 1, 99)]), 0);
    assert_eq!(counted(outcome), (tally(99, 1), None, None));
    assert!(commands.is_empty());
    assert_eq!(model.slot.due_at, None, "time alone changes nothing");
    let (outcome, _) = model.take(&arrived([version("in/b", 1, 1)]), 10);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(claim.kind, crate::trigger::TriggerKind::Data);
    assert_eq!(claim.data.as_ref().unwrap().tally, tally(100, 2));
    let reason = claim.reasons.iter().next().unwrap();
    let cause = Cause::Data {
        rows: 100,
        objects: 2,
    };
    assert_eq!(reason.cause, cause);
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn every_minimum_must_be_reached() {
    let all = r#""min_rows": 10, "min_objects": 2, "min_bytes": 200"#;
    for (objects, expected) in [
        (vec![(9, 200), (0, 0)], "counted"),
        (vec![(10, 200)], "counted"),
        (vec![(5, 100), (5, 99)], "counted"),
        (vec![(5, 100), (5, 100)], "claimed"),
    ] {
        let mut model = policy(all);
        let objects = objects.into_iter().enumerate().map(|(n, (rows, bytes))| {
            let mut object = version(&alloc::format!("in/{n}"), 1, rows);
            object.bytes = bytes;
            object
        });
        assert_eq!(model.outcome(&arrived(objects), 0), expected);
    }
}

#[test]
fn data_without_a_policy_for_it_is_counted_and_starts_nothing() {
    let mut model = Model::new();
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 1_000_000)]), 0);
    assert_eq!(counted(outcome), (tally(1_000_000, 1), None, None));
    assert_eq!(model.outcome(&Event::Tick, 24 * HOUR), "unchanged");
}

#[test]
fn the_quiet_period_begins_again_with_every_object_and_ends_exactly() {
    let mut model = policy(r#""min_rows": 100, "quiet_period": "10m""#);
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 100)]), 0);
    assert_eq!(counted(outcome).1, Some(at(600)));
    assert_eq!(model.slot.due_at, Some(at(600)));
    let (outcome, _) = model.take(&arrived([version("in/b", 1, 1)]), 599);
    assert_eq!(counted(outcome).1, Some(at(1_199)));
    assert_eq!(model.outcome(&Event::Tick, 600), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 1_198), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 1_199), "claimed");
    assert_eq!(
        in_flight(&model).data.as_ref().unwrap().tally,
        tally(101, 2)
    );
}

#[test]
fn max_wait_counts_from_the_first_object_with_a_row() {
    let mut model = policy(r#""min_rows": 100, "max_wait": "1h""#);
    let (outcome, _) = model.take(&arrived([version("in/empty", 1, 0)]), 0);
    assert_eq!(counted(outcome), (tally(0, 1), None, None));
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR), "unchanged");
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 1)]), 2 * HOUR);
    assert_eq!(counted(outcome).1, Some(at(3 * HOUR)));
    model.take(&arrived([version("in/b", 1, 1)]), 2 * HOUR + 60);
    assert_eq!(model.outcome(&Event::Tick, 3 * HOUR - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 3 * HOUR), "claimed");
    assert_eq!(in_flight(&model).data.as_ref().unwrap().tally, tally(2, 3));
}

#[test]
fn max_wait_ends_a_quiet_period_that_never_comes() {
    let mut model = policy(r#""min_rows": 2, "quiet_period": "10m", "max_wait": "15m""#);
    model.take(&arrived([version("in/a", 1, 2)]), 0);
    let (outcome, _) = model.take(&arrived([version("in/b", 1, 2)]), 500);
    assert_eq!(counted(outcome).1, Some(at(900)));
    assert_eq!(
        model.outcome(&arrived([version("in/c", 1, 2)]), 899),
        "counted"
    );
    assert_eq!(model.outcome(&Event::Tick, 900), "claimed");
}

#[test]
fn rows_that_are_overwritten_away_do_not_wait() {
    let mut model = policy(r#""min_rows": 100, "max_wait": "1h""#);
    model.take(&arrived([version("in/a", 1, 50)]), 0);
    model.take(&arrived([uncountable("in/a", 2)]), 10);
    assert_eq!(model.outcome(&Event::Tick, HOUR), "unchanged");
    let (outcome, _) = model.take(&arrived([version("in/b", 1, 1)]), 5 * HOUR);
    assert_eq!(counted(outcome).1, Some(at(6 * HOUR)));
}

#[test]
fn a_complete_batch_starts_whichever_comes_last() {
    let fields = r#""min_rows": 10, "complete_when": {"suffix": "/_SUCCESS"}"#;
    let mut model = policy(fields);
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 10)]), 0);
    assert_eq!(counted(outcome), (tally(10, 1), None, None));
    assert_eq!(model.outcome(&Event::Tick, HOUR), "unchanged");
    assert_eq!(model.outcome(&complete(1), HOUR), "claimed");

    let mut model = policy(fields);
    assert_eq!(model.outcome(&complete(1), 0), "counted");
    assert_eq!(
        model.outcome(&arrived([version("in/a", 1, 9)]), 1),
        "counted"
    );
    assert_eq!(
        model.outcome(&arrived([version("in/b", 1, 1)]), 2),
        "claimed"
    );
}

#[test]
fn a_completion_completes_one_batch_however_often_it_is_told() {
    let fields = r#""min_rows": 10, "complete_when": {"suffix": "/_SUCCESS"}"#;
    let mut model = policy(fields);
    model.take(&arrived([version("in/a", 1, 10)]), 0);
    assert_eq!(model.outcome(&complete(1), 1), "claimed");
    model.accept(2);
    assert_eq!(model.outcome(&complete(1), 3), "unchanged");
    model.end(ExecutionStatus::Succeeded, 60);
    let day = 24 * HOUR;
    let next = arrived([version("in/b", 1, 10)]);
    assert_eq!(model.outcome(&next, day), "counted");
    assert_eq!(model.outcome(&complete(1), day + 1), "unchanged");
    assert_eq!(model.outcome(&complete(2), day + 2), "claimed");
}

#[test]
fn completions_and_data_of_one_message_are_told_apart() {
    let mut model = policy(r#""min_rows": 10"#);
    model.take(&arrived([version("in/a", 1, 5)]), 0);
    model.slot.data.needs_more = true;
    assert_eq!(model.outcome(&complete(1), 10), "counted");
    assert!(
        model.slot.data.needs_more,
        "a completion is no further data"
    );
    assert_eq!(model.slot.data.last_at, Some(at(0)));
    // One marker in two versions and one object: there is data.
    let mut event = arrived([version("in/b", 1, 4)]);
    let Event::Data(arrivals) = &mut event else {
        panic!()
    };
    for sequencer in [2, 3] {
        let Event::Data(marks) = complete(sequencer) else {
            panic!()
        };
        arrivals.completions.extend(marks.completions);
    }
    assert_eq!(model.outcome(&event, 20), "counted");
    assert!(!model.slot.data.needs_more);
    assert_eq!(model.slot.data.last_at, Some(at(20)));
}

#[test]
fn enough_data_waits_for_its_guards_and_is_told_once() {
    let mut model = Model::with(ENOUGH);
    model.start(0);
    model.end(ExecutionStatus::Succeeded, 60);
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 100)]), 70);
    let (_, _, guard) = counted(outcome);
    assert!(
        matches!(guard, Some(Guard::MinInterval { .. })),
        "{guard:?}"
    );
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.outcome(&Event::Tick, HOUR), "unchanged");
    // What still comes goes along.
    model.take(&arrived([version("in/b", 1, 5)]), 2 * HOUR);
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
    assert_eq!(
        in_flight(&model).data.as_ref().unwrap().tally,
        tally(105, 2)
    );
}

#[test]
fn data_that_becomes_enough_behind_a_run_starts_after_it() {
    let mut model = policy(r#""min_rows": 100, "quiet_period": "10m""#);
    model.start(0);
    model.take(&arrived([version("in/a", 1, 100)]), 10);
    model.end(ExecutionStatus::Succeeded, 7 * HOUR);
    assert_eq!(model.slot.due_at, Some(at(610)), "it is due at once");
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
}

#[test]
fn a_drift_led_claim_takes_the_waiting_data_along() {
    let mut model = policy(r#""min_rows": 100, "quiet_period": "10m""#);
    model.take(&arrived([version("in/a", 1, 60)]), 0);
    assert_eq!(model.outcome(&alarmed("dq", 10), 10), "claimed");
    let claim = in_flight(&model);
    assert_eq!(claim.reasons.len(), 1, "it is too little to be a cause");
    assert_eq!(claim.data.as_ref().unwrap().tally, tally(60, 1));
    assert_eq!(model.slot.data.tally, Tally::default());
    // What is enough when the alarm comes is a cause like it.
    let mut model = policy(r#""min_rows": 100, "quiet_period": "10m""#);
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    assert_eq!(model.outcome(&alarmed("dq", 600), 600), "claimed");
    assert_eq!(in_flight(&model).reasons.len(), 2);
}

#[test]
fn the_parameters_tell_about_the_data_that_is_taken() {
    let mut model = Model::with(ENOUGH);
    let parameter = |name: &str, text: &str| {
        (
            crate::names::PipelineParameterName::parse(name).unwrap(),
            crate::policy::Template::parse(text).unwrap(),
        )
    };
    model.policy.policy.parameters = [
        parameter("Rows", "{data_rows}"),
        parameter("Objects", "{data_objects}"),
        parameter("Key", "{code_key|none}"),
    ]
    .into();
    let objects = [version("in/a", 1, 30), version("in/b", 1, 71)];
    model.take(&arrived(objects), 0);
    let values: Vec<&str> = in_flight(&model)
        .parameters
        .values()
        .map(|v| &**v)
        .collect();
    assert_eq!(values, ["none", "2", "101"]);
}

/// A model whose starts are given a manifest.
fn listed() -> Model {
    let fields = r#""min_rows": 100, "manifest": {"bucket": "fraud-runs"}"#;
    let mut model = policy(fields);
    let name = crate::names::PipelineParameterName::parse("Manifest").unwrap();
    let template = crate::policy::Template::parse("{manifest_uri}").unwrap();
    model.policy.policy.parameters = [(name, template)].into();
    model.lookups = None;
    model
}

#[test]
fn a_manifest_lists_what_is_stored_and_belongs_to_its_claim() {
    let mut model = listed();
    // The object that makes it enough is not stored yet, so nothing can list it.
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 100)]), 0);
    assert_eq!(counted(outcome), (tally(100, 1), Some(at(0)), None));
    assert_eq!(model.slot.due_at, Some(at(0)));
    let step = model.try_step(&Event::Tick, None, 1).unwrap();
    let Step::NeedFacts(needed) = step else {
        panic!("{step:?}")
    };
    let wanted = needed.manifest.unwrap();
    assert_eq!(wanted.tally, tally(100, 1));
    model.lookups = Some(Lookups {
        manifest_uri: Lookup::Found("s3://fraud-runs/m.json".into()),
        ..Lookups::default()
    });
    assert_eq!(model.outcome(&Event::Tick, 1), "claimed");
    let claim = in_flight(&model);
    assert_eq!(claim.token, wanted.token);
    assert_eq!(claim.data.as_ref().unwrap().generations, wanted.generations);
    assert_eq!(
        claim.parameters.values().next().unwrap(),
        "s3://fraud-runs/m.json"
    );
    // A start without data has no list.
    model.accept(2);
    model.end(ExecutionStatus::Succeeded, 3);
    model.lookups = None;
    let (outcome, _) = model.take(&alarmed("dq", 7 * HOUR), 7 * HOUR);
    let text = outcome.to_string();
    assert!(text.contains("{manifest_uri} has no value"), "{text}");
}

#[test]
fn a_manifest_that_cannot_be_written_is_a_misconfiguration_and_forgets_nothing() {
    let mut model = listed();
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.lookups = Some(Lookups {
        manifest_uri: Lookup::Unreadable("AccessDenied".into()),
        ..Lookups::default()
    });
    let (outcome, _) = model.take(&alarmed("dq", 1), 1);
    let text = outcome.to_string();
    assert!(
        text.contains("the manifest is unreadable: AccessDenied"),
        "{text}"
    );
    assert_eq!(model.slot.data.tally, tally(100, 1));
}

#[test]
fn a_policy_that_observes_takes_the_data_as_consumed() {
    let mut model = Model::with(ENOUGH);
    model.policy.policy.mode = crate::policy::Mode::Observe;
    let (outcome, _) = model.take(&arrived([version("in/a", 1, 100)]), 0);
    let Outcome::WouldStart { data, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(data, tally(100, 1));
    assert_eq!(model.slot.data.tally, Tally::default());
    // It would have been consumed: an overwrite is new data in full.
    let (outcome, _) = model.take(&arrived([version("in/a", 2, 100)]), 10);
    let (waiting, _, guard) = counted(outcome);
    assert_eq!(waiting, tally(100, 1));
    assert!(
        matches!(guard, Some(Guard::MinInterval { .. })),
        "{guard:?}"
    );
}

#[test]
fn held_data_that_is_overwritten_by_nothing_starts_nothing() {
    let mut model = Model::with(ENOUGH);
    let pause = ordered(OrderKind::Pause);
    model.take(&pause, 0);
    model.take(&arrived([version("in/a", 1, 100)]), 10);
    assert_eq!(model.slot.held.len(), 1);
    model.take(&arrived([version("in/a", 2, 0)]), 20);
    assert!(model.slot.held.is_empty());
    model.take(&unpause(), 30);
    assert_eq!(model.slot.due_at, None);
}

#[test]
fn held_data_waits_again_for_a_batch_that_is_just_arriving() {
    let mut model = policy(r#""min_rows": 100, "quiet_period": "10m""#);
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    model.take(&arrived([version("in/a", 1, 100)]), 100);
    assert_eq!(model.outcome(&Event::Tick, 700), "held");
    // The interval ends in the middle of the next batch.
    let interval_ends = 6 * HOUR;
    model.take(&arrived([version("in/b", 1, 1)]), interval_ends - 60);
    assert_ne!(model.outcome(&Event::Tick, interval_ends), "claimed");
    assert_eq!(model.slot.due_at, Some(at(interval_ends + 540)));
    assert_eq!(model.outcome(&Event::Tick, interval_ends + 540), "claimed");
}

#[test]
fn held_data_that_an_overwrite_takes_below_the_minimum_starts_nothing() {
    let mut model = Model::with(ENOUGH);
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    model.take(&arrived([version("in/a", 1, 100)]), 100);
    assert_eq!(model.slot.held.len(), 1);
    model.take(&arrived([version("in/a", 2, 99)]), 200);
    assert!(model.slot.held.is_empty());
    assert_ne!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
}
