//! The controller behind a function.

use std::sync::Arc;

use aws_config::SdkConfig;
use retrain_cloudwatch::CloudWatch;
use retrain_codepipeline::{CodePipeline, JobAnswer};
use retrain_controller::{Clock, Controller, Executions as _, Observer, SlotStore as _, Wanted};
use retrain_core::data::{KnownObjects, ObjectId};
use retrain_core::decision::{Decision, Outcome};
use retrain_core::event::{Event, ExecutionReport};
use retrain_core::execution::Execution;
use retrain_core::facts::Timing;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{ModelName, ModelPackageArn};
use retrain_core::order::Order;
use retrain_core::package::{PackageDescription, PackageRegistry};
use retrain_core::policy::PolicyInForce;
use retrain_core::slot::{OfCode, Settled};
use retrain_debounce::{DynamoStore, Switched};
use retrain_lambda::{Failure, Settings, decided, ignored, invalid_policies, stale_policies};
use retrain_policies::{InForce, ParameterStore, Policies, PolicySet, Source};
use retrain_sagemaker::SageMaker;

use crate::answer::Answer;
use crate::documents::Documents;
use crate::pipelines::Pipelines;

/// The controller with its AWS adapters.
#[derive(Debug)]
pub struct AwsController {
    controller:
        Controller<DynamoStore, Pipelines, SageMaker, ParameterStore, CloudWatch, Documents>,
    policies: Policies,
    registry: PackageRegistry,
}

/// Where a cause is that a release asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fulfilment {
    /// It is held, or an execution carries it.
    Waits,
    /// This became of it.
    Settled(Settled),
    /// It never came, or was settled long ago.
    Unknown,
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
        let (ssm, s3) = (aws_sdk_ssm::Client::new(aws), aws_sdk_s3::Client::new(aws));
        let source = Source::at(&settings.policies, ssm.clone(), s3.clone());
        let ttl = settings.policy_ttl.duration();
        Self {
            controller: Controller {
                store: DynamoStore::new(aws_sdk_dynamodb::Client::new(aws), &settings.table),
                executions: Pipelines {
                    sagemaker: sagemaker.clone(),
                    codepipeline: CodePipeline::new(aws_sdk_codepipeline::Client::new(aws)),
                },
                registry: sagemaker,
                parameters: ParameterStore::new(ssm, ttl),
                alarms: CloudWatch::new(aws_sdk_cloudwatch::Client::new(aws)),
                documents: Documents::new(s3),
                timing: settings.timing,
            },
            policies: Policies::new(source, ttl),
            registry: settings.registry.clone(),
        }
    }

    /// The policies in force. Those that are invalid are reported, and all if they are those
    /// of before because they cannot be read.
    pub async fn policies(&self, clock: &impl Clock) -> Result<Arc<PolicySet>, Failure> {
        let InForce {
            set: policies,
            stale,
        } = self.policies.in_force(clock.now()).await?;
        if let Some(error) = stale {
            stale_policies(clock.now(), &error);
        }
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
        self.handle_in(&Lane::Retrain, subject, event, policy, clock)
            .await
    }

    /// Like [`handle`](Self::handle), in any lane of the model.
    pub async fn handle_in(
        &self,
        lane: &Lane,
        subject: &str,
        event: &Event,
        policy: &PolicyInForce,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        self.handle_limited(lane, subject, event, policy, true, clock)
            .await
    }

    /// Like [`handle_in`](Self::handle_in), but starts nothing unless it may.
    pub async fn handle_limited(
        &self,
        lane: &Lane,
        subject: &str,
        event: &Event,
        policy: &PolicyInForce,
        may_start: bool,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        let handled = self
            .controller
            .handle(event, policy, lane, may_start, clock, &Telemetry);
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

    /// What is remembered of these objects of the model's.
    pub async fn known_objects(
        &self,
        model: &ModelName,
        objects: &[ObjectId],
        clock: &impl Clock,
    ) -> Result<KnownObjects, Failure> {
        let slot = SlotKey::retrain(model.clone());
        let wanted = Wanted {
            objects,
            ..Wanted::slot(&slot)
        };
        let loaded = self.store().load(wanted, clock.now()).await?;
        Ok(loaded.objects)
    }

    /// What the registry says of a package now.
    pub async fn package(&self, package: &ModelPackageArn) -> Result<PackageDescription, Failure> {
        Ok(self.controller.description(package).await?)
    }

    /// What AWS says about an execution now.
    pub async fn describe(&self, execution: &Execution) -> Result<ExecutionReport, Failure> {
        Ok(self.controller.executions.describe(execution).await?)
    }

    /// Pauses the controller, or lets it start again.
    pub(crate) async fn switch(
        &self,
        order: &Order,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        let switched = self.store().switch(order, clock.now()).await?;
        let answer = answered(switched, order);
        let (outcome, subject) = (&answer.outcome, &answer.subject);
        ignored(clock.now(), None, outcome, subject, &answer.reason);
        Ok(answer)
    }

    /// What [`switch`](Self::switch) would say now. Nothing is changed.
    pub(crate) async fn would_switch(
        &self,
        order: &Order,
        clock: &impl Clock,
    ) -> Result<Answer, Failure> {
        let switched = self.store().would_switch(order, clock.now()).await?;
        Ok(answered(switched, order))
    }

    /// What the last of these events would lead to. Nothing is written, started or told.
    pub(crate) async fn foresee(
        &self,
        lane: &Lane,
        events: &[Event],
        policy: &PolicyInForce,
        clock: &impl Clock,
    ) -> Result<Outcome, Failure> {
        let would = self.controller.would(events, policy, lane, clock);
        Ok(Box::pin(would).await?)
    }

    /// Where a cause is that a release asked for.
    pub async fn settled(
        &self,
        model: &ModelName,
        key: &str,
        clock: &impl Clock,
    ) -> Result<Fulfilment, Failure> {
        let slot = SlotKey::retrain(model.clone());
        let wanted = Wanted::slot(&slot);
        let loaded = self.store().load(wanted, clock.now()).await?;
        Ok(match loaded.slot.of_code(key) {
            OfCode::Waits => Fulfilment::Waits,
            OfCode::Settled(settled) => Fulfilment::Settled(settled.clone()),
            OfCode::Unknown => Fulfilment::Unknown,
        })
    }

    /// Answers a job of CodePipeline's.
    pub async fn answer_job(&self, job: &str, answer: &JobAnswer) -> Result<(), Failure> {
        Ok(self
            .controller
            .executions
            .codepipeline
            .answer(job, answer)
            .await?)
    }

    /// The table, for the due index.
    pub const fn store(&self) -> &DynamoStore {
        &self.controller.store
    }

    /// The timing of its claims.
    pub const fn timing(&self) -> Timing {
        self.controller.timing
    }

    /// Its own part of the model registry.
    pub(crate) const fn registry(&self) -> &PackageRegistry {
        &self.registry
    }
}

/// What became, or would become, of an order to the whole controller.
fn answered(switched: Switched, order: &Order) -> Answer {
    let outcome = match switched {
        Switched::Duplicate => "duplicate",
        Switched::AlreadySo => "unchanged",
        Switched::Changed if order.kind.pauses() == Some(true) => "controller_paused",
        Switched::Changed => "controller_resumed",
    };
    Answer {
        subject: "the controller".to_owned(),
        model: None,
        outcome: outcome.to_owned(),
        reason: format!("{:?}: {:?}", order.by, order.why),
        then: Vec::new(),
    }
}
