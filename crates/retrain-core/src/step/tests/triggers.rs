//! Triggers arrive, wait and go away.

use alloc::collections::BTreeSet;

use super::release::package;
use super::*;
use crate::lane::Lane;

#[test]
fn the_first_alarm_claims_with_its_final_parameters() {
    let mut model = Model::new();
    let (outcome, commands) = model.take(&alarmed("dq", 0), 5);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    let values: Vec<(&str, &str)> = claim
        .parameters
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        values,
        [
            (
                "Baseline",
                "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/4"
            ),
            ("Cause", "drift/data_quality/dq"),
            ("InputDataUri", "s3://fraud/data/"),
            ("Token", claim.token.as_str()),
            ("WindowEnd", "2026-01-05T00:00:05Z"),
            ("WindowStart", "2025-12-06T00:00:05Z"),
        ]
    );
    assert_eq!(claim.lease_until, at(5 + 100));
    assert_eq!(claim.resume_at, at(5 + 160));
    assert_eq!(model.slot.due_at, Some(at(5 + 160)));
    assert_eq!(
        commands,
        [Command::EnsureStarted {
            claim,
            look: Look::No
        }]
    );
}

#[test]
fn a_start_asks_for_the_facts_that_its_parameters_need() {
    let mut model = Model::new();
    model.lookups = None;
    let step = model.try_step(&alarmed("dq", 0), None, 0).unwrap();
    let Step::NeedFacts(needed) = step else {
        panic!("{step:?}")
    };
    assert_eq!(
        needed.training_data_uri.unwrap().as_str(),
        "/fraud/training-data-uri"
    );
    assert_eq!(needed.baseline.unwrap().as_str(), "fraud-detection");
    // Inside the interval nothing will start, so nothing needs to be looked up.
    model.lookups = Some(Lookups::default());
    model.policy.policy.parameters.clear();
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    model.lookups = None;
    assert_eq!(model.outcome(&alarmed("mq", 70), 70), "held");
}

#[test]
fn a_missing_fact_holds_the_trigger_and_says_what_is_missing() {
    let mut model = Model::new();
    model.lookups = Some(Lookups::default());
    let (outcome, commands) = model.take(&alarmed("dq", 0), 0);
    let text = outcome.to_string();
    assert!(
        text.contains("/fraud/training-data-uri does not exist"),
        "{text}"
    );
    assert!(commands.is_empty());
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
    // Told once: the next look finds the same and writes nothing new.
    let due = model.slot.due_at.unwrap();
    assert_eq!(due, at(300));
    // Another version of the policy is another chance.
    model.policy.version = 4;
    model.lookups = Model::new().lookups;
    assert_eq!(model.outcome(&Event::Tick, HOUR), "claimed");
}

#[test]
fn a_default_never_stands_in_for_what_cannot_be_read() {
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().baseline = Lookup::Absent;
    assert_eq!(model.outcome(&alarmed("dq", 0), 0), "claimed");
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().baseline = Lookup::Unreadable("AccessDenied".into());
    let (outcome, _) = model.take(&alarmed("dq", 0), 0);
    assert!(
        outcome
            .to_string()
            .contains("the baseline is unreadable: AccessDenied"),
        "{outcome}"
    );
}

#[test]
fn a_value_longer_than_aws_takes_is_a_misconfiguration() {
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().training_data_uri = Lookup::Found("s".repeat(1_024));
    assert_eq!(model.outcome(&alarmed("dq", 0), 0), "claimed");
    let mut model = Model::new();
    model.lookups.as_mut().unwrap().training_data_uri = Lookup::Found("s".repeat(1_025));
    let (outcome, _) = model.take(&alarmed("dq", 0), 0);
    assert!(
        outcome.to_string().contains("parameters.InputDataUri"),
        "{outcome}"
    );
}

#[test]
fn an_ok_withdraws_what_its_alarm_asked_before() {
    let mut model = Model::new();
    model.start(0);
    model.take(&alarmed("mq", 10), 10);
    model.take(&alarmed("bias", 11), 11);
    let (outcome, _) = model.take(&cleared("mq", 20), 20);
    assert_eq!(
        outcome,
        Outcome::AlarmCleared {
            withdrawn: 1,
            marked: 0
        }
    );
    assert_eq!(model.slot.held.len(), 1);
    // The same OK again tells nothing new.
    assert_eq!(model.outcome(&cleared("mq", 20), 21), "unchanged");
}

