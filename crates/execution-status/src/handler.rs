//! From a status event to the slot that it concerns.

use aws_config::SdkConfig;
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus};
use retrain_events::{ExecutionEvent, ExecutionMessage, execution_message};
use retrain_lambda::{Failure, Handle, InvocationClock, Settings};
use serde_json::Value;

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: AwsController,
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        Self {
            controller: AwsController::new(settings, aws),
        }
    }

    /// Handles one event.
    pub async fn handle_at(&self, event: &Value, clock: &impl Clock) -> Result<Answer, Failure> {
        match execution_message(event) {
            Ok(ExecutionMessage::Status(event)) => self.status(&event, clock).await,
            Ok(ExecutionMessage::Irrelevant(what)) => Ok(AwsController::ignore("", &what, clock)),
            Err(error) => Err(Failure::terminal(error.name(), &error)),
        }
    }

    async fn status(&self, event: &ExecutionEvent, clock: &impl Clock) -> Result<Answer, Failure> {
        let execution = &event.report.execution;
        let subject = execution.to_string();
        let policies = self.controller.policies(clock).await?;
        let Some((policy, lane)) = policies.of_execution(execution) else {
            if let Some(invalid) = policies.broken_of_execution(execution) {
                return Err(Failure::terminal("InvalidPolicy", invalid));
            }
            let why = "no policy names the pipeline";
            return Ok(AwsController::ignore(&subject, &why, clock));
        };
        // The event may be late or one of several; the description is neither.
        let described = self.controller.describe(execution).await?;
        let event = Event::Status(newest(described, &event.report));
        self.controller
            .handle_in(&lane, &subject, &event, policy, clock)
            .await
    }
}

impl Handle for Handler {
    type Answer = Answer;

    async fn handle(&self, event: &Value, clock: &InvocationClock) -> Result<Answer, Failure> {
        self.handle_at(event, clock).await
    }
}

/// The description, unless SageMaker does not show yet what it has just told about.
fn newest(described: ExecutionReport, told: &ExecutionReport) -> ExecutionReport {
    if described.status == ExecutionStatus::Gone && told.status == ExecutionStatus::InFlight {
        told.clone()
    } else {
        ExecutionReport {
            // CodePipeline's description has none; it never changes.
            started_at: described.started_at.or(told.started_at),
            ..described
        }
    }
}
