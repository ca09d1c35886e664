//! What a function answers: one entry per subject and model.

use retrain_controller::Handled;
use retrain_core::names::ModelName;
use serde::Serialize;

/// What became of one subject (an alarm, an execution, a slot) for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The model, if there is one.
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
    /// What the controller made of an event.
    pub fn handled(subject: &str, model: &ModelName, handled: &Handled) -> Self {
        // A first event that moved no more than the due time has no decision, and
        // then every decision followed from it.
        let of_event = usize::from(
            handled
                .decisions
                .first()
                .is_some_and(|decision| decision.outcome == handled.outcome),
        );
        let then = handled
            .decisions
            .iter()
            .skip(of_event)
            .map(|decision| Consequence {
                outcome: decision.outcome.name().to_owned(),
                reason: decision.outcome.to_string(),
            });
        let unsent = handled.left_unsent.map(|claim| Consequence {
            outcome: "left_unsent".to_owned(),
            reason: format!("the lease of claim {claim} leaves no time to start it"),
        });
        Self {
            subject: subject.to_owned(),
            model: Some(model.clone()),
            outcome: handled.outcome.name().to_owned(),
            reason: handled.outcome.to_string(),
            then: then.chain(unsent).collect(),
        }
    }

    /// What needed no controller.
    pub fn ignored(subject: &str, reason: &impl ToString) -> Self {
        Self {
            subject: subject.to_owned(),
            model: None,
            outcome: "ignored".to_owned(),
            reason: reason.to_string(),
            then: Vec::new(),
        }
    }
}
