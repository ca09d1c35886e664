//! Where counted rows are: waiting, in flight, or consumed.

use super::*;

const ENOUGH: &str = r#""data": {
    "objects": [{"bucket": "fraud-data", "prefix": "in/"}], "min_rows": 100
}"#;

fn waiting(model: &Model) -> Tally {
    model.slot.data.tally
}

/// What the claim in flight still has, without what was overwritten.
fn carried(model: &Model) -> Tally {
    let taken = in_flight(model).data.as_ref().unwrap();
    taken.tally.minus(taken.superseded)
}

/// A model whose first claim runs and has these objects.
fn running(objects: impl IntoIterator<Item = ObjectVersion>) -> Model {
    let mut model = Model::with(ENOUGH);
    assert_eq!(model.outcome(&arrived(objects), 0), "claimed");
    model.accept(1);
    model
}

#[test]
fn an_object_is_counted_once_in_its_newest_version() {
    let mut model = Model::with(ENOUGH);
    let first = arrived([version("in/a", 5, 40)]);
    model.take(&first, 0);
    let step = model.try_step(&first, None, 1).unwrap();
    let known = Outcome::Unchanged {
        because: Unchanged::AlreadyCounted,
    };
    assert_eq!(step, Step::Settled(known));
    // An older version is no news, and tells nothing about when data came last.
    assert_eq!(
        model.outcome(&arrived([version("in/a", 4, 99)]), 2),
        "unchanged"
    );
    assert_eq!(
        (waiting(&model), model.slot.data.last_at),
        (tally(40, 1), Some(at(0)))
    );
    // An overwrite replaces; a longer sequencer is a larger one.
    model.take(&arrived([version("in/a", 0x10, 30)]), 3);
    assert_eq!(waiting(&model), tally(30, 1));
    // The same key in another bucket is another object.
    let mut other = version("in/a", 1, 7);
    other.bucket = "fraud-more".into();
    model.take(&arrived([other]), 4);
    assert_eq!(waiting(&model), tally(37, 2));
}

#[test]
fn versions_of_one_object_in_one_batch_count_once_in_any_order() {
    let batch = [
        version("in/a", 1, 10),
        version("in/a", 3, 30),
        version("in/b", 1, 5),
        version("in/a", 2, 20),
        version("in/a", 3, 30),
    ];
    let mut reversed = batch.clone();
    reversed.reverse();
    for batch in [batch, reversed] {
        let mut model = Model::with(ENOUGH);
        let (outcome, _) = model.take(&arrived(batch), 0);
        assert!(matches!(outcome, Outcome::Counted { .. }), "{outcome:?}");
        assert_eq!(waiting(&model), tally(35, 2));
        assert_eq!(model.objects.len(), 2);
    }
}

#[test]
fn a_version_that_cannot_be_counted_takes_the_place_of_a_counted_one() {
    let mut model = Model::with(ENOUGH);
    model.take(&arrived([version("in/a", 1, 40), version("in/b", 1, 2)]), 0);
    let (outcome, _) = model.take(&arrived([uncountable("in/a", 2)]), 1);
    let Outcome::Counted {
        arrived: news,
        uncounted,
        repeated,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((*news, *uncounted, *repeated), (Tally::default(), 1, 0));
    assert_eq!(waiting(&model), tally(2, 1));
    assert!(outcome.to_string().contains("1 uncountable"), "{outcome}");
    // A third version that can be counted counts.
    model.take(&arrived([version("in/a", 3, 41)]), 2);
    assert_eq!(waiting(&model), tally(43, 2));
}

#[test]
fn what_comes_behind_a_claim_belongs_to_the_next_generation() {
    let mut model = running([version("in/a", 1, 100)]);
    model.take(&arrived([version("in/b", 1, 30)]), 10);
    assert_eq!(
        (waiting(&model), carried(&model)),
        (tally(30, 1), tally(100, 1))
    );
    let outcome = model.end(ExecutionStatus::Succeeded, 60);
    let Outcome::Succeeded { consumed, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((consumed, waiting(&model)), (tally(100, 1), tally(30, 1)));
    // An overwrite of what is consumed counts in full, and takes nothing away.
    model.take(&arrived([version("in/a", 2, 10)]), 70);
    assert_eq!(waiting(&model), tally(40, 2));
}

#[test]
fn a_failed_run_gives_its_rows_back_without_the_overwritten_ones() {
    let mut model = running([version("in/a", 1, 60), version("in/b", 1, 50)]);
    model.take(&arrived([version("in/a", 2, 7), version("in/c", 1, 5)]), 10);
    assert_eq!(
        (waiting(&model), carried(&model)),
        (tally(12, 2), tally(50, 1))
    );
    // Overwritten once more: it is among the waiting ones now.
    model.take(&arrived([version("in/a", 3, 8)]), 11);
    assert_eq!(
        (waiting(&model), carried(&model)),
        (tally(13, 2), tally(50, 1))
    );
    let outcome = model.end(ExecutionStatus::Failed, 60);
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(waiting(&model), tally(63, 3));
    // All of it goes with the next start, and its success consumes it once.
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    assert_eq!(carried(&model), tally(63, 3));
    model.accept(7 * HOUR);
    model.take(&arrived([version("in/b", 2, 1)]), 7 * HOUR + 1);
    assert_eq!(carried(&model), tally(13, 2));
    model.end(ExecutionStatus::Succeeded, 8 * HOUR);
    assert_eq!(waiting(&model), tally(1, 1));
}

#[test]
fn a_refused_or_abandoned_start_gives_its_data_back() {
    for refusal in [no_capacity(), refused_for_good()] {
        let mut model = Model::with(ENOUGH);
        model.take(&arrived([version("in/a", 1, 100)]), 0);
        model.take(&arrived([version("in/a", 2, 90)]), 1);
        model.take(&answered(1, 1, refusal), 2);
        assert_eq!(waiting(&model), tally(90, 1));
    }
    let mut model = Model::with(ENOUGH);
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    let unknown = StartAnswer::Unknown {
        what: "timeout".into(),
    };
    model.take(&answered(1, 1, unknown), 10);
    assert_eq!(carried(&model), tally(100, 1), "an unknown answer keeps it");
    let abandon = ordered(OrderKind::Abandon);
    assert_eq!(model.outcome(&abandon, 200), "abandoned");
    assert_eq!(waiting(&model), tally(100, 1));
}

#[test]
fn data_that_comes_back_without_a_cause_is_enough_by_itself() {
    // Enough, but not yet quiet, when an alarm takes it along.
    let mut model = Model::with(&ENOUGH.replace("100", r#"100, "quiet_period": "10m""#));
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.take(&alarmed("dq", 60), 60);
    model.take(&cleared("dq", 70), 70);
    model.take(&answered(1, 1, refused_for_good()), 80);
    assert!(model.slot.held.is_empty(), "the alarm is over");
    assert_eq!(waiting(&model), tally(100, 1));
    assert_eq!(model.slot.due_at, Some(at(600)));
    model.take(&unpause(), 90);
    assert_eq!(model.outcome(&Event::Tick, 600), "claimed");
}

#[test]
fn the_data_of_a_stopped_run_waits_for_more() {
    let mut model = running([version("in/a", 1, 100)]);
    let outcome = model.end(ExecutionStatus::Stopped, 60);
    let Outcome::Stopped { waits_again, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (waits_again, waiting(&model)),
        (tally(100, 1), tally(100, 1))
    );
    assert_eq!(model.slot.due_at, None);
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "unchanged");
    let more = arrived([version("in/b", 1, 1)]);
    assert_eq!(model.outcome(&more, 8 * HOUR), "claimed");
    assert_eq!(carried(&model), tally(101, 2));
}

#[test]
fn more_that_came_behind_a_stopped_run_need_not_come_again() {
    let mut model = running([version("in/a", 1, 100)]);
    model.take(&arrived([version("in/b", 1, 20)]), 10);
    model.end(ExecutionStatus::Stopped, 60);
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "held", "told once");
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR + 1), "claimed");
    assert_eq!(carried(&model), tally(120, 2));
}

