//! Operations on pipeline executions that exist.

use serde_json::{Map, Value, json};

use super::flow::close_actions;
use super::model::{ActionExecution, ActionStatus, Execution, ExecutionStatus, StopRequest};
use super::{Scene, page, pipelines, rules};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn get(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["pipelineName", "pipelineExecutionId"])?;
    let execution = find(scene, &input)?;
    let variables: Vec<Value> = execution
        .variables
        .iter()
        .map(|(name, value)| json!({"name": name, "resolvedValue": value}))
        .collect();
    let mut shown = common(scene, execution);
    shown["pipelineName"] = json!(execution.pipeline);
    shown["pipelineVersion"] = json!(execution.pipeline_version);
    shown["artifactRevisions"] = json!([]);
    shown["variables"] = json!(variables);
    Ok(json!({"pipelineExecution": shown}))
}

/// The newest come first. That is not documented in words; it is a "summary of the
/// most recent executions".
pub(super) fn list(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["pipelineName", "maxResults", "filter", "nextToken"],
    )?;
    let name = input.text("pipelineName", rules::NAME)?;
    let page = page(&input)?;
    input.refuse_unsupported(&["filter"])?;
    pipelines::find(scene, name)?;

    let executions = scene
        .state
        .executions
        .iter()
        .rev()
        .filter(|execution| execution.pipeline == name);
    let lag = scene.state.settings.list_lag;
    let (shown, token) = page.cut(
        executions.collect(),
        |execution| execution.id.clone(),
        |execution| scene.now.duration_since(execution.start_time) >= lag,
    )?;
    let summaries: Vec<Value> = shown
        .into_iter()
        .map(|execution| summary(scene, execution))
        .collect();
    Ok(listed("pipelineExecutionSummaries", summaries, token))
}

fn summary(scene: &Scene<'_>, execution: &Execution) -> Value {
    let mut shown = common(scene, execution);
    shown["startTime"] = epoch_seconds(execution.start_time);
    shown["lastUpdateTime"] = epoch_seconds(execution.last_update_time);
    shown["sourceRevisions"] = json!([]);
    if let Some(stop) = &execution.stop {
        shown["stopTrigger"] = match &stop.reason {
            Some(reason) => json!({"reason": reason}),
            None => json!({}),
        };
    }
    shown
}

/// What an execution's description and its summary both tell.
fn common(scene: &Scene<'_>, execution: &Execution) -> Value {
    let user = if execution.started_by_hand {
        "person"
    } else {
        "sandbox"
    };
    let mut shown = json!({
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "trigger": {
            "triggerType": "StartPipelineExecution",
            "triggerDetail": format!("arn:aws:iam::{}:user/{user}", scene.names.account),
        },
        "executionMode": execution.execution_mode,
        "executionType": "STANDARD",
    });
    if let Some(summary) = &execution.status_summary {
        shown["statusSummary"] = json!(summary);
    }
    shown
}

pub(super) fn list_actions(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["pipelineName", "filter", "maxResults", "nextToken"],
    )?;
    let name = input.text("pipelineName", rules::NAME)?;
    let filter = input.structure(
        "filter",
        &["pipelineExecutionId", "latestInPipelineExecution"],
    )?;
    let only = match &filter {
        None => None,
        Some(filter) => {
            filter.refuse_unsupported(&["latestInPipelineExecution"])?;
            filter.optional_text("pipelineExecutionId", rules::UUID)?
        }
    };
    let page = page(&input)?;
    pipelines::find(scene, name)?;
    if let Some(id) = only {
        of_pipeline(scene, name, id)?;
    }
    let mut actions: Vec<(&Execution, &ActionExecution)> = scene
        .state
        .executions
        .iter()
        .filter(|execution| execution.pipeline == name)
        .flat_map(|execution| {
            execution
                .actions
                .iter()
                .map(move |action| (execution, action))
        })
        .collect();
    actions.sort_by_key(|(_, action)| std::cmp::Reverse(action.number));
    let (shown, token) = page.cut(
        actions,
        |(_, action)| action.id.clone(),
        |(execution, _)| only.is_none_or(|id| execution.id == id),
    )?;
    let details: Vec<Value> = shown
        .into_iter()
        .map(|(execution, action)| action_details(execution, action))
        .collect();
    Ok(listed("actionExecutionDetails", details, token))
}

