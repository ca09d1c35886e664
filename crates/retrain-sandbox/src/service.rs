//! What every service of the sandbox has in common.
//!
//! A further service is a further module with an [`Endpoint`], a variant here
//! and a line in [`Sandbox::start`](crate::Sandbox::start).

use std::pin::Pin;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, ServiceError};
use crate::cloudwatch;
use crate::lambda;
use crate::s3::S3Error;
use crate::sqs;

/// A service that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Service {
    /// Amazon CloudWatch.
    CloudWatch,
    /// AWS CodePipeline.
    CodePipeline,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon EventBridge.
    EventBridge,
    /// AWS Lambda.
    Lambda,
    /// Amazon S3.
    S3,
    /// Amazon SageMaker.
    SageMaker,
    /// Amazon SQS.
    Sqs,
    /// AWS Systems Manager, of which Parameter Store.
    Ssm,
}

impl Service {
    /// The content type of its answers.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::CloudWatch => "application/cbor",
            Self::DynamoDb | Self::Sqs => "application/x-amz-json-1.0",
            Self::Lambda => "application/json",
            Self::S3 => "application/xml",
            Self::CodePipeline | Self::EventBridge | Self::SageMaker | Self::Ssm => {
                "application/x-amz-json-1.1"
            }
        }
    }

    /// The error it throttles with. "Rate exceeded" is what the control planes
    /// say; a table that is throttled has its own error (botocore API models).
    pub(crate) fn throttled(self) -> ServiceError {
        match self {
            // The code of its older query protocol, which it keeps.
            Self::CloudWatch => self.refusal("Throttling", "Rate exceeded"),
            Self::DynamoDb => self.refusal(
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::S3 => ServiceError::with_status(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            Self::Lambda => ServiceError::with_status(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Rate Exceeded.",
            ),
            Self::Sqs => self.refusal("RequestThrottled", "Request is throttled."),
            Self::CodePipeline | Self::EventBridge | Self::SageMaker | Self::Ssm => {
                self.refusal("ThrottlingException", "Rate exceeded")
            }
        }
    }

    /// The error of an internal failure (botocore API models; `InternalFailure`
    /// is AWS's common error where a model has none).
    pub(crate) fn server_error(self, status: StatusCode) -> ServiceError {
        let code = match (self, status) {
            (_, StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable",
            (Self::DynamoDb | Self::Ssm, _) => "InternalServerError",
            (Self::S3 | Self::Sqs, _) => "InternalError",
            (Self::Lambda, _) => "ServiceException",
            (Self::EventBridge, _) => "InternalException",
            (Self::CloudWatch | Self::CodePipeline | Self::SageMaker, _) => "InternalFailure",
        };
        ServiceError::with_status(status, code, "The request failed inside the service.")
    }

    /// An error with the namespace that the service puts before its code.
    pub(crate) fn refusal(self, code: &str, message: &str) -> ServiceError {
        match self {
            Self::DynamoDb => {
                ServiceError::refused(&format!("com.amazonaws.dynamodb.v20120810#{code}"), message)
            }
            Self::Sqs => ServiceError::refused(&format!("com.amazonaws.sqs#{code}"), message),
            Self::CloudWatch
            | Self::CodePipeline
            | Self::EventBridge
            | Self::Lambda
            | Self::S3
            | Self::SageMaker
            | Self::Ssm => ServiceError::refused(code, message),
        }
    }

    /// How it tells a client of an error. CloudWatch speaks CBOR; Lambda has the code in
    /// a header only, and SQS in another one, too. S3 speaks XML, and its codes have their own statuses.
    pub(crate) fn failure(self, error: &ServiceError) -> Answer {
        match self {
            Self::CloudWatch => cloudwatch::failure(error),
            Self::S3 => S3Error::new(&error.code, &error.message).answer(),
            Self::Lambda => lambda::failure(error),
            Self::Sqs => sqs::failure(error),
            Self::CodePipeline
            | Self::DynamoDb
            | Self::EventBridge
            | Self::SageMaker
            | Self::Ssm => Answer::error(error, self.content_type()),
        }
    }

    /// See [`FaultKind::TransactionConflict`](crate::FaultKind::TransactionConflict).
    pub(crate) fn transaction_conflict(self, operation: &str, request: &Value) -> ServiceError {
        if operation != "TransactWriteItems" {
            return self.refusal(
                "TransactionConflictException",
                "Transaction is ongoing for the item",
            );
        }
        let items = request["TransactItems"].as_array().map_or(0, Vec::len);
        let codes = vec!["TransactionConflict"; items];
        let mut error = self.refusal(
            "TransactionCanceledException",
            &format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
        );
        let reasons: Vec<Value> = codes
            .iter()
            .map(|code| json!({"Code": code, "Message": "Transaction is ongoing for the item"}))
            .collect();
        error
            .members
            .insert("CancellationReasons".to_owned(), Value::Array(reasons));
        error
    }
}

/// One request to a service.
pub(crate) struct Request {
    pub(crate) operation: String,
    pub(crate) head: Parts,
    pub(crate) bytes: Bytes,
    /// The body as JSON, or why it is none.
    pub(crate) json: Result<Value, ServiceError>,
}

impl Request {
    /// The answer of a service that speaks JSON and needs not wait for anything.
    pub(crate) fn answered<'a>(
        self,
        service: Service,
        perform: impl FnOnce(&str, &Value) -> Result<Value, ServiceError>,
    ) -> AnswerFuture<'a> {
        let result = self
            .json
            .and_then(|members| perform(&self.operation, &members));
        let answer = Answer::json(result, service.content_type());
        Box::pin(std::future::ready(answer))
    }
}

pub(crate) type AnswerFuture<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A service's door.
pub(crate) trait Endpoint: Send + Sync {
    fn service(&self) -> Service;

    /// The operation that a request asks of this service; none if the request
    /// is for another.
    fn operation(&self, head: &Parts) -> Option<String>;

    /// The request's members, for the call log.
    fn members(&self, request: &Request) -> Value {
        request.json.clone().unwrap_or(Value::Null)
    }

    /// Does the operation. Runs in a task of its own, so a client that goes away
    /// does not cut it in half.
    fn answer(&self, request: Request) -> AnswerFuture<'_>;
}

/// The operation named by `X-Amz-Target`, if it has this prefix.
pub(crate) fn target(head: &Parts, prefix: &str) -> Option<String> {
    head.headers
        .get("x-amz-target")?
        .to_str()
        .ok()?
        .strip_prefix(prefix)?
        .strip_prefix('.')
        .map(str::to_owned)
}
