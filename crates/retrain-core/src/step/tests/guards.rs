//! What keeps a trigger from starting, and what a slot may become.

use super::*;

#[test]
fn a_trigger_inside_the_interval_is_held_and_starts_when_it_ends() {
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&alarmed("mq", 10), 10), "held");
    assert_eq!(
        model.outcome(&ended(1, ExecutionStatus::Succeeded), HOUR),
        "succeeded"
    );
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    let early = model.try_step(&Event::Tick, None, 6 * HOUR - 1).unwrap();
    assert!(matches!(early, Step::Settled(_)), "{early:?}");
    let (outcome, _) = model.take(&Event::Tick, 6 * HOUR);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((claim.number, claim.reasons.len()), (2, 1));
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_policy_may_drop_instead_of_hold() {
    let mut model = Model::new();
    model.policy.policy.within_min_interval = crate::policy::WithinMinInterval::Drop;
    model.start(0);
    // In flight is not the interval: the run does not cover a later cause.
    assert_eq!(model.outcome(&alarmed("mq", 10), 10), "held");
    model.take(&cleared("mq", 11), 11);
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.outcome(&alarmed("mq", 70), 70), "dropped");
    assert!(model.slot.held.is_empty());
}

#[test]
fn a_force_by_a_person_ignores_the_interval_but_not_a_run_in_flight() {
    let manual = Event::Trigger(Trigger {
        cause: Cause::Manual {
            key: "k".into(),
            by: "ana".into(),
            why: "audit".into(),
            force: true,
        },
        at: at(20),
    });
    let mut model = Model::new();
    model.start(0);
    assert_eq!(model.outcome(&manual, 20), "held");
    model.take(&ended(1, ExecutionStatus::Succeeded), 60);
    assert_eq!(model.slot.due_at, Some(at(60)));
    assert_eq!(model.outcome(&Event::Tick, 60), "claimed");
}

/// The largest slot that there can be stays under 64 KB, as a DynamoDB item and as
/// the text that a test can measure.
#[test]
fn the_largest_slot_stays_small() {
    let mut model = Model::new();
    let uri = "s".repeat(1_020);
    model.policy.policy.parameters = (0..16)
        .map(|n| {
            let name = crate::names::PipelineParameterName::parse(alloc::format!("P{n}")).unwrap();
            (name, crate::policy::Template::parse(&uri).unwrap())
        })
        .collect();
    let mut now = 0;
    let fill = |model: &mut Model, now: &mut i64| {
        for round in 0..2 {
            for n in 0..120 {
                *now += 1;
                let name = alloc::format!("{n}{}", "長".repeat(250));
                let mut trigger = drift(&name, *now);
                if let Cause::Drift { evidence, .. } = &mut trigger.cause {
                    *evidence = (round == 1).then(|| "\"語\n".repeat(500));
                }
                model.take(&Event::Trigger(trigger), *now);
            }
        }
    };
    model.take(&told("by-hand", 0, ExecutionStatus::InFlight), 0);
    fill(&mut model, &mut now);
    model.take(&told("by-hand", 0, ExecutionStatus::Succeeded), now);
    now += 7 * HOUR;
    assert_eq!(model.outcome(&Event::Tick, now), "claimed");
    fill(&mut model, &mut now);
    for n in 0..30 {
        let name = alloc::format!("h{n}{}", "x".repeat(60));
        model.take(&told(&name, now, ExecutionStatus::InFlight), now);
    }
    let nanoseconds = SignedDuration::from_nanos(123_456_789);
    for n in 0..200 {
        model.slot.record_start(crate::slot::Start {
            at: at(n) + nanoseconds,
            claim: u64::from(u32::MAX),
        });
        model.slot.record_observed_start(at(n) + nanoseconds);
    }
    fill_with_data_and_releases(&mut model);
    let pause = Event::Order(Order::new(
        OrderKind::Pause,
        "長".repeat(500),
        "長".repeat(500),
    ));
    assert_eq!(model.outcome(&pause, now), "paused");
    let bytes = serde_json::to_string(&model.slot).unwrap().len();
    assert!(bytes < 64 * 1024, "{bytes}");
    assert!(
        bytes > 40 * 1024,
        "{bytes}: the worst case is no longer the worst"
    );
}

