//! The life-cycle, transition by transition.

mod answers;
mod code;
mod data;
mod deployments;
mod ended;
mod generations;
mod guards;
mod people;
mod release;
mod retired;
mod retried;
mod reviews;
mod rollbacks;
mod runs;
mod signals;
mod targets;
mod triggers;
mod untold;
mod window;
mod writes;

use alloc::string::{String, ToString};

use super::*;
use crate::data::{Arrivals, KnownObjects, ObjectVersion, Tally};
use crate::decision::Stale;
use crate::drift::DriftKind;
use crate::event::{ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps};
use crate::facts::{ControllerState, Lookup, Lookups, Timing};
use crate::names::{ModelName, ModelPackageArn};
use crate::order::{Order, OrderKind};
use crate::policy::Policy;
use crate::policy::tests::SAMPLE;
use crate::sequencer::Sequencer;
use crate::slot::Pause;
use crate::token::Epoch;
use crate::trigger::tests::{alarm, at, drift};
use crate::trigger::{Cause, Trigger};

/// A slot with everything that a step needs around it. Markers are the test's
/// business: `seen` says what the store would say.
pub(super) struct Model {
    pub(super) slot: Slot,
    pub(super) policy: PolicyInForce,
    pub(super) controller: ControllerState,
    pub(super) lookups: Option<Lookups>,
    /// What the store remembers of objects.
    pub(super) objects: KnownObjects,
    pub(super) may_start: bool,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::new(),
            policy: PolicyInForce::new(
                ModelName::parse("fraud-detection").unwrap(),
                3,
                Policy::parse(SAMPLE).unwrap(),
            ),
            controller: ControllerState {
                epoch: Epoch::derive(&["table"]),
                paused: None,
            },
            lookups: Some(Lookups {
                training_data_uri: Lookup::Found("s3://fraud/data/".into()),
                baseline: Lookup::Found(
                    ModelPackageArn::parse(
                        "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/4",
                    )
                    .unwrap(),
                ),
                ..Lookups::default()
            }),
            objects: KnownObjects::new(),
            may_start: true,
        }
    }

    /// A model whose policy has these further fields.
    pub(super) fn with(fields: &str) -> Self {
        let mut model = Self::new();
        let policy = SAMPLE.replacen('{', &alloc::format!("{{{fields},"), 1);
        model.policy.policy = Policy::parse(&policy).unwrap();
        model
    }

    pub(super) fn try_step(
        &self,
        event: &Event,
        seen: Option<&Seen>,
        seconds: i64,
    ) -> Result<Step, StepError> {
        let facts = Facts {
            seen,
            lookups: self.lookups.as_ref(),
            objects: &self.objects,
            may_start: self.may_start,
            ..Facts::new(&self.controller, Timing::default())
        };
        step(&self.slot, event, &facts, &self.policy, at(seconds))
    }

    /// Steps and commits; gives the outcome and the commands.
    pub(super) fn take(&mut self, event: &Event, seconds: i64) -> (Outcome, Vec<Command>) {
        match self.try_step(event, None, seconds).unwrap() {
            Step::Settled(outcome) => (outcome, vec![]),
            Step::Commit(commit) => {
                assert_eq!(commit.slot.version, self.slot.version + 1);
                self.slot = *commit.slot;
                for write in commit.objects {
                    let id = write.record.version.id();
                    let stored = self.objects.get(&id).map(|known| &known.version.sequencer);
                    assert_eq!(stored, write.expected.as_ref(), "the store refuses it");
                    self.objects.insert(id, write.record);
                }
                let moved = Outcome::Unchanged {
                    because: Unchanged::NothingDue,
                };
                let outcome = commit.decision.map_or(moved, |decision| decision.outcome);
                (outcome, commit.commands)
            }
            Step::NeedFacts(needed) => panic!("{needed:?}"),
        }
    }

    pub(super) fn outcome(&mut self, event: &Event, seconds: i64) -> &'static str {
        self.take(event, seconds).0.name()
    }

    pub(super) fn start(&mut self, seconds: i64) -> Execution {
        assert_eq!(self.outcome(&alarmed("dq", seconds), seconds), "claimed");
        let claim = self.slot.claims;
        assert_eq!(self.outcome(&accepted(claim, seconds), seconds), "started");
        execution(claim)
    }
}

pub(super) fn alarmed(name: &str, seconds: i64) -> Event {
    Event::Trigger(drift(name, seconds))
}

pub(super) fn cleared(name: &str, seconds: i64) -> Event {
    Event::AlarmCleared {
        alarm: alarm(name),
        at: at(seconds),
    }
}

pub(super) fn execution(claim: u64) -> Execution {
    let text = alloc::format!(
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e{claim}"
    );
    Execution::parse(&text).unwrap()
}

pub(super) fn answered(claim: u64, attempt: u32, answer: StartAnswer) -> Event {
    Event::StartAnswered {
        claim,
        attempt,
        answer,
    }
}

pub(super) fn accepted(claim: u64, seconds: i64) -> Event {
    let answer = StartAnswer::Accepted {
        execution: execution(claim),
        started_at: at(seconds),
        adopted: false,
    };
    answered(claim, 1, answer)
}

