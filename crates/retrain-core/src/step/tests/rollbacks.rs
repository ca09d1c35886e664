//! Packages that shall not run any more, wherever they are.

use super::release::*;
use super::*;
use crate::decision::Rollback;
use crate::event::Withdrawal;
use crate::names::EndpointName;

fn staging() -> Model {
    Model::environment("staging")
}

fn production() -> Model {
    Model::environment("production")
}

/// What a withdrawal has led to: dropped, marked, and what follows.
fn taken(outcome: &Outcome) -> (usize, usize, Option<Rollback>) {
    let Outcome::Withdrawn {
        dropped,
        marked,
        rollback,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    (*dropped, *marked, rollback.clone())
}

fn to(version: u64) -> Rollback {
    Rollback::To {
        package: package(version),
    }
}

fn absent(model: &Model) -> Event {
    let attempt = in_flight(model).attempt;
    answered(model.slot.claims, attempt, StartAnswer::Absent)
}

/// The environment's endpoint goes back by itself.
fn goes_back(seconds: i64) -> Event {
    Event::EndpointRolledBack {
        endpoint: EndpointName::parse("fraud-prod").unwrap(),
        what: "ROLLING_BACK: alarm".into(),
        at: at(seconds),
    }
}

/// The look that the last command wants, with what is in it.
fn look(commands: &[Command]) -> Look {
    match commands {
        [Command::EnsureStarted { look, .. }] => *look,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_waits_for_a_rejected_package_is_dropped() {
    for because in [
        Withdrawal::Rejected,
        Withdrawal::NotApproved,
        Withdrawal::Contested,
    ] {
        let mut model = production();
        model.take(&promoted(2, 0), 0);
        model.take(&promoted(3, 1), 1);
        let (outcome, _) = model.take(&withdrawn(2, because, 2), 2);
        assert_eq!(taken(&outcome), (1, 0, None));
        assert_eq!(model.waiting(), [3], "the other one still waits");
        assert_eq!(model.outcome(&withdrawn(2, because, 2), 3), "unchanged");
    }
}

#[test]
fn a_withdrawal_of_what_is_nowhere_is_no_news() {
    let mut model = staging();
    model.deploy(&approved(5, 0), 0);
    assert_eq!(model.outcome(&rejected(4, 100), 100), "unchanged");
}

#[test]
fn a_claim_of_a_withdrawn_package_is_looked_for_and_not_sent() {
    let mut model = staging();
    model.take(&approved(2, 0), 0);
    let (outcome, commands) = model.take(&rejected(2, 1), 1);
    assert_eq!((taken(&outcome), commands.len()), ((0, 1, None), 0));
    assert_eq!(model.outcome(&rejected(2, 1), 2), "unchanged");
    // The first worker may have sent it, so its answer counts.
    model.set(2, Rejected);
    let resume_at = in_flight(&model).resume_at.duration_since(at(0)).as_secs();
    let (outcome, commands) = model.take(&Event::Tick, resume_at);
    assert_eq!((outcome.name(), look(&commands)), ("resumed", Look::Only));
    let (outcome, commands) = model.take(&absent(&model), resume_at + 1);
    let not_sent = Outcome::NotSent {
        claim: 1,
        held_again: 0,
    };
    assert_eq!((outcome, commands), (not_sent, vec![]));
    assert!(model.slot.phase == Phase::Idle && model.waiting().is_empty());
}

#[test]
fn a_claim_that_lost_its_approval_unheard_is_not_sent_again_either() {
    let mut model = staging();
    model.take(&approved(2, 0), 0);
    model.set(2, Rejected);
    let resume_at = in_flight(&model).resume_at.duration_since(at(0)).as_secs();
    let (_, commands) = model.take(&Event::Tick, resume_at);
    assert_eq!(look(&commands), Look::Only);
    assert_eq!(model.outcome(&absent(&model), resume_at + 1), "not_sent");
}

#[test]
fn what_else_a_claim_carries_waits_again_when_it_is_not_sent() {
    let mut model = staging();
    model.may_start = false;
    model.take(&approved(2, 0), 0);
    model.take(&approved(3, 1), 1);
    model.may_start = true;
    model.take(&Event::Tick, 60);
    assert_eq!(model.on_its_way(), 3);
    model.take(&rejected(3, 61), 61);
    model.set(3, Rejected);
    let resume_at = in_flight(&model).resume_at.duration_since(at(0)).as_secs();
    model.take(&Event::Tick, resume_at);
    let (outcome, _) = model.take(&absent(&model), resume_at + 1);
    let not_sent = Outcome::NotSent {
        claim: 1,
        held_again: 1,
    };
    assert_eq!(outcome, not_sent);
    assert_eq!(model.outcome(&Event::Tick, resume_at + 2), "claimed");
    assert_eq!(model.on_its_way(), 2);
}

#[test]
fn a_refused_or_failed_deployment_does_not_bring_a_withdrawn_package_back() {
    let retries = POLICY.replacen(
        r#""on_rejected": "roll_back""#,
        r#""back_off": {"initial": "10m", "cap": "1h", "max_failures": 3}"#,
        1,
    );
    let model = || Model::of_policy(&retries, &deploys("staging"));
    let mut refused = model();
    refused.take(&approved(2, 0), 0);
    refused.take(&rejected(2, 1), 1);
    let event = answered(1, 1, no_capacity());
    assert_eq!(refused.outcome(&event, 2), "not_started");
    let mut failed = model();
    failed.take(&approved(2, 0), 0);
    failed.accepted_there(1);
    let (outcome, _) = failed.take(&rejected(2, 2), 2);
    assert_eq!(taken(&outcome), (0, 1, None));
    failed.told_there(ExecutionStatus::Failed, 60);
    for model in [refused, failed] {
        assert!(model.waiting().is_empty() && model.slot.due_at.is_none());
    }
}

#[test]
fn a_package_that_was_rejected_on_its_way_is_rolled_back_when_it_is_there() {
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    model.take(&approved(3, 100), 100);
    model.accepted_there(101);
    model.take(&rejected(3, 110), 110);
    model.set(3, Rejected);
    let (outcome, commands) = model.told_there(ExecutionStatus::Succeeded, 200);
    assert_eq!(outcome.name(), "succeeded");
    let told: Vec<String> = commands
        .iter()
        .map(|command| match command {
            Command::Errand(errand) => errand.task.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        ["tell deploy#staging of package 3 was rejected"],
        "nothing is promoted"
    );
    assert_eq!(model.runs(), Some(3));
    let (outcome, commands) = model.take(&rejected(3, 200), 201);
    assert_eq!(taken(&outcome), (0, 0, Some(to(2))));
    assert_eq!(commands, [Command::Look]);
    assert_eq!(model.outcome(&Event::Tick, 202), "claimed");
    assert_eq!(model.on_its_way(), 2);
}

#[test]
fn a_rejected_package_gives_way_to_the_newest_that_is_still_approved() {
    let mut model = staging();
    for version in 1..=4 {
        let seconds = i64::try_from(version).unwrap() * 1_000;
        model.deploy(&approved(version, seconds), seconds);
    }
    model.set(3, Rejected);
    model.set(4, Rejected);
    // What ran before is looked up first.
    let known = model.lookups.take();
    let Step::NeedFacts(needed) = model.try_step(&rejected(4, 9_000), None, 9_000).unwrap() else {
        panic!()
    };
    assert_eq!(needed.packages, [1, 2, 3, 4].map(package));
    model.lookups = known;
    let (outcome, _) = model.take(&rejected(4, 9_000), 9_000);
    assert_eq!(taken(&outcome), (0, 0, Some(to(2))));
    // Told once more before it is on its way, it is one rollback.
    model.take(&rejected(4, 9_001), 9_001);
    assert_eq!(model.waiting(), [2]);
    let commands = model.take(&Event::Tick, 9_010).1;
    assert_eq!(look(&commands), Look::No);
    model.accepted_there(9_011);
    let before = model.errands().len();
    model.told_there(ExecutionStatus::Succeeded, 9_100);
    assert_eq!(model.runs(), Some(2));
    assert_eq!(model.errands().len(), before, "a rollback promotes nothing");
}

#[test]
fn a_rollback_is_a_persons_matter_where_the_policy_says_so() {
    let mut model = production();
    model.deploy(&wanted(1, "a", true, 0), 0);
    model.deploy(&wanted(2, "b", true, 100), 100);
    model.set(2, Rejected);
    let (outcome, commands) = model.take(&rejected(2, 200), 200);
    assert_eq!(taken(&outcome), (0, 0, Some(Rollback::Reported)));
    assert_eq!(commands, []);
    assert_eq!(model.runs(), Some(2));
    let (outcome, commands) = model.take(&roll_back("k"), 300);
    assert_eq!(
        (taken(&outcome), commands),
        ((0, 0, Some(to(1))), vec![Command::Look])
    );
    assert_eq!(model.outcome(&Event::Tick, 301), "claimed");
    assert_eq!(model.on_its_way(), 1);
}

#[test]
fn a_package_that_is_only_not_approved_any_more_goes_on_running() {
    let mut model = staging();
    model.deploy(&approved(1, 0), 0);
    model.deploy(&approved(2, 100), 100);
    for because in [Withdrawal::NotApproved, Withdrawal::Contested] {
        let (outcome, commands) = model.take(&withdrawn(2, because, 200), 200);
        assert_eq!(taken(&outcome), (0, 0, Some(Rollback::Reported)));
        assert_eq!(commands, []);
    }
    assert!(model.waiting().is_empty());
}

#[test]
fn with_nothing_to_go_back_to_a_person_is_told() {
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    model.set(2, Rejected);
    let (outcome, _) = model.take(&rejected(2, 100), 100);
    assert_eq!(taken(&outcome), (0, 0, Some(Rollback::Nothing)));
    let mut model = staging();
    model.deploy(&approved(1, 0), 0);
    model.deploy(&approved(2, 100), 100);
    model.set(1, Rejected);
    model.set(2, Rejected);
    let (outcome, _) = model.take(&rejected(2, 200), 200);
    assert_eq!(taken(&outcome), (0, 0, Some(Rollback::Nothing)));
    assert!(model.waiting().is_empty());
}

#[test]
fn a_person_rolls_back_once_by_key() {
    let mut model = staging();
    assert_eq!(model.outcome(&roll_back("k"), 0), "not_taken");
    model.deploy(&approved(1, 0), 0);
    model.deploy(&approved(2, 100), 100);
    let Step::Commit(commit) = model.try_step(&roll_back("k"), None, 200).unwrap() else {
        panic!()
    };
    let (key, seen) = commit.marker.unwrap();
    assert_eq!(Some(key), roll_back("k").dedupe_key());
    model.slot = *commit.slot;
    let again = model.try_step(&roll_back("k"), Some(&seen), 201).unwrap();
    let duplicate = Outcome::Duplicate {
        decision: seen.decision,
        claim: None,
    };
    assert_eq!(again, Step::Settled(duplicate));
    // Of what a person has rolled back, nothing is rejected: it may be asked for again.
    model.take(&Event::Tick, 202);
    model.accepted_there(203);
    model.told_there(ExecutionStatus::Succeeded, 300);
    assert_eq!(model.runs(), Some(1));
    assert_eq!(
        model.outcome(&wanted(2, "again", false, 400), 400),
        "claimed"
    );
}

#[test]
fn a_rollback_target_that_loses_its_approval_is_not_deployed() {
    let mut model = staging();
    model.deploy(&approved(1, 0), 0);
    model.deploy(&approved(2, 100), 100);
    model.set(2, Rejected);
    model.take(&rejected(2, 200), 200);
    model.set(1, Rejected);
    assert_eq!(model.outcome(&Event::Tick, 201), "not_approved");
    assert!(model.waiting().is_empty());
}

#[test]
fn an_endpoint_that_goes_back_by_itself_is_believed() {
    let mut model = production();
    model.deploy(&wanted(1, "a", true, 0), 0);
    model.deploy(&wanted(2, "b", true, 100), 100);
    // An event about the deployment before changes nothing.
    let (outcome, _) = model.take(&goes_back(120), 200);
    let Outcome::RolledBack {
        package: None,
        what,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(what, "endpoint fraud-prod: ROLLING_BACK: alarm");
    assert_eq!(model.runs(), Some(2));
    let (outcome, _) = model.take(&goes_back(300), 301);
    assert!(matches!(
        outcome,
        Outcome::RolledBack {
            package: Some(_),
            ..
        }
    ));
    assert_eq!(model.runs(), None);
    // What ran is known, and may be asked for.
    assert_eq!(model.outcome(&wanted(2, "c", false, 400), 400), "claimed");
}

#[test]
fn a_withdrawal_that_is_told_late_takes_nothing_back_that_was_approved_since() {
    // What waits.
    let mut model = staging();
    model.may_start = false;
    model.take(&approved(2, 100), 100);
    assert_eq!(model.outcome(&rejected(2, 50), 110), "unchanged");
    assert_eq!(model.waiting(), [2]);
    // What is on its way.
    model.may_start = true;
    model.take(&Event::Tick, 160);
    assert_eq!(model.outcome(&rejected(2, 50), 170), "unchanged");
    model.accepted_there(171);
    assert_eq!(model.outcome(&rejected(2, 50), 172), "unchanged");
    model.told_there(ExecutionStatus::Succeeded, 200);
    // What runs.
    assert_eq!(model.outcome(&rejected(2, 50), 201), "unchanged");
    assert_eq!(model.runs(), Some(2));
    assert!(model.waiting().is_empty());
    // The clocks of environments differ, so a promotion that is hardly later does not stand.
    let mut model = production();
    model.take(&promoted(2, 100), 100);
    assert_eq!(model.outcome(&rejected(2, 94), 101), "unchanged");
    assert_eq!(model.outcome(&rejected(2, 95), 101), "withdrawn");
}

#[test]
fn an_endpoint_that_goes_back_during_a_deployment_keeps_what_ran_before() {
    let mut model = production();
    model.deploy(&wanted(1, "a", true, 0), 0);
    assert_eq!(model.outcome(&wanted(2, "b", true, 100), 100), "claimed");
    model.accepted_there(101);
    let (outcome, _) = model.take(&goes_back(120), 121);
    let Outcome::RolledBack { package: found, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(found, Some(package(2)));
    assert_eq!(model.outcome(&goes_back(120), 122), "unchanged");
    assert_eq!(model.runs(), Some(1));
    // Whatever the pipeline says.
    let (outcome, commands) = model.told_there(ExecutionStatus::Succeeded, 200);
    assert_eq!((outcome.name(), commands), ("succeeded", vec![]));
    assert_eq!(model.runs(), Some(1));
}

#[test]
fn a_rejection_that_is_told_again_rolls_back_once() {
    let mut model = staging();
    model.deploy(&approved(1, 0), 0);
    model.deploy(&approved(2, 100), 100);
    model.set(2, Rejected);
    assert_eq!(model.outcome(&rejected(2, 200), 200), "withdrawn");
    assert_eq!(model.outcome(&Event::Tick, 201), "claimed");
    model.accepted_there(202);
    assert_eq!(model.outcome(&rejected(2, 200), 203), "unchanged");
    model.told_there(ExecutionStatus::Succeeded, 300);
    assert_eq!(model.runs(), Some(1));
    assert!(model.waiting().is_empty());
}

#[test]
fn nobody_goes_back_to_what_was_thrown_out() {
    let mut model = staging();
    for version in [1, 2, 3] {
        let seconds = i64::try_from(version).unwrap() * 100;
        model.deploy(&approved(version, seconds), seconds);
    }
    model.take(&roll_back("a"), 500);
    assert_eq!(model.outcome(&Event::Tick, 501), "claimed");
    model.accepted_there(502);
    model.told_there(ExecutionStatus::Succeeded, 600);
    assert_eq!(model.runs(), Some(2));
    model.take(&roll_back("b"), 700);
    assert_eq!(model.outcome(&Event::Tick, 701), "claimed");
    assert_eq!(model.on_its_way(), 1);
}

#[test]
fn baselines_of_a_package_that_has_gone_are_not_refreshed() {
    let mut model = production();
    model.deploy(&wanted(1, "a", true, 0), 0);
    assert_eq!(
        model.errands(),
        [
            "give fraud-data the baselines of package 1",
            "give fraud-bias the baselines of package 1"
        ]
    );
    model.deploy(&wanted(2, "b", true, 100), 100);
    assert_eq!(
        model.errands(),
        [
            "give fraud-data the baselines of package 2",
            "give fraud-bias the baselines of package 2"
        ]
    );
}

#[test]
fn what_is_approved_again_is_promoted_again() {
    // While it runs here: the next environment has dropped it.
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    model.has_told(61);
    let (outcome, commands) = model.take(&approved(2, 100), 100);
    assert_eq!(outcome.name(), "stale");
    assert!(matches!(commands[..], [Command::Errand(_)]), "{commands:?}");
    // While it is deployed: what came after the rejection stands.
    let mut model = staging();
    model.take(&approved(2, 0), 0);
    model.accepted_there(1);
    assert_eq!(model.outcome(&rejected(2, 10), 10), "withdrawn");
    model.take(&approved(2, 20), 20);
    let (_, commands) = model.told_there(ExecutionStatus::Succeeded, 60);
    let [Command::Errand(errand)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert!(
        errand.task.to_string().contains("production"),
        "{}",
        errand.task
    );
}

#[test]
fn a_promotion_that_nobody_was_told_of_is_forgotten_with_the_approval() {
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    assert_eq!(model.slot.errands.open().len(), 1);
    model.take(&withdrawn(2, Withdrawal::Contested, 70), 70);
    assert!(model.slot.errands.open().is_empty());
}

#[test]
fn a_person_hears_that_there_is_nothing_to_go_back_to() {
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    let before = model.slot.clone();
    let (outcome, commands) = model.take(&roll_back("again"), 100);
    assert_eq!(outcome.name(), "not_taken");
    // That it was asked is remembered, and no more.
    let remembered = Slot {
        version: before.version + 1,
        updated_at: at(100),
        ..before
    };
    assert_eq!((&model.slot, commands), (&remembered, vec![]));
}