#[test]
fn a_person_who_stopped_a_run_is_not_overruled_by_a_refused_start() {
    let mut model = running([version("in/a", 1, 100)]);
    model.end(ExecutionStatus::Stopped, 60);
    assert_eq!(model.outcome(&alarmed("dq", 7 * HOUR), 7 * HOUR), "claimed");
    assert_eq!(carried(&model), tally(100, 1));
    model.take(&cleared("dq", 7 * HOUR + 1), 7 * HOUR + 1);
    model.take(&answered(2, 1, no_capacity()), 7 * HOUR + 2);
    assert_eq!(waiting(&model), tally(100, 1));
    assert_eq!(model.outcome(&Event::Tick, 24 * HOUR), "unchanged");
    let more = arrived([version("in/b", 1, 1)]);
    assert_eq!(model.outcome(&more, 25 * HOUR), "claimed");
}

#[test]
fn data_that_is_given_up_as_a_cause_joins_what_comes_next() {
    let mut model = running([version("in/a", 1, 100)]);
    let mut now = 60;
    for _ in 0..2 {
        model.end(ExecutionStatus::Failed, now);
        now += 24 * HOUR;
        assert_eq!(model.outcome(&Event::Tick, now), "claimed");
        model.accept(now);
        now += 60;
    }
    let outcome = model.end(ExecutionStatus::Failed, now);
    assert!(
        matches!(outcome, Outcome::Failed { given_up: 1, .. }),
        "{outcome:?}"
    );
    assert_eq!(waiting(&model), tally(100, 1));
    now += 48 * HOUR;
    assert_eq!(model.outcome(&Event::Tick, now), "unchanged");
    let more = arrived([version("in/b", 1, 1)]);
    assert_eq!(model.outcome(&more, now), "claimed");
    assert_eq!(carried(&model), tally(101, 2));
}

#[test]
fn observing_consumes_what_a_failed_run_has_given_back() {
    let mut model = running([version("in/a", 1, 100)]);
    model.end(ExecutionStatus::Failed, 60);
    model.policy.policy.mode = crate::policy::Mode::Observe;
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "would_start");
    model.take(&arrived([version("in/b", 1, 30)]), 8 * HOUR);
    // A retry of that run has nothing to take out again.
    model.runs_again(1, 9 * HOUR);
    assert_eq!(waiting(&model), tally(30, 1));
}

#[test]
fn a_record_shows_a_few_objects_and_counts_the_rest() {
    let mut model = Model::with(ENOUGH);
    let objects = (0..20).map(|n| version(&alloc::format!("in/{n}"), 1, 1));
    let event = arrived(objects.chain([uncountable("in/bad", 1)]));
    let Step::Commit(commit) = model.try_step(&event, None, 0).unwrap() else {
        panic!()
    };
    assert_eq!(commit.objects.len(), 21, "all of them are remembered");
    let decision = commit.decision.unwrap();
    let Event::Data(shown) = &decision.event else {
        panic!()
    };
    assert_eq!((shown.objects.len(), shown.len()), (5, 21));
    assert_eq!(shown.objects.first().unwrap().key, "in/bad");
    assert!(decision.to_string().starts_with("21 object(s): counted: "));
    model.take(&event, 0);
    let text = serde_json::to_string(&model.slot).unwrap();
    assert_eq!(serde_json::from_str::<Slot>(&text).unwrap(), model.slot);
}