/// An approval's token is its external execution id; in `PARALLEL` mode it is found
/// nowhere else (API reference of `PutApprovalResult`).
fn action_details(execution: &Execution, action: &ActionExecution) -> Value {
    let mut result = json!({});
    if let Some(token) = &action.token {
        result["externalExecutionId"] = json!(token);
    }
    if let Some(summary) = &action.summary {
        result["externalExecutionSummary"] = json!(summary);
    }
    json!({
        "pipelineExecutionId": execution.id,
        "actionExecutionId": action.id,
        "pipelineVersion": execution.pipeline_version,
        "stageName": action.stage,
        "actionName": action.action,
        "startTime": epoch_seconds(action.start_time),
        "lastUpdateTime": epoch_seconds(action.last_update_time),
        "status": action.status,
        "input": {"actionTypeId": pipelines::action_type(action.category), "configuration": {}},
        "output": {"outputArtifacts": [], "executionResult": result, "outputVariables": {}},
    })
}

/// An execution that is stopping can be told once more, to abandon what it waits
/// for (API reference of `DuplicatedStopRequestException`).
pub(super) fn stop(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["pipelineName", "pipelineExecutionId", "abandon", "reason"],
    )?;
    let abandon = input.boolean("abandon")?;
    let reason = input.optional_text("reason", rules::STOP_REASON)?;
    let id = find(scene, &input)?.id.clone();
    let mut executions = scene.state.executions.iter_mut();
    if let Some(execution) = executions.find(|execution| execution.id == id) {
        check_stoppable(execution, abandon)?;
        execution.status = ExecutionStatus::Stopping;
        execution.last_update_time = scene.now;
        execution.stop = Some(StopRequest {
            abandon,
            reason: reason.map(str::to_owned),
        });
        if abandon {
            close_actions(execution, ActionStatus::Abandoned, scene.now);
        }
    }
    Ok(json!({"pipelineExecutionId": id}))
}

fn check_stoppable(execution: &Execution, abandon: bool) -> Result<(), ServiceError> {
    let id = &execution.id;
    if execution.status.is_terminal() {
        return Err(ServiceError::refused(
            "PipelineExecutionNotStoppableException",
            format!("The pipeline execution {id} is no longer in progress."),
        ));
    }
    match &execution.stop {
        Some(earlier) if earlier.abandon || !abandon => Err(ServiceError::refused(
            "DuplicatedStopRequestException",
            format!("The pipeline execution {id} is already stopping."),
        )),
        _ => Ok(()),
    }
}

fn find<'a>(scene: &'a Scene<'_>, input: &Input<'_>) -> Result<&'a Execution, ServiceError> {
    let name = input.text("pipelineName", rules::NAME)?;
    let id = input.text("pipelineExecutionId", rules::UUID)?;
    pipelines::find(scene, name)?;
    of_pipeline(scene, name, id)
}

/// An execution of another pipeline is not found either (API reference of
/// `PipelineExecutionNotFoundException`).
fn of_pipeline<'a>(
    scene: &'a Scene<'_>,
    name: &str,
    id: &str,
) -> Result<&'a Execution, ServiceError> {
    scene
        .state
        .executions
        .iter()
        .find(|execution| execution.id == id && execution.pipeline == name)
        .ok_or_else(|| {
            ServiceError::refused(
                "PipelineExecutionNotFoundException",
                format!("The pipeline {name} has no execution {id}."),
            )
        })
}

/// A list's answer, with a token only if there is more.
fn listed(member: &str, items: Vec<Value>, token: Option<String>) -> Value {
    let mut answer = Map::from_iter([(member.to_owned(), Value::Array(items))]);
    if let Some(token) = token {
        answer.insert("nextToken".to_owned(), Value::String(token));
    }
    Value::Object(answer)
}
