//! Retries of which nobody has told, or not before a newer claim was written.

use super::*;

const ENOUGH: &str = r#""data": {
    "objects": [{"bucket": "fraud-data", "prefix": "in/"}], "min_rows": 100
}"#;

/// A model whose first run, with an object, has failed at second 60. Whoever asks for
/// it learns this.
fn with_last_run(status: ExecutionStatus) -> Model {
    let mut model = Model::with(ENOUGH);
    model.take(&arrived([version("in/a", 1, 100)]), 0);
    model.accept(1);
    model.end(ExecutionStatus::Failed, 60);
    is_now(&mut model, status);
    model
}

fn is_now(model: &mut Model, status: ExecutionStatus) {
    model.lookups.as_mut().unwrap().last_run = Lookup::Found(status);
}

/// As `with_last_run`, with a claim of seven hours later of which nobody knows whether
/// it has started.
fn with_open_claim() -> Model {
    let mut model = with_last_run(ExecutionStatus::Failed);
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    assert_eq!(
        in_flight(&model).data.as_ref().unwrap().tally,
        tally(100, 1)
    );
    model
}

fn look_of(commands: &[Command]) -> Look {
    let mut looks = commands.iter().filter_map(|command| match command {
        Command::EnsureStarted { look, .. } => Some(*look),
        _ => None,
    });
    looks.next().unwrap()
}

fn absent(attempt: u32) -> Event {
    answered(2, attempt, StartAnswer::Absent)
}

fn asks_for_last_run(step: Step) {
    let Step::NeedFacts(needed) = step else {
        panic!("{step:?}")
    };
    assert_eq!(needed.last_run, Some(execution(1)));
}

#[test]
fn a_start_after_a_run_without_success_asks_what_that_is_now() {
    let mut model = with_last_run(ExecutionStatus::Failed);
    let lookups = model.lookups.take();
    asks_for_last_run(model.try_step(&Event::Tick, None, 7 * HOUR).unwrap());
    model.lookups = lookups;
    assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    assert!(model.slot.closed.is_some(), "nothing has started yet");
    model.accept(7 * HOUR);
    model.end(ExecutionStatus::Succeeded, 8 * HOUR);
    model.lookups = None;
    let step = model.try_step(&alarmed("dq", 20 * HOUR), None, 20 * HOUR);
    let Step::NeedFacts(needed) = step.unwrap() else {
        panic!()
    };
    assert_eq!(needed.last_run, None, "a success is not retried");
}

#[test]
fn an_untold_retry_keeps_what_it_has_from_a_new_start() {
    let mut model = with_last_run(ExecutionStatus::InFlight);
    let (outcome, commands) = model.take(&alarmed("dq", 7 * HOUR), 7 * HOUR);
    let Outcome::Held { guard } = outcome else {
        panic!("{outcome}")
    };
    assert_eq!(guard, Guard::InFlight { claim: 1 });
    let execution = execution(1);
    assert_eq!(commands, [Command::Describe { execution }]);
    assert_eq!(model.runs_again(1, 7 * HOUR).name(), "reopened");
    assert_eq!(model.slot.data.tally, Tally::default());
    model.end(ExecutionStatus::Succeeded, 8 * HOUR);
    assert_eq!(model.held(), [alarm("dq").as_str()], "it asked later");
}

