//! The start call is answered, or is not.

use super::*;

#[test]
fn a_duplicate_does_nothing_while_the_lease_is_live_and_resumes_after() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let seen = Seen {
        decision: 1,
        claim: Some(1),
    };
    for seconds in [0, 159] {
        let step = model
            .try_step(&alarmed("dq", 0), Some(&seen), seconds)
            .unwrap();
        assert_eq!(
            step,
            Step::Settled(Outcome::Duplicate {
                decision: 1,
                claim: Some(1)
            })
        );
    }
    let step = model.try_step(&alarmed("dq", 0), Some(&seen), 160).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    let [
        Command::EnsureStarted {
            claim,
            look: Look::First,
        },
    ] = commit.commands.as_slice()
    else {
        panic!("{:?}", commit.commands)
    };
    assert_eq!((claim.number, claim.attempt), (1, 2));
    let Phase::Starting(before) = &model.slot.phase else {
        panic!()
    };
    assert_eq!(
        (&claim.token, &claim.parameters),
        (&before.token, &before.parameters)
    );
    assert!(claim.lease_until > at(160));
}

#[test]
fn a_definite_refusal_for_capacity_holds_and_refunds_the_interval() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(
        model.outcome(&answered(1, 1, no_capacity()), 1),
        "not_started"
    );
    assert!(model.slot.starts.is_empty());
    let until = model.slot.no_capacity.clone().unwrap().until;
    assert_eq!(model.slot.due_at, Some(until));
    assert!(until > at(120) && until <= at(1 + 132), "{until}");
    let seconds = until.as_second() - at(0).as_second() + 1;
    assert_eq!(model.outcome(&Event::Tick, seconds), "claimed");
    assert_eq!(model.slot.claims, 2);
}

#[test]
fn a_misconfiguration_is_held_until_the_policy_changes_or_a_person_resumes() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.take(&answered(1, 1, refused_for_good()), 1);
    assert_eq!(model.slot.held.len(), 1);
    assert_eq!(model.outcome(&alarmed("mq", 2), 2), "held");
    assert_eq!(model.outcome(&unpause(), 3), "unpaused");
    assert_eq!(model.outcome(&Event::Tick, 4), "claimed");
}

#[test]
fn a_refusal_after_an_ambiguous_attempt_is_ambiguous() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let unknown = StartAnswer::Unknown {
        what: "timeout".into(),
    };
    assert_eq!(model.outcome(&answered(1, 1, unknown), 30), "start_unknown");
    assert_eq!(model.outcome(&Event::Tick, 159), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 160), "resumed");
    for answer in [no_capacity(), refused_for_good()] {
        assert_eq!(model.outcome(&answered(1, 2, answer), 161), "start_unknown");
        assert!(matches!(model.slot.phase, Phase::Starting(_)));
    }
    // The first worker's late refusal changes nothing either.
    assert_eq!(
        model.outcome(&answered(1, 1, no_capacity()), 162),
        "unchanged"
    );
    // But its late success is true whoever tells it.
    assert_eq!(model.outcome(&accepted(1, 20), 163), "started");
}

#[test]
fn a_request_that_can_never_work_is_definite_once_nothing_was_found() {
    let refused = |refusal| StartAnswer::Refused {
        refusal,
        looked: true,
    };
    let what = || "ValidationException".to_string();
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(model.outcome(&Event::Tick, 160), "resumed");
    // A lack of capacity may be caused by our own execution.
    let busy = refused(Refusal::NoCapacity { what: what() });
    assert_eq!(model.outcome(&answered(1, 2, busy), 161), "start_unknown");
    let never = refused(Refusal::Misconfigured { what: what() });
    assert_eq!(model.outcome(&answered(1, 2, never), 162), "not_started");
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
}

#[test]
fn a_person_can_give_up_a_claim_that_nobody_holds() {
    let abandon = ordered(OrderKind::Abandon);
    let mut model = Model::new();
    assert_eq!(model.outcome(&abandon, 0), "unchanged");
    model.take(&alarmed("dq", 0), 0);
    assert_eq!(
        model.outcome(&abandon, 99),
        "unchanged",
        "its worker may still send"
    );
    assert_eq!(model.outcome(&abandon, 100), "abandoned");
    assert_eq!(
        (model.slot.phase.clone(), model.slot.held.len()),
        (Phase::Idle, 1)
    );
    // Its execution may exist for all that is known, so the interval counts.
    assert_eq!(model.slot.due_at, Some(at(100 + 6 * HOUR)));
}

