//! How often a model is retrained at most, and what its failures mean.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::drift::DriftKind;
use crate::period::Period;
use crate::trigger::Cause;

/// The most starts of a model within a sliding window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Budget {
    /// How many starts; 1 to 100.
    pub starts: u32,
    /// How long the window is; from one hour to 366 days.
    pub window: Period,
}

impl Budget {
    pub(super) fn check(self) -> Result<(), PolicyError> {
        if !(1..=100).contains(&self.starts) {
            return Err(PolicyError::at("budget.starts", "must be from 1 to 100"));
        }
        if !(Period::from_hours(1)..=Period::from_days(366)).contains(&self.window) {
            return Err(PolicyError::at("budget.window", "must be from 1h to 366d"));
        }
        Ok(())
    }
}

/// How long a model waits after failed runs, and when its causes are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackOff {
    /// The wait after the first failure; it doubles with each further one.
    pub initial: Period,
    /// The longest wait.
    pub cap: Period,
    /// A cause is given up, with a record, when this many runs in a row that
    /// carried it have failed; 1 to 20.
    pub max_failures: u32,
}

impl Default for BackOff {
    fn default() -> Self {
        Self {
            initial: Period::from_mins(30),
            cap: Period::from_hours(24),
            max_failures: 3,
        }
    }
}

impl BackOff {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        if self.initial.is_zero() || self.initial > self.cap {
            return Err(PolicyError::at(
                "back_off.initial",
                "must be more than 0s and at most back_off.cap",
            ));
        }
        if !(1..=20).contains(&self.max_failures) {
            return Err(PolicyError::at(
                "back_off.max_failures",
                "must be from 1 to 20",
            ));
        }
        Ok(())
    }
}

/// How a run tells that the new model is no better than the old one.
///
/// Such a run has not failed: it has trained, compared, and refused to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NoImprovement {
    /// The names of the pipeline's Fail steps that mean it; 1 to 10.
    pub steps: Vec<String>,
    /// A drift alarm that stays in ALARM through this many such runs is given up,
    /// with a record; 1 to 20.
    #[serde(default = "default_max_times")]
    pub max_times: u32,
}

const fn default_max_times() -> u32 {
    3
}

impl NoImprovement {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        if !(1..=10).contains(&self.steps.len()) {
            return Err(PolicyError::at(
                "no_improvement.steps",
                "must name 1 to 10 steps",
            ));
        }
        for (at, step) in self.steps.iter().enumerate() {
            if !(1..=64).contains(&step.chars().count()) {
                return Err(PolicyError::at(
                    format_args!("no_improvement.steps[{at}]"),
                    "must be the name of a step, 1 to 64 characters",
                ));
            }
        }
        if !(1..=20).contains(&self.max_times) {
            return Err(PolicyError::at(
                "no_improvement.max_times",
                "must be from 1 to 20",
            ));
        }
        Ok(())
    }

    /// Whether a run whose steps failed like this has merely found no improvement.
    pub(crate) fn is_told_by(&self, failed_steps: &[String]) -> bool {
        !failed_steps.is_empty() && failed_steps.iter().all(|step| self.steps.contains(step))
    }
}

/// How many kinds of signals must agree before one of them retrains: one noisy
/// monitor alone does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AtLeast {
    /// How many different kinds; from 2 to as many as `of` lists.
    pub kinds: u32,
    /// The kinds that are subject to this. Others retrain alone.
    pub of: BTreeSet<Signal>,
    /// Within which time they must ask; from one minute. A signal that finds no
    /// company in this time is dropped, with a record.
    pub within: Period,
}

/// A kind of signal: drift by its kind, or new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Signal {
    /// Drift of the input's quality.
    DataQuality,
    /// Drift of the predictions' quality.
    ModelQuality,
    /// Drift of bias.
    BiasDrift,
    /// Drift of what features contribute.
    FeatureAttributionDrift,
    /// Drift of a custom metric.
    Custom,
    /// New training data.
    Data,
}

impl Signal {
    /// The kind of signal that a cause is, if it is one that others can confirm.
    pub(crate) const fn of(cause: &Cause) -> Option<Self> {
        match cause {
            Cause::Drift { drift, .. } => Some(match drift {
                DriftKind::DataQuality => Self::DataQuality,
                DriftKind::ModelQuality => Self::ModelQuality,
                DriftKind::BiasDrift => Self::BiasDrift,
                DriftKind::FeatureAttributionDrift => Self::FeatureAttributionDrift,
                DriftKind::Custom => Self::Custom,
            }),
            Cause::Data { .. } => Some(Self::Data),
            Cause::Schedule { .. }
            | Cause::Age { .. }
            | Cause::Code { .. }
            | Cause::Deployment { .. }
            | Cause::Manual { .. } => None,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataQuality => "data_quality",
            Self::ModelQuality => "model_quality",
            Self::BiasDrift => "bias_drift",
            Self::FeatureAttributionDrift => "feature_attribution_drift",
            Self::Custom => "custom",
            Self::Data => "data",
        })
    }
}

impl AtLeast {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let of = u32::try_from(self.of.len()).unwrap_or(u32::MAX);
        if !(2..=of).contains(&self.kinds) {
            return Err(PolicyError::at(
                "at_least.kinds",
                "must be from 2 to as many as at_least.of lists",
            ));
        }
        if !(Period::from_mins(1)..=Period::from_days(30)).contains(&self.within) {
            return Err(PolicyError::at("at_least.within", "must be from 1m to 30d"));
        }
        Ok(())
    }
}
