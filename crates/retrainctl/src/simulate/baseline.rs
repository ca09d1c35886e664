//! Rules without a controller, to compare with: what an EventBridge rule that points
//! straight at a pipeline would do, and a calendar.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::names::AlarmArn;
use retrain_core::period::Period;
use retrain_core::trigger::{Cause, Trigger};

use super::assumptions::Assumptions;
use super::routes::{Heard, Routes};
use super::tally::{Span, Tally, seconds};
use crate::events::{Recording, What};

/// A rule without a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// Every `ALARM` that is told starts a run, also when it is told twice.
    EveryAlarm,
    /// A run every so often, whatever happens.
    Every(Period),
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryAlarm => f.write_str("every alarm"),
            Self::Every(period) => write!(f, "every {period}"),
        }
    }
}

impl Baseline {
    /// Plays the recording up to a moment.
    pub(crate) fn play(
        self,
        mut routes: Routes<'_>,
        recording: &Recording,
        assumptions: &Assumptions,
        (from, until): (Timestamp, Timestamp),
    ) -> Vec<Tally> {
        let policies = routes.models();
        let mut rules: Vec<Rule<'_>> = policies
            .map(|policy| Rule {
                assumptions,
                tally: Tally::new(&policy.model),
                pending: BTreeMap::new(),
                next: match self {
                    Self::Every(_) => Some(from),
                    Self::EveryAlarm => None,
                },
            })
            .collect();
        let events = recording.events.iter();
        // Such a rule knows nothing of data.
        let alarms = events.filter(|event| matches!(event.what, What::Alarm(_)));
        for event in alarms.take_while(|event| event.at <= until) {
            let Heard::Models(models) = routes.heard(event) else {
                continue;
            };
            for (model, happens) in models {
                if let Some(rule) = rules.get_mut(model) {
                    rule.advance(self, event.at);
                    rule.hear(self, &happens, event.at);
                }
            }
        }
        rules
            .into_iter()
            .map(|mut rule| {
                rule.advance(self, until);
                rule.tally.still_held = rule.pending.len() as u64;
                rule.tally
            })
            .collect()
    }
}

/// A rule at work for one model.
struct Rule<'a> {
    assumptions: &'a Assumptions,
    tally: Tally,
    /// Alarms in ALARM for which no run has started yet, since when.
    pending: BTreeMap<AlarmArn, Timestamp>,
    /// When the calendar starts the next run.
    next: Option<Timestamp>,
}

impl Rule<'_> {
    fn advance(&mut self, baseline: Baseline, to: Timestamp) {
        let Baseline::Every(period) = baseline else {
            return;
        };
        while let Some(at) = self.next.filter(|at| *at <= to) {
            self.start(at, format!("every {period}"));
            self.next = at.checked_add(period.duration()).ok();
        }
    }

    fn hear(&mut self, baseline: Baseline, event: &Event, now: Timestamp) {
        match event {
            Event::Trigger(Trigger {
                cause: cause @ Cause::Drift { alarm, .. },
                at,
            }) => {
                self.pending.entry(alarm.clone()).or_insert(*at);
                if baseline == Baseline::EveryAlarm {
                    self.start(now, cause.to_string());
                }
            }
            Event::AlarmCleared { alarm, .. } => {
                self.pending.remove(alarm);
            }
            _ => {}
        }
    }

    fn start(&mut self, now: Timestamp, why: String) {
        let tally = &mut self.tally;
        let status = self.assumptions.outcome(&tally.model, tally.runs.len());
        let to = now + self.assumptions.run_time();
        tally.runs.push(Span {
            from: now,
            to,
            status,
            why,
        });
        tally.outcome("started");
        if status == ExecutionStatus::Succeeded {
            tally.successes.push(to);
        }
        let waited = std::mem::take(&mut self.pending).into_values();
        let waits = waited.map(|since| seconds(now.duration_since(since)));
        tally.waits.extend(waits);
    }
}
