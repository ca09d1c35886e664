//! What an alarm is to a slot, or why it is nothing.

use std::fmt;

use retrain_core::drift::{AlarmState, AlarmTransition, DriftKind, Silenced};
use retrain_core::event::Event;
use retrain_core::policy::NotDrift;
use retrain_core::trigger::{Cause, Trigger};

/// What an alarm's transition, which means drift of this kind, is to a slot.
pub fn alarm_event(alarm: &AlarmTransition, drift: DriftKind) -> Event {
    match alarm.state {
        AlarmState::Ok | AlarmState::InsufficientData => Event::AlarmCleared {
            alarm: alarm.alarm.clone(),
            at: alarm.at,
        },
        AlarmState::Alarm => Event::Trigger(Trigger {
            cause: Cause::Drift {
                alarm: alarm.alarm.clone(),
                drift,
                evidence: alarm.reason.clone(),
            },
            at: alarm.at,
        }),
    }
}

/// Why an alarm leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoredAlarm {
    /// `INSUFFICIENT_DATA` says nothing about drift.
    InsufficientData,
    /// Somebody silenced the alarm.
    Silenced(Silenced),
    /// No policy names the alarm.
    UnknownAlarm,
    /// A policy names it, but it cannot mean drift.
    NotDrift(NotDrift),
}

impl IgnoredAlarm {
    /// Why a transition concerns no model, whatever the policies say.
    pub fn whatever_the_policies(alarm: &AlarmTransition) -> Option<Self> {
        match alarm.state {
            AlarmState::InsufficientData => Some(Self::InsufficientData),
            // An OK withdraws also while the alarm is silenced: it starts nothing.
            AlarmState::Ok => None,
            AlarmState::Alarm => alarm.silenced.clone().map(Self::Silenced),
        }
    }
}

impl fmt::Display for IgnoredAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientData => f.write_str("INSUFFICIENT_DATA changes nothing"),
            Self::Silenced(Silenced::Muted { .. }) => f.write_str("the alarm is muted"),
            Self::Silenced(Silenced::Suppressed { by }) => {
                write!(f, "the alarm is suppressed by {by:?}")
            }
            Self::UnknownAlarm => f.write_str("no policy names the alarm"),
            Self::NotDrift(why) => write!(f, "{why}"),
        }
    }
}
