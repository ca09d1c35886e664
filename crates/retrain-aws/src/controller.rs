//! The controller behind a function.

use std::sync::Arc;

use aws_config::SdkConfig;
use retrain_controller::{Clock, Controller, Executions as _, Observer};
use retrain_core::decision::Decision;
use retrain_core::event::{Event, ExecutionReport};
use retrain_core::facts::Timing;
use retrain_core::names::PipelineExecutionArn;
use retrain_core::policy::PolicyInForce;
use retrain_debounce::DynamoStore;
use retrain_lambda::{Failure, Settings, decided, ignored, invalid_policies};
use retrain_policies::{ParameterStore, PolicySet};
use retrain_sagemaker::SageMaker;

use crate::answer::Answer;

/// The controller with its AWS adapters.
#[derive(Debug)]
pub struct AwsController {
    controller: Controller<DynamoStore, SageMaker, SageMaker, ParameterStore>,
}

/// Reports decisions to logs and metrics.
struct Telemetry;

impl Observer for Telemetry {
    fn decided(&self, decision: &Decision) {
        decided(decision);
    }
}

impl AwsController {
    /// A controller with clients for this configuration.
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

    /// The policies in force. Those that are invalid are reported.
    pub async fn policies(&self, clock: &impl Clock) -> Result<Arc<PolicySet>, Failure> {
        let policies = self.controller.parameters.policies(clock.now()).await?;
        for invalid in policies.invalid() {
            invalid_policies(clock.now(), &invalid.name, invalid.version, &invalid.error);
        }
        Ok(policies)
    }

    /// Lets the controller handle an event for a model, and reports every decision.
    pub async fn handle(
        &self,
        subject: &str,
        event: &Event,
        policy: &PolicyInForce,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        let handled = self.controller.handle(event, policy, clock, &Telemetry);
        let handled = Box::pin(handled).await?;
        if handled.decisions.is_empty() {
            let outcome = &handled.outcome;
            let model = Some(policy.model.as_str());
            ignored(
                clock.now(),
                model,
                outcome.name(),
                subject,
                &outcome.to_string(),
            );
        }
        if let Some(claim) = handled.left_unsent {
            let model = Some(policy.model.as_str());
            let reason = format!("the lease of claim {claim} left no time to send it");
            ignored(clock.now(), model, "left_unsent", subject, &reason);
        }
        Ok(Answer::handled(subject, &policy.model, &handled))
    }

    /// Reports an event that needs no controller.
    pub fn ignore(subject: &str, reason: &impl ToString, clock: &impl Clock) -> Answer {
        let answer = Answer::ignored(subject, reason);
        ignored(clock.now(), None, &answer.outcome, subject, &answer.reason);
        answer
    }

    /// What SageMaker says about an execution now.
    pub async fn describe(
        &self,
        execution: &PipelineExecutionArn,
    ) -> Result<ExecutionReport, Failure> {
        Ok(self.controller.executions.describe(execution).await?)
    }

    /// The table, for the due index.
    pub const fn store(&self) -> &DynamoStore {
        &self.controller.store
    }

    /// The timing of its claims.
    pub const fn timing(&self) -> Timing {
        self.controller.timing
    }
}
