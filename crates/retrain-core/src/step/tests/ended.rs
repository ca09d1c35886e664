//! Runs that end neither well nor badly: no improvement, superseded, canceled.

use super::*;

const RULE: &str = r#""no_improvement": {"steps": ["NotBetter"], "max_times": 2}"#;

/// A model that knows which alarms are in ALARM.
fn with_alarms(fields: &str, in_alarm: &[&str]) -> Model {
    let mut model = Model::with(fields);
    let in_alarm = in_alarm.iter().map(|name| alarm(name)).collect();
    model.lookups.as_mut().unwrap().in_alarm = Lookup::Found(in_alarm);
    model
}

fn not_better(claim: u64) -> Event {
    failed_in(claim, &["NotBetter"])
}

#[test]
fn a_run_without_improvement_asks_for_the_alarms_that_it_carried() {
    let mut model = Model::with(RULE);
    model.start(0);
    let lookups = model.lookups.take();
    let Step::NeedFacts(needed) = model.try_step(&not_better(1), None, 60).unwrap() else {
        panic!()
    };
    assert_eq!(needed.alarms, [alarm("dq")]);
    assert!(needed.manifest.is_none() && needed.baseline.is_none());
    // What is over need not be asked for.
    model.take(&cleared("dq", 61), 61);
    assert_eq!(model.outcome(&not_better(1), 62), "no_improvement");
    assert!(model.slot.held.is_empty());
    // Other causes have no alarm.
    let mut model = Model::with(RULE);
    model.lookups = lookups;
    model.take(&manual("k", false, 0), 0);
    model.accept(1);
    model.lookups = None;
    assert_eq!(model.outcome(&not_better(1), 62), "no_improvement");
}

#[test]
fn drift_that_goes_on_is_held_again_and_given_up_in_the_end() {
    let mut model = with_alarms(RULE, &["dq"]);
    model.start(0);
    let (outcome, _) = model.take(&not_better(1), 60);
    let Outcome::NoImprovement {
        held_again,
        given_up,
        served,
        failure,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((*held_again, *given_up, *served), (1, 0, 0));
    assert_eq!(failure.as_deref(), Some("AUC 0.81 is below 0.83"));
    // The interval applies; neither breaker nor back-off do.
    assert_eq!((model.slot.failures, model.slot.failed_at), (0, None));
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.slot.succeeded_at, Some(at(60)));
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
    model.accept(6 * HOUR);
    let (outcome, _) = model.take(&not_better(2), 7 * HOUR);
    let Outcome::NoImprovement {
        held_again: 0,
        given_up: 1,
        served: 0,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(model.slot.held.is_empty());
}

#[test]
fn drift_that_is_over_and_other_causes_are_settled_by_no_improvement() {
    let mut model = with_alarms(RULE, &["mq"]);
    model.start(0);
    model.take(&alarmed("mq", 1), 1);
    model.take(&alarmed("bias", 2), 2);
    model.take(&manual("k", false, 3), 3);
    model.end(ExecutionStatus::Succeeded, 60);
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
    model.accept(6 * HOUR);
    let (outcome, _) = model.take(&not_better(2), 7 * HOUR);
    let Outcome::NoImprovement {
        held_again: 1,
        given_up: 0,
        served: 2,
        unreadable: None,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(model.held(), [alarm("mq").as_str()]);
}

#[test]
fn alarms_that_cannot_be_read_are_taken_to_go_on() {
    let mut model = Model::with(RULE);
    model.start(0);
    model.lookups.as_mut().unwrap().in_alarm = Lookup::Unreadable("AccessDenied".into());
    let (outcome, _) = model.take(&not_better(1), 60);
    let Outcome::NoImprovement {
        held_again: 1,
        unreadable: Some(why),
        ..
    } = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(why, "AccessDenied");
    assert!(
        outcome.to_string().contains("unreadable: AccessDenied"),
        "{outcome}"
    );
}

#[test]
fn only_the_named_fail_steps_mean_no_improvement() {
    for steps in [&[][..], &["Train"], &["NotBetter", "Train"]] {
        let mut model = with_alarms(RULE, &["dq"]);
        model.start(0);
        assert_eq!(
            model.outcome(&failed_in(1, steps), 60),
            "failed",
            "{steps:?}"
        );
        assert_eq!(model.slot.failures, 1);
    }
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&not_better(1), 60), "failed", "no such rule");
    // A run that was stopped at that step was stopped.
    let mut model = with_alarms(RULE, &["dq"]);
    model.start(0);
    let mut stopped = not_better(1);
    let Event::Status(report) = &mut stopped else {
        panic!()
    };
    report.status = ExecutionStatus::Stopped;
    assert_eq!(model.outcome(&stopped, 60), "stopped");
}

