//! A process's line to AWS, on which calls go wrong as planned.
//!
//! One call at a time, in the order in which they were made, so that a seed repeats.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use jiff::{SignedDuration, Timestamp};
use retrain_sandbox::VirtualClock;
use tokio::sync::Notify;

/// How long a caller waits for an answer that does not come.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(8);

/// AWS takes no request that was signed longer ago.
const SIGNED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfortune {
    /// It is refused for now. No effect.
    Throttle,
    /// HTTP 500 or 503. No effect.
    ServerError(u16),
    /// HTTP 500 after the effect.
    ServerErrorAfter,
    /// The connection is lost before the effect.
    Lost,
    /// The connection is lost after the effect.
    LostAfter,
    /// It takes so many milliseconds longer.
    Slow(i64),
    /// No answer, no effect.
    TimedOut,
    /// No answer, and the effect comes so many seconds later.
    Late(i64),
    /// Two writers have met (transactions only). No effect.
    Conflict,
    /// The process dies before, or after, the effect.
    Dies { after: bool },
    /// The process dies, and the effect comes so many seconds later.
    DiesLate(i64),
    /// The process is frozen for so many seconds before, or after, the effect.
    Freezes { after: bool, seconds: i64 },
}

/// Why a process does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is dead: by accident, or because its time was over.
    Dead { timed_out: bool },
    /// It is frozen for so many seconds.
    Frozen(i64),
}

/// A request whose effect is still to come.
pub(crate) struct LateCall {
    pub(crate) at: Timestamp,
    request: HttpRequest,
    wire: SharedHttpConnector,
}

impl LateCall {
    /// It takes effect. Nobody waits for the answer.
    pub(crate) async fn arrive(self) {
        let _ = self.wire.call(self.request).await;
    }
}

/// What the calls of one invocation meet.
#[derive(Default)]
struct Plan {
    misfortunes: BTreeMap<usize, Misfortune>,
    /// What each call takes, in milliseconds, in turn.
    pace: u64,
    /// When Lambda ends the invocation.
    deadline: Option<Timestamp>,
    calls: usize,
    stop: Option<Stop>,
}

/// The line of one process.
pub(crate) struct Line {
    clock: VirtualClock,
    plan: Mutex<Plan>,
    turn: tokio::sync::Mutex<()>,
    thaw: Notify,
    late: Arc<Mutex<Vec<LateCall>>>,
    wires: SharedHttpClient,
}

