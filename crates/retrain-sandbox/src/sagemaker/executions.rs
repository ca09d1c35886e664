//! Operations on pipeline executions that exist.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::model::{Execution, ExecutionStatus, Step};
use super::start::{earlier_start, remember};
use super::{Scene, descending, names, not_found, page, pipelines};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn describe(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["PipelineExecutionArn"])?;
    let execution = find(scene, &input)?;
    let mut answer = json!({
        "PipelineArn": scene.state.shown(&scene.names.pipeline(&execution.pipeline)),
        "PipelineExecutionArn": scene.state.shown(&execution.arn),
        "PipelineExecutionDisplayName": execution.display_name,
        "PipelineExecutionStatus": execution.status,
        "CreationTime": epoch_seconds(execution.start_time),
        "LastModifiedTime": epoch_seconds(execution.last_modified_time),
        "PipelineVersionId": execution.version_id,
    });
    if let Some(description) = &execution.description {
        answer["PipelineExecutionDescription"] = json!(description);
    }
    if let Some(reason) = &execution.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    Ok(answer)
}

pub(super) fn list(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "PipelineName",
            "CreatedAfter",
            "CreatedBefore",
            "SortBy",
            "SortOrder",
            "NextToken",
            "MaxResults",
            "PipelineVersionAlias",
        ],
    )?;
    let pipeline = input.text("PipelineName", names::PIPELINE)?;
    let (after, before) = (input.time("CreatedAfter")?, input.time("CreatedBefore")?);
    let by_arn = input.one_of("SortBy", &["CreationTime", "PipelineExecutionArn"])?
        == Some("PipelineExecutionArn");
    // Undocumented; the console and the SDKs' examples show the newest first.
    let descending = descending(&input, true)?;
    let page = page(&input)?;
    input.refuse_unsupported(&["PipelineVersionAlias"])?;

    let name = &pipelines::find(scene, pipeline)?.pipeline.name;
    let mut executions: Vec<&Execution> = scene
        .state
        .executions
        .iter()
        .filter(|execution| execution.pipeline == *name)
        .collect();
    executions.sort_by(|a, b| {
        let order = if by_arn {
            Ordering::Equal
        } else {
            a.start_time.cmp(&b.start_time)
        };
        order.then_with(|| a.arn.cmp(&b.arn))
    });
    if descending {
        executions.reverse();
    }
    let lag = scene.state.settings.list_lag;
    let visible = |execution: &&Execution| {
        scene.now.duration_since(execution.start_time) >= lag
            && after.is_none_or(|after| execution.start_time > after)
            && before.is_none_or(|before| execution.start_time < before)
    };
    let (shown, token) = page.cut(executions, |execution| execution.arn.clone(), visible)?;
    let summaries = shown
        .into_iter()
        .map(|execution| summary(scene, execution))
        .collect();
    Ok(listed("PipelineExecutionSummaries", summaries, token))
}

fn summary(scene: &Scene<'_>, execution: &Execution) -> Value {
    let mut summary = json!({
        "PipelineExecutionArn": scene.state.shown(&execution.arn),
        "StartTime": epoch_seconds(execution.start_time),
        "PipelineExecutionStatus": execution.status,
        "PipelineExecutionDisplayName": execution.display_name,
    });
    if let Some(description) = &execution.description {
        summary["PipelineExecutionDescription"] = json!(description);
    }
    if let Some(reason) = &execution.failure_reason {
        summary["PipelineExecutionFailureReason"] = json!(reason);
    }
    summary
}

/// Defaults are listed like given values; that AWS does so is not documented.
pub(super) fn list_parameters(
    scene: &mut Scene<'_>,
    request: &Value,
) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["PipelineExecutionArn", "NextToken", "MaxResults"],
    )?;
    let execution = find(scene, &input)?;
    let parameters = execution.parameters.iter().collect();
    let (shown, token) = page(&input)?.cut(parameters, |(name, _)| (*name).clone(), |_| true)?;
    let shown = shown
        .into_iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    Ok(listed("PipelineParameters", shown, token))
}

pub(super) fn list_steps(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "PipelineExecutionArn",
            "NextToken",
            "MaxResults",
            "SortOrder",
        ],
    )?;
    let mut steps: Vec<(usize, &Step)> = find(scene, &input)?.steps.iter().enumerate().collect();
    if descending(&input, false)? {
        steps.reverse();
    }
    let (shown, token) = page(&input)?.cut(steps, |(index, _)| index.to_string(), |_| true)?;
    let shown = shown
        .into_iter()
        .map(|(_, step)| shown_step(step))
        .collect();
    Ok(listed("PipelineExecutionSteps", shown, token))
}

fn shown_step(step: &Step) -> Value {
    let mut shown = json!({"StepName": step.name, "StepStatus": step.status, "AttemptCount": 1});
    if let Some(reason) = &step.failure_reason {
        shown["FailureReason"] = json!(reason);
    }
    if let Some(metadata) = &step.metadata {
        shown["Metadata"] = metadata.clone();
    }
    if let Some(source) = &step.cached_from {
        shown["CacheHitResult"] = json!({"SourcePipelineExecutionArn": source});
    }
    shown
}

/// The token is required here too (botocore API model). An execution that has
/// ended cannot be stopped; the model has only `ConflictException` for that.
pub(super) fn stop(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    const OPERATION: &str = "StopPipelineExecution";
    let input = Input::new(request, &["PipelineExecutionArn", "ClientRequestToken"])?;
    let token = input.text("ClientRequestToken", names::TOKEN)?;
    let arn = find(scene, &input)?.arn.clone();
    if earlier_start(scene, OPERATION, token, request)?.is_none() {
        begin_stop(scene, &arn)?;
        remember(scene, OPERATION, token, request, &arn);
    }
    Ok(json!({"PipelineExecutionArn": scene.state.shown(&arn)}))
}

fn begin_stop(scene: &mut Scene<'_>, arn: &str) -> Result<(), ServiceError> {
    let found = scene
        .state
        .executions
        .iter_mut()
        .find(|execution| execution.arn == arn);
    let Some(execution) = found else {
        return Err(not_found("Pipeline execution", arn));
    };
    if execution.status.is_terminal() {
        return Err(ServiceError::refused(
            "ConflictException",
            format!("Pipeline execution {arn} has already ended."),
        ));
    }
    execution.status = ExecutionStatus::Stopping;
    execution.last_modified_time = scene.now;
    Ok(())
}

fn find<'a>(scene: &'a Scene<'_>, input: &Input<'_>) -> Result<&'a Execution, ServiceError> {
    let arn = input.text("PipelineExecutionArn", names::EXECUTION_ARN)?;
    scene
        .state
        .executions
        .iter()
        .find(|execution| execution.arn.eq_ignore_ascii_case(arn))
        .ok_or_else(|| not_found("Pipeline execution", arn))
}

/// A list's answer, with a token only if there is more.
pub(super) fn listed(member: &str, items: Vec<Value>, token: Option<String>) -> Value {
    let mut answer = Map::from_iter([(member.to_owned(), Value::Array(items))]);
    if let Some(token) = token {
        answer.insert("NextToken".to_owned(), Value::String(token));
    }
    Value::Object(answer)
}
