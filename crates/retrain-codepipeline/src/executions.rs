//! Finding and describing executions.

use std::time::Duration;

use aws_sdk_codepipeline::types::{
    ExecutionType, PipelineExecution, PipelineExecutionStatus, PipelineExecutionSummary,
    TriggerType,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use retrain_controller::{Executions, Found, PortError, Started};
use retrain_core::event::{ExecutionReport, ExecutionStatus, Steps};
use retrain_core::execution::Execution;
use retrain_core::lane::{RETRAIN_TOKEN, Target};
use retrain_core::names::{CodePipelineExecutionId, CodePipelineName, shortened};
use retrain_core::slot::Claim;
use retrain_core::token::ClientRequestToken;

use crate::CodePipeline;
use crate::error::{failed, is_not_found};

/// How many pages of a hundred executions are listed for a claim's. A claim is looked
/// for within minutes or hours, and its execution is among the newest.
const MAX_PAGES: usize = 20;

/// How many executions' variables are read for a claim's. Each is a call.
const MAX_READS: usize = 100;

impl Executions for CodePipeline {
    async fn start(&self, claim: &Claim, timeout: Duration) -> Started {
        self.start_claim(claim, timeout).await
    }

    async fn find(&self, claim: &Claim, earliest: Timestamp) -> Result<Option<Found>, PortError> {
        let Target::Codepipeline { name } = &claim.target else {
            return Err(foreign(&claim.target));
        };
        let (mut candidates, complete) = self.candidates(name, earliest).await?;
        // The claim's own was started soon after the claim, by a clock that may be wrong.
        candidates.sort_by_key(|(_, started_at)| started_at.duration_since(claim.claimed_at).abs());
        for (id, started_at) in candidates.iter().take(MAX_READS) {
            let execution = self.read(name, id).await?;
            if execution.is_some_and(|execution| token(&execution).as_ref() == Some(&claim.token)) {
                return Ok(Some(Found {
                    execution: Execution::Codepipeline {
                        pipeline: name.clone(),
                        id: id.clone(),
                    },
                    started_at: *started_at,
                }));
            }
        }
        if complete && candidates.len() <= MAX_READS {
            return Ok(None);
        }
        Err(PortError::retryable(
            format!("look for an execution of {name}"),
            format!("not among {MAX_READS} of {} executions", candidates.len()),
        ))
    }

    async fn describe(&self, execution: &Execution) -> Result<ExecutionReport, PortError> {
        let Execution::Codepipeline { pipeline, id } = execution else {
            return Err(foreign(execution));
        };
        let report = |status| ExecutionReport {
            execution: execution.clone(),
            display_name: None,
            status,
            failure: None,
            // `GetPipelineExecution` does not tell.
            started_at: None,
            steps: Steps::default(),
        };
        let Some(described) = self.read(pipeline, id).await? else {
            return Ok(report(ExecutionStatus::Gone));
        };
        let status = described
            .status
            .as_ref()
            .map_or(ExecutionStatus::InFlight, status);
        let summary = described.status_summary.as_deref();
        Ok(ExecutionReport {
            display_name: token(&described).map(|token| token.display_name()),
            failure: summary
                .filter(|_| status == ExecutionStatus::Failed)
                .map(|summary| shortened(summary, 500)),
            ..report(status)
        })
    }
}

impl CodePipeline {
    /// The executions of a pipeline that were started no earlier than this, the newest
    /// first, and whether they are all.
    async fn candidates(
        &self,
        pipeline: &CodePipelineName,
        earliest: Timestamp,
    ) -> Result<(Vec<(CodePipelineExecutionId, Timestamp)>, bool), PortError> {
        let mut pages = self
            .client
            .list_pipeline_executions()
            .pipeline_name(pipeline.as_str())
            .max_results(100)
            .into_paginator()
            .send();
        let mut candidates = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else {
                return Ok((candidates, true));
            };
            let page = match page {
                Ok(page) => page,
                Err(error) if is_not_found(&error) => return Ok((Vec::new(), true)),
                Err(error) => {
                    return Err(failed(format!("list the executions of {pipeline}"), error));
                }
            };
            let summaries = page.pipeline_execution_summaries();
            let recent: Vec<_> = summaries
                .iter()
                .filter_map(|summary| Some((summary, timestamp(summary.start_time()?)?)))
                .filter(|(_, started_at)| *started_at >= earliest)
                .collect();
            // That the newest come first is not documented for neighbours, so that a
            // whole page has to be older.
            if recent.is_empty() && !summaries.is_empty() {
                return Ok((candidates, true));
            }
            let started = recent
                .into_iter()
                .filter(|(summary, _)| by_a_start(summary));
            candidates.extend(started.filter_map(|(summary, started_at)| {
                let id = CodePipelineExecutionId::parse(summary.pipeline_execution_id()?).ok()?;
                Some((id, started_at))
            }));
        }
        Ok((candidates, false))
    }

    /// The execution as it is now, if it exists.
    async fn read(
        &self,
        pipeline: &CodePipelineName,
        id: &CodePipelineExecutionId,
    ) -> Result<Option<PipelineExecution>, PortError> {
        let answer = self
            .client
            .get_pipeline_execution()
            .pipeline_name(pipeline.as_str())
            .pipeline_execution_id(id.as_str())
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.pipeline_execution),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(failed(format!("get execution {id} of {pipeline}"), error)),
        }
    }
}

