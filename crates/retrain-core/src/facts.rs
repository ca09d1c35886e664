//! What the world must tell before a decision: looked up outside, decided inside.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data::{Generations, KnownObjects, Tally};
use crate::event::ExecutionStatus;
use crate::execution::Execution;
use crate::gate::Evidence;
use crate::guard::{earlier, later};
use crate::names::{AlarmArn, ModelName, ModelPackageArn, ModelPackageGroupName, ParameterName};
use crate::package::{Origin, PackageDescription};
use crate::policy::{ManifestPolicy, Placeholder, Policy};
use crate::slot::Pause;
use crate::token::{ClientRequestToken, Epoch};

/// Everything that [`step`](crate::step::step) is told besides the slot, the event
/// and the policy.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The table's epoch and the controller's switch.
    pub controller: &'a ControllerState,
    /// The marker of the trigger at hand, if it was seen before.
    pub seen: Option<&'a Seen>,
    /// What a start needs to know, once it was looked up.
    pub lookups: Option<&'a Lookups>,
    /// What is remembered of the objects at hand.
    pub objects: &'a KnownObjects,
    /// Whether a further start may be made now. After a pause of the whole
    /// controller the reconciler starts few models at a time.
    pub may_start: bool,
    /// The controller's timing.
    pub timing: Timing,
}

/// No objects are at hand.
static NO_OBJECTS: KnownObjects = KnownObjects::new();

impl<'a> Facts<'a> {
    /// The least that is always known.
    pub fn new(controller: &'a ControllerState, timing: Timing) -> Self {
        Self {
            controller,
            seen: None,
            lookups: None,
            objects: &NO_OBJECTS,
            may_start: true,
            timing,
        }
    }
}

/// The one item that belongs to no model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerState {
    /// The table's epoch.
    pub epoch: Epoch,
    /// Set while a person pauses the whole controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

/// What is remembered of a trigger that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The version of the slot that the decision made, which is also the
    /// decision's number.
    pub decision: u64,
    /// The claim that took the trigger, if it led to one at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<u64>,
}

/// What a start must look up first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactsNeeded {
    /// The parameter that holds the URI of the training data.
    pub training_data_uri: Option<ParameterName>,
    /// The group whose newest approved package is the baseline.
    pub baseline: Option<ModelPackageGroupName>,
    /// The manifest of the data that the start takes.
    pub manifest: Option<Box<ManifestWanted>>,
    /// The alarms whose present state matters.
    pub alarms: Vec<AlarmArn>,
    /// The run that ended last without success: a person may have retried it, and
    /// nobody has told.
    pub last_run: Option<Execution>,
    /// The packages whose present state matters.
    pub packages: Vec<ModelPackageArn>,
    /// The package that is to be decided about.
    pub review: Option<Box<ReviewNeeded>>,
}

/// What a decision about a package must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewNeeded {
    /// The package.
    pub package: PackageDescription,
    /// The group whose newest approved package is the champion, if the gate is to look.
    pub champion_of: Option<ModelPackageGroupName>,
    /// Whether to find out where it comes from.
    pub origin: bool,
}

/// What the gate looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateEvidence {
    /// Of the package.
    pub candidate: Evidence,
    /// Of the package that is approved now, if there is one.
    pub champion: Option<Evidence>,
}

/// A manifest that must be written before a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestWanted {
    /// Where.
    pub to: ManifestPolicy,
    /// Of which model.
    pub model: ModelName,
    /// The token of the claim, which makes its name.
    pub token: ClientRequestToken,
    /// The data that it lists.
    pub generations: Generations,
    /// How much that is: what the list must come to.
    pub tally: Tally,
}

impl ManifestWanted {
    /// The key of the manifest.
    pub fn key(&self) -> String {
        alloc::format!("{}{}/{}.json", self.to.prefix, self.model, self.token)
    }
}

impl FactsNeeded {
    /// What this policy's parameters need.
    pub fn of(policy: &Policy) -> Self {
        Self {
            training_data_uri: policy
                .training_data_uri_parameter
                .clone()
                .filter(|_| policy.uses(Placeholder::TrainingDataUri)),
            baseline: policy
                .model_package_group
                .clone()
                .filter(|_| policy.uses(Placeholder::BaselineModelPackageArn)),
            ..Self::default()
        }
    }

    /// Only what became of the run that ended last.
    pub(crate) fn of_last_run(execution: Execution) -> Self {
        Self {
            last_run: Some(execution),
            ..Self::default()
        }
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// The URI of the training data.
    pub training_data_uri: Lookup<String>,
    /// The newest approved package.
    pub baseline: Lookup<ModelPackageArn>,
    /// The URI of the manifest, once it is written.
    pub manifest_uri: Lookup<String>,
    /// Those of the alarms at hand that are in ALARM.
    pub in_alarm: Lookup<BTreeSet<AlarmArn>>,
    /// What the run that ended last is now. One that cannot be described has ended.
    pub last_run: Lookup<ExecutionStatus>,
    /// Those of the packages at hand that exist.
    pub packages: Lookup<Vec<PackageDescription>>,
    /// What the gate looks at.
    pub evidence: Option<Box<GateEvidence>>,
    /// Where the package at hand comes from.
    pub origin: Option<Origin>,
}

/// The answer to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lookup<T> {
    /// This is it.
    Found(T),
    /// It does not exist, or was not needed.
    #[default]
    Absent,
    /// It cannot be read, and asking again will not help: no permission, say.
    Unreadable(String),
}