impl Line {
    pub(crate) fn new(
        clock: VirtualClock,
        wires: SharedHttpClient,
        late: Arc<Mutex<Vec<LateCall>>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock,
            plan: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            thaw: Notify::new(),
            late,
            wires,
        })
    }

    /// What an SDK is configured with to use it.
    pub(crate) fn client(self: &Arc<Self>) -> SharedHttpClient {
        SharedHttpClient::new(Dial(Arc::clone(self)))
    }

    /// An invocation begins, whose calls will meet this.
    pub(crate) fn plan(
        &self,
        misfortunes: BTreeMap<usize, Misfortune>,
        pace: u64,
        deadline: Timestamp,
    ) {
        *self.lock() = Plan {
            misfortunes,
            pace,
            deadline: Some(deadline),
            ..Plan::default()
        };
    }

    /// Why the process does not go on, if it does not.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.lock().stop.take()
    }

    /// A frozen process goes on; for as long as it likes, if Lambda has ended it.
    pub(crate) fn thaw(&self, is_over: bool) {
        let mut plan = self.lock();
        plan.deadline = plan.deadline.filter(|_| !is_over);
        self.thaw.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// What the next call meets. Time passes.
    fn next(&self, operation: &str) -> Option<Misfortune> {
        let mut plan = self.lock();
        plan.calls += 1;
        let millis = 5 + (plan.pace / 7 + plan.calls as u64 * plan.pace) % 60;
        let now = self
            .clock
            .advance(SignedDuration::from_millis(millis.cast_signed()));
        if plan.deadline.is_some_and(|deadline| now >= deadline) {
            plan.stop = Some(Stop::Dead { timed_out: true });
            return Some(Misfortune::Dies { after: false });
        }
        let place = plan.calls;
        let misfortune = plan.misfortunes.remove(&place)?;
        match misfortune {
            Misfortune::Dies { after: false } | Misfortune::DiesLate(_) => {
                plan.stop = Some(Stop::Dead { timed_out: false });
            }
            Misfortune::Slow(millis) => {
                self.clock.advance(SignedDuration::from_millis(millis));
                return None;
            }
            Misfortune::Conflict if operation != "TransactWriteItems" => {
                return Some(Misfortune::Throttle);
            }
            _ => {}
        }
        Some(misfortune)
    }

    /// Nothing follows, until the process thaws.
    async fn freeze(&self, seconds: i64) {
        self.lock().stop = Some(Stop::Frozen(seconds));
        self.thaw.notified().await;
    }

    fn later(&self, seconds: i64, request: HttpRequest, wire: SharedHttpConnector) {
        let at = self.clock.now() + SignedDuration::from_secs(seconds);
        let call = LateCall { at, request, wire };
        self.late.lock().unwrap().push(call);
    }

    async fn call(
        self: Arc<Self>,
        request: HttpRequest,
        wire: SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        let _turn = self.turn.lock().await;
        let operation = operation(&request);
        let Some(misfortune) = self.next(&operation) else {
            return wire.call(request).await;
        };
        match misfortune {
            Misfortune::Throttle => Ok(refused(&request, 400, "ThrottlingException")),
            Misfortune::ServerError(status) => Ok(refused(&request, status, "InternalFailure")),
            Misfortune::Conflict => Ok(refused(&request, 400, "TransactionConflict")),
            Misfortune::Lost => Err(lost()),
            Misfortune::Slow(_) => wire.call(request).await,
            Misfortune::TimedOut => {
                self.clock.advance(TIMEOUT);
                Err(timed_out())
            }
            Misfortune::ServerErrorAfter => {
                let refusal = refused(&request, 500, "InternalFailure");
                wire.call(request).await?;
                Ok(refusal)
            }
            Misfortune::LostAfter => {
                wire.call(request).await?;
                Err(lost())
            }
            Misfortune::Late(seconds) => {
                self.later(TIMEOUT.as_secs() + seconds, request, wire);
                self.clock.advance(TIMEOUT);
                Err(timed_out())
            }
            Misfortune::DiesLate(seconds) => {
                self.later(seconds, request, wire);
                std::future::pending().await
            }
            Misfortune::Dies { after } => {
                if after {
                    let _ = wire.call(request).await;
                    self.lock().stop = Some(Stop::Dead { timed_out: false });
                }
                std::future::pending().await
            }
            Misfortune::Freezes { after, seconds } => {
                if after {
                    let answer = wire.call(request).await;
                    self.freeze(seconds).await;
                    return answer;
                }
                self.freeze(seconds).await;
                if SignedDuration::from_secs(seconds) > SIGNED_FOR {
                    return Ok(refused(&request, 400, "InvalidSignatureException"));
                }
                wire.call(request).await
            }
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

#[derive(Debug)]
struct Dial(Arc<Line>);

impl HttpClient for Dial {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let wire = self.0.wires.http_connector(settings, components);
        SharedHttpConnector::new(Connection {
            line: Arc::clone(&self.0),
            wire,
        })
    }
}

#[derive(Debug)]
struct Connection {
    line: Arc<Line>,
    wire: SharedHttpConnector,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = Arc::clone(&self.line);
        HttpConnectorFuture::new(line.call(request, self.wire.clone()))
    }
}

/// The operation's name, for services that name it in a header.
fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// What a service answers instead. DynamoDB and S3 have their own words.
pub(crate) fn refused(request: &HttpRequest, status: u16, code: &str) -> HttpResponse {
    let is_dynamodb = request
        .headers()
        .get("x-amz-target")
        .is_some_and(|target| target.starts_with("DynamoDB"));
    let is_s3 = request.headers().get("x-amz-target").is_none();
    let (status, body) = match code {
        "InvalidSignatureException" | "AccessDeniedException" if !is_s3 => (status, json(code)),
        "AccessDeniedException" => (403, xml("AccessDenied")),
        "ThrottlingException" if is_s3 => (503, xml("SlowDown")),
        _ if is_s3 => (status, xml("InternalError")),
        "TransactionConflict" => (status, conflict(request)),
        "ThrottlingException" if is_dynamodb => {
            (status, json("ProvisionedThroughputExceededException"))
        }
        _ if is_dynamodb => (status, json("InternalServerError")),
        _ => (status, json(code)),
    };
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    let headers = response.headers_mut();
    headers.insert("x-amzn-requestid", "chaos");
    response
}

fn json(code: &str) -> String {
    format!(r#"{{"__type": "{code}", "message": "chaos"}}"#)
}

fn xml(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>chaos</Message></Error>")
}

/// One reason for each item of the transaction.
fn conflict(request: &HttpRequest) -> String {
    let items = request
        .body()
        .bytes()
        .and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok())
        .and_then(|body| body["TransactItems"].as_array().map(Vec::len))
        .unwrap_or(1);
    let reasons = vec![r#"{"Code": "TransactionConflict", "Message": "chaos"}"#; items];
    format!(
        r#"{{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "chaos", "CancellationReasons": [{}]}}"#,
        reasons.join(",")
    )
}

fn lost() -> ConnectorError {
    ConnectorError::io("the connection was lost".into())
}

fn timed_out() -> ConnectorError {
    ConnectorError::timeout("no answer came in time".into())
}
