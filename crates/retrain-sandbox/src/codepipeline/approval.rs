//! `PutApprovalResult`.

use serde_json::{Value, json};

use super::model::{ActionCategory, ActionStatus, ExecutionStatus};
use super::{Scene, pipelines, rules};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn put(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &["pipelineName", "stageName", "actionName", "result", "token"],
    )?;
    let pipeline = input.text("pipelineName", rules::NAME)?;
    let stage = input.text("stageName", rules::NAME)?;
    let action = input.text("actionName", rules::NAME)?;
    input.require("result")?;
    let result = input.structure("result", &["summary", "status"])?;
    let (mut approved, mut summary) = (false, "");
    if let Some(result) = &result {
        summary = result.text("summary", rules::APPROVAL_SUMMARY)?;
        result.require("status")?;
        approved = result.one_of("status", &["Approved", "Rejected"])? == Some("Approved");
    }
    let token = input.text("token", rules::UUID)?;
    check_declared(scene, pipeline, stage, action)?;

    let now = scene.now;
    let run = scene
        .state
        .executions
        .iter_mut()
        .filter(|execution| execution.pipeline == pipeline)
        .flat_map(|execution| {
            let id = &execution.id;
            execution.actions.iter_mut().map(move |run| (id, run))
        })
        .find(|(_, run)| {
            run.stage == stage && run.action == action && run.token.as_deref() == Some(token)
        });
    let (id, run) = match run {
        Some((id, run)) if run.status == ActionStatus::InProgress => (id.clone(), run),
        Some((_, run)) if run.summary.is_some() => {
            return Err(ServiceError::refused(
                "ApprovalAlreadyCompletedException",
                format!("The approval action '{action}' has already been approved or rejected."),
            ));
        }
        // What it stood for was stopped, or it never was a token.
        _ => {
            return Err(ServiceError::refused(
                "InvalidApprovalTokenException",
                "The approval request already received a response or has expired.",
            ));
        }
    };
    run.summary = Some(summary.to_owned());
    run.last_update_time = now;
    if approved {
        run.status = ActionStatus::Succeeded;
        go_on(scene, &id);
    } else {
        run.status = ActionStatus::Failed;
        scene.end(&id, ExecutionStatus::Failed, Some(summary));
    }
    Ok(json!({"approvedAt": epoch_seconds(now)}))
}

/// The execution leaves its stage when this was the last action to end there.
fn go_on(scene: &mut Scene<'_>, id: &str) {
    let done = scene.state.executions.iter().any(|execution| {
        let running = |run: &super::ActionExecution| run.status == ActionStatus::InProgress;
        execution.id == id
            && execution.status == ExecutionStatus::InProgress
            && !execution.actions.iter().any(running)
    });
    if done {
        scene.pass(id);
    }
}

fn check_declared(
    scene: &Scene<'_>,
    pipeline: &str,
    stage: &str,
    action: &str,
) -> Result<(), ServiceError> {
    let stages = &pipelines::find(scene, pipeline)?.current.stages;
    let declared = stages.iter().find(|declared| declared.name == stage);
    let declared = declared.ok_or_else(|| {
        ServiceError::refused(
            "StageNotFoundException",
            format!("The pipeline {pipeline} has no stage {stage}."),
        )
    })?;
    let approval = declared
        .actions
        .iter()
        .any(|own| own.name == action && own.category == ActionCategory::Approval);
    if approval {
        Ok(())
    } else {
        Err(ServiceError::refused(
            "ActionNotFoundException",
            format!("The stage {stage} has no approval action {action}."),
        ))
    }
}
