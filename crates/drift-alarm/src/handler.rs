//! From an alarm to decisions.

use aws_config::SdkConfig;
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::drift::AlarmTransition;
use retrain_events::{AlarmMessage, alarm_messages};
use retrain_lambda::{Failure, Handle, InvocationClock, Settings};
use retrain_policies::{IgnoredAlarm, alarm_event};
use serde_json::Value;

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: AwsController,
}

/// What became of the messages of one event, so far.
#[derive(Default)]
struct Results {
    answers: Vec<Answer>,
    failures: Vec<Failure>,
}

impl Results {
    fn add(&mut self, result: Result<Answer, Failure>) {
        match result {
            Ok(answer) => self.answers.push(answer),
            Err(failure) => self.failures.push(failure),
        }
    }
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        Self {
            controller: AwsController::new(settings, aws),
        }
    }

    /// Handles every message in an event, and then says which of them failed.
    pub async fn handle_at(
        &self,
        event: &Value,
        clock: &impl Clock,
    ) -> Result<Vec<Answer>, Failure> {
        let mut results = Results::default();
        for message in alarm_messages(event) {
            match message {
                Ok(AlarmMessage::Transition(received)) => {
                    self.transition(&received.transition, clock, &mut results)
                        .await;
                }
                Ok(AlarmMessage::Irrelevant(what)) => {
                    results.add(Ok(AwsController::ignore("", &what, clock)));
                }
                Err(error) => results.add(Err(Failure::terminal(error.name(), &error))),
            }
        }
        Failure::all(results.failures).map_or(Ok(results.answers), Err)
    }

    async fn transition(&self, alarm: &AlarmTransition, clock: &impl Clock, results: &mut Results) {
        let name = alarm.alarm.alarm_name();
        let ignore = |why: &IgnoredAlarm| AwsController::ignore(name, why, clock);
        if let Some(why) = IgnoredAlarm::whatever_the_policies(alarm) {
            return results.add(Ok(ignore(&why)));
        }
        let policies = match self.controller.policies(clock).await {
            Ok(policies) => policies,
            Err(failure) => return results.add(Err(failure)),
        };
        let routes = policies.routes(alarm);
        for (policy, kind) in &routes.drift {
            let event = alarm_event(alarm, *kind);
            results.add(self.controller.handle(name, &event, policy, clock).await);
        }
        // Such an alarm waits in the dead-letter queue until the policy is mended.
        for invalid in &routes.broken {
            results.add(Err(Failure::terminal("InvalidPolicy", *invalid)));
        }
        for (model, why) in &routes.never {
            let mut answer = ignore(&IgnoredAlarm::NotDrift(*why));
            answer.model = Some((*model).clone());
            results.add(Ok(answer));
        }
        if routes.is_empty() {
            results.add(Ok(ignore(&IgnoredAlarm::UnknownAlarm)));
        }
    }
}

impl Handle for Handler {
    type Answer = Vec<Answer>;

    async fn handle(&self, event: &Value, clock: &InvocationClock) -> Result<Vec<Answer>, Failure> {
        self.handle_at(event, clock).await
    }
}
