//! Signals that must agree, models that queue, policies that change.

use super::*;
use crate::policy::{Budget, Mode};

const TWO: &str = r#""at_least": {
    "kinds": 2, "of": ["data_quality", "model_quality", "data"], "within": "1h"
}"#;
const DATA: &str = r#""data": {
    "objects": [{"bucket": "fraud-data", "prefix": "in/"}],
    "min_rows": 100, "quiet_period": "10m"
}"#;

fn data_quality(name: &str, seconds: i64) -> Event {
    drifted(name, DriftKind::DataQuality, seconds)
}

fn model_quality(name: &str, seconds: i64) -> Event {
    drifted(name, DriftKind::ModelQuality, seconds)
}

#[test]
fn one_kind_alone_is_held_however_often_it_asks() {
    let mut model = Model::with(TWO);
    let (outcome, _) = model.take(&data_quality("dq", 0), 0);
    let Outcome::Held {
        guard: Guard::AtLeast {
            agree,
            kinds,
            until,
        },
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((agree.len(), *kinds, *until), (1, 2, at(HOUR)));
    assert!(
        outcome
            .to_string()
            .starts_with("1 of 2 kinds of signals agree (data_quality)"),
        "{outcome}"
    );
    assert_eq!(model.outcome(&data_quality("dq-2", 10), 10), "held");
    assert_eq!(model.slot.due_at, Some(at(HOUR)));
}

#[test]
fn a_second_kind_within_the_window_starts_both() {
    let mut model = Model::with(TWO);
    model.take(&data_quality("dq", 0), 0);
    let late = HOUR - 1;
    assert_eq!(model.outcome(&model_quality("mq", late), late), "claimed");
    let claim = in_flight(&model);
    assert_eq!(claim.reasons.len(), 2);
    assert!(claim.reasons.iter().all(|reason| reason.confirmed));
}

#[test]
fn a_second_kind_after_the_window_is_alone_and_the_first_is_dropped() {
    let mut model = Model::with(TWO);
    model.take(&data_quality("dq", 0), 0);
    assert_eq!(model.outcome(&model_quality("mq", HOUR), HOUR), "held");
    let (outcome, _) = model.take(&Event::Tick, HOUR);
    let Outcome::Unconfirmed { reasons } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reasons.len(), 1);
    assert_eq!(model.held(), [alarm("mq").as_str()]);
    assert_eq!(model.slot.due_at, Some(at(2 * HOUR)));
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR), "unconfirmed");
    assert_eq!((model.slot.held.len(), model.slot.due_at), (0, None));
}

#[test]
fn only_what_has_asked_within_the_window_is_confirmed() {
    let mut model = Model::with(TWO);
    model.take(&manual("k", false, 0), 0);
    model.accept(1);
    model.take(&data_quality("early", 10), 10);
    model.take(&data_quality("dq", 2 * HOUR), 2 * HOUR);
    model.take(&model_quality("mq", 2 * HOUR + 1), 2 * HOUR + 1);
    let held = model.slot.held.iter();
    let confirmed: Vec<bool> = held.map(|reason| reason.confirmed).collect();
    assert_eq!(confirmed, [false, true, true]);
}

#[test]
fn kinds_that_are_not_listed_and_people_start_alone() {
    for event in [
        drifted("bias", DriftKind::BiasDrift, 5),
        manual("k", false, 5),
        released("r1", 5),
    ] {
        let mut model = Model::with(TWO);
        assert_eq!(model.outcome(&event, 5), "claimed");
        // They do not confirm what waits, but they carry it.
        let mut model = Model::with(TWO);
        model.take(&data_quality("dq", 0), 0);
        assert_eq!(model.outcome(&event, 5), "claimed");
        assert_eq!(in_flight(&model).reasons.len(), 2);
    }
}

#[test]
fn what_is_confirmed_stays_so_through_guards_and_failures() {
    let mut model = Model::with(TWO);
    model.take(&data_quality("dq", 0), 0);
    model.take(&model_quality("mq", 10), 10);
    model.accept(11);
    model.take(&cleared("mq", 20), 20);
    model.end(ExecutionStatus::Failed, 60);
    // Its company has gone and the window is over: it was confirmed.
    assert_eq!(model.held(), [alarm("dq").as_str()]);
    assert_eq!(model.slot.due_at, Some(at(11 + 6 * HOUR)));
    assert_eq!(model.outcome(&Event::Tick, 11 + 6 * HOUR), "claimed");
}

#[test]
fn signals_that_agree_behind_a_run_start_after_it() {
    let mut model = Model::with(TWO);
    model.take(&manual("k", false, 0), 0);
    model.accept(1);
    model.take(&data_quality("dq", 10), 10);
    model.take(&model_quality("mq", 20), 20);
    model.end(ExecutionStatus::Succeeded, HOUR);
    assert_eq!(model.outcome(&Event::Tick, 1 + 6 * HOUR), "claimed");
}

#[test]
fn data_is_a_kind_of_signal() {
    let mut model = Model::with(&alloc::format!("{TWO}, {DATA}"));
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    // Not quiet yet, it asks for nothing.
    assert_eq!(model.outcome(&data_quality("dq", 10), 10), "held");
    assert_eq!(model.outcome(&Event::Tick, 600), "claimed");
    assert_eq!(in_flight(&model).reasons.len(), 2);
    // Nor does drift need to wait for somebody to notice that it is quiet.
    let mut model = Model::with(&alloc::format!("{TWO}, {DATA}"));
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    assert_eq!(model.outcome(&data_quality("dq", 600), 600), "claimed");
}