/// All that a slot remembers about data and releases, at its largest. The run that ended
/// last is forgotten when a claim is written, and smaller: it has neither causes nor
/// parameters.
fn fill_with_data_and_releases(model: &mut Model) {
    let most = Tally {
        rows: u64::MAX,
        objects: u64::MAX,
        bytes: u64::MAX,
    };
    let data = &mut model.slot.data;
    data.tally = most;
    data.generations.from = u64::MAX;
    data.generations.to = u64::MAX;
    data.first_at = Some(at(1));
    data.last_at = Some(at(2));
    data.complete_at = Some(at(3));
    data.needs_more = true;
    let mut taken = data.clone().take();
    taken.superseded = most;
    model.slot.phase.claim_mut().unwrap().data = Some(taken);
    let run = crate::slot::Run {
        claim: model.slot.phase.claim().unwrap().clone().into(),
        execution: execution(1),
        started_at: at(1),
    };
    let closed = serde_json::to_string(&run.closed()).unwrap().len();
    assert!(closed < 4 * 1024, "{closed}");
    let mut releases = crate::reason::Reasons::default();
    for n in 0..20 {
        let key = alloc::format!("{n}{}", "長".repeat(298));
        let Event::Trigger(trigger) = released(&key, n) else {
            panic!()
        };
        releases.add(Reason::of(&trigger));
    }
    let (fate, now) = (crate::slot::Fate::NoImprovement, at(9));
    let held = releases.clone();
    for _ in 0..2 {
        model.slot.settle(&held, fate, Some(&execution(1)), now);
    }
    assert_eq!(model.slot.settled.len(), crate::slot::MAX_SETTLED);
}

#[test]
fn the_breaker_opens_after_enough_failures_and_only_a_person_closes_it() {
    let mut model = Model::new();
    model.policy.policy.breaker_after_failures = 2;
    let mut now = 0;
    for claim in 1..=2 {
        model.start(now);
        now += 600;
        let (outcome, _) = model.take(&ended(claim, ExecutionStatus::Failed), now);
        let Outcome::Failed { breaker_opened, .. } = outcome else {
            panic!("{outcome}")
        };
        assert_eq!(breaker_opened, claim == 2);
        now += 24 * HOUR;
    }
    let (outcome, _) = model.take(&alarmed("mq", now), now);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::BreakerOpen { failures: 2, .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, None, "only a person can help");
    let reset = ordered(OrderKind::ResetBreaker);
    assert_eq!(model.outcome(&reset, now), "breaker_reset");
    assert_eq!(model.outcome(&reset, now), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, now), "claimed");
}

#[test]
fn the_budget_counts_starts_in_a_sliding_window() {
    let mut model = Model::new();
    model.policy.policy.budget = Some(crate::policy::Budget {
        starts: 2,
        window: crate::period::Period::from_days(7),
    });
    let day = 24 * HOUR;
    for (claim, now) in [(1, 0), (2, day)] {
        model.start(now);
        model.take(&ended(claim, ExecutionStatus::Succeeded), now + 60);
    }
    let (outcome, _) = model.take(&alarmed("dq", 2 * day), 2 * day);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Budget { starts: 2, .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, Some(at(7 * day)));
    assert_eq!(model.outcome(&Event::Tick, 7 * day - 1), "unchanged");
    assert_eq!(model.outcome(&Event::Tick, 7 * day), "claimed");
}

#[test]
fn a_model_that_succeeded_too_long_ago_is_retrained() {
    let mut model = Model::new();
    model.policy.policy.max_age = Some(crate::period::Period::from_days(7));
    assert_eq!(
        model.outcome(&Event::Tick, 0),
        "unchanged",
        "nothing has succeeded yet"
    );
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 600);
    let week = 7 * 24 * HOUR + 600;
    assert_eq!(model.slot.due_at, Some(at(week)));
    assert_eq!(model.outcome(&Event::Tick, week - 1), "unchanged");
    let (outcome, _) = model.take(&Event::Tick, week);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome}")
    };
    assert_eq!(claim.kind, crate::trigger::TriggerKind::Age);
    let cause = claim
        .parameters
        .iter()
        .find(|(name, _)| name.as_str() == "Cause");
    assert_eq!(cause.unwrap().1, "age/none/none");
}