/// Whether a `StartPipelineExecution` may have begun it, and not a push or a rollback.
fn by_a_start(summary: &PipelineExecutionSummary) -> bool {
    summary
        .trigger()
        .and_then(|trigger| trigger.trigger_type())
        .is_none_or(|kind| *kind == TriggerType::StartPipelineExecution)
}

/// The token of the claim that started the execution, if it was one.
///
/// A rollback repeats the variables of the execution that it returns to, and is not
/// what the claim started.
fn token(execution: &PipelineExecution) -> Option<ClientRequestToken> {
    if execution.execution_type() == Some(&ExecutionType::Rollback) {
        return None;
    }
    let mut variables = execution.variables().iter();
    let variable = variables.find(|variable| variable.name() == Some(RETRAIN_TOKEN))?;
    ClientRequestToken::try_from(variable.resolved_value()?.to_owned()).ok()
}

/// The set of statuses is open: what we do not know is still going on, and is looked
/// at again.
fn status(status: &PipelineExecutionStatus) -> ExecutionStatus {
    match status.as_str() {
        "Succeeded" => ExecutionStatus::Succeeded,
        "Failed" => ExecutionStatus::Failed,
        "Stopped" => ExecutionStatus::Stopped,
        "Cancelled" => ExecutionStatus::Canceled,
        "Superseded" => ExecutionStatus::Superseded,
        _ => ExecutionStatus::InFlight,
    }
}

fn foreign(what: &dyn std::fmt::Display) -> PortError {
    PortError::terminal(
        format!("ask CodePipeline about {what}"),
        "it is of another service",
    )
}

fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanos).ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::types::{ExecutionTrigger, ResolvedPipelineVariable};

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn with_token(value: &str, kind: ExecutionType) -> PipelineExecution {
        let variable = ResolvedPipelineVariable::builder()
            .name(RETRAIN_TOKEN)
            .resolved_value(value);
        PipelineExecution::builder()
            .variables(variable.build())
            .execution_type(kind)
            .build()
    }

    #[test]
    fn a_rollback_is_not_what_the_claim_started() {
        let found = |value, kind| token(&with_token(value, kind)).map(|token| token.to_string());
        let standard = || ExecutionType::Standard;
        assert_eq!(found(TOKEN, standard()), Some(TOKEN.to_owned()));
        assert_eq!(found(TOKEN, ExecutionType::Rollback), None);
        // The variable's default, in an execution that somebody else started.
        assert_eq!(found("none", standard()), None);
        assert_eq!(token(&PipelineExecution::builder().build()), None);
    }

    #[test]
    fn only_what_a_start_may_have_begun_is_read() {
        let summary = |kind: Option<TriggerType>| {
            let trigger = kind.map(|kind| ExecutionTrigger::builder().trigger_type(kind).build());
            PipelineExecutionSummary::builder()
                .set_trigger(trigger)
                .build()
        };
        assert!(by_a_start(&summary(None)));
        assert!(by_a_start(&summary(Some(
            TriggerType::StartPipelineExecution
        ))));
        assert!(!by_a_start(&summary(Some(TriggerType::WebhookV2))));
        assert!(!by_a_start(&summary(Some(TriggerType::AutomatedRollback))));
    }

    #[test]
    fn a_status_of_tomorrow_is_still_running() {
        for (told, expected) in [
            ("InProgress", ExecutionStatus::InFlight),
            ("Stopping", ExecutionStatus::InFlight),
            ("Succeeded", ExecutionStatus::Succeeded),
            ("Failed", ExecutionStatus::Failed),
            ("Stopped", ExecutionStatus::Stopped),
            ("Cancelled", ExecutionStatus::Canceled),
            ("Superseded", ExecutionStatus::Superseded),
            ("Paused", ExecutionStatus::InFlight),
        ] {
            assert_eq!(status(&PipelineExecutionStatus::from(told)), expected);
        }
    }
}