#[test]
fn data_without_company_waits_for_more_data() {
    let mut model = Model::with(&alloc::format!("{TWO}, {DATA}"));
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    assert_eq!(model.outcome(&Event::Tick, 600), "held");
    assert_eq!(model.outcome(&Event::Tick, 600 + HOUR), "unconfirmed");
    assert_eq!(model.slot.data.tally, tally(100, 1), "it is not forgotten");
    assert_eq!(model.outcome(&Event::Tick, 9 * HOUR), "unchanged");
    let now = 10 * HOUR;
    model.take(&arrived([version("in/b", 1, 1)]), now);
    assert_eq!(model.outcome(&Event::Tick, now + 600), "held");
    let event = data_quality("dq", now + 700);
    assert_eq!(model.outcome(&event, now + 700), "claimed");
    let taken = in_flight(&model).data.as_ref().unwrap();
    assert_eq!(taken.tally, tally(101, 2));
}

#[test]
fn data_that_was_enough_behind_a_long_run_has_its_time_to_be_confirmed() {
    let mut model = Model::with(&alloc::format!("{TWO}, {DATA}"));
    model.take(&manual("k", false, 0), 0);
    model.accept(1);
    model.take(&arrived([version("in/a", 1, 100)]), 10);
    model.end(ExecutionStatus::Succeeded, 7 * HOUR);
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "held");
    let now = 7 * HOUR + 60;
    assert_eq!(model.outcome(&data_quality("dq", now), now), "claimed");
}

#[test]
fn a_queued_start_is_held_and_looked_at_soon() {
    let mut model = Model::new();
    model.may_start = false;
    model.policy.policy.within_min_interval = crate::policy::WithinMinInterval::Drop;
    let (outcome, commands) = model.take(&alarmed("dq", 0), 0);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Queued { .. }
            }
        ),
        "{outcome}"
    );
    assert!(commands.is_empty());
    assert_eq!(model.slot.due_at, Some(at(60)));
    // A person's force has no precedence over other models.
    assert_eq!(model.outcome(&manual("k", true, 5), 5), "held");
    model.may_start = true;
    assert_eq!(model.outcome(&Event::Tick, 60), "claimed");
    assert_eq!(in_flight(&model).reasons.len(), 2);
    // A claim that was written is finished.
    model.may_start = false;
    let (outcome, commands) = model.take(&Event::Tick, 60 + 160);
    assert_eq!((outcome.name(), commands.len()), ("resumed", 1));
}

#[test]
fn a_misconfiguration_ends_with_another_policy_whatever_its_version_is() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.take(&answered(1, 1, refused_for_good()), 1);
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR), "unchanged");
    // Deleted and made again, the policy has its old version number.
    let known = model.policy.policy.clone();
    model.policy.policy.max_age = Some(crate::period::Period::from_days(30));
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR), "claimed");
    // A new version with the old text is another chance too.
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.take(&answered(1, 1, refused_for_good()), 1);
    model.policy.version += 1;
    assert_eq!(model.policy.policy, known);
    assert_eq!(model.outcome(&Event::Tick, 2 * HOUR), "claimed");
}

#[test]
fn observed_starts_spend_the_budget_while_observing() {
    let mut model = Model::new();
    model.policy.policy.mode = Mode::Observe;
    model.policy.policy.budget = Some(Budget {
        starts: 2,
        window: crate::period::Period::from_days(7),
    });
    let day = 24 * HOUR;
    assert_eq!(model.outcome(&alarmed("dq", 0), 0), "would_start");
    assert_eq!(model.outcome(&alarmed("dq", day), day), "would_start");
    let (outcome, _) = model.take(&alarmed("dq", 2 * day), 2 * day);
    let Outcome::Held {
        guard: Guard::Budget { until, .. },
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(until, at(7 * day));
    assert_eq!(model.outcome(&Event::Tick, 7 * day - 1), "unchanged");
    // Acting begins with a full budget.
    model.policy.policy.mode = Mode::Act;
    assert_eq!(model.outcome(&Event::Tick, 7 * day - 1), "claimed");
}

#[test]
fn real_starts_spend_the_budget_of_an_observer_too() {
    let mut model = Model::new();
    model.policy.policy.budget = Some(Budget {
        starts: 2,
        window: crate::period::Period::from_days(7),
    });
    let day = 24 * HOUR;
    model.start(day);
    model.end(ExecutionStatus::Succeeded, day + 60);
    model.policy.policy.mode = Mode::Observe;
    assert_eq!(
        model.outcome(&alarmed("dq", 2 * day), 2 * day),
        "would_start"
    );
    assert_eq!(model.outcome(&alarmed("dq", 3 * day), 3 * day), "held");
    assert_eq!(model.slot.due_at, Some(at(8 * day)));
}

#[test]
fn observed_starts_are_remembered_up_to_a_bound() {
    let mut model = Model::new();
    model.policy.policy.mode = Mode::Observe;
    for n in 0..150 {
        let now = n * 7 * HOUR;
        assert_eq!(model.outcome(&alarmed("dq", now), now), "would_start");
    }
    assert_eq!(model.slot.observed_starts.len(), crate::slot::MAX_STARTS);
    assert_eq!(model.slot.observed_starts.last(), Some(&at(149 * 7 * HOUR)));
}
