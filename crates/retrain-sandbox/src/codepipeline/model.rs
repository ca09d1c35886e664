//! What the sandbox keeps about CodePipeline.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A pipeline that can be started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The version of this definition.
    #[serde(default = "one")]
    pub version: u32,
    /// Its type. Variables and modes other than the default need `V2`.
    #[serde(default)]
    pub pipeline_type: PipelineType,
    /// How its executions share its stages.
    #[serde(default)]
    pub execution_mode: ExecutionMode,
    /// The variables it declares, with their defaults. Null: no default, so every
    /// start must give a value.
    #[serde(default)]
    pub variables: BTreeMap<String, Option<String>>,
    /// Its stages: two at least, of which the first has the source actions.
    #[serde(default = "source_and_build")]
    pub stages: Vec<Stage>,
}

const fn one() -> u32 {
    1
}

fn source_and_build() -> Vec<Stage> {
    vec![
        Stage::new("Source").action("Source", ActionCategory::Source),
        Stage::new("Build").action("Build", ActionCategory::Build),
    ]
}

impl Pipeline {
    /// The first version of a `V2` pipeline with the stages `Source` and `Build`,
    /// without variables, in the default mode.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: one(),
            pipeline_type: PipelineType::default(),
            execution_mode: ExecutionMode::default(),
            variables: BTreeMap::new(),
            stages: source_and_build(),
        }
    }

    /// Declares a variable that every start must give.
    #[must_use]
    pub fn variable(mut self, name: &str) -> Self {
        self.variables.insert(name.to_owned(), None);
        self
    }

    /// Declares a variable with a default.
    #[must_use]
    pub fn variable_with_default(mut self, name: &str, default: &str) -> Self {
        self.variables
            .insert(name.to_owned(), Some(default.to_owned()));
        self
    }

    /// Sets how its executions share its stages.
    #[must_use]
    pub fn mode(mut self, mode: ExecutionMode) -> Self {
        self.execution_mode = mode;
        self
    }

    /// Replaces its stages.
    #[must_use]
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> Self {
        self.stages = stages.into_iter().collect();
        self
    }
}

/// `PipelineType` of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum PipelineType {
    V1,
    #[default]
    V2,
}

/// `ExecutionMode` of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ExecutionMode {
    /// A stage takes one execution at a time. Of those that wait for it only the
    /// newest stays; the others end `Superseded`.
    #[default]
    Superseded,
    /// A stage takes one execution at a time, in the order of their starts.
    Queued,
    /// No execution waits for another.
    Parallel,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its actions, which all begin when an execution enters.
    pub actions: Vec<Action>,
}

impl Stage {
    /// A stage without actions yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            actions: Vec::new(),
        }
    }

    /// Adds an action.
    #[must_use]
    pub fn action(mut self, name: &str, category: ActionCategory) -> Self {
        self.actions.push(Action {
            name: name.to_owned(),
            category,
        });
        self
    }
}

/// An action of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it does.
    pub category: ActionCategory,
}

/// `ActionCategory` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ActionCategory {
    Source,
    Build,
    Deploy,
    Test,
    Invoke,
    Approval,
    Compute,
}

impl ActionCategory {
    /// A provider of AWS's own for it.
    pub(super) const fn provider(self) -> &'static str {
        match self {
            Self::Source => "S3",
            Self::Build | Self::Test => "CodeBuild",
            Self::Deploy => "CloudFormation",
            Self::Invoke => "Lambda",
            Self::Approval => "Manual",
            Self::Compute => "Commands",
        }
    }
}

/// The states of an execution (botocore API model: `PipelineExecutionStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ExecutionStatus {
    Cancelled,
    InProgress,
    Stopped,
    Stopping,
    Succeeded,
    Superseded,
    Failed,
}

impl ExecutionStatus {
    /// Whether nothing follows it, short of a retry.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::InProgress | Self::Stopping)
    }
}

/// One pipeline execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its id.
    pub id: String,
    /// The name of its pipeline.
    pub pipeline: String,
    /// The version of the pipeline that it runs.
    pub pipeline_version: u32,
    /// The mode that the pipeline had at its start.
    pub execution_mode: ExecutionMode,
    /// The start's client request token, if it had one.
    pub token: Option<String>,
    /// Its variables, defaults filled in.
    pub variables: BTreeMap<String, String>,
    /// When it was started.
    pub start_time: Timestamp,
    /// When it last changed.
    pub last_update_time: Timestamp,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// Why it stands there.
    pub status_summary: Option<String>,
    /// Whether a person started it, past the API.
    pub started_by_hand: bool,
    /// Its stage, counted from 0: the one it is in, was in last or waits for.
    pub stage: usize,
    /// Whether it waits for its stage.
    pub waiting: bool,
    /// The stop that was asked for.
    pub stop: Option<StopRequest>,
    /// The actions it has begun, in this order.
    pub actions: Vec<ActionExecution>,
}

/// What `StopPipelineExecution` asked for last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StopRequest {
    /// Whether running actions are abandoned rather than awaited.
    pub abandon: bool,
    /// Why.
    pub reason: Option<String>,
}

/// One run of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionExecution {
    /// Its place in the order of all actions of the account, from 1.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// The stage.
    pub stage: String,
    /// The action.
    pub action: String,
    /// What it does.
    pub category: ActionCategory,
    /// Where it stands.
    pub status: ActionStatus,
    /// What a person said to it.
    pub summary: Option<String>,
    /// The token that its approval needs, if it is one.
    pub token: Option<String>,
    /// When it began.
    pub start_time: Timestamp,
    /// When it last changed.
    pub last_update_time: Timestamp,
}

/// The states of an action (botocore API model: `ActionExecutionStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ActionStatus {
    InProgress,
    Abandoned,
    Succeeded,
    Failed,
}

/// What AWS does not document, or what a test makes small.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// CodePipeline quotas: 50 concurrent executions of a pipeline in `QUEUED` or
    /// `PARALLEL` mode.
    pub(super) concurrency_limit: usize,
    /// The lists are not documented as strongly consistent.
    pub(super) list_lag: SignedDuration,
    /// How long a token is remembered. No source gives a number.
    pub(super) token_window: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency_limit: 50,
            list_lag: SignedDuration::ZERO,
            token_window: SignedDuration::from_hours(1),
        }
    }
}

/// A pipeline with its history.
#[derive(Clone, Debug)]
pub(super) struct PipelineRecord {
    pub(super) current: Pipeline,
    /// The definitions before the current one.
    pub(super) earlier: Vec<Pipeline>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// A request that a token stands for.
#[derive(Clone, Debug)]
pub(super) struct TokenUse {
    pub(super) request: serde_json::Value,
    pub(super) at: Timestamp,
    pub(super) execution_id: String,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) pipelines: Vec<PipelineRecord>,
    /// In the order of their starts.
    pub(super) executions: Vec<Execution>,
    pub(super) tokens: BTreeMap<String, TokenUse>,
    /// In the order of their creation.
    pub(super) jobs: Vec<super::Job>,
    /// How many executions and actions there have ever been: their ids count on
    /// when a pipeline is deleted.
    pub(super) executions_begun: u64,
    pub(super) actions_begun: u64,
}