#[test]
fn failures_before_stay_failures_after_no_improvement() {
    let mut model = with_alarms(RULE, &["dq"]);
    model.start(0);
    model.end(ExecutionStatus::Failed, 60);
    model.take(&Event::Tick, 7 * HOUR);
    model.accept(7 * HOUR);
    let failed_at = model.slot.failed_at;
    model.take(&not_better(2), 8 * HOUR);
    assert_eq!((model.slot.failures, model.slot.failed_at), (1, failed_at));
    let reason = model.slot.held.iter().next().unwrap();
    assert_eq!((reason.failures, reason.no_improvements), (1, 1));
}

#[test]
fn no_improvement_consumes_the_data() {
    let data = r#""data": {"objects": [{"bucket": "fraud-data", "prefix": "in/"}],
        "min_rows": 100}"#;
    let mut model = with_alarms(&alloc::format!("{RULE}, {data}"), &[]);
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.accept(1);
    model.take(&not_better(1), 60);
    assert_eq!(model.slot.data.tally, Tally::default());
    // A retry of that run has none of it.
    model.runs_again(1, 70);
    model.end(ExecutionStatus::Failed, 80);
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn an_alarm_that_fires_anew_behind_the_run_is_a_cause_of_its_own() {
    let mut model = with_alarms(RULE, &[]);
    model.start(0);
    model.take(&alarmed("dq", 30), 30);
    model.take(&not_better(1), 60);
    let reason = model.slot.held.iter().next().unwrap();
    assert_eq!((reason.no_improvements, reason.first_at), (0, at(30)));
}

#[test]
fn an_interrupted_run_holds_its_causes_again_without_a_failure() {
    for (status, name) in [
        (ExecutionStatus::Superseded, "superseded"),
        (ExecutionStatus::Canceled, "canceled"),
    ] {
        let mut model = Model::new();
        model.policy.policy.breaker_after_failures = 1;
        model.start(0);
        let outcome = model.end(status, 60);
        assert_eq!(outcome.name(), name);
        assert!(
            matches!(
                outcome,
                Outcome::Interrupted {
                    held_again: 1,
                    given_up: 0,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert_eq!((model.slot.failures, model.slot.failed_at), (0, None));
        assert!(model.slot.breaker_open.is_none());
        // Only the interval is between it and the next start.
        assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    }
}

#[test]
fn a_cause_is_interrupted_a_limited_number_of_times() {
    let mut model = Model::new();
    let mut now = 0;
    model.start(now);
    for held_again in [1, 1, 0] {
        let outcome = model.end(ExecutionStatus::Superseded, now + 60);
        let Outcome::Interrupted {
            held_again: held,
            given_up,
            ..
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!((held, given_up), (held_again, 1 - held_again));
        now += 6 * HOUR;
        if held_again == 1 {
            assert_eq!(model.outcome(&Event::Tick, now), "claimed");
            model.accept(now);
        }
    }
    assert_eq!(model.outcome(&Event::Tick, now), "unchanged");
}

#[test]
fn a_success_names_the_training_that_came_from_the_cache() {
    let mut model = Model::new();
    model.start(0);
    let mut event = ended(1, ExecutionStatus::Succeeded);
    let Event::Status(report) = &mut event else {
        panic!()
    };
    report.steps.cached_training = vec!["Train".into()];
    let (outcome, _) = model.take(&event, 60);
    let text = outcome.to_string();
    assert!(
        text.contains("nothing was trained: Train came from the cache"),
        "{text}"
    );
}
