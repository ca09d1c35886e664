//! The lane of an environment.

use retrain_core::event::Withdrawal;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps};
use retrain_core::execution::Execution;
use retrain_core::facts::{Lookup, Lookups};
use retrain_core::lane::Lane;
use retrain_core::names::{EndpointName, EnvironmentName, ModelPackageArn};
use retrain_core::order::OrderKind;
use retrain_core::package::{PackageApproval, PackageDescription, PackageStatus};
use retrain_core::slot::{Phase, Slot};
use retrain_core::trigger::{Cause, Deploys, Trigger};

use super::{LATER, Row, World, of_people, ordered, start};

pub(super) const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "model_package_group": "fraud",
    "gate": {
        "conditions": [{"metric": "auc", "at_least": 0.9}],
        "required_signoffs": ["technical"]
    },
    "environments": [
        {"name": "staging", "pipeline": "fraud-staging", "variables": {}},
        {
            "name": "production",
            "pipeline": "fraud-production",
            "variables": {"ARN": "{model_package_arn}"},
            "on_rejected": "roll_back",
            "endpoint": "fraud"
        }
    ],
    "min_interval": "6h"
}"#;

pub(super) fn package(version: u64) -> ModelPackageArn {
    let group = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud";
    ModelPackageArn::parse(format!("{group}/{version}")).unwrap()
}

pub(super) fn described(version: u64, approval: PackageApproval) -> PackageDescription {
    PackageDescription {
        status: PackageStatus::Completed,
        approval,
        ..PackageDescription::gone(package(version))
    }
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).unwrap()
}

fn deploys(version: u64, because: Deploys) -> Event {
    Event::Trigger(Trigger {
        cause: Cause::Deployment {
            package: package(version),
            because,
        },
        at: start(),
    })
}

fn promoted(version: u64) -> Event {
    let from = environment("staging");
    deploys(version, Deploys::Promoted { from })
}

fn asked(version: u64) -> Event {
    let because = Deploys::Asked {
        key: "k".to_owned(),
        by: "ana".to_owned(),
        why: "because".to_owned(),
        force: false,
    };
    deploys(version, because)
}

fn withdrawn(version: u64, because: Withdrawal) -> Event {
    Event::Withdrawn {
        package: package(version),
        because,
        at: start(),
    }
}

/// The execution of the claim that deploys this package.
fn execution(version: u64) -> Execution {
    let id = format!("0b1a2c3d-0000-4000-8000-{version:012}");
    Execution::parse(&format!("codepipeline/fraud-production/{id}")).unwrap()
}

fn answered(claim: u64, answer: StartAnswer) -> Event {
    Event::StartAnswered {
        claim,
        attempt: 1,
        answer,
    }
}

fn accepted(claim: u64) -> Event {
    let answer = StartAnswer::Accepted {
        execution: execution(claim),
        started_at: start(),
        adopted: false,
    };
    answered(claim, answer)
}

fn status(claim: u64, status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution: execution(claim),
        display_name: None,
        status,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    })
}

fn refused(refusal: Refusal) -> Event {
    let answer = StartAnswer::Refused {
        refusal,
        looked: false,
    };
    answered(3, answer)
}

/// One of every event, under a name for the document.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let what = || "what AWS said".to_owned();
    let mut events = vec![
        ("package 3 runs in the environment before", promoted(3)),
        ("package 1 runs in the environment before", promoted(1)),
        ("a person asks for package 1", asked(1)),
        ("package 3 is rejected", withdrawn(3, Withdrawal::Rejected)),
        ("package 2 is rejected", withdrawn(2, Withdrawal::Rejected)),
        (
            "package 2 is pending again",
            withdrawn(2, Withdrawal::NotApproved),
        ),
        (
            "package 2 is contested",
            withdrawn(2, Withdrawal::Contested),
        ),
        ("a person rolls back", ordered(OrderKind::RollBack)),
        (
            "the endpoint rolls back",
            Event::EndpointRolledBack {
                endpoint: EndpointName::parse("fraud").unwrap(),
                what: what(),
                at: start() + LATER,
            },
        ),
        ("start accepted", accepted(3)),
        (
            "start refused: no capacity",
            refused(Refusal::NoCapacity { what: what() }),
        ),
        (
            "start unknown",
            answered(3, StartAnswer::Unknown { what: what() }),
        ),
        (
            "start not found, and nothing sent",
            answered(3, StartAnswer::Absent),
        ),
        (
            "own execution succeeded",
            status(3, ExecutionStatus::Succeeded),
        ),
        ("own execution failed", status(3, ExecutionStatus::Failed)),
        (
            "own execution was superseded",
            status(3, ExecutionStatus::Superseded),
        ),
        ("own execution stopped", status(3, ExecutionStatus::Stopped)),
        (
            "another execution runs",
            status(9, ExecutionStatus::InFlight),
        ),
        (
            "an errand is done",
            Event::ErrandDone {
                number: 1,
                baseline: None,
            },
        ),
        ("time passes", Event::Tick),
    ];
    events.extend(of_people());
    events
}

fn name(slot: &Slot) -> &'static str {
    match (&slot.phase, &slot.deployment.current) {
        (Phase::Idle, None) => "idle, empty",
        (Phase::Idle, Some(_)) => "idle",
        (Phase::Starting(_), _) => "starting",
        (Phase::Running(_), _) => "running",
    }
}

/// What follows for each phase and event.
pub(super) fn transitions() -> Vec<Row> {
    let approved = (1..=3).map(|version| described(version, PackageApproval::Approved));
    let lookups = Lookups {
        packages: Lookup::Found(approved.collect()),
        ..Lookups::default()
    };
    let lane = Lane::Deploy(environment("production"));
    let world = World::new(POLICY, &lane, lookups);
    let empty = Slot::new();
    let deployed = |version| {
        [
            promoted(version),
            accepted(version),
            status(version, ExecutionStatus::Succeeded),
        ]
    };
    let idle = world.after(&empty, deployed(1).into_iter().chain(deployed(2)));
    let starting = world.after(&idle, [promoted(3)]);
    let running = world.after(&starting, [accepted(3)]);
    world.meet(&[empty, idle, starting, running], |_| events(), name)
}
