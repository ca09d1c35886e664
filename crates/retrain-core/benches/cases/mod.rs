//! One event of each kind, with everything that a function would have read.

use jiff::{SignedDuration, Timestamp};
use retrain_core::data::{Arrivals, KnownObjects, ObjectVersion};
use retrain_core::drift::DriftKind;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus, StartAnswer, Steps};
use retrain_core::execution::Execution;
use retrain_core::facts::{ControllerState, Facts, Seen, Timing};
use retrain_core::names::{AlarmArn, ModelName};
use retrain_core::policy::{Policy, PolicyInForce};
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::Slot;
use retrain_core::step::{Step, step};
use retrain_core::token::Epoch;
use retrain_core::trigger::{Cause, Trigger};

/// What can be decided about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A cause that was told before: by far the most frequent one while an alarm flaps.
    Duplicate,
    /// A look at a model for which nothing is due.
    LookedAt,
    /// A cause that waits for the run that is in flight.
    Held,
    /// An object that is counted, and is not enough.
    Counted,
    /// A cause that claims a start.
    Claimed,
    /// The end of a run, after which what waits is claimed.
    Ended,
}

/// An event about a model.
pub(crate) struct Case {
    model: Model,
    event: Event,
    seen: Option<Seen>,
}

impl Case {
    pub(crate) fn of(kind: Kind) -> Self {
        let (model, event) = match kind {
            Kind::Duplicate => (Model::running(), drift("data-quality", 0)),
            Kind::LookedAt => (Model::running(), Event::Tick),
            Kind::Held => (Model::running(), drift("model-quality", 50)),
            Kind::Counted => (Model::running(), data(2)),
            Kind::Claimed => (Model::new(), drift("data-quality", 50)),
            Kind::Ended => (Model::running(), succeeded()),
        };
        let seen = (kind == Kind::Duplicate).then_some(Seen {
            decision: 1,
            claim: Some(1),
        });
        Self { model, event, seen }
    }

    /// The facts that go with it.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            seen: self.seen.as_ref(),
            ..self.model.facts()
        }
    }

    /// Decides.
    pub(crate) fn step(&self, facts: &Facts<'_>) -> Step {
        let Model { slot, policy, .. } = &self.model;
        step(slot, &self.event, facts, policy, at(60)).unwrap()
    }
}

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "parameters": {"ControllerToken": "{token}"},
    "drift": {"alarms": [{"endpoint": "fraud-prod"}]},
    "data": {"objects": [{"bucket": "fraud", "prefix": "train/"}], "min_rows": 10000},
    "min_interval": "6h"
}"#;

/// A model, and what is known around it.
struct Model {
    slot: Slot,
    policy: PolicyInForce,
    controller: ControllerState,
    objects: KnownObjects,
}

impl Model {
    fn new() -> Self {
        let name = ModelName::parse("fraud").unwrap();
        Self {
            slot: Slot::new(),
            policy: PolicyInForce::new(name, 1, Policy::parse(POLICY).unwrap()),
            controller: ControllerState {
                epoch: Epoch::derive(&["bench"]),
                paused: None,
            },
            objects: KnownObjects::new(),
        }
    }

    /// A model whose execution runs, behind which other causes wait.
    fn running() -> Self {
        let mut model = Self::new();
        model.take(&drift("data-quality", 0), 0);
        let answer = StartAnswer::Accepted {
            execution: execution(),
            started_at: at(1),
            adopted: false,
        };
        let answered = Event::StartAnswered {
            claim: 1,
            attempt: 1,
            answer,
        };
        model.take(&answered, 1);
        model.take(&drift("bias", 30), 30);
        model.take(&data(1), 40);
        model
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            objects: &self.objects,
            ..Facts::new(&self.controller, Timing::default())
        }
    }

    fn take(&mut self, event: &Event, seconds: i64) {
        let taken = step(&self.slot, event, &self.facts(), &self.policy, at(seconds));
        let Ok(Step::Commit(commit)) = taken else {
            panic!("{taken:?}")
        };
        self.slot = *commit.slot;
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000) + SignedDuration::from_secs(seconds)
}

fn drift(alarm: &str, seconds: i64) -> Event {
    let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{alarm}");
    Event::Trigger(Trigger {
        cause: Cause::Drift {
            alarm: AlarmArn::parse(&arn).unwrap(),
            drift: DriftKind::DataQuality,
            evidence: None,
        },
        at: at(seconds),
    })
}

fn data(number: u64) -> Event {
    let version = ObjectVersion {
        bucket: "fraud".to_owned(),
        key: format!("train/part-{number:05}.parquet"),
        version_id: None,
        etag: None,
        sequencer: Sequencer::parse("0062E99A88DC407A").unwrap(),
        rows: 100,
        bytes: 10_000,
        uncounted: None,
    };
    Event::Data(Arrivals {
        objects: vec![version],
        ..Arrivals::default()
    })
}

fn execution() -> Execution {
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e1";
    Execution::parse(arn).unwrap()
}

fn succeeded() -> Event {
    Event::Status(ExecutionReport {
        execution: execution(),
        display_name: None,
        status: ExecutionStatus::Succeeded,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    })
}
