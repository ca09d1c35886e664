//! What becomes of every event: delivered again and again, answered, or a dead letter.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::process::Function;

/// How often Lambda delivers an event, as the template says.
pub(crate) const ATTEMPTS: u32 = 3;

/// How often the queue of data-arrival does.
pub(crate) const RECEIVES: u32 = 5;

/// For how long it hides what was received.
pub(crate) const VISIBILITY: SignedDuration = SignedDuration::from_secs(740);

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The alarm of this name has gone off.
    Alarm { alarm: String, at: Timestamp },
    /// It has returned to OK.
    Clear,
    /// An object has arrived.
    Object { rows: u64 },
    /// A schedule, or a person, wants a retraining.
    Wish { key: String, at: Timestamp },
    /// A person pauses, resumes or promotes.
    Order,
    /// An execution has changed.
    Status,
    /// A package has changed.
    Package,
}

/// How one of its deliveries ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The function understood it: the names of the outcomes.
    Understood(Vec<String>),
    /// It lies in the dead-letter queue, with the last error.
    Dead(String),
}

/// An event that was produced.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) model: usize,
    pub(crate) told: Told,
    pub(crate) function: Function,
    pub(crate) body: Value,
    /// SageMaker and CodePipeline may lose theirs.
    pub(crate) lost: bool,
    /// How many deliveries have not ended yet.
    pub(crate) under_way: usize,
    pub(crate) ended: Vec<Ended>,
}

/// One of the deliveries of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) event: usize,
    pub(crate) attempts: u32,
}

/// All events, by number.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) events: Vec<Event>,
    /// How many attempts have failed, by error.
    pub(crate) failures: BTreeMap<String, u64>,
    /// How many dead letters there have been.
    pub(crate) letters: u64,
}

impl Post {
    pub(crate) fn understood(&mut self, delivery: Delivery, outcomes: Vec<String>) {
        self.ended(delivery, Ended::Understood(outcomes));
    }

    /// An attempt has failed. Says when the next one is, if there is one.
    pub(crate) fn failed(
        &mut self,
        delivery: &mut Delivery,
        error: &str,
    ) -> Option<SignedDuration> {
        let name = error.split(':').next().unwrap_or_default().to_owned();
        *self.failures.entry(name).or_default() += 1;
        delivery.attempts += 1;
        let is_queued = self.events[delivery.event].function == Function::DataArrival;
        let (limit, pause) = if is_queued {
            (RECEIVES, VISIBILITY)
        } else {
            let minutes = i64::from(delivery.attempts);
            (ATTEMPTS, SignedDuration::from_mins(minutes))
        };
        if delivery.attempts < limit {
            return Some(pause);
        }
        self.letters += 1;
        self.ended(*delivery, Ended::Dead(error.to_owned()));
        None
    }

    fn ended(&mut self, delivery: Delivery, how: Ended) {
        let event = &mut self.events[delivery.event];
        event.under_way -= 1;
        event.ended.push(how);
    }

    /// Takes dead letters out of the queue, to deliver them again: those that are chosen.
    pub(crate) fn redrive(&mut self, mut chosen: impl FnMut() -> bool) -> Vec<Delivery> {
        let mut redriven = Vec::new();
        for (number, event) in self.events.iter_mut().enumerate() {
            event.ended.retain(|ended| {
                let is_chosen = matches!(ended, Ended::Dead(_)) && chosen();
                if is_chosen {
                    event.under_way += 1;
                    redriven.push(Delivery {
                        event: number,
                        attempts: 0,
                    });
                }
                !is_chosen
            });
        }
        redriven
    }
}
