//! What the function answers: one entry per alarm and model.

use std::fmt;

use retrain_controller::Handled;
use retrain_core::drift::Silenced;
use retrain_core::names::ModelName;
use retrain_core::policy::NotDrift;
use serde::Serialize;

/// What became of one alarm transition for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The alarm, if the message was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// The model, if the alarm is mapped to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// The name of the outcome.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// What followed from it within this invocation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Consequence>,
}

/// A further decision that a first one led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consequence {
    /// The name of the outcome.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

impl Answer {
    pub(crate) fn handled(alarm: &str, model: &ModelName, handled: &Handled) -> Self {
        let then = handled
            .decisions
            .iter()
            .skip(1)
            .map(|decision| Consequence {
                outcome: decision.outcome.name().to_owned(),
                reason: decision.outcome.to_string(),
            });
        let unsent = handled.left_unsent.map(|claim| Consequence {
            outcome: "left_unsent".to_owned(),
            reason: format!("the lease of claim {claim} leaves no time to start it"),
        });
        Self {
            alarm: Some(alarm.to_owned()),
            model: Some(model.clone()),
            outcome: handled.outcome.name().to_owned(),
            reason: handled.outcome.to_string(),
            then: then.chain(unsent).collect(),
        }
    }

    pub(crate) fn ignored(alarm: Option<&str>, model: Option<&ModelName>, why: &Ignored) -> Self {
        Self {
            alarm: alarm.map(str::to_owned),
            model: model.cloned(),
            outcome: "ignored".to_owned(),
            reason: why.to_string(),
            then: Vec::new(),
        }
    }
}

/// Why an alarm leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// `INSUFFICIENT_DATA` says nothing about drift.
    InsufficientData,
    /// Somebody silenced the alarm.
    Silenced(Silenced),
    /// No policy names the alarm.
    UnknownAlarm,
    /// A policy names it, but it cannot mean drift.
    NotDrift(NotDrift),
    /// The message is not about a state.
    Message(String),
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientData => f.write_str("INSUFFICIENT_DATA changes nothing"),
            Self::Silenced(Silenced::Muted { .. }) => f.write_str("the alarm is muted"),
            Self::Silenced(Silenced::Suppressed { by }) => {
                write!(f, "the alarm is suppressed by {by:?}")
            }
            Self::UnknownAlarm => f.write_str("no policy names the alarm"),
            Self::NotDrift(why) => write!(f, "{why}"),
            Self::Message(what) => f.write_str(what),
        }
    }
}
