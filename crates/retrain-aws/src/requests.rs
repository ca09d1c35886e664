//! What people and schedules ask of the controller, a model, a package or an environment.

use jiff::Timestamp;
use retrain_controller::Clock;
use retrain_core::event::Event;
use retrain_core::gate::Signoff;
use retrain_core::lane::Lane;
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::order::{Order, OrderKind};
use retrain_core::package::PackageRegistry;
use retrain_core::policy::PolicyInForce;
use retrain_core::trigger::{Cause, Deploys, Trigger};
use retrain_events::{
    DeploymentAsks, DeploymentRequest, ModelRequest, PackageAsks, PackageRef, PackageRequest,
    Request,
};
use retrain_lambda::Failure;
use retrain_policies::{PackageRoute, PolicySet};
use thiserror::Error;

use crate::answer::Answer;
use crate::controller::AwsController;

/// A request that can never be met.
#[derive(Debug, Error)]
enum Unmeetable {
    #[error("no policy is stored for the model {0}")]
    NoSuchModel(ModelName),
    #[error("the policy of the model {model} has no environment {environment}")]
    NoSuchEnvironment {
        model: ModelName,
        environment: EnvironmentName,
    },
    #[error("the model {model} has no package {package}: its policy names no group for it")]
    NoSuchPackage { model: ModelName, package: String },
    #[error("the sign-off is none: {0}")]
    InvalidSignoff(#[from] retrain_core::gate::InvalidSignoff),
}

impl From<Unmeetable> for Failure {
    fn from(error: Unmeetable) -> Self {
        let name = match error {
            Unmeetable::NoSuchModel(_) => "NoSuchModel",
            Unmeetable::NoSuchEnvironment { .. } => "NoSuchEnvironment",
            Unmeetable::NoSuchPackage { .. } => "NoSuchPackage",
            Unmeetable::InvalidSignoff(_) => "InvalidSignoff",
        };
        Self::terminal(name, &error)
    }
}

/// What a request is about.
enum Matter {
    /// The switch of the whole controller.
    Switch(Order),
    /// One slot.
    Slot(Box<Asked>),
}

/// What is asked of one slot.
struct Asked {
    policy: PolicyInForce,
    lane: Lane,
    subject: String,
    /// What the slot must know before.
    before: Option<Event>,
    event: Event,
}

impl AwsController {
    /// Does what is asked.
    pub async fn ask(&self, request: Request, clock: &impl Clock) -> Result<Answer, Failure> {
        let asked = match self.matter(request, clock).await? {
            Matter::Switch(order) => return self.switch(&order, clock).await,
            Matter::Slot(asked) => asked,
        };
        let Asked {
            policy,
            lane,
            subject,
            ..
        } = &*asked;
        if let Some(before) = &asked.before {
            self.handle_in(lane, subject, before, policy, clock).await?;
        }
        self.handle_in(lane, subject, &asked.event, policy, clock)
            .await
    }

    /// What a request would lead to now. Nothing is written, started or told.
    pub async fn would(&self, request: Request, clock: &impl Clock) -> Result<Answer, Failure> {
        match self.matter(request, clock).await? {
            Matter::Switch(order) => self.would_switch(&order, clock).await,
            Matter::Slot(asked) => {
                let Asked {
                    policy,
                    lane,
                    subject,
                    before,
                    event,
                } = *asked;
                let events: Vec<Event> = before.into_iter().chain([event]).collect();
                let outcome = self.foresee(&lane, &events, &policy, clock).await?;
                Ok(Answer {
                    subject,
                    model: Some(policy.model),
                    outcome: outcome.name().to_owned(),
                    reason: outcome.to_string(),
                    then: Vec::new(),
                })
            }
        }
    }

    async fn matter(&self, request: Request, clock: &impl Clock) -> Result<Matter, Failure> {
        let asked = match request {
            // A pause of everything needs nothing that may be broken besides.
            Request::Controller(order) => return Ok(Matter::Switch(order)),
            Request::Model(request) => {
                let policies = self.policies(clock).await?;
                self.desk(&policies).of_model(*request, clock)?
            }
            Request::Package(request) => {
                let policies = self.policies(clock).await?;
                self.desk(&policies).of_package(*request, clock).await?
            }
            Request::Deployment(request) => {
                let policies = self.policies(clock).await?;
                self.desk(&policies).of_deployment(*request, clock)?
            }
        };
        Ok(Matter::Slot(Box::new(asked)))
    }

