//! The listener: reads requests, finds their service, lets faults strike.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::{Answer, ServiceError};
use crate::body::Body;
use crate::calls::Outcome;
use crate::control::Control;
use crate::faults::{FaultHandle, FaultKind, Verdict};
use crate::service::{Endpoint, Request};

/// DynamoDB's own limit, the largest of all the services.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Closes the connection without an answer. Returning it as the service's error
/// is how Hyper is told to.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct Dropped;

/// Everything a request can reach.
pub(crate) struct Router {
    pub(crate) endpoints: Vec<Box<dyn Endpoint>>,
    pub(crate) control: Control,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) answered: AtomicU64,
}

/// Serves until the task is aborted, which closes all connections.
pub(crate) async fn serve(listener: TcpListener, router: Arc<Router>) -> io::Result<Infallible> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(serve_connection(stream, Arc::clone(&router)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_connection(stream: TcpStream, router: Arc<Router>) {
    let service = service_fn(move |request| Arc::clone(&router).handle(request));
    // A connection that breaks is the client's affair, or was broken on purpose.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Router {
    async fn handle(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
    ) -> Result<Response<Body>, Dropped> {
        let (head, body) = request.into_parts();
        let bytes = Limited::new(body, MAX_BODY_BYTES)
            .collect()
            .await
            .map_err(|_| Dropped)?
            .to_bytes();
        // In a task of its own, because a client that hangs up drops this future.
        let router = Arc::clone(&self);
        let answer = tokio::spawn(async move { router.route(head, bytes).await })
            .await
            .map_err(|_| Dropped)??;
        Ok(self.response(answer))
    }

    async fn route(&self, head: Parts, bytes: Bytes) -> Result<Answer, Dropped> {
        if let Some(path) = head.uri.path().strip_prefix("/_sandbox") {
            return Ok(self.control.answer(&head.method, path, &bytes));
        }
        let json = serde_json::from_slice(&bytes)
            .map_err(|error| ServiceError::serialization(format!("the body is not JSON: {error}")));
        let found = self
            .endpoints
            .iter()
            .find_map(|endpoint| Some((endpoint, endpoint.operation(&head)?)));
        let Some((endpoint, operation)) = found else {
            return Ok(self.refuse_unknown(&head, json.unwrap_or(Value::Null)));
        };
        let request = Request {
            operation,
            head,
            bytes,
            json,
        };
        self.call(endpoint.as_ref(), request).await
    }

    fn refuse_unknown(&self, head: &Parts, request: Value) -> Answer {
        let asked = head
            .headers
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok())
            .map_or_else(
                || format!("{} {}", head.method, head.uri.path()),
                str::to_owned,
            );
        let calls = &self.control.calls;
        let number = calls.arrived(None, &asked, self.control.clock.now(), request);
        let answer = Answer::error(
            &ServiceError::unknown_operation(&asked),
            "application/x-amz-json-1.1",
        );
        calls.ended(number, answered(&answer));
        answer
    }

    async fn call(&self, endpoint: &dyn Endpoint, request: Request) -> Result<Answer, Dropped> {
        let calls = &self.control.calls;
        let number = calls.arrived(
            Some(endpoint.service()),
            &request.operation,
            self.control.clock.now(),
            endpoint.members(&request),
        );
        let fault = self
            .control
            .faults
            .strike(endpoint.service(), &request.operation);
        let result = match fault {
            None => Ok(endpoint.answer(request).await),
            Some(fault) => self.call_with_fault(endpoint, request, &fault).await,
        };
        let outcome = result.as_ref().map_or(Outcome::Dropped, answered);
        calls.ended(number, outcome);
        result
    }

    async fn call_with_fault(
        &self,
        endpoint: &dyn Endpoint,
        request: Request,
        fault: &FaultHandle,
    ) -> Result<Answer, Dropped> {
        let service = endpoint.service();
        let instead = |error: &ServiceError| Ok(service.failure(error));
        match &fault.fault().kind {
            FaultKind::Throttle => instead(&service.throttled()),
            FaultKind::ServerError => {
                instead(&service.server_error(StatusCode::INTERNAL_SERVER_ERROR))
            }
            FaultKind::Unavailable => {
                instead(&service.server_error(StatusCode::SERVICE_UNAVAILABLE))
            }
            FaultKind::Refuse { code, message } => instead(&service.refusal(code, message)),
            FaultKind::TransactionConflict => {
                let members = request.json.as_ref().unwrap_or(&Value::Null);
                instead(&service.transaction_conflict(&request.operation, members))
            }
            FaultKind::DropBefore => Err(Dropped),
            FaultKind::ServerErrorAfter => {
                endpoint.answer(request).await;
                instead(&service.server_error(StatusCode::INTERNAL_SERVER_ERROR))
            }
            FaultKind::DropAfter => {
                endpoint.answer(request).await;
                Err(Dropped)
            }
            FaultKind::HoldBefore => {
                self.park(fault).await?;
                Ok(endpoint.answer(request).await)
            }
            FaultKind::HoldAfter => {
                let answer = endpoint.answer(request).await;
                self.park(fault).await?;
                Ok(answer)
            }
        }
    }

    async fn park(&self, fault: &FaultHandle) -> Result<(), Dropped> {
        match fault.park(&mut self.stop.clone()).await {
            Verdict::Release => Ok(()),
            Verdict::Discard => Err(Dropped),
        }
    }

    fn response(&self, answer: Answer) -> Response<Body> {
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        // Counted, not random, so that two runs of a test print the same.
        let number = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(id) = HeaderValue::from_str(&format!("00000000-0000-4000-8000-{number:012}")) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}

fn answered(answer: &Answer) -> Outcome {
    Outcome::Answered {
        status: answer.status.as_u16(),
        code: answer.code.clone(),
    }
}