pub(super) fn no_capacity() -> StartAnswer {
    let what = "ResourceLimitExceeded".to_string();
    StartAnswer::Refused {
        refusal: Refusal::NoCapacity { what },
        looked: false,
    }
}

pub(super) fn refused_for_good() -> StartAnswer {
    let what = "ResourceNotFound".to_string();
    StartAnswer::Refused {
        refusal: Refusal::Misconfigured { what },
        looked: false,
    }
}

pub(super) fn ended(claim: u64, status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution: execution(claim),
        display_name: None,
        status,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    })
}

pub(super) const HOUR: i64 = 3_600;

/// What a person asks.
pub(super) fn ordered(kind: OrderKind) -> Event {
    Event::Order(Order::new(kind, "ana", "because"))
}

pub(super) fn unpause() -> Event {
    ordered(OrderKind::Resume)
}

pub(super) fn told(name: &str, started: i64, status: ExecutionStatus) -> Event {
    let text = alloc::format!(
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/{name}"
    );
    Event::Status(ExecutionReport {
        execution: Execution::parse(&text).unwrap(),
        display_name: Some(name.into()),
        status,
        failure: None,
        started_at: Some(at(started)),
        steps: Steps::default(),
    })
}

/// Version `sequencer` of an object with this many rows, of ten bytes each.
pub(super) fn version(key: &str, sequencer: u64, rows: u64) -> ObjectVersion {
    ObjectVersion {
        bucket: "fraud-data".into(),
        key: key.into(),
        version_id: None,
        etag: None,
        sequencer: Sequencer::parse(&alloc::format!("{sequencer:X}")).unwrap(),
        rows,
        bytes: rows * 10,
        uncounted: None,
    }
}

/// Version `sequencer` of an object that cannot be counted.
pub(super) fn uncountable(key: &str, sequencer: u64) -> ObjectVersion {
    ObjectVersion {
        uncounted: Some("it is encrypted".into()),
        ..version(key, sequencer, 0)
    }
}

pub(super) fn arrived(objects: impl IntoIterator<Item = ObjectVersion>) -> Event {
    Event::Data(Arrivals {
        objects: objects.into_iter().collect(),
        ..Arrivals::default()
    })
}

/// The sign that a batch is complete, told for the `sequencer`-th time.
pub(super) fn complete(sequencer: u64) -> Event {
    Event::Data(Arrivals {
        completions: vec![ObjectVersion {
            uncounted: Some("it completes a batch".into()),
            ..version("in/_SUCCESS", sequencer, 0)
        }],
        ..Arrivals::default()
    })
}

pub(super) fn tally(rows: u64, objects: u64) -> Tally {
    Tally {
        rows,
        objects,
        bytes: rows * 10,
    }
}

/// The claim or run that is in flight.
pub(super) fn in_flight(model: &Model) -> &Claim {
    match &model.slot.phase {
        Phase::Idle => panic!("nothing is in flight"),
        Phase::Starting(claim) => claim,
        Phase::Running(run) => &run.claim,
    }
}

/// A cause of this kind that arrives at `seconds`.
pub(super) fn asked(cause: Cause, seconds: i64) -> Event {
    Event::Trigger(Trigger {
        cause,
        at: at(seconds),
    })
}

pub(super) fn manual(key: &str, force: bool, seconds: i64) -> Event {
    let cause = Cause::Manual {
        key: key.into(),
        by: "ana".into(),
        why: "audit".into(),
        force,
    };
    asked(cause, seconds)
}

pub(super) fn drifted(name: &str, drift: DriftKind, seconds: i64) -> Event {
    let cause = Cause::Drift {
        alarm: alarm(name),
        drift,
        evidence: None,
    };
    asked(cause, seconds)
}

pub(super) fn released(key: &str, seconds: i64) -> Event {
    let cause = Cause::Code {
        key: key.into(),
        commit: None,
    };
    asked(cause, seconds)
}

/// The execution of the claim has ended as failed, in these steps.
pub(super) fn failed_in(claim: u64, steps: &[&str]) -> Event {
    Event::Status(ExecutionReport {
        execution: execution(claim),
        display_name: None,
        status: ExecutionStatus::Failed,
        failure: Some("AUC 0.81 is below 0.83".into()),
        started_at: None,
        steps: Steps {
            failed: steps.iter().map(|step| String::from(*step)).collect(),
            ..Steps::default()
        },
    })
}

impl Model {
    /// AWS accepts the claim at `seconds`.
    pub(super) fn accept(&mut self, seconds: i64) {
        let claim = self.slot.claims;
        assert_eq!(self.outcome(&accepted(claim, seconds), seconds), "started");
    }

    /// The execution of the last claim ends.
    pub(super) fn end(&mut self, status: ExecutionStatus, seconds: i64) -> Outcome {
        self.take(&ended(self.slot.claims, status), seconds).0
    }

    /// AWS says that the execution of this claim runs.
    pub(super) fn runs_again(&mut self, claim: u64, seconds: i64) -> Outcome {
        self.take(&ended(claim, ExecutionStatus::InFlight), seconds)
            .0
    }

    /// The causes that wait, oldest first.
    pub(super) fn held(&self) -> Vec<&str> {
        let held = self.slot.held.iter();
        held.map(|reason| reason.cause.id()).collect()
    }
}
