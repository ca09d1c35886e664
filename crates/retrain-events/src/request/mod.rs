//! Requests: what a schedule or a person asks of the controller in its own words.
//!
//! A schedule of EventBridge Scheduler delivers exactly its `Input`, in which the
//! words `<aws.scheduler.schedule-arn>` and `<aws.scheduler.scheduled-time>` are
//! filled in. The execution id would not do as a key: every attempt has another.

use jiff::Timestamp;
use retrain_core::event::Event;
use retrain_core::names::ModelName;
use retrain_core::order::{Order, OrderKind};
use retrain_core::trigger::{Cause, Trigger};
use serde_json::Value;

use crate::error::InvalidEvent;
use crate::node::Node;

mod fields;
mod release;

pub use release::{DeploymentAsks, DeploymentRequest, PackageAsks, PackageRef, PackageRequest};

/// Something that is asked of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// About one model's retraining.
    Model(Box<ModelRequest>),
    /// About one package of a model.
    Package(Box<PackageRequest>),
    /// About the deployments of a model to one environment.
    Deployment(Box<DeploymentRequest>),
    /// About all models: to pause, so that nothing starts any more, or to resume.
    Controller(Order),
}

/// Something that is asked about one model's retraining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRequest {
    /// The model.
    pub model: ModelName,
    asks: Asks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asks {
    Scheduled { schedule: String, at: Timestamp },
    Manual(Cause),
    Order(Order),
}

/// What the field `request` says.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Retrain,
    Order(OrderKind),
    SignOff,
    Decide(OrderKind),
    Deploy,
    Rollback,
    Controller(OrderKind),
}

/// All requests by name.
const KINDS: [(&str, Kind); 12] = [
    ("retrain", Kind::Retrain),
    ("pause", Kind::Order(OrderKind::Pause)),
    ("resume", Kind::Order(OrderKind::Resume)),
    ("reset_breaker", Kind::Order(OrderKind::ResetBreaker)),
    ("abandon", Kind::Order(OrderKind::Abandon)),
    ("sign_off", Kind::SignOff),
    ("approve", Kind::Decide(OrderKind::Approve)),
    ("reject", Kind::Decide(OrderKind::Reject)),
    ("deploy", Kind::Deploy),
    ("rollback", Kind::Rollback),
    ("pause_controller", Kind::Controller(OrderKind::Pause)),
    ("resume_controller", Kind::Controller(OrderKind::Resume)),
];

impl Kind {
    /// The fields that a request of this kind may have.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Retrain => &[
                "request",
                "model",
                "schedule",
                "scheduled_time",
                "key",
                "by",
                "why",
                "force",
            ],
            Self::Order(_) | Self::Rollback => {
                &["request", "model", "environment", "key", "by", "why"]
            }
            Self::SignOff => &[
                "request",
                "model",
                "package_version",
                "package",
                "role",
                "opinion",
                "by",
                "why",
            ],
            Self::Decide(_) => &[
                "request",
                "model",
                "package_version",
                "package",
                "key",
                "by",
                "why",
            ],
            Self::Deploy => &[
                "request",
                "model",
                "environment",
                "package_version",
                "package",
                "key",
                "by",
                "why",
                "force",
            ],
            Self::Controller(_) => &["request", "key", "by", "why"],
        }
    }
}

/// The request in an event, or nothing if the event has no field `request`.
pub fn request(event: &Value) -> Result<Option<Request>, InvalidEvent> {
    let root = Node::root(event);
    let Some(kind) = root.peek("request") else {
        return Ok(None);
    };
    let kind = fields::choice(&kind, &KINDS)?;
    fields::only(&root, kind.fields())?;
    let of_package = |asks| {
        let request = release::of_package(&root, asks)?;
        Ok(Request::Package(Box::new(request)))
    };
    let of_environment = |asks| {
        let request = release::of_environment(&root, asks)?;
        Ok(Request::Deployment(Box::new(request)))
    };
    let request = match kind {
        Kind::Retrain => of_model(&root, retrain(&root)?),
        Kind::Order(kind) => {
            let order = fields::order(&root, kind)?;
            match root.peek("environment") {
                Some(_) => of_environment(DeploymentAsks::Order(order)),
                None => of_model(&root, Asks::Order(order)),
            }
        }
        Kind::SignOff => of_package(release::sign_off(&root)?),
        Kind::Decide(kind) => of_package(PackageAsks::Order(fields::order(&root, kind)?)),
        Kind::Deploy => of_environment(release::deploy(&root)?),
        Kind::Rollback => of_environment(release::rollback(&root)?),
        Kind::Controller(kind) => Ok(Request::Controller(fields::order(&root, kind)?)),
    };
    request.map(Some)
}

fn of_model(root: &Node<'_>, asks: Asks) -> Result<Request, InvalidEvent> {
    let model = fields::model(root)?;
    Ok(Request::Model(Box::new(ModelRequest { model, asks })))
}

fn retrain(root: &Node<'_>) -> Result<Asks, InvalidEvent> {
    if let Some(schedule) = root.optional("schedule")? {
        return Ok(Asks::Scheduled {
            schedule: fields::schedule(&schedule)?,
            at: fields::moment(&root.required("scheduled_time")?)?,
        });
    }
    Ok(Asks::Manual(Cause::Manual {
        key: fields::key(root)?,
        by: fields::by(root)?,
        why: fields::why(root)?,
        force: fields::force(root)?,
    }))
}

impl ModelRequest {
    /// The request as an event for the model's slot. A person asks now.
    pub fn event(self, now: Timestamp) -> Event {
        match self.asks {
            Asks::Scheduled { schedule, at } => Event::Trigger(Trigger {
                cause: Cause::Schedule { schedule },
                at,
            }),
            Asks::Manual(cause) => Event::Trigger(Trigger { cause, at: now }),
            Asks::Order(order) => Event::Order(order),
        }
    }
}
