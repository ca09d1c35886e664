//! Pipelines: `GetPipeline` and `GetPipelineState`.

use serde_json::{Value, json};

use super::model::{
    Action, ActionCategory, ActionExecution, ActionStatus, Execution, ExecutionMode,
    ExecutionStatus, Pipeline, PipelineRecord, Stage,
};
use super::{Scene, rules};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn find<'a>(
    scene: &'a Scene<'_>,
    name: &str,
) -> Result<&'a PipelineRecord, ServiceError> {
    scene
        .state
        .pipelines
        .iter()
        .find(|record| record.current.name == name)
        .ok_or_else(|| {
            ServiceError::refused(
                "PipelineNotFoundException",
                format!(
                    "Account '{}' does not have a pipeline with name '{name}'",
                    scene.names.account
                ),
            )
        })
}

pub(super) fn get(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["name", "version"])?;
    let name = input.text("name", rules::NAME)?;
    let version = input.integer("version", 1, i64::from(i32::MAX))?;
    let record = find(scene, name)?;
    let pipeline = std::iter::once(&record.current)
        .chain(&record.earlier)
        .find(|pipeline| version.is_none_or(|asked| asked == i64::from(pipeline.version)))
        .ok_or_else(|| {
            ServiceError::refused(
                "PipelineVersionNotFoundException",
                format!(
                    "The pipeline {name} has no version {}.",
                    version.unwrap_or(0)
                ),
            )
        })?;
    Ok(json!({
        "pipeline": declaration(scene, pipeline),
        "metadata": {
            "pipelineArn": scene.names.pipeline(name),
            "created": epoch_seconds(record.created),
            "updated": epoch_seconds(record.updated),
        },
    }))
}

fn declaration(scene: &Scene<'_>, pipeline: &Pipeline) -> Value {
    let variables: Vec<Value> = pipeline
        .variables
        .iter()
        .map(|(name, default)| match default {
            Some(default) => json!({"name": name, "defaultValue": default}),
            None => json!({"name": name}),
        })
        .collect();
    let actions = |stage: &Stage| -> Value {
        let declared = |Action { name, category }: &Action| json!({"name": name, "actionTypeId": action_type(*category), "runOrder": 1});
        stage.actions.iter().map(declared).collect()
    };
    let stages: Vec<Value> = pipeline
        .stages
        .iter()
        .map(|stage| json!({"name": stage.name, "actions": actions(stage)}))
        .collect();
    json!({
        "name": pipeline.name,
        "roleArn": format!("arn:aws:iam::{}:role/pipeline", scene.names.account),
        "artifactStore": {"type": "S3", "location": "codepipeline-artifacts"},
        "stages": stages,
        "version": pipeline.version,
        "executionMode": pipeline.execution_mode,
        "pipelineType": pipeline.pipeline_type,
        "variables": variables,
    })
}

pub(super) fn action_type(category: ActionCategory) -> Value {
    json!({
        "category": category,
        "owner": "AWS",
        "provider": category.provider(),
        "version": "1",
    })
}

pub(super) fn get_state(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["name"])?;
    let record = find(scene, input.text("name", rules::NAME)?)?;
    let pipeline = &record.current;
    let executions: Vec<&Execution> = scene
        .state
        .executions
        .iter()
        .filter(|execution| execution.pipeline == pipeline.name)
        .collect();
    let stages: Vec<Value> = pipeline
        .stages
        .iter()
        .enumerate()
        .map(|(number, stage)| stage_state(stage, number, &executions))
        .collect();
    Ok(json!({
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": stages,
        "created": epoch_seconds(record.created),
        "updated": epoch_seconds(record.updated),
    }))
}

fn stage_state(stage: &Stage, number: usize, executions: &[&Execution]) -> Value {
    let inbound: Vec<Value> = executions
        .iter()
        .filter(|execution| {
            execution.waiting && execution.stage == number && !execution.status.is_terminal()
        })
        .map(|execution| stage_execution(execution, "InProgress"))
        .collect();
    let newest_in = |execution: &Execution| {
        let runs = execution.actions.iter();
        let of_stage = runs.filter(|run| run.stage == stage.name);
        of_stage.map(|run| run.number).max()
    };
    let latest = executions
        .iter()
        .filter_map(|execution| newest_in(execution).map(|newest| (newest, *execution)))
        .max_by_key(|(newest, _)| *newest)
        .map(|(_, execution)| execution);
    let actions: Vec<Value> = stage
        .actions
        .iter()
        .map(|action| action_state(stage, action, latest))
        .collect();
    let mut shown = json!({
        "stageName": stage.name,
        "inboundExecutions": inbound,
        "inboundTransitionState": {"enabled": true},
        "actionStates": actions,
    });
    if let Some(newest) = inbound.last() {
        shown["inboundExecution"] = newest.clone();
    }
    if let Some(execution) = latest {
        shown["latestExecution"] = stage_execution(execution, stage_status(execution, number));
    }
    shown
}

fn stage_execution(execution: &Execution, status: &str) -> Value {
    json!({"pipelineExecutionId": execution.id, "status": status, "type": "STANDARD"})
}

/// The status of a stage that the execution has entered.
fn stage_status(execution: &Execution, number: usize) -> &'static str {
    if execution.stage > number {
        return "Succeeded";
    }
    match execution.status {
        ExecutionStatus::InProgress => "InProgress",
        ExecutionStatus::Stopping => "Stopping",
        ExecutionStatus::Succeeded => "Succeeded",
        ExecutionStatus::Failed => "Failed",
        ExecutionStatus::Stopped => "Stopped",
        // One is superseded between stages, so here only after a retry.
        ExecutionStatus::Cancelled | ExecutionStatus::Superseded => "Cancelled",
    }
}

fn action_state(stage: &Stage, action: &Action, latest: Option<&Execution>) -> Value {
    let mut shown = json!({"actionName": action.name});
    let run = latest.and_then(|execution| {
        let mut runs = execution.actions.iter().rev();
        let run = runs.find(|run| run.stage == stage.name && run.action == action.name)?;
        Some(action_execution(execution, run))
    });
    if let Some(run) = run {
        shown["latestExecution"] = run;
    }
    shown
}

/// Only an approval that is waited for shows its token, and not in `PARALLEL` mode
/// (API reference of `PutApprovalResult`).
fn action_execution(execution: &Execution, run: &ActionExecution) -> Value {
    let mut shown = json!({
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": epoch_seconds(run.last_update_time),
    });
    if let Some(summary) = &run.summary {
        shown["summary"] = json!(summary);
    }
    let open = run.status == ActionStatus::InProgress
        && execution.execution_mode != ExecutionMode::Parallel;
    if let Some(token) = run.token.as_ref().filter(|_| open) {
        shown["token"] = json!(token);
    }
    shown
}
