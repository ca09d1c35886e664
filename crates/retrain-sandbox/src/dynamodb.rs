//! DynamoDB: the embedded emulator, behind the sandbox's own door.
//!
//! The emulator's router is not public, so it listens on a loopback port of its
//! own and requests are forwarded as they came: its checks of headers and bodies
//! are part of what makes it strict.

use std::io;

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::answer::{Answer, ServiceError};
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};

/// The emulator's server and the way to it.
pub(crate) struct DynamoDb {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Starts the emulator with an empty database in memory.
pub(crate) async fn start() -> io::Result<(DynamoDb, JoinHandle<()>)> {
    let database = Database::memory().map_err(io::Error::other)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let authority = listener.local_addr()?.to_string();
    let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
    let client = Client::builder(TokioExecutor::new()).build_http();
    Ok((DynamoDb { authority, client }, server))
}

impl DynamoDb {
    async fn forward(&self, request: Request) -> Result<Answer, ServiceError> {
        let mut forwarded = hyper::Request::new(Full::new(request.bytes));
        *forwarded.method_mut() = request.head.method;
        *forwarded.uri_mut() = format!("http://{}/", self.authority)
            .parse::<Uri>()
            .map_err(|error| broken(&error))?;
        *forwarded.headers_mut() = request.head.headers;
        // These describe the connection to the sandbox, not the one from it.
        for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING] {
            forwarded.headers_mut().remove(name);
        }
        let response = self
            .client
            .request(forwarded)
            .await
            .map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| broken(&error))?;
        let body = body.to_bytes();
        Ok(Answer {
            status: head.status,
            code: error_code(head.status, &body),
            headers: head.headers,
            body: body.into(),
        })
    }
}

impl Endpoint for DynamoDb {
    fn service(&self) -> Service {
        Service::DynamoDb
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "DynamoDB_20120810")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        Box::pin(async {
            self.forward(request)
                .await
                .unwrap_or_else(|error| Answer::error(&error, self.service().content_type()))
        })
    }
}

fn broken(error: &dyn std::error::Error) -> ServiceError {
    ServiceError::with_status(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        format!("the embedded DynamoDB did not answer: {error}"),
    )
}

fn error_code(status: StatusCode, body: &[u8]) -> Option<String> {
    if status.is_success() {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body.get("__type")?.as_str()?;
    Some(code.rsplit('#').next().unwrap_or(code).to_owned())
}
