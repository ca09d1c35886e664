//! What CodePipeline's errors mean to the controller.

use std::error::Error;

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use retrain_controller::PortError;
use retrain_core::names::shortened;

/// What an error code says about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It came at a bad moment.
    NoCapacity,
    /// It can never work.
    Misconfigured,
    /// It says nothing for certain.
    Unknown,
}

/// Classifies by code: AWS's common errors are not in CodePipeline's API model and
/// reach the SDK without a type of their own.
pub(crate) fn verdict(code: &str) -> Verdict {
    match code {
        "ConcurrentPipelineExecutionsLimitExceededException"
        // "The pipeline is busy handling ongoing activities. Try again later."
        | "ConflictException"
        | "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ExpiredTokenException" => Verdict::NoCapacity,
        "ValidationException" | "PipelineNotFoundException" | "AccessDeniedException" => {
            Verdict::Misconfigured
        }
        _ => Verdict::Unknown,
    }
}

/// AWS's code and message in one short line.
pub(crate) fn told(error: &impl ProvideErrorMetadata) -> String {
    let code = error.code().unwrap_or("an error without a code");
    match error.message() {
        Some(message) => format!("{code}: {}", shortened(message, 300)),
        None => code.to_owned(),
    }
}

/// Classifies an error of a call that only reads.
pub(crate) fn failed<E>(doing: impl Into<String>, error: SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if verdict(code(&error)) == Verdict::Misconfigured {
        PortError::terminal(doing, error)
    } else {
        PortError::retryable(doing, error)
    }
}

/// Whether the pipeline or the execution does not exist. Executions go with their
/// pipeline.
pub(crate) fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(
        code(error),
        "PipelineNotFoundException" | "PipelineExecutionNotFoundException"
    )
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_are_understood_are_definite() {
        let table = [
            (
                "ConcurrentPipelineExecutionsLimitExceededException",
                Verdict::NoCapacity,
            ),
            ("ConflictException", Verdict::NoCapacity),
            ("ThrottlingException", Verdict::NoCapacity),
            ("ValidationException", Verdict::Misconfigured),
            ("PipelineNotFoundException", Verdict::Misconfigured),
            ("AccessDeniedException", Verdict::Misconfigured),
            ("InternalFailure", Verdict::Unknown),
            ("ServiceUnavailable", Verdict::Unknown),
            ("NewExceptionOf2031", Verdict::Unknown),
        ];
        for (code, expected) in table {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }
}
