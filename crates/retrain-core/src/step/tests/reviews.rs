//! What is decided about one package, and what follows for the environments.

use super::release::*;
use super::*;
use crate::errand::Task;
use crate::event::Withdrawal;
use crate::facts::ReviewNeeded;
use crate::gate;
use crate::package::{PackageDescription, PackageStatus, ReportUris};
use crate::policy::Mode;

const DAY: i64 = 24 * HOUR;

fn in_status(status: PackageStatus) -> PackageDescription {
    PackageDescription {
        status,
        ..described(2, Pending)
    }
}

#[test]
fn what_the_gate_needs_is_asked_for_before_it_looks() {
    let mut model = review("0.95");
    model.lookups = None;
    let Step::NeedFacts(needed) = model.try_step(&seen(2, Pending), None, 0).unwrap() else {
        panic!()
    };
    let expected = ReviewNeeded {
        package: described(2, Pending),
        champion_of: model.policy.policy.model_package_group.clone(),
        origin: true,
    };
    assert_eq!(needed.review.as_deref(), Some(&expected));
}

#[test]
fn the_gate_approves_and_the_first_environment_is_told_after_a_moment() {
    let mut model = review("0.95");
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    let Outcome::Writing { write, verdict } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(verdict.unwrap().outcome, gate::Outcome::Approve);
    let decision = write.update.approval.as_ref().unwrap();
    assert_eq!((decision.approval, decision.over), (Approved, Pending));
    assert_eq!(commands, [Command::UpdatePackage(write)]);
    assert_eq!(model.errands(), [""; 0], "nothing is told before it stands");

    let (outcome, commands) = model.take(&wrote(1, 1, 0, 2), 2);
    assert_eq!(outcome, Outcome::Wrote { number: 1 });
    let look = Command::DescribePackage {
        package: package(2),
    };
    assert_eq!(commands, [look]);

    let (outcome, commands) = model.take(&seen(2, Approved), 3);
    let told = Outcome::Approved {
        by_controller: true,
        told: 1,
    };
    assert_eq!((outcome, commands), (told, vec![]));
    assert_eq!(
        model.errands(),
        ["tell deploy#staging of package 2 was approved at 2026-01-05T00:00:03Z"]
    );
    assert_eq!(model.slot.due_at, Some(at(3 + MOMENT)));
    assert_eq!(
        model.take(&Event::Tick, 2 + MOMENT).1.len(),
        1,
        "only a look"
    );
    let (_, commands) = model.take(&Event::Tick, 3 + MOMENT);
    assert!(matches!(commands[..], [Command::Errand(_), ..]));
}

#[test]
fn the_gate_rejects_and_every_environment_is_told() {
    let mut model = review("0.7");
    let (outcome, _) = model.take(&seen(2, Pending), 0);
    let Outcome::Writing { write, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let decision = write.update.approval.unwrap();
    assert_eq!((decision.approval, decision.over), (Rejected, Pending));
    model.take(&wrote(1, 1, 0, 2), 2);
    let (outcome, commands) = model.take(&seen(2, Rejected), 3);
    let told = Outcome::Rejected {
        by_controller: true,
        told: 2,
    };
    assert_eq!((outcome, commands.len()), (told, 2));
    assert_eq!(
        model.errands(),
        [
            "tell deploy#staging of package 2 was rejected",
            "tell deploy#production of package 2 was rejected"
        ]
    );
}

#[test]
fn what_the_gate_cannot_decide_waits_for_a_person_with_all_that_helps() {
    let mut model = review("0.9");
    let mut found = described(2, Pending);
    let report = "s3://fraud/evaluation.json";
    found.reports = ReportUris {
        evaluation: Some(report.into()),
        ..ReportUris::default()
    };
    let made_by = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e1";
    found.generated_by = Some(crate::names::PipelineExecutionArn::parse(made_by).unwrap());
    let (outcome, commands) = model.take(&shown(found), 0);
    let Outcome::AwaitsPerson {
        why,
        verdict,
        reports,
        lineage_url,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(why, "a person decides");
    assert_eq!(verdict.unwrap().outcome, gate::Outcome::AskPerson);
    assert_eq!(reports.evaluation.as_deref(), Some(report));
    assert!(lineage_url.unwrap().ends_with(made_by));
    assert_eq!(commands, [], "nothing is known that could be pinned");
    assert_eq!(model.slot.due_at, Some(at(HOUR)));
}

#[test]
fn reminders_repeat_and_never_decide() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    let mut reminded = vec![];
    for hour in 1..=100 {
        let (_, commands) = model.take(&Event::Tick, hour * HOUR);
        let look = Command::DescribePackage {
            package: package(2),
        };
        assert_eq!(commands, [look], "it is looked at every hour");
        let (outcome, commands) = model.take(&seen(2, Pending), hour * HOUR + 1);
        assert_eq!(commands, []);
        match outcome {
            Outcome::Reminded {
                since, reminders, ..
            } => {
                assert_eq!(
                    (since, reminders),
                    (at(0), reminded.len().try_into().unwrap())
                );
                reminded.push(hour);
            }
            other => assert_eq!(other.name(), "unchanged"),
        }
    }
    assert_eq!(reminded, [24, 48, 72, 96]);
    // The policy says how often.
    let weekly = POLICY.replacen(
        r#""conditions""#,
        r#""remind_every": "1w", "conditions""#,
        1,
    );
    let mut model = looked_at(Model::of_policy(&weekly, &lane(2)), "0.9");
    model.take(&seen(2, Pending), 0);
    assert_eq!(model.outcome(&seen(2, Pending), 7 * DAY - 1), "unchanged");
    assert_eq!(model.outcome(&seen(2, Pending), 7 * DAY), "reminded");
}

#[test]
fn the_gate_looks_once() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    let better = looked_at(model, "0.99");
    let mut model = better;
    for seconds in [1, HOUR, 2 * HOUR] {
        assert_eq!(model.take(&seen(2, Pending), seconds).1, []);
    }
    // A person approves, and another sets it back.
    assert_eq!(model.outcome(&seen(2, Approved), 3 * HOUR), "approved");
    let (outcome, _) = model.take(&seen(2, Pending), 4 * HOUR);
    let told = Outcome::Undecided {
        status: PackageStatus::Completed,
        told: 2,
    };
    assert_eq!(outcome, told);
    assert!(model.slot.review.as_ref().unwrap().waits.is_some());
    assert_eq!(
        model.errands()[0],
        "tell deploy#staging of package 2 is no longer approved"
    );
    assert_eq!(model.outcome(&seen(2, Pending), 5 * HOUR), "unchanged");
    assert_eq!(model.outcome(&seen(2, Approved), 6 * HOUR), "approved");
}

