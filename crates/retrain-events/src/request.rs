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

use crate::error::{InvalidEvent, quoted};
use crate::instant::instant;
use crate::node::Node;

/// Something that is asked of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// About one model.
    Model(Box<ModelRequest>),
    /// About all of them: nothing starts any more, or everything may again.
    Controller {
        /// Whether nothing shall start.
        pause: bool,
        /// Who asks.
        by: String,
        /// Why.
        why: String,
    },
}

/// Something that is asked about one model.
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
        by: String,
        why: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Pause,
    Resume,
    ResetBreaker,
    Abandon,
}

/// The fields that any request may have.
const FIELDS: [&str; 8] = [
    "request",
    "model",
    "schedule",
    "scheduled_time",
    "key",
    "by",
    "why",
    "force",
];

/// The longest key or schedule ARN. It is kept in the slot.
const LONGEST_KEY: usize = 300;

/// The longest name or reason of a person.
const LONGEST_TEXT: usize = 500;

/// The request in an event, or nothing if the event has no field `request`.
pub fn request(event: &Value) -> Result<Option<Request>, InvalidEvent> {
    let root = Node::root(event);
    let Some(kind) = root.peek("request") else {
        return Ok(None);
    };
    for (name, field) in root.entries()? {
        if !FIELDS.contains(&name) {
            let known = FIELDS.join(", ");
            return Err(field.invalid(format!("is no field of a request; there are: {known}")));
        }
    }
    if let pause @ ("pause_controller" | "resume_controller") = kind.text()? {
        if let Some(model) = root.peek("model") {
            return Err(model.invalid("is no field of a request about all models".to_owned()));
        }
        return Ok(Some(Request::Controller {
            pause: pause == "pause_controller",
            by: text(&root, "by")?,
            why: text(&root, "why")?,
        }));
    }
    let model = root.required("model")?;
    let model = ModelName::parse(model.text_up_to(100)?)
        .map_err(|error| model.invalid(format!("is wrong: {error}")))?;
    let order = |order| {
        Ok(Asks::Order {
            order,
            by: text(&root, "by")?,
            why: text(&root, "why")?,
        })
    };
    let asks = match kind.text()? {
        "retrain" => retrain(&root)?,
        "pause" => order(Order::Pause)?,
        "resume" => order(Order::Resume)?,
        "reset_breaker" => order(Order::ResetBreaker)?,
        "abandon" => order(Order::Abandon)?,
        other => {
            let known = "retrain, pause, resume, reset_breaker, abandon, pause_controller, resume_controller";
            return Err(kind.invalid(format!("is {}; there are: {known}", quoted(other))));
        }
    };
    Ok(Some(Request::Model(Box::new(ModelRequest { model, asks }))))
}

fn retrain(root: &Node<'_>) -> Result<Asks, InvalidEvent> {
    if let Some(schedule) = root.optional("schedule")? {
        let at = root.required("scheduled_time")?;
        let at = instant(at.value()).ok_or_else(|| at.invalid("is no moment".to_owned()))?;
        return Ok(Asks::Scheduled {
            schedule: filled(&schedule)?,
            at,
        });
    }
    Ok(Asks::Manual(Cause::Manual {
        key: filled(&root.required("key")?)?,
        by: text(root, "by")?,
        why: text(root, "why")?,
        force: match root.optional("force")? {
            None => false,
            Some(force) => force
                .value()
                .as_bool()
                .ok_or_else(|| force.invalid("is neither true nor false".to_owned()))?,
        },
    }))
}

fn filled(node: &Node<'_>) -> Result<String, InvalidEvent> {
    let text = node.text_up_to(LONGEST_KEY)?;
    if text.is_empty() {
        return Err(node.invalid("is empty".to_owned()));
    }
    Ok(text.to_owned())
}

fn text(root: &Node<'_>, field: &str) -> Result<String, InvalidEvent> {
    let node = root.required(field)?;
    let text = node.text_up_to(LONGEST_TEXT)?;
    if text.is_empty() {
        return Err(node.invalid("is empty".to_owned()));
    }
    Ok(text.to_owned())
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
            Asks::Order { order, by, why } => match order {
                Order::Pause => Event::Pause { by, why },
                Order::Resume => Event::Unpause { by, why },
                Order::ResetBreaker => Event::ResetBreaker { by, why },
                Order::Abandon => Event::Abandon { by, why },
            },
        }
    }
}