impl<T> Lookup<T> {
    /// The value, if it was found.
    pub const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// Why there is no value, when it exists but cannot be read.
    pub fn unreadable(&self) -> Option<&str> {
        match self {
            Self::Unreadable(why) => Some(why),
            Self::Found(_) | Self::Absent => None,
        }
    }
}

impl<T> From<Option<T>> for Lookup<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Found)
    }
}

/// How far before its claim an execution is looked for. No clock may be further off.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(1);

/// How long things take, or may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    function_timeout: SignedDuration,
    max_skew: SignedDuration,
    settle: SignedDuration,
    describe_every: SignedDuration,
}

/// A timing that could not keep the promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} must be {rule}")]
pub struct InvalidTiming {
    field: &'static str,
    rule: &'static str,
}

impl Timing {
    /// A timing for a function with this timeout.
    ///
    /// * `function_timeout`: the longest that a worker lives after it took a claim.
    /// * `max_skew`: the largest difference between two workers' clocks.
    /// * `settle`: how long AWS's eventually consistent lists may lag.
    /// * `describe_every`: how often a running execution is looked at when no
    ///   event tells about it.
    pub fn new(
        function_timeout: SignedDuration,
        max_skew: SignedDuration,
        settle: SignedDuration,
        describe_every: SignedDuration,
    ) -> Result<Self, InvalidTiming> {
        let second = SignedDuration::from_secs(1);
        let hours = |n| SignedDuration::from_hours(n);
        let check = |field, rule, fits| {
            if fits {
                Ok(())
            } else {
                Err(InvalidTiming { field, rule })
            }
        };
        check(
            "function_timeout",
            "from 5 s to 15 min",
            function_timeout >= second * 5 && function_timeout <= second * 900,
        )?;
        check(
            "max_skew",
            "from 0 s to 1 h",
            !max_skew.is_negative() && max_skew <= LOOK_BACK,
        )?;
        check(
            "settle",
            "from 0 s to 1 h",
            !settle.is_negative() && settle <= hours(1),
        )?;
        check(
            "describe_every",
            "from 1 min to 24 h",
            describe_every >= second * 60 && describe_every <= hours(24),
        )?;
        Ok(Self {
            function_timeout,
            max_skew,
            settle,
            describe_every,
        })
    }

    /// How long a claim is reserved for the worker that wrote it.
    pub fn lease(&self) -> SignedDuration {
        self.function_timeout + self.max_skew * 2 + self.settle
    }

    /// How long after its claim a worker may still send. The rest of the lease
    /// covers the clocks' difference and the lists' lag.
    pub const fn send_within(&self) -> SignedDuration {
        self.function_timeout
    }

    /// How long to wait after a lease before resuming.
    pub const fn settle(&self) -> SignedDuration {
        self.settle
    }

    /// When AWS shows what was done at `at`, and has told all that was before, by
    /// whoever's clock.
    pub(crate) fn settled(&self, at: Timestamp) -> Timestamp {
        later(at, self.settle + self.max_skew)
    }

    /// The largest difference between two clocks.
    pub const fn max_skew(&self) -> SignedDuration {
        self.max_skew
    }

    /// How often a running execution is looked at.
    pub const fn describe_every(&self) -> SignedDuration {
        self.describe_every
    }

    /// Since when an execution of this claim is looked for.
    ///
    /// It is told from others by its name. The time only bounds how much is searched, so it
    /// is generous: a worker whose clock is further ahead than `max_skew` must not make its
    /// execution invisible, because it would be started once more. AWS takes no request
    /// whose signature is off by more than 15 minutes.
    pub fn earliest_start(&self, claimed_at: Timestamp) -> Timestamp {
        earlier(claimed_at, LOOK_BACK)
    }

    /// Since when AWS shows what came after this, by whoever's clock.
    pub(crate) fn since(&self, at: Timestamp) -> Timestamp {
        earlier(at, self.max_skew)
    }
}

impl Default for Timing {
    /// A function timeout of 30 s, 5 s of skew, 60 s to settle, a look every
    /// 15 minutes.
    fn default() -> Self {
        Self {
            function_timeout: SignedDuration::from_secs(30),
            max_skew: SignedDuration::from_secs(5),
            settle: SignedDuration::from_secs(60),
            describe_every: SignedDuration::from_mins(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_outlives_the_worker_the_skew_and_the_lag() {
        let timing = Timing::default();
        assert_eq!(timing.lease(), SignedDuration::from_secs(30 + 2 * 5 + 60));
        assert!(timing.send_within() <= timing.lease() - timing.max_skew() * 2 - timing.settle());
    }

    #[test]
    fn impossible_timings_are_refused() {
        let secs = SignedDuration::from_secs;
        let timing = |a, b, c, d| Timing::new(secs(a), secs(b), secs(c), secs(d));
        assert!(timing(30, 5, 60, 900).is_ok());
        for bad in [
            timing(4, 5, 60, 900),
            timing(901, 5, 60, 900),
            timing(30, -1, 60, 900),
            timing(30, 5, 3_601, 900),
            timing(30, 5, 60, 59),
        ] {
            assert!(bad.is_err());
        }
    }
}