#[test]
fn a_package_is_judged_when_it_is_whole() {
    let mut model = review("0.95");
    let (outcome, commands) = model.take(&shown(in_status(PackageStatus::InProgress)), 0);
    assert_eq!((outcome.name(), commands.len()), ("package_noted", 0));
    assert_eq!(model.slot.due_at, Some(at(HOUR)), "its event may be lost");
    let again = shown(in_status(PackageStatus::InProgress));
    assert_eq!(model.outcome(&again, 10), "unchanged");
    assert_eq!(model.outcome(&seen(2, Pending), 20), "writing");

    let mut model = review("0.95");
    assert_eq!(
        model.outcome(&shown(in_status(PackageStatus::Failed)), 0),
        "package_noted"
    );
    assert_eq!(model.slot.due_at, None);
}

#[test]
fn an_approval_of_what_is_not_whole_is_told_when_it_is() {
    let mut model = review("0.95");
    let mut found = described(2, Approved);
    found.status = PackageStatus::InProgress;
    assert_eq!(model.outcome(&shown(found), 0), "package_noted");
    assert_eq!(model.slot.due_at, Some(at(HOUR)));
    assert_eq!(model.outcome(&seen(2, Approved), 10), "approved");
    assert_eq!(model.errands().len(), 1);
}

#[test]
fn without_a_gate_a_package_is_only_looked_at() {
    let gate =
        r#""gate": {"conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]},"#;
    let mut model = looked_at(
        Model::of_policy(&POLICY.replacen(gate, "", 1), &lane(2)),
        "0.7",
    );
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    assert_eq!((outcome.name(), commands.len()), ("package_noted", 0));
    assert_eq!(model.slot.due_at, Some(at(HOUR)));
    assert_eq!(model.take(&seen(2, Pending), HOUR).0.name(), "unchanged");
    assert_eq!(model.outcome(&seen(2, Approved), 2 * HOUR), "approved");
}

#[test]
fn a_persons_decision_is_told_at_once() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    let (outcome, commands) = model.take(&seen(2, Approved), 10);
    let told = Outcome::Approved {
        by_controller: false,
        told: 1,
    };
    assert_eq!((outcome, commands.len()), (told, 1));
    assert!(model.slot.review.as_ref().unwrap().waits.is_none());
    let (outcome, commands) = model.take(&seen(2, Rejected), 20);
    let told = Outcome::Rejected {
        by_controller: false,
        told: 2,
    };
    assert_eq!((outcome, commands.len()), (told, 2));
    let left = ["staging", "production"];
    let left = left.map(|name| alloc::format!("tell deploy#{name} of package 2 was rejected"));
    assert_eq!(
        model.errands(),
        left,
        "the approval need not be told any more"
    );
    assert_eq!(model.slot.review.as_ref().unwrap().look_at, None);
}

