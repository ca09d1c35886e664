//! Finding, describing and stopping executions.

use std::time::Duration;

use aws_sdk_sagemaker::types::{
    PipelineExecutionStatus, PipelineExecutionStep, PipelineExecutionSummary, SortOrder,
    SortPipelineExecutionsBy, StepStatus,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use retrain_controller::{Executions, Found, PortError, Started};
use retrain_core::event::{ExecutionReport, ExecutionStatus, MAX_STEPS, Steps};
use retrain_core::execution::Execution;
use retrain_core::lane::Target;
use retrain_core::names::{PipelineExecutionArn, shortened};
use retrain_core::slot::Claim;
use retrain_core::token::ClientRequestToken;

use crate::SageMaker;
use crate::error::{failed, is_not_found};

/// How many pages of a hundred executions are searched for a claim's. A claim is
/// looked for within minutes or hours, and its execution is among the newest.
const MAX_PAGES: usize = 20;

impl Executions for SageMaker {
    async fn start(&self, claim: &Claim, timeout: Duration) -> Started {
        self.start_claim(claim, timeout).await
    }

    async fn find(&self, claim: &Claim, earliest: Timestamp) -> Result<Option<Found>, PortError> {
        let Target::SagemakerPipeline { name, .. } = &claim.target else {
            return Err(not_of_sagemaker(&claim.target));
        };
        let doing = || format!("list the executions of {name}");
        let wanted = claim.token.display_name();
        let mut pages = self
            .client
            .list_pipeline_executions()
            .pipeline_name(name.as_str())
            // `CreatedAfter` excludes its own moment; the summaries are compared below.
            .created_after(DateTime::from_secs(earliest.as_second().saturating_sub(1)))
            .sort_by(SortPipelineExecutionsBy::CreationTime)
            .sort_order(SortOrder::Descending)
            .max_results(100)
            .into_paginator()
            .send();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else {
                return Ok(None);
            };
            let page = match page {
                Ok(page) => page,
                // Executions go with their pipeline.
                Err(error) if is_not_found(&error) => return Ok(None),
                Err(error) => return Err(failed(doing(), error)),
            };
            let mut summaries = page.pipeline_execution_summaries().iter();
            if let Some(found) = summaries.find_map(|summary| carries(summary, &wanted, earliest)) {
                return Ok(Some(found));
            }
        }
        Err(PortError::retryable(
            doing(),
            format!("not among the newest {} executions", MAX_PAGES * 100),
        ))
    }

    async fn describe(&self, execution: &Execution) -> Result<ExecutionReport, PortError> {
        let Execution::SagemakerPipeline(arn) = execution else {
            return Err(not_of_sagemaker(execution));
        };
        let answer = self
            .client
            .describe_pipeline_execution()
            .pipeline_execution_arn(arn.as_str())
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if is_not_found(&error) => return Ok(gone(execution)),
            Err(error) => return Err(failed(format!("describe {execution}"), error)),
        };
        let status = answer
            .pipeline_execution_status
            .as_ref()
            .map_or(ExecutionStatus::InFlight, status);
        let steps = match status {
            ExecutionStatus::Succeeded | ExecutionStatus::Failed => self.steps(arn).await?,
            _ => Steps::default(),
        };
        Ok(ExecutionReport {
            execution: execution.clone(),
            display_name: answer.pipeline_execution_display_name,
            status,
            steps,
            failure: answer.failure_reason.map(|reason| shortened(&reason, 500)),
            started_at: answer.creation_time.as_ref().and_then(timestamp),
        })
    }
}

impl SageMaker {
    /// What the steps of an ended execution tell.
    async fn steps(&self, execution: &PipelineExecutionArn) -> Result<Steps, PortError> {
        let mut pages = self
            .client
            .list_pipeline_execution_steps()
            .pipeline_execution_arn(execution.as_str())
            .into_paginator()
            .send();
        let mut steps = Steps::default();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                // Executions go with their pipeline.
                Err(error) if is_not_found(&error) => break,
                Err(error) => return Err(failed(format!("list the steps of {execution}"), error)),
            };
            for step in page.pipeline_execution_steps.unwrap_or_default() {
                note(&mut steps, step);
            }
        }
        Ok(steps)
    }

    /// Asks SageMaker to stop an execution. It stops when its running steps have
    /// ended; its status says so then.
    pub async fn stop(
        &self,
        execution: &PipelineExecutionArn,
        token: &ClientRequestToken,
    ) -> Result<(), PortError> {
        self.client
            .stop_pipeline_execution()
            .pipeline_execution_arn(execution.as_str())
            .client_request_token(token.as_str())
            .send()
            .await
            .map_err(|error| failed(format!("stop {execution}"), error))?;
        Ok(())
    }
}

/// The execution, if it carries the claim's name and was started no earlier than this.
fn carries(summary: &PipelineExecutionSummary, wanted: &str, earliest: Timestamp) -> Option<Found> {
    let started_at = summary.start_time().and_then(timestamp)?;
    let named = summary.pipeline_execution_display_name() == Some(wanted);
    let arn = PipelineExecutionArn::parse(summary.pipeline_execution_arn()?).ok()?;
    (named && started_at >= earliest).then_some(Found {
        execution: arn.into(),
        started_at,
    })
}

/// Executions go with their pipeline.
fn gone(execution: &Execution) -> ExecutionReport {
    ExecutionReport {
        execution: execution.clone(),
        display_name: None,
        status: ExecutionStatus::Gone,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    }
}

/// Another adapter runs it.
fn not_of_sagemaker(what: &impl ToString) -> PortError {
    PortError::terminal(what.to_string(), "it is none of SageMaker's")
}

/// Notes a step that failed, and one that should have trained but took its result
/// from the cache.
fn note(steps: &mut Steps, step: PipelineExecutionStep) {
    let name = step.step_name.unwrap_or_default();
    let trains = step.metadata.is_some_and(|of| {
        of.training_job.is_some() || of.tuning_job.is_some() || of.auto_ml_job.is_some()
    });
    let list = match step.step_status {
        Some(StepStatus::Failed) => &mut steps.failed,
        Some(StepStatus::Succeeded) if trains && step.cache_hit_result.is_some() => {
            &mut steps.cached_training
        }
        _ => return,
    };
    if list.len() < MAX_STEPS {
        list.push(shortened(&name, 64));
    }
}

/// The set of statuses is open: what we do not know is still going on, and is
/// looked at again.
fn status(status: &PipelineExecutionStatus) -> ExecutionStatus {
    match status.as_str() {
        "Succeeded" => ExecutionStatus::Succeeded,
        "Failed" | "CompletedWithFailures" => ExecutionStatus::Failed,
        "Stopped" => ExecutionStatus::Stopped,
        _ => ExecutionStatus::InFlight,
    }
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanos).ok()
}
