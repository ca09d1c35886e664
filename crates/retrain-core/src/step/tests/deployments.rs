//! What asks for a package in an environment, and which one is deployed.

use super::release::*;
use super::*;
use crate::event::Withdrawal;
use crate::guard::Guard;
use crate::package::{PackageDescription, PackageStatus};
use crate::policy::Promotion;
use crate::trigger::Deploys;

fn staging() -> Model {
    Model::environment("staging")
}

fn production() -> Model {
    Model::environment("production")
}

#[test]
fn an_approval_is_deployed_with_its_variables() {
    let mut model = staging();
    let mut found = described(2, Approved);
    found.metadata.insert("CodeCommitId".into(), "abc".into());
    model.registry([found]);
    let (outcome, commands) = model.take(&approved(2, 0), 0);
    let Outcome::Claimed { claim } = outcome else {
        panic!("{outcome:?}")
    };
    let value = |name: &str| {
        claim
            .parameters
            .iter()
            .find(|(key, _)| key.as_str() == name)
            .unwrap()
            .1
            .as_str()
    };
    assert_eq!(value("ARN"), package(2).as_str());
    assert_eq!(
        (value("VERSION"), value("ENVIRONMENT"), value("COMMIT")),
        ("2", "staging", "abc")
    );
    assert_eq!(claim.package, Some(package(2)));
    assert!(
        claim
            .description
            .starts_with("Deploy fraud because of package 2"),
        "{}",
        claim.description
    );
    assert!(matches!(
        commands[..],
        [Command::EnsureStarted { look: Look::No, .. }]
    ));
}

#[test]
fn the_registry_is_asked_before_a_package_is_claimed() {
    let mut model = staging();
    model.lookups = None;
    let Step::NeedFacts(needed) = model.try_step(&approved(2, 0), None, 0).unwrap() else {
        panic!()
    };
    assert_eq!(needed.packages, [package(2)]);
}

#[test]
fn what_is_not_approved_just_before_is_dropped_and_recorded() {
    let in_progress = PackageDescription {
        status: PackageStatus::InProgress,
        ..described(2, Approved)
    };
    for (found, status, approval) in [
        (
            vec![described(2, Pending)],
            PackageStatus::Completed,
            Pending,
        ),
        (
            vec![described(2, Rejected)],
            PackageStatus::Completed,
            Rejected,
        ),
        (vec![in_progress], PackageStatus::InProgress, Approved),
        (
            vec![described(3, Approved)],
            PackageStatus::Deleting,
            Pending,
        ),
    ] {
        let mut model = staging();
        model.registry(found);
        let (outcome, commands) = model.take(&approved(2, 0), 0);
        let dropped = Outcome::NotApproved {
            package: package(2),
            status,
            approval,
            dropped: 1,
        };
        assert_eq!((outcome, commands), (dropped, vec![]));
        assert!(model.waiting().is_empty() && model.slot.due_at.is_none());
    }
}

