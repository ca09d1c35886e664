//! Answers and errors on the wire.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::body::Body;

/// The header in which AWS repeats an error's code.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// An error as AWS sends it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServiceError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members, such as `CancellationReasons`.
    pub(crate) members: Map<String, Value>,
}

impl ServiceError {
    /// The client's fault: HTTP 400, the status of every such error of a JSON
    /// protocol.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn with_status(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            members: Map::new(),
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::refused("ValidationException", message)
    }

    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::refused("SerializationException", message)
    }

    pub(crate) fn unknown_operation(operation: &str) -> Self {
        Self::refused(
            "UnknownOperationException",
            format!("the sandbox does not implement {operation}"),
        )
    }
}

/// One complete HTTP answer, and the error code it carries for the call log.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) code: Option<String>,
}

impl Answer {
    /// The answer of a service that speaks AWS JSON.
    pub(crate) fn json(result: Result<Value, ServiceError>, content_type: &'static str) -> Self {
        match result {
            Ok(value) => Self::success(&value, content_type),
            Err(error) => Self::error(&error, content_type),
        }
    }

    fn success(value: &Value, content_type: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]),
            body: value.to_string().into(),
            code: None,
        }
    }

    pub(crate) fn error(error: &ServiceError, content_type: &'static str) -> Self {
        let mut body = error.members.clone();
        body.insert("__type".to_owned(), json!(error.code));
        // AWS's own services do not agree on the case, and clients read either.
        body.insert("message".to_owned(), json!(error.message));
        body.insert("Message".to_owned(), json!(error.message));
        let mut answer = Self::success(&Value::Object(body), content_type);
        answer.status = error.status;
        if let Ok(code) = HeaderValue::from_str(&error.code) {
            answer.headers.insert(ERROR_TYPE, code);
        }
        answer.code = Some(error.code.clone());
        answer
    }
}