#[test]
fn an_untold_retry_that_has_succeeded_serves_instead_of_a_new_start() {
    let mut model = with_last_run(ExecutionStatus::Succeeded);
    let (outcome, commands) = model.take(&Event::Tick, 7 * HOUR);
    assert_eq!((outcome.name(), commands.len()), ("held", 1));
    assert_eq!(
        model.slot.due_at,
        Some(at(7 * HOUR)),
        "if nobody describes it"
    );
    let outcome = model.end(ExecutionStatus::Succeeded, 7 * HOUR);
    assert_eq!(outcome.name(), "succeeded");
    assert!(model.slot.held.is_empty());
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn a_last_run_that_cannot_be_described_keeps_nothing() {
    for last_run in [
        Lookup::Unreadable("no permission".into()),
        Lookup::Found(ExecutionStatus::Gone),
        Lookup::Found(ExecutionStatus::Stopped),
    ] {
        let mut model = with_last_run(ExecutionStatus::Failed);
        model.lookups.as_mut().unwrap().last_run = last_run;
        assert_eq!(model.outcome(&Event::Tick, 7 * HOUR), "claimed");
    }
}

#[test]
fn a_claim_that_has_not_started_yields_to_a_retry_that_was_told() {
    let mut model = with_open_claim();
    let again = told("e1", 1, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&again, 7 * HOUR + 10), "foreign_run_seen");
    let later = 7 * HOUR + 160;
    let (outcome, commands) = model.take(&Event::Tick, later);
    assert_eq!(outcome.name(), "resumed");
    assert_eq!(look_of(&commands), Look::Only);
    let lookups = model.lookups.take();
    asks_for_last_run(model.try_step(&absent(2), None, later).unwrap());
    model.lookups = lookups;
    is_now(&mut model, ExecutionStatus::InFlight);
    let (outcome, commands) = model.take(&absent(2), later);
    let Outcome::Yielded {
        claim, held_again, ..
    } = outcome
    else {
        panic!("{outcome}")
    };
    assert_eq!((claim, held_again), (2, 1));
    let execution = execution(1);
    assert_eq!(commands, [Command::Describe { execution }]);
    assert_eq!(model.slot.data.tally, tally(100, 1));
    // It is the slot's run again, and no foreign one.
    assert_eq!(model.outcome(&again, later), "reopened");
    assert!(model.slot.foreign.is_empty() && model.slot.held.is_empty());
    model.take(&ended(1, ExecutionStatus::Succeeded), later + 60);
    assert_eq!(model.slot.phase, Phase::Idle);
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn a_claim_is_not_sent_again_over_a_retry_that_nobody_told() {
    let mut model = with_open_claim();
    let later = 7 * HOUR + 160;
    let lookups = model.lookups.take();
    asks_for_last_run(model.try_step(&Event::Tick, None, later).unwrap());
    // A new trigger would take the claim up as well.
    let trigger = alarmed("dq", later);
    asks_for_last_run(model.try_step(&trigger, None, later).unwrap());
    let early = model.try_step(&alarmed("dq", later - 1), None, later - 1);
    assert!(matches!(early, Ok(Step::Commit(_))), "the lease is live");
    model.lookups = lookups;
    is_now(&mut model, ExecutionStatus::Succeeded);
    let (_, commands) = model.take(&trigger, later);
    assert_eq!(look_of(&commands), Look::Only);
    assert_eq!(model.outcome(&absent(2), later), "yielded");
    let ends = ended(1, ExecutionStatus::Succeeded);
    assert_eq!(model.outcome(&ends, later), "succeeded");
    assert_eq!(model.slot.data.tally, Tally::default());
    assert_eq!(model.held(), [alarm("dq").as_str()]);
}

#[test]
fn a_claim_whose_execution_is_found_does_not_yield() {
    let mut model = with_open_claim();
    is_now(&mut model, ExecutionStatus::InFlight);
    let later = 7 * HOUR + 160;
    let (_, commands) = model.take(&Event::Tick, later);
    assert_eq!(look_of(&commands), Look::Only);
    assert_eq!(model.outcome(&accepted(2, 7 * HOUR), later), "started");
    let again = ended(1, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&again, later), "foreign_run_seen");
}

#[test]
fn a_claim_that_is_not_found_stays_if_the_last_run_was_not_retried() {
    let mut model = with_open_claim();
    let later = 7 * HOUR + 160;
    let (_, commands) = model.take(&Event::Tick, later);
    assert_eq!(look_of(&commands), Look::First);
    assert_eq!(
        model.outcome(&absent(1), later),
        "unchanged",
        "a stale worker"
    );
    assert_eq!(model.outcome(&absent(2), later), "start_unknown");
    // A first claim has no run before it that could be asked about.
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.lookups = None;
    let absent = answered(1, 1, StartAnswer::Absent);
    assert_eq!(model.outcome(&absent, 10), "start_unknown");
}

#[test]
fn a_refused_claim_leaves_the_last_run_as_it_was() {
    let mut model = with_open_claim();
    let again = told("e1", 1, ExecutionStatus::InFlight);
    assert_eq!(model.outcome(&again, 7 * HOUR + 1), "foreign_run_seen");
    let refused = answered(2, 1, no_capacity());
    assert_eq!(model.outcome(&refused, 7 * HOUR + 2), "not_started");
    assert_eq!(model.outcome(&again, 7 * HOUR + 3), "reopened");
    assert!(model.slot.foreign.is_empty(), "it is not foreign any more");
    assert_eq!(in_flight(&model).number, 1);
    assert_eq!(model.slot.data.tally, Tally::default());
}

#[test]
fn an_overwrite_behind_a_claim_is_noted_for_the_last_run_too() {
    let mut model = with_open_claim();
    model.take(&arrived([version("in/a", 2, 40)]), 7 * HOUR + 1);
    let refused = answered(2, 1, no_capacity());
    model.take(&refused, 7 * HOUR + 2);
    assert_eq!(model.slot.data.tally, tally(40, 1));
    model.runs_again(1, 7 * HOUR + 3);
    assert_eq!(
        model.slot.data.tally,
        tally(40, 1),
        "the run has the old one"
    );
}