#[test]
fn an_ok_before_its_older_alarm_starts_nothing() {
    let mut model = Model::new();
    assert_eq!(model.outcome(&cleared("dq", 20), 20), "alarm_cleared");
    let (outcome, commands) = model.take(&alarmed("dq", 10), 21);
    assert_eq!(
        outcome,
        Outcome::Stale {
            because: Stale::NewerTransition { at: at(20) }
        }
    );
    assert!(commands.is_empty());
    // The next real transition starts.
    assert_eq!(model.outcome(&alarmed("dq", 30), 30), "claimed");
}

#[test]
fn a_cause_that_clears_in_flight_does_not_come_back_with_a_failure() {
    let mut model = Model::new();
    model.start(0);
    let (outcome, _) = model.take(&cleared("dq", 20), 20);
    assert_eq!(
        outcome,
        Outcome::AlarmCleared {
            withdrawn: 0,
            marked: 1
        }
    );
    model.take(&ended(1, ExecutionStatus::Failed), 60);
    assert!(model.slot.held.is_empty());
}

#[test]
fn events_older_than_the_policy_wants_are_stale() {
    let mut model = Model::new();
    let week = 7 * 24 * HOUR;
    assert_eq!(model.outcome(&alarmed("dq", 0), week + 1), "stale");
    let mut model = Model::new();
    assert_eq!(model.outcome(&alarmed("dq", 0), week), "claimed");
}

#[test]
fn an_event_from_the_future_is_an_error_and_poisons_nothing() {
    let model = Model::new();
    for event in [alarmed("dq", 61), cleared("dq", 61)] {
        let error = model.try_step(&event, None, 0).unwrap_err();
        assert_eq!(
            error,
            StepError::FromTheFuture {
                at: at(61),
                now: at(0)
            }
        );
    }
    assert!(model.try_step(&alarmed("dq", 60), None, 0).is_ok());
}

/// What a person asks with a key.
fn keyed(kind: OrderKind) -> Event {
    Event::Order(Order {
        key: Some("k".into()),
        ..Order::new(kind, "ana", "because")
    })
}

#[test]
fn what_a_person_asks_with_a_key_is_remembered_and_done_once() {
    let of_package = Lane::Package(package(2));
    let orders = [
        (OrderKind::Pause, Model::new()),
        (OrderKind::Resume, Model::new()),
        (OrderKind::ResetBreaker, Model::new()),
        (OrderKind::Abandon, Model::new()),
        (OrderKind::RollBack, Model::environment("staging")),
        (OrderKind::Approve, Model::in_lane(&of_package)),
        (OrderKind::Reject, Model::in_lane(&of_package)),
        (OrderKind::Retire, Model::new()),
    ];
    let (decision, claim) = (7, None);
    let duplicate = Step::Settled(Outcome::Duplicate { decision, claim });
    let mut keys = BTreeSet::new();
    for (kind, model) in orders {
        let event = keyed(kind);
        let Step::Commit(commit) = model.try_step(&event, None, 1).unwrap() else {
            panic!("{event} is not remembered")
        };
        let (key, _) = commit.marker.unwrap();
        assert_eq!(Some(&key), event.dedupe_key().as_ref());
        assert!(keys.insert(key), "a key is one of its kind of order");
        let again = model.try_step(&event, Some(&Seen { decision, claim }), 1);
        assert_eq!(again.unwrap(), duplicate, "{event}");
        assert_eq!(ordered(kind).dedupe_key(), None);
    }
}

/// Delivered again later, it would end a pause that somebody asks for meanwhile.
#[test]
fn what_a_person_asks_with_a_key_is_remembered_where_there_is_nothing_to_do() {
    let model = Model::new();
    let resume = keyed(OrderKind::Resume);
    let Step::Commit(commit) = model.try_step(&resume, None, 1).unwrap() else {
        panic!()
    };
    let (_, seen) = commit.marker.unwrap();
    assert_eq!(seen.decision, commit.slot.version);
    let outcome = Outcome::Unchanged {
        because: Unchanged::AlreadySo,
    };
    assert_eq!(commit.decision.unwrap().outcome, outcome);
    assert_eq!(commit.commands, []);
    let expected = Slot {
        version: commit.slot.version,
        updated_at: commit.slot.updated_at,
        ..model.slot.clone()
    };
    assert_eq!(*commit.slot, expected);
    let step = model.try_step(&unpause(), None, 1).unwrap();
    assert_eq!(step, Step::Settled(outcome));
}
