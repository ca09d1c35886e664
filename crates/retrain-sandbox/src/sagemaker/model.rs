//! What the sandbox keeps about SageMaker.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::definition::{CachedStep, Definition, DefinitionError};
use super::monitoring::{JobDefinition, MonitoringSchedule};
use super::registry::{EventTimes, PackageEvent};

/// A pipeline that can be started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The parameters its definition declares, with their defaults. Null: no
    /// default, so every start must give a value.
    #[serde(default)]
    pub parameters: BTreeMap<String, Option<String>>,
    /// How many versions it has; the last one is started unless told otherwise.
    #[serde(default = "one")]
    pub versions: u32,
    /// What its steps do, if they can be run.
    #[serde(skip)]
    pub definition: Option<Definition>,
}

const fn one() -> u32 {
    1
}

impl Pipeline {
    /// A pipeline of one version without parameters.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            parameters: BTreeMap::new(),
            versions: 1,
            definition: None,
        }
    }

    /// A pipeline of one version with the definition that the API takes as text. Its
    /// parameters are those that the definition declares.
    pub fn defined(name: &str, definition: &str) -> Result<Self, DefinitionError> {
        let definition = Definition::parse(definition)?;
        Ok(Self {
            parameters: definition.defaults(),
            definition: Some(definition),
            ..Self::new(name)
        })
    }

    /// Declares a parameter that every start must give.
    #[must_use]
    pub fn parameter(mut self, name: &str) -> Self {
        self.parameters.insert(name.to_owned(), None);
        self
    }

    /// Declares a parameter with a default.
    #[must_use]
    pub fn parameter_with_default(mut self, name: &str, default: &str) -> Self {
        self.parameters
            .insert(name.to_owned(), Some(default.to_owned()));
        self
    }
}

/// The states of an execution (botocore API model: `PipelineExecutionStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ExecutionStatus {
    Executing,
    Stopping,
    Stopped,
    Failed,
    Succeeded,
    CompletedWithFailures,
}

impl ExecutionStatus {
    /// Whether nothing follows it, short of a retry.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Executing | Self::Stopping)
    }
}

/// One pipeline execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its ARN, as the service writes it now.
    pub arn: String,
    /// The name of its pipeline.
    pub pipeline: String,
    /// Its display name.
    pub display_name: String,
    /// Its description, if the start gave one.
    pub description: Option<String>,
    /// The start's client request token; none if started by hand.
    pub token: Option<String>,
    /// Its parameters, defaults filled in.
    pub parameters: BTreeMap<String, String>,
    /// When it was started.
    pub start_time: Timestamp,
    /// When it last changed.
    pub last_modified_time: Timestamp,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// The version of the pipeline that it runs.
    pub version_id: u32,
    /// Whether a person started it, past the API.
    pub started_by_hand: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// `Starting`, `Executing`, `Stopping`, `Stopped`, `Failed` or `Succeeded`.
    pub status: String,
    /// Why it failed.
    #[serde(default)]
    pub failure_reason: Option<String>,
    /// The execution from whose step of that name the result was taken
    /// (`CacheHitResult` of the API).
    #[serde(default)]
    pub cached_from: Option<String>,
    /// `Metadata` of the API, verbatim, such as `{"Fail": {"ErrorMessage": ...}}`.
    #[serde(default)]
    pub metadata: Option<Value>,
}

/// `ModelApprovalStatus` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ApprovalStatus {
    Approved,
    Rejected,
    PendingManualApproval,
}

impl ApprovalStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::PendingManualApproval => "PendingManualApproval",
        }
    }
}

/// `ModelPackageStatus` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum PackageStatus {
    Pending,
    InProgress,
    Completed,
    Failed,
    Deleting,
}

/// One version of a model in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPackage {
    /// Its ARN, as the service writes it now.
    pub arn: String,
    /// Its model package group.
    pub group: String,
    /// Its version in the group, from 1.
    pub version: u32,
    /// When it was registered.
    pub creation_time: Timestamp,
    /// When it last changed, if it ever did.
    pub last_modified_time: Option<Timestamp>,
    /// Whether it may be deployed.
    pub approval_status: ApprovalStatus,
    /// Whether it is complete.
    pub status: PackageStatus,
    /// What else `DescribeModelPackage` returns, such as `ModelMetrics` or
    /// `CustomerMetadataProperties`, as it returns it.
    pub details: Map<String, Value>,
}

/// What AWS does not document, or lets an account change.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Service quotas: 20 concurrent executions in an account, adjustable.
    pub(super) concurrency_limit: usize,
    /// The lists are not documented as strongly consistent.
    pub(super) list_lag: SignedDuration,
    /// How long a token is remembered. No source gives a number.
    pub(super) token_window: SignedDuration,
    pub(super) lower_case_arns: bool,
    /// Documented in one form and captured in another.
    pub(super) event_times: EventTimes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency_limit: 20,
            list_lag: SignedDuration::ZERO,
            token_window: SignedDuration::from_hours(1),
            lower_case_arns: false,
            event_times: EventTimes::default(),
        }
    }
}

/// A pipeline with its times.
#[derive(Clone, Debug)]
pub(super) struct PipelineRecord {
    pub(super) pipeline: Pipeline,
    pub(super) arn: String,
    pub(super) creation_time: Timestamp,
}

/// A request that a token stands for.
#[derive(Clone, Debug)]
pub(super) struct TokenUse {
    pub(super) request: Value,
    pub(super) at: Timestamp,
    pub(super) execution_arn: String,
}

/// Everything, with ARNs in the case of their names.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) pipelines: Vec<PipelineRecord>,
    pub(super) executions: Vec<Execution>,
    /// Steps that have succeeded, in the order in which they have.
    pub(super) cached: Vec<CachedStep>,
    pub(super) tokens: BTreeMap<(&'static str, String), TokenUse>,
    pub(super) groups: Vec<String>,
    /// The last version of each group that was ever registered.
    pub(super) versions: BTreeMap<String, u32>,
    pub(super) packages: Vec<ModelPackage>,
    pub(super) definitions: Vec<JobDefinition>,
    pub(super) schedules: Vec<MonitoringSchedule>,
    /// Those that nobody has taken yet.
    pub(super) events: Vec<PackageEvent>,
    /// How many changes were announced so far.
    pub(super) announced: u64,
}

impl State {
    /// An ARN as the service writes it now.
    pub(super) fn shown(&self, arn: &str) -> String {
        if self.settings.lower_case_arns {
            arn.to_ascii_lowercase()
        } else {
            arn.to_owned()
        }
    }
}
