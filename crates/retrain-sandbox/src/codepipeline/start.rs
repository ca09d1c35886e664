//! `StartPipelineExecution`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{Execution, ExecutionMode, ExecutionStatus, Pipeline, State, TokenUse};
use super::{Scene, pipelines, rules};
use crate::answer::ServiceError;
use crate::input::Input;

pub(super) fn start(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["name", "variables", "clientRequestToken", "sourceRevisions"],
    )?;
    let name = input.text("name", rules::NAME)?;
    let token = input.optional_text("clientRequestToken", rules::TOKEN)?;
    let given = variables(&input)?;
    input.refuse_unsupported(&["sourceRevisions"])?;

    if let Some(earlier) = earlier_start(scene, token, request)? {
        return Ok(json!({"pipelineExecutionId": earlier}));
    }
    let pipeline = pipelines::find(scene, name)?.current.clone();
    let variables = resolve(&pipeline, given)?;
    check_capacity(scene.state, &pipeline)?;
    let execution = Execution::of(&pipeline, variables, scene.now);
    let id = scene.begin(Execution {
        token: token.map(str::to_owned),
        ..execution
    });
    if let Some(token) = token {
        let token_use = TokenUse {
            request: request.clone(),
            at: scene.now,
            execution_id: id.clone(),
        };
        scene.state.tokens.insert(token.to_owned(), token_use);
    }
    Ok(json!({"pipelineExecutionId": id}))
}

impl Execution {
    /// A new execution, which waits for the first stage.
    pub(super) fn of(
        pipeline: &Pipeline,
        variables: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: String::new(),
            pipeline: pipeline.name.clone(),
            pipeline_version: pipeline.version,
            execution_mode: pipeline.execution_mode,
            token: None,
            variables,
            start_time: now,
            last_update_time: now,
            status: ExecutionStatus::InProgress,
            status_summary: None,
            started_by_hand: false,
            stage: 0,
            waiting: true,
            stop: None,
            actions: Vec::new(),
        }
    }
}

/// botocore API model: 1..=50 variables, each a name and a value; an empty list is
/// refused. So is a name given twice; what AWS does with it is not documented.
fn variables(input: &Input<'_>) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut variables = BTreeMap::new();
    let given = input.structures("variables", 1, 50, &["name", "value"])?;
    for variable in given.unwrap_or_default() {
        let name = variable.text("name", rules::VARIABLE_NAME)?.to_owned();
        let value = variable.text("value", rules::VARIABLE_VALUE)?.to_owned();
        if let Some(twice) = variables.insert(name.clone(), value) {
            return Err(ServiceError::validation(format!(
                "Pipeline variable '{name}' is given twice, first as '{twice}'"
            )));
        }
    }
    Ok(variables)
}

/// Declared variables with their values. One that is not declared is refused: a
/// start overrides variables of the pipeline (API reference), and a `V1` pipeline
/// has none.
fn resolve(
    pipeline: &Pipeline,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut resolved = BTreeMap::new();
    for (name, default) in &pipeline.variables {
        let value = given.remove(name).or_else(|| default.clone());
        let value = value.ok_or_else(|| {
            ServiceError::validation(format!(
                "Variable '{name}' of pipeline '{}' has no default and no value was given",
                pipeline.name
            ))
        })?;
        resolved.insert(name.clone(), value);
    }
    match given.keys().next() {
        None => Ok(resolved),
        Some(unknown) => Err(ServiceError::validation(format!(
            "Variable '{unknown}' is not declared by pipeline '{}'",
            pipeline.name
        ))),
    }
}

/// The limit is of a pipeline. In the default mode there is none: there executions
/// supersede each other.
fn check_capacity(state: &State, pipeline: &Pipeline) -> Result<(), ServiceError> {
    let running = state
        .executions
        .iter()
        .filter(|execution| execution.pipeline == pipeline.name && !execution.status.is_terminal())
        .count();
    let limit = state.settings.concurrency_limit;
    if pipeline.execution_mode == ExecutionMode::Superseded || running < limit {
        return Ok(());
    }
    Err(ServiceError::refused(
        "ConcurrentPipelineExecutionsLimitExceededException",
        format!(
            "The pipeline '{}' has reached the limit of {limit} concurrent pipeline executions.",
            pipeline.name
        ),
    ))
}

/// The execution that an unexpired token stands for.
///
/// That the token identifies "a unique execution request" is all that is documented.
/// Another request under it is refused here, because quietly returning the other
/// request's execution would hide a bug.
fn earlier_start(
    scene: &Scene<'_>,
    token: Option<&str>,
    request: &Value,
) -> Result<Option<String>, ServiceError> {
    let window = scene.state.settings.token_window;
    let earlier = token
        .and_then(|token| scene.state.tokens.get(token))
        .filter(|earlier| scene.now.duration_since(earlier.at) < window);
    match earlier {
        Some(earlier) if earlier.request != *request => Err(ServiceError::validation(
            "The clientRequestToken was used with a different request",
        )),
        earlier => Ok(earlier.map(|earlier| earlier.execution_id.clone())),
    }
}
