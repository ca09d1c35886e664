//! Calls as they arrive.

use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::{Value, json};

/// A call on AWS.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    /// The service, in small letters.
    pub(crate) service: String,
    /// The operation as AWS names it.
    pub(crate) operation: String,
    /// The request's members.
    pub(crate) request: Value,
}

impl Call {
    pub(super) fn read(service: &str, head: &Parts, body: &Bytes) -> Self {
        let target = head.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok()?.rsplit('.').next());
        let (operation, request) = match target {
            Some(operation) => {
                let request = serde_json::from_slice(body).unwrap_or_default();
                (operation.to_owned(), request)
            }
            None => Self::rest(head),
        };
        Self {
            service: service.to_ascii_lowercase(),
            operation,
            request,
        }
    }

    /// A call whose operation is a method and a path: S3's.
    fn rest(head: &Parts) -> (String, Value) {
        let path = head.uri.path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let operation = match head.method.as_str() {
            "HEAD" => "HeadObject",
            "GET" if !key.is_empty() => "GetObject",
            "PUT" => "PutObject",
            other => other,
        };
        let mut request = json!({"Bucket": bucket, "Key": key});
        let query = head.uri.query().unwrap_or_default().split('&');
        if let Some(version) = { query }.find_map(|part| part.strip_prefix("versionId=")) {
            request["VersionId"] = json!(version);
        }
        (operation.to_owned(), request)
    }
}
