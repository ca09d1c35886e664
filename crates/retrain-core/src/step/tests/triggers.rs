//! Triggers arrive, wait and go away.

use super::*;

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

#[test]
fn what_a_person_asks_with_a_key_is_remembered_and_done_once() {
    let (key, by, why) = (Some("k".to_string()), "ana".to_string(), "x".to_string());
    let told = || (key.clone(), by.clone(), why.clone());
    let events = [
        (|(key, by, why)| Event::Pause { key, by, why }) as fn(_) -> Event,
        |(key, by, why)| Event::Unpause { key, by, why },
        |(key, by, why)| Event::ResetBreaker { key, by, why },
        |(key, by, why)| Event::Abandon { key, by, why },
    ];
    let decides = [true, false].map(|approve| Event::Decide {
        key: key.clone(),
        approve,
        by: by.clone(),
        why: why.clone(),
    });
    let rolls_back = Event::RollBack {
        key: key.clone().unwrap(),
        by: by.clone(),
        why: why.clone(),
    };
    let seen = Seen {
        decision: 7,
        claim: None,
    };
    let duplicate = Step::Settled(Outcome::Duplicate {
        decision: 7,
        claim: None,
    });
    let others = decides.iter().chain([&rolls_back]);
    let mut keys: alloc::collections::BTreeSet<_> = others.filter_map(Event::dedupe_key).collect();
    for event in events {
        let event = event(told());
        let again = Model::new().try_step(&event, Some(&seen), 1).unwrap();
        assert_eq!(again, duplicate, "{event:?}");
        keys.insert(event.dedupe_key().unwrap());
    }
    assert_eq!(keys.len(), 7, "a key is one of its kind of request");
    let pause = events[0](told());
    let Step::Commit(commit) = Model::new().try_step(&pause, None, 1).unwrap() else {
        panic!()
    };
    assert_eq!(commit.marker.unwrap().0, pause.dedupe_key().unwrap());
    assert_eq!(events[0]((None, by, why)).dedupe_key(), None);
}

/// Delivered again later, it would end a pause that somebody asks for meanwhile.
#[test]
fn what_a_person_asks_with_a_key_is_remembered_where_there_is_nothing_to_do() {
    let model = Model::new();
    let resume = |key| Event::Unpause {
        key,
        by: "ana".into(),
        why: "x".into(),
    };
    let before = model.slot.clone();
    let keyed = resume(Some("k".into()));
    let Step::Commit(commit) = model.try_step(&keyed, None, 1).unwrap() else {
        panic!()
    };
    let (key, seen) = commit.marker.unwrap();
    assert_eq!(key, keyed.dedupe_key().unwrap());
    assert_eq!(seen.decision, commit.slot.version);
    let outcome = Outcome::Unchanged {
        because: Unchanged::AlreadySo,
    };
    assert_eq!(commit.decision.unwrap().outcome, outcome);
    assert_eq!(commit.commands, []);
    let version = commit.slot.version;
    let updated_at = commit.slot.updated_at;
    let expected = Slot {
        version,
        updated_at,
        ..before
    };
    assert_eq!(*commit.slot, expected);
    let step = model.try_step(&resume(None), None, 1).unwrap();
    assert_eq!(step, Step::Settled(outcome));
}
