//! Lambda: invocations, and what functions are configured with.
//!
//! No code runs here. What is invoked asynchronously is taken and kept, for a test to
//! deliver; what waits for an answer gets the one that the function was given.

mod model;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

pub use model::{Function, Invocation, InvocationType, Mapping};

use crate::answer::{Answer, ERROR_TYPE, ServiceError};
use crate::service::{AnswerFuture, Endpoint, Request, Service};

/// Where the API has its functions.
const PATH: &str = "/2015-03-31/functions/";

/// Where it has the queues that they read.
const MAPPINGS: &str = "/2015-03-31/event-source-mappings";

/// Lambda quotas: 6 MB for whoever waits, 1 MB for the others.
const MAX_BYTES: usize = 6 * 1024 * 1024;
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Lambda's functions, and a way to them that makes no request. Clones share them.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// `arn:aws:lambda:REGION:ACCOUNT:function:`.
    arn_prefix: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    functions: BTreeMap<String, Function>,
    mappings: Vec<Mapping>,
    invocations: Vec<Invocation>,
}

impl Lambda {
    pub(crate) fn new(region: &str, account: &str) -> Self {
        Self {
            arn_prefix: format!("arn:aws:lambda:{region}:{account}:function:"),
            state: Arc::default(),
        }
    }

    /// Creates a function, or replaces the one with its name, and returns its ARN.
    pub fn put_function(&self, function: Function) -> String {
        let arn = self.arn(&function.name);
        let mut state = self.lock();
        state.functions.insert(function.name.clone(), function);
        arn
    }

    /// Deletes a function; whether there was one.
    pub fn delete_function(&self, name: &str) -> bool {
        self.lock().functions.remove(name).is_some()
    }

    /// Lets a function read a queue, or changes the mapping of this id.
    pub fn put_mapping(&self, mapping: Mapping) {
        let mappings = &mut self.lock().mappings;
        mappings.retain(|one| one.uuid != mapping.uuid);
        mappings.push(mapping);
    }

    /// What was invoked since the last call, the oldest first.
    pub fn invocations(&self) -> Vec<Invocation> {
        std::mem::take(&mut self.lock().invocations)
    }

    /// The ARN that a function of this name has here, without a qualifier.
    pub fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, request: &Request) -> Result<Answer, ServiceError> {
        if is_listing(&request.head) {
            let listed = self.listed(request.head.uri.query().unwrap_or_default())?;
            return Ok(Answer::json(Ok(listed), JSON));
        }
        let (named, what) = asked(&request.head)
            .ok_or_else(|| ServiceError::unknown_operation(request.head.uri.path()))?;
        let mut state = self.lock();
        let state = &mut *state;
        let function = self.find(state, &named)?;
        match what {
            "Invoke" => {
                let (invocation, answer) = invoked(function, request)?;
                state.invocations.push(invocation);
                Ok(answer)
            }
            _ => Ok(Answer::json(
                Ok(self.configuration(function)),
                Service::Lambda.content_type(),
            )),
        }
    }

    /// The mappings of the source that a query names; of all, if it names none.
    fn listed(&self, query: &str) -> Result<Value, ServiceError> {
        let mut source = None;
        for (name, value) in query.split('&').filter_map(|one| one.split_once('=')) {
            if name != "EventSourceArn" {
                let why = format!("the sandbox lists mappings by EventSourceArn, not by {name}");
                return Err(ServiceError::refused("InvalidParameterValueException", why));
            }
            source = percent_decode_str(value).decode_utf8().ok();
        }
        let state = self.lock();
        let mappings = state.mappings.iter();
        let mappings = mappings.filter(|one| source.as_ref().is_none_or(|arn| *arn == one.source));
        let told = |one: &Mapping| {
            json!({
                "UUID": one.uuid,
                "EventSourceArn": one.source,
                "FunctionArn": one.function,
                "State": if one.enabled { "Enabled" } else { "Disabled" },
            })
        };
        Ok(json!({"EventSourceMappings": mappings.map(told).collect::<Vec<_>>()}))
    }

    /// The function of a name or an ARN, with or without a qualifier.
    fn find<'a>(&self, state: &'a State, named: &str) -> Result<&'a Function, ServiceError> {
        let own = named.strip_prefix(&self.arn_prefix).unwrap_or(named);
        let (name, qualifier) = own.split_once(':').unzip();
        let name = name.unwrap_or(own);
        let found = state.functions.get(name);
        let has = |function: &&Function| match qualifier {
            None | Some("$LATEST") => true,
            Some(alias) => function.aliases.iter().any(|known| known == alias),
        };
        found.filter(has).ok_or_else(|| {
            let arn = if named.starts_with("arn:") {
                named.to_owned()
            } else {
                self.arn(named)
            };
            let why = format!("Function not found: {arn}");
            ServiceError::with_status(StatusCode::NOT_FOUND, "ResourceNotFoundException", why)
        })
    }

    fn configuration(&self, function: &Function) -> Value {
        let account = self.arn_prefix.split(':').nth(4).unwrap_or_default();
        json!({
            "FunctionName": function.name,
            "FunctionArn": self.arn(&function.name),
            "Runtime": "provided.al2023",
            "Role": format!("arn:aws:iam::{account}:role/{}", function.name),
            "State": function.state,
            "LastUpdateStatus": "Successful",
            "Environment": {"Variables": function.environment},
        })
    }
}