    const fn desk<'a>(&'a self, policies: &'a PolicySet) -> Desk<'a> {
        Desk {
            controller: self,
            registry: self.registry(),
            policies,
        }
    }
}

/// What a request needs.
struct Desk<'a> {
    controller: &'a AwsController,
    registry: &'a PackageRegistry,
    policies: &'a PolicySet,
}

impl Desk<'_> {
    /// What is asked about a model's retraining.
    fn of_model(&self, request: ModelRequest, clock: &impl Clock) -> Result<Asked, Failure> {
        let policy = self.policy(&request.model)?;
        let event = request.event(clock.now());
        Ok(Asked {
            policy: policy.clone(),
            lane: Lane::Retrain,
            subject: event.to_string(),
            before: None,
            event,
        })
    }

    /// What is asked about a package. It is described first: a person decides about what
    /// it is now.
    async fn of_package(
        &self,
        request: PackageRequest,
        clock: &impl Clock,
    ) -> Result<Asked, Failure> {
        let policy = self.policy(&request.model)?;
        let package = self.named(policy, &request.package)?;
        let event = asked_of_package(request.asks, clock.now())?;
        let described = self.controller.package(&package).await?;
        let lane = Lane::Package(described.package.clone());
        let described = Event::Package {
            description: Box::new(described),
            told: None,
        };
        Ok(Asked {
            policy: policy.clone(),
            lane,
            subject: package.to_string(),
            before: Some(described),
            event,
        })
    }

    /// What is asked about the deployments to an environment.
    fn of_deployment(
        &self,
        request: DeploymentRequest,
        clock: &impl Clock,
    ) -> Result<Asked, Failure> {
        let policy = self.policy(&request.model)?;
        let lane = Lane::Deploy(request.environment.clone());
        let own = policy.has_lane(&lane).then(|| policy.clone());
        // What the policy has dropped, nobody else finishes.
        let gives_up = matches!(
            &request.asks,
            DeploymentAsks::Order(order) if order.kind == OrderKind::Abandon
        );
        let own = own.or_else(|| gives_up.then(|| policy.in_abandoned_lane(&lane)));
        let own = own.ok_or(Unmeetable::NoSuchEnvironment {
            model: request.model,
            environment: request.environment,
        })?;
        let event = match request.asks {
            DeploymentAsks::Deploy {
                package,
                key,
                by,
                why,
                force,
            } => Event::Trigger(Trigger {
                cause: Cause::Deployment {
                    package: self.named(policy, &package)?,
                    because: Deploys::Asked {
                        key,
                        by,
                        why,
                        force,
                    },
                },
                at: clock.now(),
            }),
            DeploymentAsks::Order(order) => Event::Order(order),
        };
        Ok(Asked {
            policy: own,
            lane,
            subject: event.to_string(),
            before: None,
            event,
        })
    }

    fn policy(&self, model: &ModelName) -> Result<&PolicyInForce, Failure> {
        self.policies
            .of(model)
            .ok_or_else(|| match self.policies.broken_of(model) {
                Some(invalid) => Failure::terminal("InvalidPolicy", invalid),
                None => Unmeetable::NoSuchModel(model.clone()).into(),
            })
    }

    /// The package that a person names, which must be one of the model's.
    fn named(
        &self,
        policy: &PolicyInForce,
        package: &PackageRef,
    ) -> Result<ModelPackageArn, Unmeetable> {
        let group = policy.policy.model_package_group.as_ref();
        let arn = match (package, group) {
            (PackageRef::Arn(arn), _) => Some(arn.clone()),
            (PackageRef::Version(version), Some(group)) => {
                self.registry.package(group, *version).ok()
            }
            (PackageRef::Version(_), None) => None,
        };
        arn.filter(|arn| {
            let route = self.policies.of_package(arn, self.registry);
            matches!(route, PackageRoute::Model(own) if own.model == policy.model)
        })
        .ok_or_else(|| Unmeetable::NoSuchPackage {
            model: policy.model.clone(),
            package: package.to_string(),
        })
    }
}

fn asked_of_package(asks: PackageAsks, now: Timestamp) -> Result<Event, Unmeetable> {
    Ok(match asks {
        PackageAsks::SignOff {
            role,
            opinion,
            by,
            why,
        } => Event::SignOff(Signoff::new(role, opinion, &by, &why, now)?),
        PackageAsks::Order(order) => Event::Order(order),
    })
}
