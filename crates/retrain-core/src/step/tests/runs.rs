//! What SageMaker says about executions.

use super::*;

#[test]
fn a_run_that_is_gone_ends_as_failed_once_it_must_have_shown() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Gone), 30),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Gone), 900),
        "failed"
    );
    assert_eq!(model.slot.held.len(), 1);
    model.take(&told("by-hand", 900, ExecutionStatus::InFlight), 901);
    let gone = told("by-hand", 900, ExecutionStatus::Gone);
    assert_eq!(model.outcome(&gone, 2_000), "foreign_run_ended");
}

#[test]
fn a_status_with_the_display_name_is_an_implied_answer() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let Phase::Starting(claim) = model.slot.phase.clone() else {
        panic!()
    };
    let report = |name: Option<String>, status| {
        Event::Status(ExecutionReport {
            execution: execution(1),
            display_name: name,
            status,
            failure: None,
            started_at: Some(at(3)),
            steps: Steps::default(),
        })
    };
    assert_eq!(
        model.outcome(&report(None, ExecutionStatus::InFlight), 4),
        "unchanged"
    );
    let named = Some(claim.token.display_name());
    let mut quick = Model {
        slot: model.slot.clone(),
        ..Model::new()
    };
    assert_eq!(
        model.outcome(&report(named.clone(), ExecutionStatus::InFlight), 4),
        "started"
    );
    assert_eq!(model.slot.last_start().unwrap(), at(3));
    assert_eq!(
        quick.outcome(&report(named, ExecutionStatus::Succeeded), 900),
        "succeeded"
    );
    assert_eq!(quick.slot.last_start().unwrap(), at(3));
}

#[test]
fn known_statuses_change_nothing() {
    let mut model = Model::new();
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Failed), 0),
        "unchanged"
    );
    model.start(0);
    assert_eq!(
        model.outcome(&ended(7, ExecutionStatus::Failed), 1),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::InFlight), 1),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 2),
        "succeeded"
    );
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 3),
        "unchanged"
    );
}

#[test]
fn a_foreign_run_blocks_a_start_and_counts_for_the_interval() {
    let mut model = Model::new();
    let runs = told("by-hand", 0, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&runs, 10), "foreign_run_seen");
    let (outcome, _) = model.take(&alarmed("dq", 20), 20);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::ForeignRun { .. }
            }
        ),
        "{outcome}"
    );
    // Nobody tells that it ended: it is looked at when that is overdue.
    assert_eq!(model.slot.due_at, Some(at(910)));
    let step = model.try_step(&Event::Tick, None, 910).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    assert!(matches!(
        commit.commands.as_slice(),
        [Command::Describe { .. }]
    ));
    assert_eq!(commit.slot.due_at, Some(at(910 + 900)));
    let ended = told("by-hand", 0, ExecutionStatus::Failed);
    assert_eq!(model.outcome(&ended, 1_000), "foreign_run_ended");
    // It consumed nothing, and the interval counts from its start.
    assert_eq!(model.slot.held.len(), 1);
    assert_eq!(model.slot.failures, 0);
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.outcome(&ended, 1_001), "unchanged");
}

#[test]
fn a_foreign_run_that_is_not_shown_yet_is_no_news() {
    let mut model = Model::new();
    model.take(&told("by-hand", 0, ExecutionStatus::InFlight), 5);
    let gone = told("by-hand", 0, ExecutionStatus::Gone);
    assert_eq!(model.outcome(&gone, 10), "unchanged");
    assert_eq!(model.slot.foreign.len(), 1);
    assert_eq!(model.outcome(&gone, 900), "foreign_run_ended");
}

#[test]
fn a_foreign_run_that_was_never_told_counts_when_it_has_ended() {
    let mut model = Model::new();
    let ended = told("by-hand", 100, ExecutionStatus::Succeeded);
    assert_eq!(model.outcome(&ended, 500), "foreign_run_ended");
    assert_eq!(model.outcome(&alarmed("dq", 600), 600), "held");
    assert_eq!(model.slot.due_at, Some(at(100 + 6 * HOUR)));
}