#[test]
fn a_metadata_edit_is_no_decision() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    model.take(&seen(2, Approved), 10);
    let told = model.errands();
    let mut edited = described(2, Approved);
    edited.metadata.insert("team".into(), "risk".into());
    edited.modified_at = Some(at(19));
    let event = Event::Package {
        description: Box::new(edited),
        told: Some(crate::event::Told {
            approval: Some(Approved),
            at: at(19),
        }),
    };
    let (outcome, commands) = model.take(&event, 20);
    assert_eq!((outcome.name(), commands.len()), ("unchanged", 0));
    assert_eq!(model.errands(), told);
}

#[test]
fn what_is_deleted_is_taken_back() {
    let mut model = review("0.9");
    model.take(&seen(2, Approved), 0);
    let (outcome, _) = model.take(&shown(PackageDescription::gone(package(2))), 10);
    let told = Outcome::Undecided {
        status: PackageStatus::Deleting,
        told: 2,
    };
    assert_eq!(outcome, told);
    let review = model.slot.review.as_ref().unwrap();
    assert!(review.waits.is_none() && review.look_at.is_none());
}

#[test]
fn observing_decides_nothing() {
    let policy = POLICY.replacen('{', r#"{"mode": "observe","#, 1);
    let mut model = looked_at(Model::of_policy(&policy, &lane(2)), "0.95");
    with_origin(&mut model);
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    assert_eq!((outcome.name(), commands.len()), ("would_decide", 0));
    assert_eq!(model.take(&seen(2, Pending), HOUR).1, []);
    let (outcome, commands) = model.take(&decided(true), 2 * HOUR);
    assert_eq!((outcome.name(), commands.len()), ("not_taken", 0));
    // What people decide is told: the environments observe too.
    let (outcome, commands) = model.take(&seen(2, Approved), 3 * HOUR);
    assert_eq!((outcome.name(), commands.len()), ("approved", 1));
    assert_eq!(model.slot.review.as_ref().unwrap().writes, 0);
}

#[test]
fn a_withdrawal_is_told_of_any_package_that_loses_its_approval() {
    for (now, because) in [
        (seen(2, Rejected), Withdrawal::Rejected),
        (seen(2, Pending), Withdrawal::NotApproved),
        (
            shown(in_status(PackageStatus::Failed)),
            Withdrawal::NotApproved,
        ),
    ] {
        let mut model = review("0.9");
        model.take(&seen(2, Approved), 0);
        model.take(&now, 10);
        let expected = alloc::format!("tell deploy#staging of package 2 {because}");
        assert_eq!(model.errands()[0], expected);
    }
}

#[test]
fn what_a_person_has_set_back_is_not_for_the_gate() {
    let mut model = review("0.95");
    assert_eq!(model.outcome(&seen(2, Approved), 0), "approved");
    assert_eq!(model.outcome(&seen(2, Pending), 100), "undecided");
    assert_eq!(model.outcome(&seen(2, Pending), 200), "unchanged");
    assert!(model.slot.review.unwrap().verdict.is_none());
}

#[test]
fn what_was_judged_under_observation_is_decided_when_the_policy_acts() {
    let mut model = review("0.95");
    with_origin(&mut model);
    model.policy.policy.mode = Mode::Observe;
    assert_eq!(model.outcome(&seen(2, Pending), 0), "would_decide");
    assert_eq!(model.outcome(&seen(2, Pending), 10), "unchanged");
    model.policy.policy.mode = Mode::Act;
    assert_eq!(model.outcome(&seen(2, Pending), 20), "writing");
}

#[test]
fn nobody_is_reminded_of_a_package_that_is_gone() {
    let mut model = review("0.895");
    with_origin(&mut model);
    assert_eq!(model.outcome(&seen(2, Pending), 0), "awaits_person");
    let gone = PackageDescription::gone(package(2));
    model.take(&shown(gone), 100);
    assert!(model.slot.review.as_ref().unwrap().waits.is_none());
}

#[test]
fn what_the_environments_are_told_is_in_order_however_far_a_clock_lags() {
    let mut model = review("0.95");
    let mut told = Vec::new();
    for (approval, seconds) in [(Approved, 10), (Rejected, 7), (Approved, 5)] {
        model.take(&seen(2, approval), seconds);
        let last = model.slot.errands.open().last().unwrap();
        let Task::Tell { event, .. } = &last.task else {
            panic!("{last:?}")
        };
        told.push(*event.clone());
    }
    let [
        Event::Trigger(first),
        Event::Withdrawn { at, .. },
        Event::Trigger(again),
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert!(first.at < *at && *at < again.at, "{told:?}");
    assert_ne!(first.dedupe_key(), again.dedupe_key());
}
