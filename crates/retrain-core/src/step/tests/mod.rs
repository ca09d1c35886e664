//! The life-cycle, transition by transition.

mod answers;
mod guards;
mod runs;
mod triggers;

use alloc::string::ToString;

use super::*;
use crate::decision::Stale;
use crate::event::{ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps};
use crate::facts::{ControllerState, Lookup, Lookups, Timing};
use crate::names::{ModelName, ModelPackageArn};
use crate::policy::Policy;
use crate::policy::tests::SAMPLE;
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
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            slot: Slot::new(),
            policy: PolicyInForce {
                model: ModelName::parse("fraud-detection").unwrap(),
                version: 3,
                policy: Policy::parse(SAMPLE).unwrap(),
            },
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
        }
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
                self.slot = commit.slot;
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

pub(super) fn unpause() -> Event {
    Event::Unpause {
        by: "ana".into(),
        why: "fixed".into(),
    }
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
