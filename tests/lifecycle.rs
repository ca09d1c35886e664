//! Every phase meets every event, and docs/LIFECYCLE.md says what comes of it.

mod deployment;
mod package;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use retrain_core::data::{Arrivals, ObjectVersion};
use retrain_core::drift::DriftKind;
use retrain_core::event::{
    Event, ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps, Withdrawal,
};
use retrain_core::execution::Execution;
use retrain_core::facts::{ControllerState, Facts, Lookup, Lookups, Timing};
use retrain_core::lane::Lane;
use retrain_core::names::{AlarmArn, ModelName};
use retrain_core::order::{Order, OrderKind};
use retrain_core::package::PackageApproval;
use retrain_core::policy::{Policy, PolicyInForce};
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::{Phase, Slot};
use retrain_core::step::{Step, StepError, step};
use retrain_core::token::Epoch;
use retrain_core::trigger::{Cause, Trigger};

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "drift": {"alarms": [{"alarm_name": "a*"}]},
    "data": {"objects": [{"bucket": "fraud", "prefix": "train/"}], "min_rows": 100},
    "no_improvement": {"steps": ["NotBetter"]},
    "min_interval": "6h"
}"#;

/// Far enough in the future that leases are over and looks are due.
const LATER: SignedDuration = SignedDuration::from_hours(1);

fn start() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

fn execution(id: &str) -> Execution {
    let arn =
        format!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/{id}");
    Execution::parse(&arn).unwrap()
}

fn alarm() -> AlarmArn {
    AlarmArn::parse("arn:aws:cloudwatch:us-east-1:111122223333:alarm:a").unwrap()
}

fn trigger(at: Timestamp) -> Event {
    Event::Trigger(Trigger {
        cause: Cause::Drift {
            alarm: alarm(),
            drift: DriftKind::DataQuality,
            evidence: None,
        },
        at,
    })
}

fn answered(answer: StartAnswer) -> Event {
    Event::StartAnswered {
        claim: 1,
        attempt: 1,
        answer,
    }
}

fn accepted() -> StartAnswer {
    StartAnswer::Accepted {
        execution: execution("own"),
        started_at: start(),
        adopted: false,
    }
}

fn refused(refusal: Refusal) -> Event {
    answered(StartAnswer::Refused {
        refusal,
        looked: false,
    })
}

fn status(id: &str, name: Option<&str>, status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution: execution(id),
        display_name: name.map(str::to_owned),
        status,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    })
}

fn no_improvement(name: Option<&str>) -> Event {
    let mut event = status("own", name, ExecutionStatus::Failed);
    if let Event::Status(report) = &mut event {
        report.steps.failed.push("NotBetter".to_owned());
    }
    event
}

fn data(rows: u64) -> Event {
    Event::Data(Arrivals {
        objects: vec![ObjectVersion {
            bucket: "fraud".to_owned(),
            key: "train/1.csv".to_owned(),
            version_id: None,
            etag: None,
            sequencer: Sequencer::parse("1").unwrap(),
            rows,
            bytes: 1,
            uncounted: None,
        }],
        ..Arrivals::default()
    })
}

/// One of every event, under a name for the document. `own` is the display name
/// that the slot's claim gives.
fn events(own: &str) -> Vec<(&'static str, Event)> {
    let what = || "what AWS said".to_owned();
    let own = Some(own);
    let mut events = vec![
        ("a trigger", trigger(start() + LATER)),
        (
            "the alarm clears",
            Event::AlarmCleared {
                alarm: alarm(),
                at: start() + LATER,
            },
        ),
        ("start accepted", answered(accepted())),
        (
            "start refused: no capacity",
            refused(Refusal::NoCapacity { what: what() }),
        ),
        (
            "start refused: misconfigured",
            refused(Refusal::Misconfigured { what: what() }),
        ),
        (
            "start unknown",
            answered(StartAnswer::Unknown { what: what() }),
        ),
        (
            "start not found, and nothing sent",
            answered(StartAnswer::Absent),
        ),
        (
            "own execution runs",
            status("own", own, ExecutionStatus::InFlight),
        ),
        (
            "own execution succeeded",
            status("own", own, ExecutionStatus::Succeeded),
        ),
        (
            "own execution failed",
            status("own", own, ExecutionStatus::Failed),
        ),
        ("own execution found no improvement", no_improvement(own)),
        (
            "own execution was superseded",
            status("own", own, ExecutionStatus::Superseded),
        ),
        (
            "own execution was canceled",
            status("own", own, ExecutionStatus::Canceled),
        ),
        (
            "own execution stopped",
            status("own", own, ExecutionStatus::Stopped),
        ),
        (
            "own execution is gone",
            status("own", None, ExecutionStatus::Gone),
        ),
        (
            "another execution runs",
            status("other", Some("by-hand"), ExecutionStatus::InFlight),
        ),
        ("a little data arrives", data(1)),
        ("enough data arrives", data(100)),
        ("a package is found", Event::Registered { found: None }),
        ("time passes", Event::Tick),
    ];
    events.extend(of_people());
    events
}

