//! Requests: what a schedule or a person asks of the controller in its own words.
//!
//! A schedule of EventBridge Scheduler delivers exactly its `Input`, in which the
//! words `<aws.scheduler.schedule-arn>` and `<aws.scheduler.scheduled-time>` are
//! filled in. The execution id would not do as a key: every attempt has another.

use jiff::Timestamp;
use retrain_core::event::Event;
use retrain_core::names::ModelName;
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
    /// About all models: nothing starts any more, or everything may again.
    Controller {
        /// Whether nothing shall start.
        pause: bool,
        /// Who asks.
        by: String,
        /// Why.
        why: String,
    },
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
    Scheduled {
        schedule: String,
        at: Timestamp,
    },
    Manual(Cause),
    Order {
        order: Order,
        key: Option<String>,
        by: String,
        why: String,
    },
}

/// What can be asked about any lane of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To start nothing until somebody resumes.
    Pause,
    /// To go on.
    Resume,
    /// To close the breaker.
    ResetBreaker,
    /// To give up a claim that nobody can finish.
    Abandon,
}

impl Order {
    /// The order as an event for a slot.
    pub fn event(self, key: Option<String>, by: String, why: String) -> Event {
        match self {
            Self::Pause => Event::Pause { key, by, why },
            Self::Resume => Event::Unpause { key, by, why },
            Self::ResetBreaker => Event::ResetBreaker { key, by, why },
            Self::Abandon => Event::Abandon { key, by, why },
        }
    }
}

/// What the field `request` says.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Retrain,
    Order(Order),
    SignOff,
    Approve,
    Reject,
    Deploy,
    Rollback,
    Controller { pause: bool },
}

/// All requests by name.
const KINDS: [(&str, Kind); 12] = [
    ("retrain", Kind::Retrain),
    ("pause", Kind::Order(Order::Pause)),
    ("resume", Kind::Order(Order::Resume)),
    ("reset_breaker", Kind::Order(Order::ResetBreaker)),
    ("abandon", Kind::Order(Order::Abandon)),
    ("sign_off", Kind::SignOff),
    ("approve", Kind::Approve),
    ("reject", Kind::Reject),
    ("deploy", Kind::Deploy),
    ("rollback", Kind::Rollback),
    ("pause_controller", Kind::Controller { pause: true }),
    ("resume_controller", Kind::Controller { pause: false }),
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
            Self::Approve | Self::Reject => &[
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
            Self::Controller { .. } => &["request", "by", "why"],
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
        Kind::Order(order) => match root.peek("environment") {
            Some(_) => of_environment(release::order(&root, order)?),
            None => of_model(&root, ordered(&root, order)?),
        },
        Kind::SignOff => of_package(release::sign_off(&root)?),
        Kind::Approve => of_package(PackageAsks::Approve {
            key: fields::optional_key(&root)?,
        }),
        Kind::Reject => of_package(PackageAsks::Reject {
            key: fields::optional_key(&root)?,
        }),
        Kind::Deploy => of_environment(release::deploy(&root)?),
        Kind::Rollback => of_environment(release::rollback(&root)?),
        Kind::Controller { pause } => Ok(Request::Controller {
            pause,
            by: fields::by(&root)?,
            why: fields::why(&root)?,
        }),
    };
    request.map(Some)
}

fn of_model(root: &Node<'_>, asks: Asks) -> Result<Request, InvalidEvent> {
    let model = fields::model(root)?;
    Ok(Request::Model(Box::new(ModelRequest { model, asks })))
}

fn ordered(root: &Node<'_>, order: Order) -> Result<Asks, InvalidEvent> {
    Ok(Asks::Order {
        order,
        key: fields::optional_key(root)?,
        by: fields::by(root)?,
        why: fields::why(root)?,
    })
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
            Asks::Order {
                order,
                key,
                by,
                why,
            } => order.event(key, by, why),
        }
    }
}