/// Whether a request asks which queues are read.
fn is_listing(head: &Parts) -> bool {
    head.method == Method::GET && head.uri.path().trim_end_matches('/') == MAPPINGS
}

/// What a request asks of which function.
fn asked(head: &Parts) -> Option<(String, &'static str)> {
    let rest = head.uri.path().strip_prefix(PATH)?;
    let (function, what) = rest.split_once('/')?;
    let operation = match (&head.method, what) {
        (&Method::POST, "invocations") => "Invoke",
        (&Method::GET, "configuration") => "GetFunctionConfiguration",
        _ => return None,
    };
    let function = percent_decode_str(function).decode_utf8().ok()?;
    Some((function.into_owned(), operation))
}

/// An invocation and its answer.
fn invoked(function: &Function, request: &Request) -> Result<(Invocation, Answer), ServiceError> {
    let kind = request.head.headers.get("x-amz-invocation-type");
    let kind = match kind.map(HeaderValue::as_bytes) {
        None | Some(b"RequestResponse") => InvocationType::RequestResponse,
        Some(b"Event") => InvocationType::Event,
        Some(_) => {
            let why = "the sandbox knows the invocation types Event and RequestResponse";
            return Err(ServiceError::refused("InvalidParameterValueException", why));
        }
    };
    let most = match kind {
        InvocationType::Event => MAX_EVENT_BYTES,
        InvocationType::RequestResponse => MAX_BYTES,
    };
    let size = request.bytes.len();
    if size > most {
        return Err(ServiceError::with_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            format!(
                "{size} byte payload is too large for the {kind:?} invocation type (limit {most} bytes)"
            ),
        ));
    }
    let payload: Value = serde_json::from_slice(&request.bytes).map_err(|error| {
        let why = format!("Could not parse request body into json: {error}");
        ServiceError::refused("InvalidRequestContentException", why)
    })?;
    let named = asked(&request.head).map(|(named, _)| named);
    let invocation = Invocation {
        function: function.name.clone(),
        named: named.unwrap_or_default(),
        kind,
        payload,
    };
    let (status, body) = match kind {
        InvocationType::Event => (StatusCode::ACCEPTED, Bytes::new()),
        InvocationType::RequestResponse => (StatusCode::OK, function.answer.to_string().into()),
    };
    let mut answer = Answer {
        status,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(JSON))]),
        body: body.to_vec().into(),
        code: None,
    };
    if kind == InvocationType::RequestResponse && function.fails {
        let unhandled = HeaderValue::from_static("Unhandled");
        answer.headers.insert("x-amz-function-error", unhandled);
    }
    Ok((invocation, answer))
}

const JSON: &str = Service::Lambda.content_type();

/// How Lambda tells a client of an error.
pub(crate) fn failure(error: &ServiceError) -> Answer {
    let body = json!({"Type": "User", "Message": error.message, "message": error.message});
    let mut answer = Answer::json(Ok(body), JSON);
    answer.status = error.status;
    if let Ok(code) = HeaderValue::from_str(&error.code) {
        answer.headers.insert(ERROR_TYPE, code);
    }
    answer.code = Some(error.code.clone());
    answer
}

impl Endpoint for Lambda {
    fn service(&self) -> Service {
        Service::Lambda
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        if is_listing(head) {
            return Some("ListEventSourceMappings".to_owned());
        }
        let path = head.uri.path().strip_prefix(PATH)?;
        let known = asked(head).map(|(_, operation)| operation.to_owned());
        Some(known.unwrap_or_else(|| format!("{} {path}", head.method)))
    }

    fn members(&self, request: &Request) -> Value {
        let mut members = Map::new();
        if let Some((function, _)) = asked(&request.head) {
            members.insert("FunctionName".to_owned(), json!(function));
        }
        if let Ok(payload) = &request.json {
            members.insert("Payload".to_owned(), payload.clone());
        }
        Value::Object(members)
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        let answer = self.perform(&request);
        let answer = answer.unwrap_or_else(|error| failure(&error));
        Box::pin(std::future::ready(answer))
    }
}
