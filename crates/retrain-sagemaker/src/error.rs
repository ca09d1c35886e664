//! What SageMaker's errors mean to the controller.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
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

/// Classifies by code: most of SageMaker's errors are not in its API model and
/// reach the SDK without a type of their own.
pub(crate) fn verdict(code: &str) -> Verdict {
    match code {
        "ResourceLimitExceeded"
        | "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ExpiredTokenException" => Verdict::NoCapacity,
        "ValidationException"
        | "ResourceNotFound"
        | "ResourceNotFoundException"
        | "AccessDeniedException" => Verdict::Misconfigured,
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
    let hopeless = code(&error).is_some_and(|code| verdict(code) == Verdict::Misconfigured);
    if hopeless {
        PortError::terminal(doing, error)
    } else {
        PortError::retryable(doing, error)
    }
}

/// The code of an error that SageMaker answered with.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

pub(crate) fn is_not_found<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(
        code(error),
        Some("ResourceNotFound" | "ResourceNotFoundException")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_are_understood_are_definite() {
        let table = [
            ("ResourceLimitExceeded", Verdict::NoCapacity),
            ("ThrottlingException", Verdict::NoCapacity),
            ("ValidationException", Verdict::Misconfigured),
            ("ResourceNotFound", Verdict::Misconfigured),
            ("AccessDeniedException", Verdict::Misconfigured),
            ("ConflictException", Verdict::Unknown),
            ("InternalFailure", Verdict::Unknown),
            ("ServiceUnavailable", Verdict::Unknown),
            ("NewExceptionOf2031", Verdict::Unknown),
        ];
        for (code, expected) in table {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }
}
