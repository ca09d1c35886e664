//! From an alarm to decisions.

use aws_config::SdkConfig;
use retrain_controller::{Clock, Controller};
use retrain_core::drift::{AlarmState, AlarmTransition, DriftKind};
use retrain_core::event::Event;
use retrain_core::policy::PolicyInForce;
use retrain_core::trigger::{Cause, Trigger};
use retrain_debounce::DynamoStore;
use retrain_events::{AlarmMessage, alarm_messages};
use retrain_lambda::{
    Failure, Handle, InvocationClock, Settings, decided, ignored, invalid_policies,
};
use retrain_policies::{InvalidPolicy, ParameterStore, PolicySet};
use retrain_sagemaker::SageMaker;
use serde_json::Value;
use thiserror::Error;

use crate::answer::{Answer, Ignored};

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: Controller<DynamoStore, SageMaker, SageMaker, ParameterStore>,
}

/// An alarm that a broken policy would want to know about. It waits in the
/// dead-letter queue until the policy is mended.
#[derive(Debug, Error)]
#[error(
    "the alarm {alarm:?} may concern the model {model:?}, whose policy version {version} is invalid"
)]
struct PolicyIsInvalid {
    alarm: String,
    model: String,
    version: u64,
    #[source]
    source: retrain_core::policy::PolicyError,
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        let sagemaker = SageMaker::new(aws_sdk_sagemaker::Client::new(aws));
        let policies = retrain_policies::Settings {
            path: settings.policy_path.clone(),
            time_to_live: settings.policy_ttl.duration(),
        };
        Self {
            controller: Controller {
                store: DynamoStore::new(aws_sdk_dynamodb::Client::new(aws), &settings.table),
                executions: sagemaker.clone(),
                registry: sagemaker,
                parameters: ParameterStore::new(aws_sdk_ssm::Client::new(aws), policies),
                timing: settings.timing,
            },
        }
    }

    /// Handles every message in an event, and then says which of them failed.
    pub async fn handle_at(
        &self,
        event: &Value,
        clock: &impl Clock,
    ) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::new();
        let mut failures = Vec::new();
        for message in alarm_messages(event) {
            match message {
                Ok(AlarmMessage::Transition(received)) => {
                    self.transition(&received.transition, clock, &mut answers, &mut failures)
                        .await;
                }
                Ok(AlarmMessage::Irrelevant(what)) => {
                    answers.push(ignore(None, &Ignored::Message(what.to_string()), clock));
                }
                Err(error) => failures.push(Failure::terminal(error.name(), &error)),
            }
        }
        Failure::all(failures).map_or(Ok(answers), Err)
    }

    async fn transition(
        &self,
        alarm: &AlarmTransition,
        clock: &impl Clock,
        answers: &mut Vec<Answer>,
        failures: &mut Vec<Failure>,
    ) {
        if let Some(why) = changes_nothing(alarm) {
            return answers.push(ignore(Some(alarm), &why, clock));
        }
        let policies = match self.controller.parameters.policies(clock.now()).await {
            Ok(policies) => policies,
            Err(error) => return failures.push(error.into()),
        };
        report_invalid(&policies, clock);
        let routes = policies.routes(alarm);
        for (policy, kind) in &routes.drift {
            match self.for_model(alarm, *kind, policy, clock).await {
                Ok(answer) => answers.push(answer),
                Err(failure) => failures.push(failure),
            }
        }
        failures.extend(
            routes
                .broken
                .iter()
                .map(|invalid| undecidable(alarm, invalid)),
        );
        for (model, why) in &routes.never {
            let mut answer = ignore(Some(alarm), &Ignored::NotDrift(*why), clock);
            answer.model = Some((*model).clone());
            answers.push(answer);
        }
        if routes.drift.is_empty() && routes.never.is_empty() && routes.broken.is_empty() {
            answers.push(ignore(Some(alarm), &Ignored::UnknownAlarm, clock));
        }
    }

    async fn for_model(
        &self,
        alarm: &AlarmTransition,
        kind: DriftKind,
        policy: &PolicyInForce,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        let event = event(alarm, kind);
        let handled = self.controller.handle(&event, policy, clock).await?;
        if handled.decisions.is_empty() {
            let outcome = &handled.outcome;
            let model = Some(policy.model.as_str());
            ignored(
                clock.now(),
                model,
                outcome.name(),
                &event.to_string(),
                &outcome.to_string(),
            );
        }
        handled.decisions.iter().for_each(decided);
        Ok(Answer::handled(
            alarm.alarm.alarm_name(),
            &policy.model,
            &handled,
        ))
    }
}

impl Handle for Handler {
    type Answer = Vec<Answer>;

    async fn handle(&self, event: &Value, clock: &InvocationClock) -> Result<Vec<Answer>, Failure> {
        self.handle_at(event, clock).await
    }
}

/// Why a transition concerns no model, whatever the policies say.
fn changes_nothing(alarm: &AlarmTransition) -> Option<Ignored> {
    match alarm.state {
        AlarmState::InsufficientData => Some(Ignored::InsufficientData),
        // An OK withdraws also while the alarm is silenced: it starts nothing.
        AlarmState::Ok => None,
        AlarmState::Alarm => alarm.silenced.clone().map(Ignored::Silenced),
    }
}

fn event(alarm: &AlarmTransition, drift: DriftKind) -> Event {
    match alarm.state {
        AlarmState::Ok | AlarmState::InsufficientData => Event::AlarmCleared {
            alarm: alarm.alarm.clone(),
            at: alarm.at,
        },
        AlarmState::Alarm => Event::Trigger(Trigger {
            cause: Cause::Drift {
                alarm: alarm.alarm.clone(),
                drift,
                evidence: alarm.reason.clone(),
            },
            at: alarm.at,
        }),
    }
}

fn ignore(alarm: Option<&AlarmTransition>, why: &Ignored, clock: &impl Clock) -> Answer {
    let name = alarm.map(|alarm| alarm.alarm.alarm_name());
    ignored(
        clock.now(),
        None,
        "ignored",
        name.unwrap_or_default(),
        &why.to_string(),
    );
    Answer::ignored(name, None, why)
}

fn report_invalid(policies: &PolicySet, clock: &impl Clock) {
    for invalid in policies.invalid() {
        invalid_policies(clock.now(), &invalid.name, invalid.version, &invalid.error);
    }
}

fn undecidable(alarm: &AlarmTransition, invalid: &InvalidPolicy) -> Failure {
    let error = PolicyIsInvalid {
        alarm: alarm.alarm.alarm_name().to_owned(),
        model: invalid.name.clone(),
        version: invalid.version,
        source: invalid.error.clone(),
    };
    Failure::terminal("InvalidPolicy", &error)
}
