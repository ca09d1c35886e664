//! `StartPipelineExecution`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Execution, ExecutionStatus, Pipeline, State, TokenUse};
use super::{Scene, names, pipelines, up_to};
use crate::answer::ServiceError;
use crate::input::Input;

const OPERATION: &str = "StartPipelineExecution";

/// Members of the request (botocore API model).
const MEMBERS: &[&str] = &[
    "PipelineName",
    "PipelineExecutionDisplayName",
    "PipelineParameters",
    "PipelineExecutionDescription",
    "ClientRequestToken",
    "ParallelismConfiguration",
    "SelectiveExecutionConfig",
    "PipelineVersionId",
    "MlflowExperimentName",
    "PipelineVersionAlias",
    "RoleArn",
];

pub(super) fn start(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, MEMBERS)?;
    let pipeline_name = input.text("PipelineName", names::PIPELINE)?;
    let token = input.text("ClientRequestToken", names::TOKEN)?;
    let display_name = input.optional_text("PipelineExecutionDisplayName", names::DISPLAY_NAME)?;
    let description = input.optional_text("PipelineExecutionDescription", names::DESCRIPTION)?;
    let given = parameters(&input)?;
    check_the_rest(&input)?;

    if let Some(earlier) = earlier_start(scene, OPERATION, token, request)? {
        return Ok(json!({"PipelineExecutionArn": scene.state.shown(&earlier)}));
    }
    let pipeline = pipelines::find(scene, pipeline_name)?.pipeline.clone();
    let version_id = pipelines::version(&pipeline, &input)?;
    let parameters = resolve(&pipeline, given)?;
    check_capacity(scene.state)?;

    let arn = scene.begin(Execution {
        arn: String::new(),
        pipeline: pipeline.name,
        display_name: display_name.unwrap_or_default().to_owned(),
        description: description.map(str::to_owned),
        token: Some(token.to_owned()),
        parameters,
        start_time: scene.now,
        last_modified_time: scene.now,
        status: ExecutionStatus::Executing,
        failure_reason: None,
        version_id,
        started_by_hand: false,
        steps: Vec::new(),
    });
    remember(scene, OPERATION, token, request, &arn);
    Ok(json!({"PipelineExecutionArn": scene.state.shown(&arn)}))
}

impl Scene<'_> {
    /// Adds an execution, with the next ARN of its pipeline.
    pub(super) fn begin(&mut self, mut execution: Execution) -> String {
        let number = self.state.executions.len() as u64 + 1;
        execution.arn = self.names.execution(&execution.pipeline, number);
        if execution.display_name.is_empty() {
            // The service names an execution after its time when nobody else
            // does (executed notebooks among AWS's samples).
            execution.display_name = format!("execution-{}", self.now.as_millisecond());
        }
        let arn = execution.arn.clone();
        self.state.executions.push(execution);
        arn
    }
}

/// botocore API model: 0..=200 parameters, each a name and a value. A name given
/// twice is refused; what AWS does with it is not documented.
fn parameters(input: &Input<'_>) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut parameters = BTreeMap::new();
    let given = input.structures("PipelineParameters", 0, 200, &["Name", "Value"])?;
    for parameter in given.unwrap_or_default() {
        let name = parameter.text("Name", names::PARAMETER_NAME)?.to_owned();
        let value = parameter.text("Value", names::PARAMETER_VALUE)?.to_owned();
        if let Some(twice) = parameters.insert(name.clone(), value) {
            return Err(ServiceError::validation(format!(
                "Pipeline parameter '{name}' is given twice, first as '{twice}'"
            )));
        }
    }
    Ok(parameters)
}

/// Members whose effect the sandbox does not show, checked all the same.
fn check_the_rest(input: &Input<'_>) -> Result<(), ServiceError> {
    if let Some(parallelism) =
        input.structure("ParallelismConfiguration", &["MaxParallelExecutionSteps"])?
    {
        parallelism.require("MaxParallelExecutionSteps")?;
        parallelism.integer("MaxParallelExecutionSteps", 1, i64::from(i32::MAX))?;
    }
    if let Some(selection) = input.structure(
        "SelectiveExecutionConfig",
        &["SourcePipelineExecutionArn", "SelectedSteps"],
    )? {
        selection.optional_text("SourcePipelineExecutionArn", names::EXECUTION_ARN)?;
        selection.require("SelectedSteps")?;
        let steps = selection.structures("SelectedSteps", 1, 50, &["StepName"])?;
        for step in steps.unwrap_or_default() {
            step.text("StepName", up_to(256))?;
        }
    }
    input.optional_text("MlflowExperimentName", up_to(256))?;
    // Only for pipelines that AWS manages, of which there are none here.
    input.refuse_unsupported(&["PipelineVersionAlias", "RoleArn"])
}

/// Declared parameters with their values. A name that the definition does not
/// declare is refused (API reference: it "must match a named parameter").
fn resolve(
    pipeline: &Pipeline,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut resolved = BTreeMap::new();
    for (name, default) in &pipeline.parameters {
        let value = given.remove(name).or_else(|| default.clone());
        let value = value.ok_or_else(|| {
            ServiceError::validation(format!(
                "Parameter '{name}' of pipeline '{}' has no default and no value was given",
                pipeline.name
            ))
        })?;
        resolved.insert(name.clone(), value);
    }
    match given.keys().next() {
        None => Ok(resolved),
        Some(unknown) => Err(ServiceError::validation(format!(
            "Parameter '{unknown}' is not declared by pipeline '{}'",
            pipeline.name
        ))),
    }
}

/// Service quotas: 20 concurrent executions in an account. What stops still runs.
fn check_capacity(state: &State) -> Result<(), ServiceError> {
    let running = state
        .executions
        .iter()
        .filter(|execution| !execution.status.is_terminal())
        .count();
    let limit = state.settings.concurrency_limit;
    if running < limit {
        return Ok(());
    }
    Err(ServiceError::refused(
        "ResourceLimitExceeded",
        format!(
            "The account-level service limit 'Maximum number of concurrent pipeline executions' \
             is {limit}, with current utilization of {running} and a request delta of 1."
        ),
    ))
}

/// The execution that an unexpired token stands for.
///
/// That the same token and request give the same answer is documented ("an
/// idempotent operation completes no more than once"). That another request
/// under the token is refused is not: the sandbox refuses it, because quietly
/// returning the other request's execution would hide a bug.
pub(super) fn earlier_start(
    scene: &Scene<'_>,
    operation: &'static str,
    token: &str,
    request: &Value,
) -> Result<Option<String>, ServiceError> {
    let window = scene.state.settings.token_window;
    let earlier = scene
        .state
        .tokens
        .get(&(operation, token.to_owned()))
        .filter(|earlier| scene.now.duration_since(earlier.at) < window);
    match earlier {
        Some(earlier) if earlier.request != *request => Err(ServiceError::validation(format!(
            "Token '{token}' was used with a different request"
        ))),
        earlier => Ok(earlier.map(|earlier| earlier.execution_arn.clone())),
    }
}

pub(super) fn remember(
    scene: &mut Scene<'_>,
    operation: &'static str,
    token: &str,
    request: &Value,
    arn: &str,
) {
    let token_use = TokenUse {
        request: request.clone(),
        at: scene.now,
        execution_arn: arn.to_owned(),
    };
    scene
        .state
        .tokens
        .insert((operation, token.to_owned()), token_use);
}
