//! What happens to a function, again and again.

use retrain_sandbox::sagemaker::ExecutionStatus;
use serde_json::{Value, json};

use crate::world::World;

/// An event and the state in which it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// An alarm while the model is retrained: by far the most frequent one that writes.
    Suppressed,
    /// An alarm that starts a retraining.
    Started,
    /// Ten objects that are not enough.
    Counted,
    /// A retraining has succeeded.
    Succeeded,
    /// A package of which nothing is new.
    Known,
    /// Nothing is due.
    NothingDue,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] = [
        Self::Suppressed,
        Self::Started,
        Self::Counted,
        Self::Succeeded,
        Self::Known,
        Self::NothingDue,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Suppressed => "suppressed",
            Self::Started => "started",
            Self::Counted => "10 objects counted",
            Self::Succeeded => "run succeeded",
            Self::Known => "nothing new",
            Self::NothingDue => "nothing due",
        }
    }

    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Suppressed | Self::Started => "drift-alarm",
            Self::Counted => "data-arrival",
            Self::Succeeded => "execution-status",
            Self::Known => "model-approval",
            Self::NothingDue => "reconciler",
        }
    }

    /// What the function answers, somewhere in its answer.
    pub(crate) const fn answer(self) -> &'static str {
        match self {
            Self::Suppressed => "\"held\"",
            Self::Started => "\"started\"",
            Self::Counted => "batchItemFailures",
            Self::Succeeded => "\"succeeded\"",
            Self::Known => "\"unchanged\"",
            Self::NothingDue => "\"answers\":[]",
        }
    }

    /// A world in which it happens, and its event.
    pub(crate) async fn prepare(self) -> (World, Value) {
        let world = match self {
            Self::Suppressed | Self::Succeeded => World::busy().await,
            Self::Started | Self::Counted | Self::Known | Self::NothingDue => World::quiet().await,
        };
        let event = match self {
            Self::Suppressed | Self::Started => world.alarm("data-quality", 0).event().clone(),
            Self::Counted => {
                world.count_data(1_000_000);
                world.objects("first", 10)
            }
            Self::Succeeded => world.end(ExecutionStatus::Succeeded),
            Self::Known => world.known_package().await,
            Self::NothingDue => {
                json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
            }
        };
        (world, event)
    }

    /// The event as it happens once more, so that it means the same.
    pub(crate) fn again(self, world: &World, event: &Value, turn: usize) -> Value {
        match self {
            Self::Suppressed => {
                let after = i64::try_from(turn).unwrap_or_default();
                world.alarm("data-quality", after).event().clone()
            }
            Self::Counted => world.objects(&format!("turn-{turn}"), 10),
            Self::Started | Self::Succeeded | Self::Known | Self::NothingDue => event.clone(),
        }
    }
}