#[test]
fn nothing_is_sent_for_a_resumed_claim_while_a_pause_or_a_foreign_run_forbids_it() {
    let paused = ordered(OrderKind::Pause);
    let foreign = told("by-hand", 0, ExecutionStatus::InFlight);
    for forbids in [paused, foreign] {
        let mut model = Model::new();
        model.take(&alarmed("dq", 0), 0);
        model.take(&forbids, 10);
        let (outcome, commands) = model.take(&Event::Tick, 160);
        assert_eq!(outcome.name(), "resumed");
        let [Command::EnsureStarted { look, .. }] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!(*look, Look::Only);
    }
}

#[test]
fn nothing_is_sent_for_a_resumed_claim_in_blackout_hours_or_while_observing() {
    let window = r#"[{"from": "00:00", "to": "06:00", "time_zone": "UTC"}]"#;
    let forbid: [fn(&mut Policy, &str); 2] = [
        |policy, window| policy.blackouts = serde_json::from_str(window).unwrap(),
        |policy, _| policy.mode = crate::policy::Mode::Observe,
    ];
    for forbid in forbid {
        let mut model = Model::new();
        model.take(&alarmed("dq", 0), 0);
        forbid(&mut model.policy.policy, window);
        let (_, commands) = model.take(&Event::Tick, 160);
        let [Command::EnsureStarted { claim, look }] = commands.as_slice() else {
            panic!("{commands:?}")
        };
        assert_eq!(*look, Look::Only);
        assert_eq!(claim.resume_at, at(160 + 160), "it does not back off");
    }
}

#[test]
fn a_resume_that_a_foreign_run_forbids_looks_whether_that_still_runs() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    model.take(&told("by-hand", 0, ExecutionStatus::InFlight), 10);
    let (_, commands) = model.take(&Event::Tick, 2_000);
    assert!(matches!(
        commands.as_slice(),
        [
            Command::Describe { .. },
            Command::EnsureStarted {
                look: Look::Only,
                ..
            }
        ]
    ));
}

#[test]
fn an_abandoned_claim_counts_for_the_budget() {
    let mut model = Model::new();
    model.policy.policy.budget = Some(crate::policy::Budget {
        starts: 1,
        window: crate::period::Period::from_days(7),
    });
    model.take(&alarmed("dq", 0), 0);
    let abandon = ordered(OrderKind::Abandon);
    model.take(&abandon, 100);
    let (outcome, _) = model.take(&alarmed("mq", 7 * HOUR), 7 * HOUR);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Budget { .. }
            }
        ),
        "{outcome}"
    );
}

#[test]
fn a_new_trigger_behind_an_unfinished_claim_is_held_and_finishes_the_claim() {
    let mut model = Model::new();
    model.take(&alarmed("dq", 0), 0);
    let (outcome, commands) = model.take(&alarmed("mq", 100), 100);
    assert_eq!((outcome.name(), commands.len()), ("held", 0));
    let (outcome, commands) = model.take(&alarmed("bias", 160), 160);
    assert_eq!(outcome.name(), "held");
    assert!(matches!(
        commands.as_slice(),
        [Command::EnsureStarted {
            look: Look::First,
            ..
        }]
    ));
    assert_eq!(model.slot.held.len(), 2);
}

#[test]
fn answers_to_other_claims_change_nothing_or_are_errors() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&accepted(1, 0), 5), "unchanged");
    assert_eq!(
        model.try_step(&accepted(2, 0), None, 5).unwrap_err(),
        StepError::NoSuchClaim { claim: 2, last: 1 }
    );
    let other = StartAnswer::Accepted {
        execution: execution(9),
        started_at: at(0),
        adopted: false,
    };
    let (outcome, _) = model.take(&answered(1, 1, other), 5);
    assert!(
        matches!(outcome, Outcome::SecondExecution { claim: 1, .. }),
        "{outcome}"
    );
    assert_eq!(
        model.slot.foreign.len(),
        1,
        "the other one is not forgotten"
    );
    model.slot.foreign.clear();
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.outcome(&accepted(1, 0), 61), "unchanged");
}
