//! What a team wants for one model: when it is retrained and with which parameters.
//!
//! One JSON document per model, versioned by Parameter Store. Parsing is the
//! only validation: a [`Policy`] that exists is a policy that can be applied.

mod blackout;
mod data;
mod environment;
mod limits;
mod matcher;
mod target;
mod template;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod tests_of_environments;
#[cfg(test)]
mod tests_of_fields;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use self::blackout::open_from;
pub use self::blackout::{Blackout, Day, InvalidLocalTime, LocalTime, UnknownZone, Zone};
pub use self::data::{
    Completion, DataPolicy, Is, MAX_KEY_BYTES, ManifestPolicy, ObjectFormat, ObjectMatcher, Role,
};
pub use self::environment::{Environment, OnRejected, Promotion};
pub use self::limits::{AtLeast, BackOff, Budget, NoImprovement, Signal};
pub use self::matcher::{AlarmMatch, AlarmMatcher, DriftPolicy, NotDrift};
pub use self::target::PipelineTarget;
pub use self::template::{InvalidTemplate, Placeholder, Template};
use crate::gate::Gate;
use crate::lane::{Lane, SlotKey, Target};
use crate::names::{
    AccountId, ModelName, ModelPackageGroupName, ParameterName, PipelineParameterName,
};
use crate::period::Period;
use crate::token::digest;
use crate::trigger::TriggerKind;

/// The retraining policy of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// The pipeline that retrains the model: one of SageMaker's, or of
    /// CodePipeline's. A pipeline belongs to one model only.
    pub pipeline: PipelineTarget,

    /// What each declared pipeline parameter (of CodePipeline: variable) is given:
    /// literal text and placeholders such as `{training_data_uri}` or
    /// `{drift_kind|none}`.
    #[serde(default)]
    pub parameters: BTreeMap<PipelineParameterName, Template>,

    /// The Parameter Store parameter that holds the URI of the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_data_uri_parameter: Option<ParameterName>,

    /// How far back the training window reaches from the moment of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_window: Option<Period>,

    /// The model package group whose newest approved package is the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_package_group: Option<ModelPackageGroupName>,

    /// The other accounts whose packages of a group of that name are this model's, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub model_package_accounts: BTreeSet<AccountId>,

    /// Which CloudWatch alarms mean drift of this model.
    #[serde(default, skip_serializing_if = "DriftPolicy::is_empty")]
    pub drift: DriftPolicy,

    /// Which S3 objects are training data of this model, and how much of it
    /// retrains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataPolicy>,

    /// How many kinds of signals must agree before one of them retrains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<AtLeast>,

    /// The least time between two starts, whatever caused them; at least one
    /// minute.
    pub min_interval: Period,

    /// Another minimum interval for triggers of one kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub min_interval_by_kind: BTreeMap<TriggerKind, Period>,

    /// What happens to a trigger inside the minimum interval.
    #[serde(default)]
    pub within_min_interval: WithinMinInterval,

    /// How long to wait after failed runs.
    #[serde(default)]
    pub back_off: BackOff,

    /// How a run tells that the new model is no better than the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_improvement: Option<NoImprovement>,

    /// What a model package of the group must show to be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,

    /// Where approved packages of the group are deployed to, in this order; at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<Environment>,

    /// Retrain when the last success is older than this; from one hour. It counts
    /// from the first success that the controller sees. A run without improvement
    /// counts as one: it has shown that the model is still the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Period>,

    /// How many failed runs in a row stop the model until a person resets the
    /// breaker; 1 to 100.
    #[serde(default = "default_breaker")]
    pub breaker_after_failures: u32,

    /// The most starts within a window of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,

    /// Hours in which nothing is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<Blackout>,

    /// Whether to start executions, or only to record what would be started.
    #[serde(default)]
    pub mode: Mode,

    /// An event that is older than this when it arrives is recorded as stale and
    /// starts nothing; from one minute to 30 days.
    #[serde(default = "default_max_event_age")]
    pub max_event_age: Period,
}