#[test]
fn a_package_that_cannot_be_described_is_held_as_misconfigured() {
    let mut model = staging();
    model.lookups = Some(Lookups {
        packages: Lookup::Unreadable("access denied".into()),
        ..Lookups::default()
    });
    let (outcome, _) = model.take(&approved(2, 0), 0);
    let Outcome::Held {
        guard: Guard::Misconfigured { what, .. },
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(what.contains("access denied"), "{what}");
    assert_eq!(model.waiting(), [2]);
}

#[test]
fn the_latest_version_leads_and_takes_the_earlier_ones_along() {
    let mut model = staging();
    model.take(&ordered(OrderKind::Pause), 0);
    for (version, seconds) in [(3, 1), (5, 2), (4, 3)] {
        assert_eq!(model.outcome(&approved(version, seconds), seconds), "held");
    }
    model.take(&unpause(), 10);
    assert_eq!(model.outcome(&Event::Tick, 11), "claimed");
    assert_eq!(model.on_its_way(), 5);
    assert_eq!(in_flight(&model).reasons.len(), 3);
    assert!(model.waiting().is_empty());
}

#[test]
fn what_a_person_asked_for_last_leads_and_leaves_later_versions_waiting() {
    let mut model = staging();
    model.take(&ordered(OrderKind::Pause), 0);
    model.take(&wanted(4, "a", false, 1), 1);
    model.take(&wanted(3, "b", false, 2), 2);
    model.take(&approved(5, 3), 3);
    model.take(&approved(2, 4), 4);
    model.take(&unpause(), 10);
    assert_eq!(model.outcome(&Event::Tick, 11), "claimed");
    assert_eq!(model.on_its_way(), 3);
    // Version 2 is covered; 4 and 5 are not.
    let mut waiting = model.waiting();
    waiting.sort_unstable();
    assert_eq!(waiting, [4, 5]);
    model.accepted_there(12);
    model.told_there(ExecutionStatus::Succeeded, 20);
    assert_eq!(model.outcome(&Event::Tick, 21), "claimed");
    assert_eq!(model.on_its_way(), 4);
}

#[test]
fn a_trigger_that_finds_a_better_one_waiting_starts_that() {
    let mut model = staging();
    model.deploy(&approved(1, 0), 0);
    model.may_start = false;
    assert_eq!(model.outcome(&approved(5, 100), 100), "held");
    model.may_start = true;
    assert_eq!(model.outcome(&approved(4, 101), 101), "claimed");
    assert_eq!(model.on_its_way(), 5);
}

#[test]
fn packages_of_other_groups_are_not_covered() {
    let other = "arn:aws:sagemaker:us-east-1:444455556666:model-package/fraud/1";
    let other = ModelPackageArn::parse(other).unwrap();
    let mut model = staging();
    model.may_start = false;
    let cause = Cause::Deployment {
        package: other,
        because: Deploys::Approved,
    };
    model.take(&asked(cause, 0), 0);
    model.may_start = true;
    assert_eq!(model.outcome(&approved(5, 1), 1), "claimed");
    assert_eq!(model.waiting(), [1]);
}

#[test]
fn what_runs_or_has_been_run_past_is_stale_unless_asked_for() {
    let mut model = staging();
    model.deploy(&approved(5, 0), 0);
    for (event, at) in [
        (approved(5, 200), 200),
        (approved(4, 201), 201),
        (promoted(4, 202), 202),
    ] {
        let (outcome, _) = model.take(&event, at);
        let because = Stale::RunsLater {
            package: package(5),
        };
        assert_eq!(outcome, Outcome::Stale { because });
    }
    // An environment that runs nothing takes whatever comes.
    assert_eq!(model.outcome(&wanted(4, "a", false, 300), 300), "claimed");
}

#[test]
fn an_old_approval_is_as_good_as_a_new_one() {
    let mut model = staging();
    assert_eq!(model.outcome(&approved(2, 0), 90 * 24 * HOUR), "claimed");
}

#[test]
fn success_leaves_nothing_waiting_that_it_has_overtaken() {
    let mut model = staging();
    model.take(&approved(5, 0), 0);
    model.accepted_there(1);
    model.take(&approved(4, 2), 2);
    model.take(&approved(6, 3), 3);
    model.take(&wanted(3, "a", false, 4), 4);
    let (outcome, _) = model.told_there(ExecutionStatus::Succeeded, 60);
    assert_eq!(outcome.name(), "succeeded");
    let mut waiting = model.waiting();
    waiting.sort_unstable();
    assert_eq!(waiting, [3, 6], "a person's word is not overtaken");
}

#[test]
fn a_person_promotes_where_the_policy_says_so() {
    let mut model = production();
    let (outcome, _) = model.take(&promoted(2, 0), 0);
    let Outcome::Held { guard } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(guard.name(), "promotion");
    assert_eq!(model.slot.due_at, Some(at(HOUR)), "the policy may change");
    assert_eq!(model.outcome(&Event::Tick, HOUR), "unchanged");
    assert_eq!(model.outcome(&wanted(2, "a", false, HOUR), HOUR), "claimed");
    assert_eq!(in_flight(&model).reasons.len(), 1, "it is one cause");
}

#[test]
fn a_changed_policy_promotes_what_has_waited() {
    let mut model = production();
    model.take(&promoted(2, 0), 0);
    model.policy.policy.environments[1].promotion = Promotion::Automatic;
    assert_eq!(model.outcome(&Event::Tick, HOUR), "claimed");
}

#[test]
fn a_persons_word_is_not_weakened_by_a_later_promotion() {
    let mut model = production();
    model.may_start = false;
    model.take(&promoted(2, 0), 0);
    model.take(&wanted(2, "a", false, 10), 10);
    // Staging has run it once more, and a clock is ahead of ours.
    model.take(&promoted(2, 20), 20);
    model.may_start = true;
    assert_eq!(model.outcome(&Event::Tick, 60), "claimed");
    // In the other order too, by whatever clock.
    let mut model = production();
    model.take(&promoted(2, 30), 29);
    assert_eq!(model.outcome(&wanted(2, "a", false, 25), 31), "claimed");
}

#[test]
fn only_what_the_environment_before_runs_is_promoted_without_force() {
    let mut model = production();
    let (outcome, _) = model.take(&wanted(2, "a", false, 0), 0);
    let guard = Guard::NotPromoted {
        environment: environment("production"),
    };
    assert_eq!(outcome, Outcome::Dropped { guard });
    assert!(model.waiting().is_empty());
    assert_eq!(model.outcome(&wanted(2, "b", true, 1), 1), "claimed");
    model.accepted_there(2);
    model.told_there(ExecutionStatus::Succeeded, 60);
    // What has run here may run here again.
    model.deploy(&wanted(3, "c", true, 100), 100);
    assert_eq!(model.outcome(&wanted(2, "d", false, 200), 200), "claimed");
    assert!(matches!(
        staging().take(&wanted(2, "a", false, 0), 0).0,
        Outcome::Claimed { .. }
    ));
}

#[test]
fn force_ignores_interval_and_back_off_but_no_approval() {
    let policy = POLICY.replacen(
        r#""on_rejected": "roll_back""#,
        r#""on_rejected": "roll_back", "min_interval": "2h""#,
        1,
    );
    let mut model = Model::of_policy(&policy, &deploys("staging"));
    model.deploy(&approved(1, 0), 0);
    assert_eq!(model.outcome(&approved(2, 100), 100), "held");
    model.set(3, Rejected);
    assert_eq!(
        model.outcome(&wanted(3, "a", true, 101), 101),
        "not_approved"
    );
    assert_eq!(model.outcome(&wanted(4, "b", true, 102), 102), "claimed");
}

#[test]
fn success_promotes_to_the_next_environment_only() {
    let mut model = staging();
    let commands = model.deploy(&approved(2, 0), 0);
    let [Command::Errand(errand)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        errand.task.to_string(),
        "tell deploy#production of package 2 runs in staging at 2026-01-05T00:01:00Z"
    );
    let mut model = production();
    let commands = model.deploy(&wanted(2, "a", true, 0), 0);
    let told: Vec<String> = commands
        .iter()
        .map(|command| match command {
            Command::Errand(errand) => errand.task.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "give fraud-data the baselines of package 2",
            "give fraud-bias the baselines of package 2"
        ]
    );
}

#[test]
fn a_promotion_that_is_told_twice_is_one_deployment() {
    let mut model = staging();
    let Step::Commit(commit) = model.try_step(&approved(2, 0), None, 0).unwrap() else {
        panic!()
    };
    let (key, seen) = commit.marker.unwrap();
    assert_eq!(key, approved(2, 0).dedupe_key().unwrap());
    model.slot = *commit.slot;
    model.accepted_there(1);
    model.told_there(ExecutionStatus::Succeeded, 60);
    let again = model.try_step(&approved(2, 0), Some(&seen), 61).unwrap();
    let duplicate = Outcome::Duplicate {
        decision: 1,
        claim: Some(1),
    };
    assert_eq!(again, Step::Settled(duplicate));
    // Asking is remembered by its key, whatever it asks for.
    let (one, other) = (wanted(2, "a", false, 1), wanted(3, "a", true, 2));
    assert_eq!(one.dedupe_key(), other.dedupe_key());
}

#[test]
fn a_failed_or_superseded_deployment_is_recorded_and_not_tried_again() {
    for (status, name) in [
        (ExecutionStatus::Failed, "failed"),
        (ExecutionStatus::Superseded, "superseded"),
        (ExecutionStatus::Canceled, "canceled"),
        (ExecutionStatus::Stopped, "stopped"),
    ] {
        let mut model = staging();
        model.take(&approved(2, 0), 0);
        model.accepted_there(1);
        let (outcome, commands) = model.told_there(status, 60);
        assert_eq!((outcome.name(), commands.len()), (name, 0));
        assert!(model.waiting().is_empty() && model.runs().is_none());
        assert_eq!(model.slot.due_at, None);
    }
}

#[test]
fn a_policy_may_try_failed_and_superseded_deployments_again() {
    let policy = POLICY.replacen(
        r#""on_rejected": "roll_back""#,
        r#""back_off": {"initial": "10m", "cap": "1h", "max_failures": 3}"#,
        1,
    );
    let mut model = Model::of_policy(&policy, &deploys("staging"));
    model.take(&approved(2, 0), 0);
    model.accepted_there(1);
    model.told_there(ExecutionStatus::Superseded, 60);
    assert_eq!(model.outcome(&Event::Tick, 60), "claimed");
    model.accepted_there(61);
    model.told_there(ExecutionStatus::Failed, 100);
    assert_eq!(model.waiting(), [2]);
    assert_eq!(model.slot.due_at, Some(at(700)));
    assert_eq!(model.outcome(&Event::Tick, 700), "claimed");
    model.accepted_there(701);
    model.told_there(ExecutionStatus::Failed, 800);
    assert!(model.waiting().is_empty(), "that was the third time");
}

#[test]
fn a_retried_deployment_still_records_its_package() {
    for in_between in [true, false] {
        let mut model = staging();
        model.take(&approved(2, 0), 0);
        model.accepted_there(1);
        model.told_there(ExecutionStatus::Failed, 60);
        if in_between {
            assert_eq!(
                model.told_there(ExecutionStatus::InFlight, 70).0.name(),
                "reopened"
            );
        }
        let (outcome, commands) = model.told_there(ExecutionStatus::Succeeded, 90);
        assert_eq!((outcome.name(), commands.len()), ("succeeded", 1));
        assert_eq!(model.runs(), Some(2));
    }
}

#[test]
fn an_environment_of_an_observing_model_deploys_nothing() {
    let policy = POLICY.replacen('{', r#"{"mode": "observe","#, 1);
    let mut model = Model::of_policy(&policy, &deploys("staging"));
    let (outcome, commands) = model.take(&approved(2, 0), 0);
    assert_eq!((outcome.name(), commands.len()), ("would_start", 0));
    assert!(model.waiting().is_empty() && model.runs().is_none());
}

#[test]
fn the_package_that_runs_is_looked_at_every_hour() {
    let mut model = staging();
    model.deploy(&approved(2, 0), 0);
    model.has_told(61);
    assert_eq!(model.slot.due_at, Some(at(60 + HOUR)));
    assert_eq!(model.take(&Event::Tick, HOUR).1, []);
    let (_, commands) = model.take(&Event::Tick, 60 + HOUR);
    let [Command::Errand(errand)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        errand.task.to_string(),
        alloc::format!("tell package#{} of a look at what is due", package(2))
    );
    let current = model.slot.deployment.current.as_ref().unwrap();
    assert_eq!(current.look_at, at(60 + 2 * HOUR));
}

#[test]
fn lanes_refuse_each_others_events() {
    let lane = Lane::Package(package(2));
    let unwanted = vec![
        (staging(), alarmed("dq", 0)),
        (staging(), cleared("dq", 0)),
        (staging(), arrived([version("in/a", 1, 1)])),
        (staging(), Event::Registered { found: None }),
        (staging(), decided(true)),
        (Model::new(), approved(2, 0)),
        (Model::new(), rejected(2, 0)),
        (Model::new(), roll_back("a")),
        (Model::in_lane(&lane), approved(2, 0)),
        (Model::in_lane(&lane), rejected(2, 0)),
        (Model::in_lane(&lane), unpause()),
        (
            Model::in_lane(&lane),
            withdrawn(2, Withdrawal::Contested, 0),
        ),
    ];
    for (model, event) in unwanted {
        let refused = model.try_step(&event, None, 0).unwrap_err();
        assert!(matches!(refused, StepError::OtherLane { .. }), "{event}");
    }
}
