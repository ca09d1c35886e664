//! From an event about a package or an endpoint to the slot that it concerns.

use aws_config::SdkConfig;
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::event::{Event, Told};
use retrain_core::lane::Lane;
use retrain_core::package::PackageRegistry;
use retrain_events::{
    EndpointEvent, EndpointStatus, PackageEvent, PackageMessage, package_message,
};
use retrain_lambda::{Failure, Handle, InvocationClock, Settings};
use retrain_policies::PackageRoute;
use serde_json::Value;

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: AwsController,
    registry: PackageRegistry,
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        Self {
            controller: AwsController::new(settings, aws),
            registry: settings.registry.clone(),
        }
    }

    /// Handles one event.
    pub async fn handle_at(&self, event: &Value, clock: &impl Clock) -> Result<Answer, Failure> {
        match package_message(event) {
            Ok(PackageMessage::Package(event)) => self.package(&event, clock).await,
            Ok(PackageMessage::Endpoint(event)) => self.endpoint(&event, clock).await,
            Ok(PackageMessage::Irrelevant(what)) => Ok(AwsController::ignore("", &what, clock)),
            Err(error) => Err(Failure::terminal(error.name(), &error)),
        }
    }

    async fn package(&self, event: &PackageEvent, clock: &impl Clock) -> Result<Answer, Failure> {
        let package = &event.package;
        let subject = package.to_string();
        let policies = self.controller.policies(clock).await?;
        let policy = match policies.of_package(package, &self.registry) {
            PackageRoute::Model(policy) => policy,
            PackageRoute::Broken(invalid) => {
                return Err(Failure::terminal("InvalidPolicy", invalid));
            }
            PackageRoute::NotListed(model) => {
                let why = format!(
                    "the group is that of the model {model}, but the account or region is not listed"
                );
                return Ok(AwsController::ignore(&subject, &why, clock));
            }
            PackageRoute::None => {
                let why = "no policy decides about packages of the group";
                return Ok(AwsController::ignore(&subject, &why, clock));
            }
        };
        // The event may be late or one of several; the description is neither.
        let described = self.controller.package(package).await?;
        // A group is spelled as its description spells it, whoever tells about it.
        let lane = Lane::Package(described.package.clone());
        let told = Told {
            approval: event.approval.filter(|_| event.may_tell_approval()),
            at: event.at,
        };
        let event = Event::Package {
            description: Box::new(described),
            told: Some(told),
        };
        self.controller
            .handle_in(&lane, &subject, &event, policy, clock)
            .await
    }

    async fn endpoint(&self, event: &EndpointEvent, clock: &impl Clock) -> Result<Answer, Failure> {
        let subject = event.endpoint.to_string();
        let has_rolled_back = matches!(
            event.status,
            EndpointStatus::RollingBack
                | EndpointStatus::UpdateRollbackFailed
                | EndpointStatus::Failed
        );
        if !has_rolled_back {
            let why = format!("the endpoint is {}", event.status);
            return Ok(AwsController::ignore(&subject, &why, clock));
        }
        let policies = self.controller.policies(clock).await?;
        let Some((policy, lane)) = policies.of_endpoint(&event.endpoint) else {
            if let Some(invalid) = policies.broken_of_endpoint(&event.endpoint) {
                return Err(Failure::terminal("InvalidPolicy", invalid));
            }
            let why = "no policy deploys to the endpoint";
            return Ok(AwsController::ignore(&subject, &why, clock));
        };
        let told = match &event.failure {
            Some(failure) => format!("{}: {failure}", event.status),
            None => event.status.to_string(),
        };
        let event = Event::EndpointRolledBack {
            endpoint: event.endpoint.clone(),
            what: told,
            at: event.at,
        };
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