/// What happens to a trigger that arrives inside the minimum interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WithinMinInterval {
    /// It is held and starts when the interval ends, unless its cause has gone.
    #[default]
    Hold,
    /// It is dropped, with a record.
    Drop,
}

/// What the controller does when a model should be retrained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Mode {
    /// It starts an execution.
    #[default]
    Act,
    /// It records that it would have started one, and calls nothing.
    Observe,
}

const fn default_breaker() -> u32 {
    5
}

const fn default_max_event_age() -> Period {
    Period::from_days(7)
}

/// Total length of all rendered parameters: a claim is frozen in its slot, and a
/// slot stays small.
pub const MAX_PARAMETERS_BYTES: usize = 16 * 1024;

/// Why a policy document is not a policy: which field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {reason}")]
pub struct PolicyError {
    /// The path of the field, `.` for the document itself.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl PolicyError {
    pub(crate) fn at(field: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self {
            field: field.to_string(),
            reason: reason.to_string(),
        }
    }
}

impl Policy {
    /// Parses a policy document.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let policy: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = match error.path().to_string() {
                nameless if nameless.is_empty() => "\"\"".to_string(),
                field => field,
            };
            PolicyError::at(field, error.into_inner())
        })?;
        reader.end().map_err(|error| PolicyError::at(".", error))?;
        policy.check()
    }

    /// The rules that no single field can check for itself.
    fn check(self) -> Result<Self, PolicyError> {
        if self.min_interval < Period::from_mins(1) {
            return Err(PolicyError::at("min_interval", "must be at least 1m"));
        }
        for (kind, interval) in &self.min_interval_by_kind {
            if *kind == TriggerKind::Deployment {
                return Err(PolicyError::at(
                    format_args!("min_interval_by_kind.{kind}"),
                    "deployments have a min_interval in their environment",
                ));
            }
            if *interval < Period::from_mins(1) {
                return Err(PolicyError::at(
                    format_args!("min_interval_by_kind.{kind}"),
                    "must be at least 1m",
                ));
            }
        }
        if !(Period::from_mins(1)..=Period::from_days(30)).contains(&self.max_event_age) {
            return Err(PolicyError::at("max_event_age", "must be from 1m to 30d"));
        }
        if self.max_age.is_some_and(|age| age < Period::from_hours(1)) {
            return Err(PolicyError::at("max_age", "must be at least 1h"));
        }
        self.back_off.check()?;
        if !(1..=100).contains(&self.breaker_after_failures) {
            return Err(PolicyError::at(
                "breaker_after_failures",
                "must be from 1 to 100",
            ));
        }
        self.budget.map_or(Ok(()), Budget::check)?;
        self.no_improvement
            .as_ref()
            .map_or(Ok(()), NoImprovement::check)?;
        self.at_least.as_ref().map_or(Ok(()), AtLeast::check)?;
        self.data.as_ref().map_or(Ok(()), DataPolicy::check)?;
        self.gate.as_ref().map_or(Ok(()), Gate::check)?;
        if self.gate.is_some() && self.model_package_group.is_none() {
            return Err(PolicyError::at(
                "gate",
                "needs the field model_package_group",
            ));
        }
        if !self.model_package_accounts.is_empty() && self.model_package_group.is_none() {
            return Err(PolicyError::at(
                "model_package_accounts",
                "needs the field model_package_group",
            ));
        }
        environment::check(&self)?;
        blackout::check(&self.blackouts)?;
        self.drift.check()?;
        self.pipeline.check_parameters(&self.parameters)?;
        for (name, template) in &self.parameters {
            for placeholder in template.placeholders() {
                self.check_source(placeholder)
                    .map_err(|reason| PolicyError::at(format_args!("parameters.{name}"), reason))?;
            }
        }
        Ok(self)
    }

    fn check_source(&self, placeholder: Placeholder) -> Result<(), String> {
        let missing = match placeholder {
            Placeholder::TrainingDataUri if self.training_data_uri_parameter.is_none() => {
                "training_data_uri_parameter"
            }
            Placeholder::TrainingWindowStart | Placeholder::TrainingWindowEnd
                if self.training_window.is_none() =>
            {
                "training_window"
            }
            Placeholder::BaselineModelPackageArn if self.model_package_group.is_none() => {
                "model_package_group"
            }
            Placeholder::DataRows | Placeholder::DataObjects if self.data.is_none() => "data",
            Placeholder::ManifestUri if self.manifest().is_none() => "data.manifest",
            _ => return Ok(()),
        };
        Err(alloc::format!(
            "{{{placeholder}}} needs the field {missing}"
        ))
    }

    /// What a claim under this policy starts.
    pub fn target(&self) -> &Target {
        self.pipeline.target()
    }

    /// The minimum interval before a start that this kind of trigger causes.
    pub fn min_interval_for(&self, kind: TriggerKind) -> Period {
        self.min_interval_by_kind
            .get(&kind)
            .copied()
            .unwrap_or(self.min_interval)
    }

    /// Where the manifest of a start's data is written, if the policy wants one.
    pub fn manifest(&self) -> Option<&ManifestPolicy> {
        self.data.as_ref()?.manifest.as_ref()
    }

    /// Whether any parameter uses this placeholder.
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        self.parameters
            .values()
            .any(|template| template.placeholders().any(|used| used == placeholder))
    }
}