/// What people ask of a lane in which something starts.
fn of_people() -> [(&'static str, Event); 5] {
    [
        ("a person pauses", OrderKind::Pause),
        ("a person resumes", OrderKind::Resume),
        ("a person resets the breaker", OrderKind::ResetBreaker),
        ("a person abandons the claim", OrderKind::Abandon),
        ("a person removes the policy", OrderKind::Retire),
    ]
    .map(|(name, kind)| (name, ordered(kind)))
}

/// What a person asks.
fn ordered(kind: OrderKind) -> Event {
    Event::Order(Order::new(kind, "ana", "because"))
}

/// Fails to compile when an event is added that this file does not know.
fn number(event: &Event) -> usize {
    match event {
        Event::Trigger(_) => 0,
        Event::AlarmCleared { .. } => 1,
        Event::StartAnswered { .. } => 2,
        Event::Status(_) => 3,
        Event::Tick => 4,
        Event::Order(order) => match order.kind {
            OrderKind::Pause => 5,
            OrderKind::Resume => 6,
            OrderKind::ResetBreaker => 7,
            OrderKind::Abandon => 8,
            OrderKind::RollBack => 12,
            OrderKind::Approve | OrderKind::Reject => 17,
            OrderKind::Retire => 19,
        },
        Event::Data(_) => 9,
        Event::Registered { .. } => 10,
        Event::Withdrawn { .. } => 11,
        Event::EndpointRolledBack { .. } => 13,
        Event::ErrandDone { .. } => 14,
        Event::Package { .. } => 15,
        Event::SignOff(_) => 16,
        Event::PackageWritten { .. } => 18,
    }
}

fn name(slot: &Slot) -> &'static str {
    match (&slot.phase, &slot.closed) {
        (Phase::Idle, None) => "idle",
        (Phase::Idle, Some(_)) => "idle, run closed",
        (Phase::Starting(_), _) => "starting",
        (Phase::Running(_), _) => "running",
    }
}

/// A lane, with everything that a step in it needs around the slot.
struct World {
    policy: PolicyInForce,
    controller: ControllerState,
    /// What is found by whoever looks. No alarm is in ALARM any more.
    lookups: Lookups,
}

impl World {
    fn new(policy: &str, lane: &Lane, lookups: Lookups) -> Self {
        let policy = Policy::parse(policy).unwrap();
        let model = ModelName::parse("fraud").unwrap();
        Self {
            policy: PolicyInForce::new(model, 1, policy).in_lane(lane).unwrap(),
            controller: ControllerState {
                epoch: Epoch::derive(&["table"]),
                paused: None,
            },
            lookups,
        }
    }

    /// The outcome's name, or the error's, and the slot that follows.
    fn step(&self, slot: &Slot, event: &Event, now: Timestamp) -> (String, Slot) {
        let mut lookups = self.lookups.clone();
        if let (
            Event::Withdrawn {
                package, because, ..
            },
            Lookup::Found(packages),
        ) = (event, &mut lookups.packages)
        {
            // The registry says so too.
            let of = packages.iter_mut().find(|one| one.package == *package);
            if let Some(described) = of.filter(|_| *because == Withdrawal::Rejected) {
                described.approval = PackageApproval::Rejected;
            }
        }
        let facts = Facts {
            lookups: Some(&lookups),
            ..Facts::new(&self.controller, Timing::default())
        };
        match step(slot, event, &facts, &self.policy, now) {
            Ok(Step::Commit(commit)) => {
                let outcome = commit
                    .decision
                    .map_or("looks again", |decision| decision.outcome.name());
                (outcome.to_owned(), *commit.slot)
            }
            Ok(Step::Settled(outcome)) => (outcome.name().to_owned(), slot.clone()),
            Ok(Step::NeedFacts(needed)) => panic!("{needed:?}"),
            Err(error) => (format!("error: {}", variant(&error)), slot.clone()),
        }
    }

    /// What this history makes of a slot.
    fn after(&self, slot: &Slot, history: impl IntoIterator<Item = Event>) -> Slot {
        history.into_iter().fold(slot.clone(), |slot, event| {
            self.step(&slot, &event, start()).1
        })
    }

