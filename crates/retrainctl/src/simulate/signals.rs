//! What happened to each model whatever the rule: drift and data.

use jiff::Timestamp;
use retrain_core::event::Event;
use retrain_core::names::ModelName;
use retrain_core::trigger::{Cause, Trigger};

use super::routes::{Heard, Routes};
use crate::events::Recording;

/// What happened to one model.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    pub(crate) model: ModelName,
    /// How often anything happened.
    pub(crate) events: u64,
    /// When alarms were in ALARM.
    pub(crate) drift: Vec<Drift>,
    /// When objects arrived.
    pub(crate) arrivals: Vec<Timestamp>,
}

/// An alarm was in ALARM.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    pub(crate) alarm: String,
    pub(crate) from: Timestamp,
    /// The end, if it had one.
    pub(crate) to: Option<Timestamp>,
}

/// What happened to the models with the most events, by the models' names; and how
/// many models are left out.
pub(crate) fn busiest(
    mut routes: Routes<'_>,
    recording: &Recording,
    most: usize,
) -> (Vec<Signals>, usize) {
    let mut all: Vec<Signals> = routes
        .models()
        .map(|policy| Signals {
            model: policy.model.clone(),
            events: 0,
            drift: Vec::new(),
            arrivals: Vec::new(),
        })
        .collect();
    for event in &recording.events {
        let Heard::Models(models) = routes.heard(event) else {
            continue;
        };
        for (model, happens) in models {
            if let Some(signals) = all.get_mut(model) {
                signals.add(&happens, event.at);
            }
        }
    }
    all.sort_by_key(|signals| std::cmp::Reverse(signals.events));
    let left_out = all.len().saturating_sub(most);
    all.truncate(most);
    all.sort_by(|a, b| a.model.cmp(&b.model));
    (all, left_out)
}

impl Signals {
    fn add(&mut self, event: &Event, came_at: Timestamp) {
        self.events += 1;
        match event {
            Event::Trigger(Trigger {
                cause: Cause::Drift { alarm, .. },
                at,
            }) => {
                let name = alarm.alarm_name();
                if self.open(name).is_none() {
                    self.drift.push(Drift {
                        alarm: name.to_owned(),
                        from: *at,
                        to: None,
                    });
                }
            }
            Event::AlarmCleared { alarm, at } => {
                let is_later = |drift: &&mut Drift| drift.from <= *at;
                if let Some(drift) = self.open(alarm.alarm_name()).filter(is_later) {
                    drift.to = Some(*at);
                }
            }
            Event::Data(_) => self.arrivals.push(came_at),
            _ => {}
        }
    }

    /// The alarm's time in ALARM that has not ended.
    fn open(&mut self, alarm: &str) -> Option<&mut Drift> {
        let mut newest = self.drift.iter_mut().rev();
        newest.find(|drift| drift.to.is_none() && drift.alarm == alarm)
    }
}