/// A policy as it is in force: of which model, for which lane, and in which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyInForce {
    /// The model.
    pub model: ModelName,
    /// What of the model it concerns here.
    pub lane: Lane,
    /// Parameter Store's version of the document; it is in every decision.
    pub version: u64,
    /// The policy.
    pub policy: Policy,
}

impl PolicyInForce {
    /// The policy of a model's retraining.
    pub const fn new(model: ModelName, version: u64, policy: Policy) -> Self {
        Self {
            model,
            lane: Lane::Retrain,
            version,
            policy,
        }
    }

    /// The slot that it concerns.
    pub fn slot(&self) -> SlotKey {
        SlotKey {
            model: self.model.clone(),
            lane: self.lane.clone(),
        }
    }

    /// The policy as it concerns another lane of the model; nothing where the model has
    /// no such lane. Ask the policy of the model's retraining.
    pub fn in_lane(&self, lane: &Lane) -> Option<Self> {
        let policy = match lane {
            Lane::Retrain => self.policy.clone(),
            Lane::Deploy(environment) => self.policy.of_deployments(environment)?,
            Lane::Package(_) => self.has_lane(lane).then(|| self.policy.clone())?,
        };
        Some(Self {
            model: self.model.clone(),
            lane: lane.clone(),
            version: self.version,
            policy,
        })
    }

    /// The policy as it concerns a lane that the model does not have, or no more: nothing
    /// starts there, but what is left can be settled.
    #[must_use]
    pub fn in_abandoned_lane(&self, lane: &Lane) -> Self {
        Self {
            model: self.model.clone(),
            lane: lane.clone(),
            version: self.version,
            policy: Policy {
                mode: Mode::Observe,
                ..self.policy.clone()
            },
        }
    }

    /// Whether the model has this lane. Ask the policy of the model's retraining.
    pub fn has_lane(&self, lane: &Lane) -> bool {
        match lane {
            Lane::Retrain => true,
            Lane::Deploy(environment) => self.policy.environment(environment).is_some(),
            Lane::Package(package) => {
                let group = self.policy.model_package_group.as_ref();
                group.is_some_and(|group| group.as_str().eq_ignore_ascii_case(package.group_name()))
            }
        }
    }

    /// The environment that it deploys to.
    pub fn environment(&self) -> Option<&Environment> {
        match &self.lane {
            Lane::Deploy(name) => self.policy.environment(name),
            Lane::Retrain | Lane::Package(_) => None,
        }
    }

    /// Tells one policy from another, whatever their versions are.
    pub fn digest(&self) -> String {
        // A policy came from JSON, so it can be written as JSON.
        digest(&serde_json::to_string(&self.policy).unwrap_or_default())
    }
}
