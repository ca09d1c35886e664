//! What CloudWatch's errors mean to the controller.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use retrain_controller::PortError;

/// What is not known to be hopeless is worth another delivery.
pub(crate) fn failed<E, R>(doing: String, error: SdkError<E, R>) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some(
            "AccessDenied" | "AccessDeniedException" | "ValidationError" | "ValidationException",
        ) => PortError::terminal(doing, error),
        _ => PortError::retryable(doing, error),
    }
}
