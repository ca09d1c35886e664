//! Where approved models are deployed to, one environment after the other.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::target::check_variables;
use super::{BackOff, Blackout, Policy, PolicyError, Template, blackout};
use crate::lane::Target;
use crate::names::{
    CodePipelineName, EndpointName, EnvironmentName, MonitoringScheduleName, PipelineParameterName,
};
use crate::omitted::is_default;
use crate::period::Period;

/// An environment that approved packages are deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environment {
    /// Its name, such as `staging`.
    pub name: EnvironmentName,

    /// The CodePipeline pipeline that deploys to it, of type V2, which declares the
    /// variable `RETRAIN_TOKEN`. It belongs to this environment only, and has no stage
    /// that trains: an approval never trains.
    pub pipeline: CodePipelineName,

    /// What each declared variable of the pipeline is given: literal text and
    /// placeholders such as `{model_package_arn}`.
    pub variables: BTreeMap<PipelineParameterName, Template>,

    /// What a package needs to be deployed here, once it is approved and the
    /// environment before this one runs it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub promotion: Promotion,

    /// What happens when the package that runs here is rejected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_rejected: OnRejected,

    /// The least time between two deployments.
    #[serde(default = "no_time")]
    pub min_interval: Period,

    /// How often a deployment that has failed or was superseded is tried again, and
    /// after which wait. Without it, it is only recorded.
    #[serde(default = "reported_only")]
    pub back_off: BackOff,

    /// How many failed deployments in a row stop the environment until a person resets
    /// the breaker; 1 to 100.
    #[serde(default = "super::default_breaker")]
    pub breaker_after_failures: u32,

    /// Hours in which nothing is deployed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<Blackout>,

    /// The endpoint that the pipeline updates, so that its own rollback is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointName>,

    /// The Model Monitor schedules that get the baselines of what is deployed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring_schedules: Vec<MonitoringScheduleName>,
}

/// What a package needs to be deployed to an environment, besides being approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Promotion {
    /// Nothing: it follows at once.
    #[default]
    Automatic,
    /// A person's word.
    Person,
}

/// What happens when the package that an environment runs is rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnRejected {
    /// It is recorded, and a person decides.
    #[default]
    Report,
    /// The newest package that the environment ran before and that is still approved is
    /// deployed again.
    RollBack,
}

const fn no_time() -> Period {
    Period::from_mins(0)
}

const fn reported_only() -> BackOff {
    BackOff {
        initial: Period::from_mins(30),
        cap: Period::from_hours(24),
        max_failures: 1,
    }
}

/// The most environments of one model.
const MAX_ENVIRONMENTS: usize = 10;

/// The most monitoring schedules of one environment.
const MAX_SCHEDULES: usize = 10;

impl Environment {
    fn check(&self) -> Result<(), PolicyError> {
        check_variables(&self.variables)?;
        for (name, template) in &self.variables {
            if let Some(other) = template
                .placeholders()
                .find(|used| !used.is_of_deployment())
            {
                return Err(PolicyError::at(
                    format_args!("variables.{name}"),
                    format_args!("{{{other}}} has no value in a deployment"),
                ));
            }
        }
        self.back_off.check()?;
        if !(1..=100).contains(&self.breaker_after_failures) {
            return Err(PolicyError::at(
                "breaker_after_failures",
                "must be from 1 to 100",
            ));
        }
        if self.monitoring_schedules.len() > MAX_SCHEDULES {
            return Err(PolicyError::at(
                "monitoring_schedules",
                "must have at most 10 entries",
            ));
        }
        blackout::check(&self.blackouts)
    }

    /// What a deployment to it starts.
    pub fn target(&self) -> Target {
        Target::Codepipeline {
            name: self.pipeline.clone(),
        }
    }
}

/// The rules that hold among all environments of a model.
pub(super) fn check(policy: &Policy) -> Result<(), PolicyError> {
    let environments = &policy.environments;
    if environments.len() > MAX_ENVIRONMENTS {
        return Err(PolicyError::at(
            "environments",
            "must have at most 10 entries",
        ));
    }
    if !environments.is_empty() && policy.model_package_group.is_none() {
        return Err(PolicyError::at(
            "environments",
            "needs the field model_package_group",
        ));
    }
    let mut names = BTreeSet::new();
    let mut targets = BTreeSet::from([policy.target().to_string()]);
    for (at, environment) in environments.iter().enumerate() {
        let within = |error: PolicyError| {
            let field = alloc::format!("environments[{at}].{}", error.field);
            PolicyError { field, ..error }
        };
        environment.check().map_err(within)?;
        if !names.insert(&environment.name) {
            return Err(within(PolicyError::at(
                "name",
                "is the name of two environments",
            )));
        }
        if !targets.insert(environment.target().to_string()) {
            return Err(within(PolicyError::at(
                "pipeline",
                "retrains the model, or deploys to another environment",
            )));
        }
    }
    for (name, template) in &policy.parameters {
        if let Some(other) = template
            .placeholders()
            .find(|used| !used.is_of_retraining())
        {
            return Err(PolicyError::at(
                format_args!("parameters.{name}"),
                format_args!("{{{other}}} has no value when the model is retrained"),
            ));
        }
    }
    Ok(())
}

impl Policy {
    /// The environment of this name.
    pub fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.iter().find(|known| known.name == *name)
    }

    /// The environment that a package is promoted to after this one.
    pub fn environment_after(&self, name: &EnvironmentName) -> Option<&Environment> {
        let at = self
            .environments
            .iter()
            .position(|known| known.name == *name)?;
        self.environments.get(at.checked_add(1)?)
    }

    /// Whether it is the first that a package is deployed to.
    pub fn is_first_environment(&self, name: &EnvironmentName) -> bool {
        self.environments
            .first()
            .is_some_and(|first| first.name == *name)
    }

    /// The same model's policy as it concerns the deployments to an environment: the
    /// claim protocol and its guards are those of retraining.
    pub(super) fn of_deployments(&self, name: &EnvironmentName) -> Option<Self> {
        let environment = self.environment(name)?;
        Some(Self {
            pipeline: environment.target().into(),
            parameters: environment.variables.clone(),
            training_data_uri_parameter: None,
            training_window: None,
            model_package_group: self.model_package_group.clone(),
            model_package_accounts: self.model_package_accounts.clone(),
            drift: super::DriftPolicy::default(),
            data: None,
            at_least: None,
            min_interval: environment.min_interval,
            min_interval_by_kind: BTreeMap::new(),
            within_min_interval: super::WithinMinInterval::Hold,
            back_off: environment.back_off,
            no_improvement: None,
            gate: None,
            environments: self.environments.clone(),
            max_age: None,
            breaker_after_failures: environment.breaker_after_failures,
            budget: None,
            blackouts: environment.blackouts.clone(),
            mode: self.mode,
            max_event_age: self.max_event_age,
        })
    }
}
