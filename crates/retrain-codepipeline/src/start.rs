//! Starting an execution: one call, three kinds of answers.

use std::time::Duration;

use aws_sdk_codepipeline::config::Builder;
use aws_sdk_codepipeline::config::retry::RetryConfig;
use aws_sdk_codepipeline::config::timeout::TimeoutConfig;
use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::operation::start_pipeline_execution::{
    StartPipelineExecutionError, StartPipelineExecutionOutput,
};
use aws_sdk_codepipeline::types::PipelineVariable;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::operation::BuildError;
use retrain_controller::Started;
use retrain_core::event::Refusal;
use retrain_core::execution::Execution;
use retrain_core::lane::{RETRAIN_TOKEN, Target};
use retrain_core::names::{CodePipelineExecutionId, CodePipelineName};
use retrain_core::slot::Claim;

use crate::CodePipeline;
use crate::error::{Verdict, told, verdict};

impl CodePipeline {
    pub(crate) async fn start_claim(&self, claim: &Claim, timeout: Duration) -> Started {
        let Target::Codepipeline { name } = &claim.target else {
            return misconfigured(&format!("{} is no CodePipeline pipeline", claim.target));
        };
        let variables = match variables(claim) {
            Ok(variables) => variables,
            Err(error) => return misconfigured(&error.to_string()),
        };
        let answer = self
            .client
            .start_pipeline_execution()
            .name(name.as_str())
            .client_request_token(claim.token.as_str())
            .set_variables(Some(variables))
            .customize()
            .config_override(once_within(timeout))
            .send()
            .await;
        understand(answer, name)
    }
}

/// The claim's parameters, and its token as the one that its execution is known by.
fn variables(claim: &Claim) -> Result<Vec<PipelineVariable>, BuildError> {
    let parameters = claim.parameters.iter();
    parameters
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([(RETRAIN_TOKEN, claim.token.as_str())])
        .map(|(name, value)| PipelineVariable::builder().name(name).value(value).build())
        .collect()
}

/// One attempt, over within the timeout.
///
/// A retry by the SDK would hide an ambiguous first attempt behind a definite
/// second answer.
fn once_within(timeout: Duration) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(timeout)
        .operation_timeout(timeout)
        .build();
    Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
}

fn understand(
    answer: Result<
        StartPipelineExecutionOutput,
        SdkError<StartPipelineExecutionError, HttpResponse>,
    >,
    pipeline: &CodePipelineName,
) -> Started {
    match answer {
        Ok(output) => {
            let id = output.pipeline_execution_id.unwrap_or_default();
            match CodePipelineExecutionId::parse(id) {
                Ok(id) => Started::Accepted(Execution::Codepipeline {
                    pipeline: pipeline.clone(),
                    id,
                }),
                Err(error) => Started::Unknown(format!("CodePipeline's answer: {error}")),
            }
        }
        Err(SdkError::ServiceError(error)) => refused(error.err(), error.raw().status().as_u16()),
        // The request was never built, so it was never sent.
        Err(error @ SdkError::ConstructionFailure(_)) => misconfigured(&error.to_string()),
        Err(SdkError::TimeoutError(_)) => Started::Unknown("the call took too long".to_owned()),
        Err(error) => Started::Unknown(error.to_string()),
    }
}

fn refused(error: &StartPipelineExecutionError, status: u16) -> Started {
    let what = told(error);
    match verdict(error.code().unwrap_or_default()) {
        Verdict::NoCapacity if status < 500 => Started::Refused(Refusal::NoCapacity { what }),
        Verdict::Misconfigured if status < 500 => Started::Refused(Refusal::Misconfigured { what }),
        Verdict::NoCapacity | Verdict::Misconfigured | Verdict::Unknown => Started::Unknown(what),
    }
}

fn misconfigured(what: &str) -> Started {
    Started::Refused(Refusal::Misconfigured {
        what: what.to_owned(),
    })
}
