//! S3's errors and how they look on the wire.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::xml;
use crate::answer::Answer;

/// Why S3 refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct S3Error {
    code: String,
    message: String,
    /// Further elements of the body, such as `Key`.
    members: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl S3Error {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            members: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// What S3 answers to a request that it understands and cannot do.
    pub(super) fn not_implemented(what: &str, name: &str) -> Self {
        let message =
            format!("A {what} you provided implies functionality that is not implemented");
        Self::new("NotImplemented", message).member("Resource", name)
    }

    pub(super) fn invalid_argument(message: &str, name: &str, value: &str) -> Self {
        Self::new("InvalidArgument", message)
            .member("ArgumentName", name)
            .member("ArgumentValue", value)
    }

    #[must_use]
    pub(super) fn member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The error code, such as `NoSuchKey`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status (S3's list of error codes).
    pub(crate) fn status(&self) -> StatusCode {
        match self.code.as_str() {
            "AccessDenied" => StatusCode::FORBIDDEN,
            "NoSuchBucket" | "NoSuchKey" | "NoSuchUpload" | "NoSuchVersion" => {
                StatusCode::NOT_FOUND
            }
            "MethodNotAllowed" => StatusCode::METHOD_NOT_ALLOWED,
            "BucketAlreadyOwnedByYou" | "ConditionalRequestConflict" => StatusCode::CONFLICT,
            "PreconditionFailed" => StatusCode::PRECONDITION_FAILED,
            "InvalidRange" => StatusCode::RANGE_NOT_SATISFIABLE,
            "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
            "NotImplemented" => StatusCode::NOT_IMPLEMENTED,
            "ServiceUnavailable" | "SlowDown" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        let code = [
            ("Code", self.code.clone()),
            ("Message", self.message.clone()),
        ];
        let members = code.into_iter().chain(self.members.iter().cloned());
        let mut headers = self.headers.iter().cloned().collect::<HeaderMap>();
        xml::content_type(&mut headers);
        Answer {
            status: self.status(),
            headers,
            body: xml::error(members).into(),
            code: Some(self.code.clone()),
        }
    }
}
