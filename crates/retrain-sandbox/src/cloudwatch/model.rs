//! What the sandbox keeps about alarms.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alarm {
    /// Its name: 1 to 255 characters, colons and spaces among them.
    pub name: String,
    /// Its type.
    #[serde(rename = "type", default)]
    pub alarm_type: AlarmType,
    /// Its state.
    #[serde(default)]
    pub state: StateValue,
    /// What a metric alarm watches. One over an expression has no such metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// Whether its actions are done.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub actions_enabled: bool,
    /// What it does when it goes into `ALARM`: the ARNs of topics and functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarm_actions: Vec<String>,
    /// What it does when it is `OK` again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ok_actions: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl Alarm {
    /// A metric alarm as AWS creates it: in `INSUFFICIENT_DATA`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            alarm_type: AlarmType::default(),
            state: StateValue::default(),
            metric: None,
            actions_enabled: yes(),
            alarm_actions: Vec::new(),
            ok_actions: Vec::new(),
        }
    }

    /// Sets its type.
    #[must_use]
    pub fn alarm_type(mut self, alarm_type: AlarmType) -> Self {
        self.alarm_type = alarm_type;
        self
    }

    /// Sets its state.
    #[must_use]
    pub fn state(mut self, state: StateValue) -> Self {
        self.state = state;
        self
    }

    /// Sets what it watches.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = Some(metric);
        self
    }
}

/// The metric of an alarm and how it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// The length of a period in seconds.
    #[serde(default = "five_minutes")]
    pub period: u32,
    /// How many periods are looked at.
    #[serde(default = "one")]
    pub evaluation_periods: u32,
    /// How many of them must breach; all of them, if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<u32>,
    /// What a missing data point counts as, such as `notBreaching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<String>,
}

const fn five_minutes() -> u32 {
    300
}

const fn one() -> u32 {
    1
}

impl Metric {
    /// A metric without dimensions, evaluated over one period of five minutes.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: BTreeMap::new(),
            period: five_minutes(),
            evaluation_periods: one(),
            datapoints_to_alarm: None,
            treat_missing_data: None,
        }
    }
}

/// The type of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum AlarmType {
    CompositeAlarm,
    LogAlarm,
    #[default]
    MetricAlarm,
}

impl AlarmType {
    /// The order of the API model.
    pub(super) const ALL: [Self; 3] = [Self::CompositeAlarm, Self::LogAlarm, Self::MetricAlarm];

    /// Its name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CompositeAlarm => "CompositeAlarm",
            Self::LogAlarm => "LogAlarm",
            Self::MetricAlarm => "MetricAlarm",
        }
    }
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum StateValue {
    Ok,
    Alarm,
    #[default]
    InsufficientData,
}

impl StateValue {
    /// The order of the API model.
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Alarm, Self::InsufficientData];

    /// Its name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// A control call that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such alarm.
    #[error("there is no alarm {0}")]
    Unknown(String),
    /// AWS has no such alarms.
    #[error("alarm {name} {rule}")]
    Invalid {
        /// Its name.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
}

/// An alarm and what AWS remembers about it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) alarm: Alarm,
    pub(super) configured: Timestamp,
    /// When the state was last written, changed or not.
    pub(super) updated: Timestamp,
    /// When the state last changed.
    pub(super) transitioned: Timestamp,
}

impl Record {
    pub(super) fn new(alarm: Alarm, now: Timestamp) -> Self {
        Self {
            alarm,
            configured: now,
            updated: now,
            transitioned: now,
        }
    }

    pub(super) fn set_state(&mut self, state: StateValue, now: Timestamp) {
        if self.alarm.state != state {
            self.transitioned = now;
        }
        self.alarm.state = state;
        self.updated = now;
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) alarms: BTreeMap<String, Record>,
    /// Namespace, name and dimensions of what had a value within the last two weeks.
    pub(super) metrics: BTreeSet<(String, String, BTreeMap<String, String>)>,
    pub(super) max_page: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            alarms: BTreeMap::new(),
            metrics: BTreeSet::new(),
            max_page: 100,
        }
    }
}
