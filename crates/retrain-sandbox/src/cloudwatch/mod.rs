//! CloudWatch: alarms and their states, and which metrics there are.

mod cbor;
mod describe;
mod metrics;
mod model;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::Value;

pub use model::{Alarm, AlarmType, ControlError, Metric, StateValue};

use crate::VirtualClock;
use crate::answer::{Answer, ServiceError};
use crate::input::Text;
use crate::service::{AnswerFuture, Endpoint, Request, Service};
use cbor::Member;
use model::{Record, State};

/// API model: `AlarmName` and `AlarmNamePrefix`.
const NAME: Text = Text::of(1, 255);

/// Where the protocol has its operations; the service's name is the API model's.
const PATH: &str = "/service/GraniteServiceVersion20100801/operation/";

const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const RPC_V2_CBOR: HeaderValue = HeaderValue::from_static("rpc-v2-cbor");

/// The header with the error's code of the older query protocol, which SDKs go by.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// CloudWatch's alarms, and a way to them that makes no request. Clones share them.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    clock: VirtualClock,
    /// `arn:aws:cloudwatch:REGION:ACCOUNT:alarm:`.
    arn_prefix: String,
    state: Arc<Mutex<State>>,
}

impl CloudWatch {
    pub(crate) fn new(clock: VirtualClock, region: &str, account: &str) -> Self {
        Self {
            clock,
            arn_prefix: format!("arn:aws:cloudwatch:{region}:{account}:alarm:"),
            state: Arc::default(),
        }
    }

    /// Creates an alarm, or replaces the one with its name, and returns its ARN.
    pub fn put_alarm(&self, alarm: Alarm) -> Result<String, ControlError> {
        let rules = [
            (
                (NAME.min..=NAME.max).contains(&alarm.name.chars().count()),
                "must have a name of 1 to 255 characters",
            ),
            (
                alarm.metric.is_none() || alarm.alarm_type == AlarmType::MetricAlarm,
                "must be a metric alarm to have a metric",
            ),
        ];
        if let Some((_, rule)) = rules.into_iter().find(|(holds, _)| !holds) {
            let name = alarm.name;
            return Err(ControlError::Invalid { name, rule });
        }
        let arn = self.arn(&alarm.name);
        let record = Record::new(alarm, self.clock.now());
        let mut state = self.lock();
        state.alarms.insert(record.alarm.name.clone(), record);
        Ok(arn)
    }

    /// Puts an alarm into a state.
    pub fn set_state(&self, name: &str, state: StateValue) -> Result<(), ControlError> {
        self.lock()
            .alarms
            .get_mut(name)
            .map(|record| record.set_state(state, self.clock.now()))
            .ok_or_else(|| ControlError::Unknown(name.to_owned()))
    }

    /// Deletes an alarm.
    pub fn delete_alarm(&self, name: &str) -> Result<(), ControlError> {
        self.lock()
            .alarms
            .remove(name)
            .map(|_| ())
            .ok_or_else(|| ControlError::Unknown(name.to_owned()))
    }

    /// The state of an alarm, if it exists.
    pub fn state(&self, name: &str) -> Option<StateValue> {
        let state = self.lock();
        state.alarms.get(name).map(|record| record.alarm.state)
    }

    /// All alarms, in the order of their names.
    pub fn alarms(&self) -> Vec<Alarm> {
        let state = self.lock();
        let alarms = state.alarms.values();
        alarms.map(|record| record.alarm.clone()).collect()
    }

    /// How many alarms a page has at most, whatever its request asks for (default
    /// 100, as in AWS).
    pub fn set_max_page(&self, alarms: usize) {
        self.lock().max_page = alarms.max(1);
    }

    /// The ARN that an alarm of this name has here.
    pub fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, request: &Request) -> Result<Member, ServiceError> {
        let members = members(request)?;
        match request.operation.as_str() {
            "DescribeAlarms" => self.describe(&members),
            "ListMetrics" => self.list_metrics(&members),
            unknown => Err(ServiceError::unknown_operation(unknown)),
        }
    }
}

impl Endpoint for CloudWatch {
    fn service(&self) -> Service {
        Service::CloudWatch
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        let operation = head.uri.path().strip_prefix(PATH)?;
        (head.method == Method::POST).then(|| operation.to_owned())
    }

    fn members(&self, request: &Request) -> Value {
        members(request).unwrap_or(Value::Null)
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        let answer = match self.perform(&request) {
            Ok(members) => answer(StatusCode::OK, &members),
            Err(error) => failure(&in_query_words(error)),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn members(request: &Request) -> Result<Value, ServiceError> {
    let headers = &request.head.headers;
    for (name, value) in [(PROTOCOL, RPC_V2_CBOR), (CONTENT_TYPE, content_type())] {
        if headers.get(&name) != Some(&value) {
            return Err(ServiceError::serialization(format!(
                "the header {name} must be {value:?}"
            )));
        }
    }
    cbor::read(&request.bytes)
        .map_err(|error| ServiceError::serialization(format!("the body is not CBOR: {error}")))
}

const fn content_type() -> HeaderValue {
    HeaderValue::from_static(Service::CloudWatch.content_type())
}

/// CloudWatch's clients know its errors by the codes of the query protocol.
fn in_query_words(mut error: ServiceError) -> ServiceError {
    if error.code == "ValidationException" {
        "ValidationError".clone_into(&mut error.code);
    }
    error
}

/// How CloudWatch tells a client of an error.
pub(crate) fn failure(error: &ServiceError) -> Answer {
    let members = Member::structure([
        ("__type", Some(error.code.as_str().into())),
        ("message", Some(error.message.as_str().into())),
    ]);
    let mut answer = answer(error.status, &members);
    let fault = if error.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    if let Ok(code) = HeaderValue::from_str(&format!("{};{fault}", error.code)) {
        answer.headers.insert(QUERY_ERROR, code);
    }
    answer.code = Some(error.code.clone());
    answer
}

fn answer(status: StatusCode, members: &Member) -> Answer {
    Answer {
        status,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type()), (PROTOCOL, RPC_V2_CBOR)]),
        body: members.write().into(),
        code: None,
    }
}