#[test]
fn an_aged_model_waits_for_its_guards_like_any_other() {
    let mut model = Model::new();
    model.policy.policy.max_age = Some(crate::period::Period::from_hours(1));
    model.start(0);
    model.take(&ended(1, ExecutionStatus::Succeeded), 600);
    let (outcome, _) = model.take(&Event::Tick, HOUR + 600);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::MinInterval { .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(
        (model.slot.held.len(), model.slot.due_at),
        (1, Some(at(6 * HOUR)))
    );
    assert_eq!(
        model.outcome(&Event::Tick, 2 * HOUR),
        "unchanged",
        "it is told once"
    );
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
}

#[test]
fn a_blackout_holds_until_it_ends() {
    let mut model = Model::new();
    let window = r#"[{"from": "00:00", "to": "06:00", "time_zone": "UTC"}]"#;
    model.policy.policy.blackouts = serde_json::from_str(window).unwrap();
    let (outcome, _) = model.take(&alarmed("dq", HOUR), HOUR);
    assert!(
        matches!(
            outcome,
            Outcome::Held {
                guard: Guard::Blackout { .. }
            }
        ),
        "{outcome}"
    );
    assert_eq!(model.slot.due_at, Some(at(6 * HOUR)));
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "claimed");
}

#[test]
fn a_policy_that_observes_records_and_calls_nothing() {
    let mut model = Model::new();
    model.policy.policy.mode = crate::policy::Mode::Observe;
    model.lookups = None;
    let (outcome, commands) = model.take(&alarmed("dq", 0), 0);
    assert_eq!((outcome.name(), commands.len()), ("would_start", 0));
    assert!(model.slot.starts.is_empty());
    assert_eq!(
        model.outcome(&alarmed("mq", HOUR), HOUR),
        "held",
        "as it would be"
    );
    assert_eq!(model.outcome(&Event::Tick, 6 * HOUR), "would_start");
    // Acting begins as if nothing had been observed.
    model.policy.policy.mode = crate::policy::Mode::Act;
    model.lookups = Model::new().lookups;
    assert_eq!(model.outcome(&alarmed("mq", 7 * HOUR), 7 * HOUR), "claimed");
}

#[test]
fn pauses_hold_and_nothing_starts_by_itself() {
    let mut model = Model::new();
    let pause = Event::Order(Order::new(OrderKind::Pause, "ana", "data migration"));
    assert_eq!(model.outcome(&pause, 0), "paused");
    assert_eq!(model.outcome(&pause, 1), "unchanged");
    let (outcome, _) = model.take(&alarmed("dq", 2), 2);
    assert!(outcome.to_string().contains("data migration"), "{outcome}");
    assert_eq!(model.slot.due_at, None);
    assert_eq!(model.outcome(&unpause(), 3), "unpaused");
    assert_eq!(model.slot.due_at, Some(at(3)));
    assert_eq!(model.outcome(&unpause(), 4), "unchanged");
    model.controller.paused = Some(Pause {
        by: "ops".into(),
        why: "incident".into(),
        since: at(0),
    });
    let (outcome, _) = model.take(&alarmed("mq", 5), 5);
    assert!(matches!(
        outcome,
        Outcome::Held {
            guard: Guard::ControllerPaused { .. }
        }
    ));
}

#[test]
fn time_never_runs_backwards_for_a_slot() {
    let mut model = Model::new();
    model.start(100);
    model.take(&ended(1, ExecutionStatus::Succeeded), 200);
    model.take(&alarmed("mq", 150), 150);
    assert_eq!(model.slot.updated_at, at(200));
}

#[test]
fn a_slot_and_a_decision_survive_serialisation() {
    let mut model = Model::new();
    let step = model.try_step(&alarmed("dq", 0), None, 0).unwrap();
    let Step::Commit(commit) = step else {
        panic!("{step:?}")
    };
    let text = serde_json::to_string(&commit.slot).unwrap();
    assert_eq!(serde_json::from_str::<Slot>(&text).unwrap(), *commit.slot);
    let decision = commit.decision.unwrap();
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    model.start(0);
    let held = model.try_step(&alarmed("mq", 5), None, 5).unwrap();
    let Step::Commit(commit) = held else {
        panic!("{held:?}")
    };
    let decision = commit.decision.unwrap();
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
}
