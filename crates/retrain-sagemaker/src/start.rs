//! Starting an execution: one call, three kinds of answers.

use std::time::Duration;

use aws_sdk_sagemaker::config::Builder;
use aws_sdk_sagemaker::config::retry::RetryConfig;
use aws_sdk_sagemaker::config::timeout::TimeoutConfig;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::operation::start_pipeline_execution::{
    StartPipelineExecutionError, StartPipelineExecutionOutput,
};
use aws_sdk_sagemaker::types::Parameter;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use retrain_controller::Started;
use retrain_core::event::Refusal;
use retrain_core::lane::Target;
use retrain_core::names::PipelineExecutionArn;
use retrain_core::slot::Claim;

use crate::SageMaker;
use crate::error::{Verdict, told, verdict};

impl SageMaker {
    pub(crate) async fn start_claim(&self, claim: &Claim, timeout: Duration) -> Started {
        let Target::SagemakerPipeline { name, version_id } = &claim.target else {
            return misconfigured("the target is none of SageMaker's");
        };
        let Ok(version_id) = version_id.map(|id| i64::try_from(id.get())).transpose() else {
            return misconfigured("PipelineVersionId is larger than SageMaker can express");
        };
        let parameters = claim.parameters.iter().map(|(name, value)| {
            Parameter::builder()
                .name(name.as_str())
                .value(value)
                .build()
        });
        let answer = self
            .client
            .start_pipeline_execution()
            .pipeline_name(name.as_str())
            .set_pipeline_version_id(version_id)
            .client_request_token(claim.token.as_str())
            .pipeline_execution_display_name(claim.token.display_name())
            .pipeline_execution_description(&claim.description)
            .set_pipeline_parameters(Some(parameters.collect()))
            .customize()
            .config_override(once_within(timeout))
            .send()
            .await;
        understand(answer)
    }
}

/// One attempt, over within the timeout.
///
/// A retry by the SDK would hide an ambiguous first attempt behind a definite
/// second answer.
pub(crate) fn once_within(timeout: Duration) -> Builder {
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
) -> Started {
    match answer {
        Ok(output) => {
            let arn = output.pipeline_execution_arn.unwrap_or_default();
            match PipelineExecutionArn::parse(arn) {
                Ok(arn) => Started::Accepted(arn.into()),
                Err(error) => Started::Unknown(format!("SageMaker's answer: {error}")),
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
