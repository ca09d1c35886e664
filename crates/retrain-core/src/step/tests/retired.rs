//! The policy of a model goes.

use super::*;
use crate::event::Event;
use crate::slot::Fate;

fn retire() -> Event {
    ordered(OrderKind::Retire)
}

#[test]
fn what_waits_is_discarded_and_nothing_starts_any_more() {
    let mut model = Model::new();
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.outcome(&alarmed("mq", 100), 100), "held");
    let (outcome, commands) = model.take(&retire(), 200);
    assert_eq!(outcome.to_string(), "the policy goes: 1 cause(s) discarded");
    assert!(commands.is_empty());
    assert!(model.slot.held.is_empty() && model.slot.due_at.is_none());
    // A worker that still knows the policy, a day later.
    let (outcome, _) = model.take(&alarmed("dq", 24 * HOUR), 24 * HOUR);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::ModelPaused { .. }
            }
        ),
        "{outcome}"
    );
}

#[test]
fn a_run_goes_on_unwatched_and_is_met_again_under_a_later_policy() {
    let mut model = Model::new();
    let own = model.start(0);
    model.take(&alarmed("mq", 10), 10);
    let (outcome, _) = model.take(&retire(), 100);
    let Outcome::Retired {
        discarded: 2,
        execution: Some(execution),
    } = &outcome
    else {
        panic!("{outcome}")
    };
    assert_eq!(*execution, own);
    assert_eq!(model.slot.phase, Phase::Idle);
    assert_eq!(model.slot.due_at, None);
    assert_eq!(model.outcome(&retire(), 110), "unchanged");
    // It still runs when the model has a policy again: no second one starts beside it.
    model.take(&unpause(), 200);
    let still = ended(1, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&still, 210), "reopened");
}

#[test]
fn a_claim_is_never_forgotten() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    // Its worker sends it, and hears of nothing. Long after the lease, too, its execution
    // may run.
    for later in [1, HOUR, 30 * 24 * HOUR] {
        let (outcome, _) = model.take(&retire(), later);
        assert_eq!(
            outcome,
            Outcome::Unchanged {
                because: Unchanged::StartIsUnderWay
            }
        );
        assert!(matches!(model.slot.phase, Phase::Starting(_)));
    }
    // Once it is found, it is let go by its name.
    model.take(&Event::Tick, 31 * 24 * HOUR);
    model.take(&accepted(1, 0), 31 * 24 * HOUR);
    let (outcome, _) = model.take(&retire(), 31 * 24 * HOUR);
    let Outcome::Retired {
        execution: Some(_), ..
    } = outcome
    else {
        panic!("{outcome}")
    };
}

#[test]
fn a_claim_goes_once_a_person_has_given_it_up() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let give_up = ordered(OrderKind::Abandon);
    assert_eq!(model.outcome(&give_up, HOUR), "abandoned");
    let (outcome, _) = model.take(&retire(), HOUR);
    assert_eq!(outcome.to_string(), "the policy goes: 1 cause(s) discarded");
}

#[test]
fn what_is_left_in_an_environment_that_is_no_more_can_be_settled() {
    let mut model = Model::environment("staging");
    model.take(&release::approved(2, 0), 0);
    model.policy = model.policy.in_abandoned_lane(&release::deploys("dropped"));
    assert_eq!(model.policy.environment(), None);
    assert_eq!(
        model.outcome(&retire(), 10),
        "unchanged",
        "a start is under way"
    );
    let (_, commands) = model.take(&Event::Tick, HOUR);
    assert!(
        matches!(
            commands[..],
            [Command::EnsureStarted {
                look: Look::Only,
                ..
            }]
        ),
        "{commands:?}"
    );
}

#[test]
fn data_that_was_not_consumed_is_kept() {
    let data = r#""data": {"objects": [{"bucket": "fraud-data", "prefix": "a"}], "min_rows": 100}"#;
    let mut model = Model::with(data);
    model.take(&arrived([version("a", 1, 150)]), 0);
    model.take(&accepted(1, 0), 5);
    assert_eq!(model.slot.data.tally, Tally::default());
    assert_eq!(model.outcome(&retire(), 10), "retired");
    assert_eq!(model.slot.data.tally.rows, 150);
    // Under a later policy its success is told: what it was trained on is consumed.
    model.take(&unpause(), 100);
    let succeeded = ended(1, ExecutionStatus::Succeeded);
    assert_eq!(model.outcome(&succeeded, 110), "succeeded");
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn a_package_waits_for_nobody_any_more() {
    let mut model = release::review("0.5");
    model.take(&release::seen(2, release::Pending), 0);
    assert!(model.slot.due_at.is_some());
    let (outcome, _) = model.take(&retire(), 10);
    assert_eq!(outcome.name(), "unchanged", "a write is under way");
    assert_eq!(model.outcome(&retire(), 10 * HOUR), "retired");
    assert_eq!(model.slot.due_at, None);
    assert!(model.slot.paused.is_none());
    assert_eq!(model.outcome(&retire(), 11 * HOUR), "unchanged");
}

#[test]
fn whoever_waits_for_an_answer_is_told() {
    let mut model = Model::new();
    let code = Trigger {
        cause: Cause::Code {
            key: "r1".into(),
            commit: None,
        },
        at: at(0),
    };
    model.take(&Event::Trigger(code), 0);
    model.take(&accepted(1, 0), 5);
    model.take(&retire(), 10);
    let settled = model.slot.settled.last().unwrap();
    assert_eq!(settled.fate, Fate::Discarded);
}
