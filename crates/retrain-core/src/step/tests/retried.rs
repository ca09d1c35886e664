//! Runs that a person retries after they have ended.

use super::*;

const ENOUGH: &str = r#""data": {
    "objects": [{"bucket": "fraud-data", "prefix": "in/"}], "min_rows": 100
}"#;

/// A model whose first run, with this object, has ended so at second 60.
fn after(status: ExecutionStatus) -> Model {
    let mut model = Model::with(ENOUGH);
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.accept(1);
    model.end(status, 60);
    model
}

fn is_idle(model: &Model) -> bool {
    model.slot.phase == Phase::Idle
}

#[test]
fn a_retried_run_takes_its_data_out_again_and_consumes_it_once() {
    let mut model = after(ExecutionStatus::Failed);
    model.take(&arrived([version("in/b", 1, 5)]), 70);
    assert_eq!(model.slot.data.tally, tally(105, 2));
    let outcome = model.runs_again(1, 80);
    assert_eq!(outcome.name(), "reopened");
    assert_eq!(
        model.slot.due_at,
        Some(at(80 + 60)),
        "it may have been an echo"
    );
    assert_eq!(model.slot.data.tally, tally(5, 1));
    assert_eq!(
        in_flight(&model).data.as_ref().unwrap().tally,
        tally(100, 1)
    );
    let outcome = model.end(ExecutionStatus::Succeeded, 200);
    let Outcome::Succeeded {
        consumed, served, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((consumed, served), (tally(100, 1), 1));
    assert_eq!(model.slot.data.tally, tally(5, 1));
    assert!(model.slot.closed.is_none(), "a success is not retried");
}

#[test]
fn a_retried_run_that_fails_again_gives_back_what_is_not_overwritten() {
    let mut model = after(ExecutionStatus::Failed);
    // Overwritten while it waited again, and once more while the run goes on.
    model.take(&arrived([version("in/a", 2, 40)]), 70);
    assert_eq!(model.slot.data.tally, tally(40, 1));
    model.runs_again(1, 80);
    assert_eq!(model.slot.data.tally, tally(40, 1));
    model.take(&arrived([version("in/a", 3, 50)]), 90);
    assert_eq!(model.slot.data.tally, tally(50, 1));
    model.end(ExecutionStatus::Failed, 100);
    assert_eq!(model.slot.data.tally, tally(50, 1));
    assert_eq!(model.slot.failures, 2);
    let reason = model.slot.held.iter().next().unwrap();
    assert_eq!(reason.failures, 2, "its causes have failed twice");
}

#[test]
fn a_retried_run_serves_no_cause_that_asked_after_its_claim() {
    let mut model = Model::new();
    model.start(0);
    // The same alarm fires anew behind the run, then the run fails.
    model.take(&alarmed("dq", 30), 30);
    model.end(ExecutionStatus::Failed, 60);
    assert_eq!(model.slot.held.len(), 1);
    model.runs_again(1, 70);
    model.end(ExecutionStatus::Succeeded, 80);
    assert_eq!(
        model.held(),
        [alarm("dq").as_str()],
        "the run is older than it"
    );
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
}

#[test]
fn a_retry_that_succeeds_before_anybody_tells_serves_its_causes() {
    let mut model = after(ExecutionStatus::Failed);
    let again = ended(1, ExecutionStatus::Succeeded);
    let (outcome, _) = model.take(&again, 90);
    let Outcome::Succeeded {
        served, consumed, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((served, consumed), (1, tally(100, 1)));
    assert!(model.slot.held.is_empty() && is_idle(&model));
    assert_eq!(model.slot.data.tally, Tally::default());
    assert_eq!(model.slot.failures, 0);
    assert_eq!(model.outcome(&again, 91), "unchanged", "it is told again");
    // A repeated failure tells nothing new.
    let mut model = after(ExecutionStatus::Failed);
    let failed = ended(1, ExecutionStatus::Failed);
    assert_eq!(model.outcome(&failed, 90), "unchanged");
}

#[test]
fn a_retry_of_a_stopped_run_goes_on_with_its_data_and_no_cause() {
    let mut model = after(ExecutionStatus::Stopped);
    let Outcome::Reopened { reasons, .. } = model.runs_again(1, 80) else {
        panic!()
    };
    assert!(reasons.is_empty());
    model.end(ExecutionStatus::Succeeded, 90);
    assert_eq!(model.slot.data.tally, Tally::default());
}

/// Its data was enough together with what came since: that waits for more now, and no
/// cause is left that nothing could serve.
#[test]
fn a_retry_of_a_stopped_run_takes_the_ground_from_under_a_data_cause() {
    let mut model = after(ExecutionStatus::Stopped);
    model.take(&arrived([version("in/b", 1, 50)]), 70);
    assert_eq!(model.slot.data.tally, tally(150, 2));
    assert_eq!(model.slot.held.len(), 1, "held by the interval");
    assert_eq!(model.runs_again(1, 80).name(), "reopened");
    assert_eq!(model.slot.data.tally, tally(50, 1));
    assert!(model.slot.held.is_empty());
    model.end(ExecutionStatus::Succeeded, 200);
    assert_eq!(model.slot.due_at, None);
    // More of it asks again.
    model.take(&arrived([version("in/c", 1, 50)]), 300);
    assert_eq!(model.slot.held.len(), 1);
}

#[test]
fn a_retry_after_no_improvement_takes_the_drift_up_again() {
    let mut model = Model::with(r#""no_improvement": {"steps": ["NotBetter"]}"#);
    model.lookups.as_mut().unwrap().in_alarm = Lookup::Found([alarm("dq")].into());
    model.start(0);
    model.take(&failed_in(1, &["NotBetter"]), 60);
    assert_eq!(model.held(), [alarm("dq").as_str()]);
    model.runs_again(1, 70);
    assert!(model.slot.held.is_empty());
    model.end(ExecutionStatus::Succeeded, 80);
    assert!(model.slot.held.is_empty());
}

#[test]
fn the_completion_of_one_batch_does_not_complete_the_next_after_a_retry() {
    let completes = r#"100, "complete_when": {"suffix": "/_SUCCESS"}"#;
    let mut model = Model::with(&ENOUGH.replace("100", completes));
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.take(&complete(1), 1);
    model.accept(2);
    model.end(ExecutionStatus::Failed, 60);
    model.runs_again(1, 70);
    model.end(ExecutionStatus::Succeeded, 80);
    let day = 24 * HOUR;
    let next = arrived([version("in/b", 1, 100)]);
    assert_eq!(model.outcome(&next, day), "counted", "it is not complete");
    assert_eq!(model.outcome(&complete(2), day + 60), "claimed");
}

#[test]
fn what_is_left_behind_a_retried_run_waits_from_when_it_can_have_come() {
    let mut model = Model::with(&ENOUGH.replace("100", r#"100, "max_wait": "12h""#));
    model.take(&arrived([version("in/a", 1, 10)]), 0);
    assert_eq!(
        model.outcome(&alarmed("dq", 11 * HOUR), 11 * HOUR),
        "claimed"
    );
    model.accept(11 * HOUR);
    model.end(ExecutionStatus::Failed, 11 * HOUR + 60);
    model.take(&arrived([version("in/b", 1, 5)]), 11 * HOUR + 70);
    model.runs_again(1, 11 * HOUR + 80);
    model.end(ExecutionStatus::Succeeded, 11 * HOUR + 90);
    assert_eq!(model.slot.due_at, Some(at(23 * HOUR)));
}

#[test]
fn a_newer_run_leaves_nothing_to_one_that_is_retried() {
    let mut model = after(ExecutionStatus::Failed);
    let name = model.slot.closed.as_ref().unwrap().claim.token;
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    model.accept(7 * HOUR);
    assert!(model.slot.closed.is_none());
    let mut again = ended(1, ExecutionStatus::InFlight);
    if let Event::Status(report) = &mut again {
        report.display_name = Some(name.display_name());
    }
    let (outcome, _) = model.take(&again, 8 * HOUR);
    assert!(
        matches!(outcome, Outcome::ForeignRunSeen { retried: true, .. }),
        "{outcome}"
    );
    // The newer run fails. What it gives back is not the foreign run's.
    model.end(ExecutionStatus::Failed, 9 * HOUR);
    let ends = ended(1, ExecutionStatus::Succeeded);
    assert_eq!(model.outcome(&ends, 10 * HOUR), "foreign_run_ended");
    assert_eq!(model.slot.data.tally, tally(100, 1));
}

#[test]
fn a_person_who_stops_a_retried_run_is_not_overruled_by_its_data() {
    let mut model = Model::with(
        r#""data": {"objects": [{"bucket": "fraud-data", "prefix": "in/"}], "min_rows": 100}"#,
    );
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.take(&accepted(1, 0), 0);
    model.take(&ended(1, ExecutionStatus::Failed), 60);
    let again = told("e1", 0, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&again, 100), "reopened");
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Stopped), 200),
        "stopped"
    );
    assert_eq!(model.slot.data.tally, tally(100, 1));
    assert_ne!(model.outcome(&Event::Tick, 24 * HOUR), "claimed");
    model.take(&arrived([version("in/b", 1, 1)]), 24 * HOUR);
    assert!(matches!(model.slot.phase, Phase::Starting(_)));
}
