//! What DynamoDB's errors mean to the controller.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use retrain_controller::PortError;

/// Errors that delivering the event again cannot help.
const TERMINAL_CODES: [&str; 3] = [
    "ValidationException",
    "AccessDeniedException",
    "ResourceNotFoundException",
];

/// Classifies an error of the SDK. What is not known to be hopeless is worth
/// another delivery: throttling, server errors, timeouts, lost connections.
pub(crate) fn failed<E, R>(doing: &str, error: SdkError<E, R>) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let hopeless = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .is_some_and(|code| TERMINAL_CODES.contains(&code));
    if hopeless {
        PortError::terminal(doing, error)
    } else {
        PortError::retryable(doing, error)
    }
}

pub(crate) fn unreadable(name: &str, why: impl Into<Box<dyn Error + Send + Sync>>) -> PortError {
    PortError::terminal(format!("read {name}"), why)
}