    /// What follows for each slot and each of its events, an hour later.
    fn meet(
        &self,
        slots: &[Slot],
        events: impl Fn(&Slot) -> Vec<(&'static str, Event)>,
        name: impl Fn(&Slot) -> &'static str,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for slot in slots {
            for (label, event) in events(slot) {
                let (outcome, next) = self.step(slot, &event, start() + LATER);
                rows.push([name(slot), label, &outcome, name(&next)].map(str::to_owned));
            }
        }
        rows
    }
}

/// A phase, an event, what comes of it, and the phase after it.
type Row = [String; 4];

fn variant(error: &StepError) -> &'static str {
    match error {
        StepError::FromTheFuture { .. } => "FromTheFuture",
        StepError::NoSuchClaim { .. } => "NoSuchClaim",
        StepError::OtherLane { .. } => "OtherLane",
    }
}

/// What follows for each phase and event of retraining.
fn transitions() -> Vec<Row> {
    let world = World::new(POLICY, &Lane::Retrain, Lookups::default());
    let idle = Slot::new();
    let starting = world.after(&idle, [trigger(start())]);
    let running = world.after(&starting, [answered(accepted())]);
    let failed = status("own", None, ExecutionStatus::Failed);
    let closed = world.after(&running, [failed]);
    let own = match &starting.phase {
        Phase::Starting(claim) => claim.token.display_name(),
        other => panic!("{other:?}"),
    };
    world.meet(&[idle, starting, running, closed], |_| events(&own), name)
}

/// A diagram and a table of the rows, which begin in the first one's phase.
fn write_rows(text: &mut String, of: &str, rows: &[Row]) {
    let mut edges: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for [from, _, outcome, to] in rows {
        if from != to
            || !["unchanged", "looks again"].contains(&outcome.as_str())
                && !outcome.starts_with("error")
        {
            edges.entry((from, to)).or_default().insert(outcome);
        }
    }
    let id = |name: &str| name.replace(", ", "_").replace("run closed", "closed");
    let first = id(&rows[0][0]);
    write!(text, "```mermaid\nstateDiagram-v2\n    [*] --> {first}\n").unwrap();
    for ((from, to), outcomes) in edges {
        let outcomes: Vec<&str> = outcomes.into_iter().collect();
        let outcomes = outcomes.join(", ");
        writeln!(text, "    {} --> {}: {outcomes}", id(from), id(to)).unwrap();
    }
    write!(
        text,
        "```\n\n| {of} | event | outcome | next {of} |\n|---|---|---|---|\n"
    )
    .unwrap();
    for [from, event, outcome, to] in rows {
        writeln!(text, "| {from} | {event} | `{outcome}` | {to} |").unwrap();
    }
}

fn document() -> String {
    let mut text = String::from(
        "# The life-cycle of a slot\n\n\
         Made from the code by `make lifecycle`, and checked by a test. Each event meets a fresh\n\
         slot of each phase an hour later: leases are over, looks are due, nothing is held.\n\n\
         ## Retraining\n\n",
    );
    write_rows(&mut text, "phase", &transitions());
    text.push_str(
        "\n## Deployments to an environment\n\n\
         The claims are those of retraining. Package 1 has run before package 2, which runs in the\n\
         last three phases; package 3 is the one that is claimed. All are approved, but for the one\n\
         that an event says is rejected.\n\n",
    );
    write_rows(&mut text, "phase", &deployment::transitions());
    text.push_str(
        "\n## Decisions about a package\n\n\
         The gate asks for one sign-off besides, and leaves the package to people until it is there.\n\n",
    );
    write_rows(&mut text, "state", &package::transitions());
    text
}

#[test]
fn the_life_cycle_in_the_docs_is_that_of_the_code() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/LIFECYCLE.md");
    let document = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "docs/LIFECYCLE.md is out of date: run `make lifecycle`"
    );
}

#[test]
fn every_event_meets_every_phase_of_its_lane() {
    let numbers = |events: Vec<(&'static str, Event)>| -> BTreeSet<usize> {
        events.iter().map(|(_, event)| number(event)).collect()
    };
    let retraining = numbers(events("x"));
    assert_eq!(retraining, (0..=10).chain([19]).collect());
    let deployments = numbers(deployment::events());
    assert_eq!(
        deployments,
        BTreeSet::from([0, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 19])
    );
    let packages = numbers(package::events(1));
    assert_eq!(packages, BTreeSet::from([4, 14, 15, 16, 17, 18, 19]));
    let phases =
        |rows: &[Row]| -> BTreeSet<String> { rows.iter().map(|[from, ..]| from.clone()).collect() };
    assert_eq!(phases(&transitions()).len(), 4);
    assert_eq!(phases(&deployment::transitions()).len(), 4);
    assert_eq!(phases(&package::transitions()).len(), 7);
}
