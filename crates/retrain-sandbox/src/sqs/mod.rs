//! SQS: queues, and the queues of dead letters behind them.

mod model;
mod operations;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

pub use model::{Attribute, Letter, QueueError};

use crate::VirtualClock;
use crate::answer::{Answer, ServiceError};
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};
use model::{Queue, State};

const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// SQS's state, and a way to it that makes no request. Clones share it.
#[derive(Clone, Debug)]
pub struct Sqs {
    clock: VirtualClock,
    names: Names,
    state: Arc<Mutex<State>>,
}

/// Where the queues of a sandbox are.
#[derive(Clone, Debug)]
struct Names {
    region: String,
    account: String,
}

impl Names {
    fn arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{queue}", self.region, self.account)
    }

    fn url(&self, queue: &str) -> String {
        format!(
            "https://sqs.{}.amazonaws.com/{}/{queue}",
            self.region, self.account
        )
    }

    /// The name in a queue's URL, whatever host the caller gives it.
    fn name<'a>(&self, url: &'a str) -> Option<&'a str> {
        let (place, name) = url.rsplit_once('/')?;
        place.ends_with(&self.account).then_some(name)
    }
}

impl Sqs {
    pub(crate) fn new(clock: VirtualClock, region: &str, account: &str) -> Self {
        Self {
            clock,
            names: Names {
                region: region.to_owned(),
                account: account.to_owned(),
            },
            state: Arc::default(),
        }
    }

    /// Creates a queue and returns its URL.
    pub fn create_queue(&self, name: &str) -> Result<String, QueueError> {
        self.lock().create(name, None)?;
        Ok(self.names.url(name))
    }

    /// Creates a queue whose messages go to another one after they were received so many
    /// times, and returns its URL.
    pub fn create_queue_before(
        &self,
        name: &str,
        dead_letters: &str,
        max_receive_count: u32,
    ) -> Result<String, QueueError> {
        let redrive = Some((dead_letters.to_owned(), max_receive_count));
        self.lock().create(name, redrive)?;
        Ok(self.names.url(name))
    }

    /// Puts a message into a queue now, with these attributes of text, and returns its id.
    pub fn send(
        &self,
        queue: &str,
        body: &str,
        attributes: &[(&str, &str)],
    ) -> Result<String, QueueError> {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Attribute::new("String", value)));
        let attributes: BTreeMap<_, _> = attributes.collect();
        let now = self.clock.now();
        let mut state = self.lock();
        state.send(queue, body, attributes, now)
    }

    /// What is in a queue, hidden or not, in the order in which it came.
    pub fn letters(&self, queue: &str) -> Result<Vec<Letter>, QueueError> {
        let now = self.clock.now();
        let state = self.lock();
        let queue = state.queue(queue)?;
        let letters = queue.messages.iter();
        Ok(letters.map(|message| message.letter(now)).collect())
    }

    /// Lets the messages of a queue be received, and fail, until they are dead letters.
    pub fn fail(&self, queue: &str) -> Result<(), QueueError> {
        let now = self.clock.now();
        let arn = self.names.arn(queue);
        self.lock().fail(queue, &arn, now)
    }

    /// The ARN that a queue of this name has here.
    pub fn arn(&self, queue: &str) -> String {
        self.names.arn(queue)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every operation works on.
struct Scene<'a> {
    state: &'a mut State,
    names: &'a Names,
    now: Timestamp,
}

impl Endpoint for Sqs {
    fn service(&self) -> Service {
        Service::Sqs
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "AmazonSQS")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        let mut state = self.lock();
        let mut scene = Scene {
            state: &mut state,
            names: &self.names,
            now: self.clock.now(),
        };
        let result = request
            .json
            .and_then(|members: Value| scene.perform(&request.operation, &members));
        let answer = match result {
            Ok(members) => Answer::json(Ok(members), self.service().content_type()),
            Err(error) => failure(&error),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// How SQS tells a client of an error: its clients know some by the codes of the older
/// query protocol, which come in a header.
pub(crate) fn failure(error: &ServiceError) -> Answer {
    let mut answer = Answer::error(error, Service::Sqs.content_type());
    let code = error.code.rsplit('#').next().unwrap_or_default();
    let code = match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "MessageNotInflight" => "AWS.SimpleQueueService.MessageNotInflight",
        code => code,
    };
    let fault = if error.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    if let Ok(code) = HeaderValue::from_str(&format!("{code};{fault}")) {
        answer.headers.insert(QUERY_ERROR, code);
    }
    answer
}

/// There is no queue of the URL or name that a request has.
fn no_such_queue() -> ServiceError {
    Service::Sqs.refusal("QueueDoesNotExist", "The specified queue does not exist.")
}

impl Scene<'_> {
    fn queue(&mut self, url: &str) -> Result<&mut Queue, ServiceError> {
        let name = self.names.name(url).ok_or_else(no_such_queue)?;
        self.state.queues.get_mut(name).ok_or_else(no_such_queue)
    }
}