#[test]
fn a_foreign_run_beside_ours_holds_what_comes_after_ours() {
    let mut model = Model::new();
    model.start(0);
    let runs = told("by-hand", 30, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&runs, 40), "foreign_run_seen");
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 60),
        "succeeded"
    );
    assert_eq!(model.slot.due_at, Some(at(940)));
    assert_eq!(model.outcome(&alarmed("mq", 7 * HOUR), 7 * HOUR), "held");
}

#[test]
fn a_retried_run_takes_its_causes_up_again() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Failed), 60),
        "failed"
    );
    // Something else has asked since; the retried run does not know about it.
    assert_eq!(model.outcome(&alarmed("mq", 90), 90), "held");
    let again = told("e1", 0, ExecutionStatus::InFlight);
    let (outcome, _) = model.take(&again, 100);
    let Outcome::Reopened { claim, reasons, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((claim, reasons.len(), model.slot.held.len()), (1, 1, 1));
    assert_eq!(model.outcome(&again, 110), "unchanged");
    // The interval counts from the retry.
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), 200),
        "succeeded"
    );
    assert_eq!(model.outcome(&Event::Tick, 100 + 6 * HOUR - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 100 + 6 * HOUR), "claimed");
}

#[test]
fn a_retry_of_an_older_run_blocks_like_a_foreign_one() {
    let mut model = Model::new();
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Failed), 60);
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    model.take(&accepted(2, 7 * HOUR), 7 * HOUR);
    model.take(&ended(2, ExecutionStatus::Succeeded), 8 * HOUR);
    let again = told("e1", 0, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&again, 9 * HOUR), "foreign_run_seen");
}

#[test]
fn a_repeated_end_of_our_own_execution_is_no_foreign_run() {
    let mut model = Model::new();
    model.start(0);
    let Phase::Running(run) = model.slot.phase.clone() else {
        panic!()
    };
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    let mut again = told("e1", 50, ExecutionStatus::Succeeded);
    let Event::Status(report) = &mut again else {
        panic!()
    };
    report.display_name = Some(run.claim.token.display_name());
    assert_eq!(model.outcome(&again, 100), "unchanged");
}

#[test]
fn failed_runs_back_off_and_give_their_causes_up_in_the_end() {
    let mut model = Model::new();
    model.policy.policy.min_interval = crate::period::Period::from_mins(1);
    let mut now = 0;
    model.start(now);
    for (failures, wait) in [(1, 1_800), (2, 3_600)] {
        now += 600;
        let (outcome, _) = model.take(&ended(failures, ExecutionStatus::Failed), now);
        assert!(
            matches!(
                outcome,
                Outcome::Failed {
                    held_again: 1,
                    given_up: 0,
                    ..
                }
            ),
            "{outcome}"
        );
        assert_eq!(model.slot.due_at, Some(at(now + wait)));
        now += wait;
        assert_eq!(model.outcome(&Event::Tick, now), "claimed");
        model.take(&accepted(failures + 1, now), now);
    }
    let (outcome, _) = model.take(&ended(3, ExecutionStatus::Failed), now + 600);
    assert!(
        matches!(
            outcome,
            Outcome::Failed {
                held_again: 0,
                given_up: 1,
                ..
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, None);
}

#[test]
fn a_stopped_run_discards_its_causes() {
    let mut model = Model::new();
    model.start(0);
    let (outcome, _) = model.take(&ended(1, ExecutionStatus::Stopped), 60);
    assert!(
        matches!(outcome, Outcome::Stopped { discarded: 1, .. }),
        "{outcome}"
    );
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_running_execution_is_described_when_events_are_overdue() {
    let mut model = Model::new();
    let execution = model.start(0);
    assert_eq!(model.outcome(&Event::Tick, 899), "unchanged");
    let step = model.try_step(&Event::Tick, None, 900).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    assert_eq!(commit.commands, [Command::Describe { execution }]);
    assert_eq!(
        (commit.decision, commit.slot.due_at),
        (None, Some(at(1_800)))
    );
}
