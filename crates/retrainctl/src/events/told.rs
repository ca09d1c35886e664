//! What an event tells, by the parsers of the functions.

use jiff::Timestamp;
use retrain_core::drift::AlarmTransition;
use retrain_core::event::{Event, ExecutionReport};
use retrain_core::trigger::{Cause, Trigger};
use retrain_events::{
    AlarmMessage, Arrival, CodeRequest, DataMessage, ExecutionMessage, InvalidEvent, ObjectCreated,
    Request, alarm_messages, code_job, data_message, execution_message, request,
};
use serde_json::Value;

/// One thing that an event tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// An alarm changed its state.
    Alarm(Box<AlarmTransition>),
    /// An object was created.
    Object(Box<ObjectCreated>),
    /// An execution has a status.
    Status(Box<ExecutionReport>),
    /// A schedule or a person asks for something.
    Request(Box<Request>),
    /// A stage of a release asks for retraining.
    Code(Box<CodeRequest>),
    /// Well formed, but nothing to decide about, for this reason.
    Nothing(&'static str),
}

/// One thing that is told, and when it reaches the controller.
pub(crate) type At = (Option<Timestamp>, Told);

/// The function that an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    DriftAlarm,
    DataArrival,
    ExecutionStatus,
    Reconciler,
}

impl Function {
    /// The function that the template's rules and queues bring this event to.
    pub(crate) fn of(event: &Value) -> Option<Self> {
        let fields = event.as_object()?;
        // One look at each field that there is: an event has some ten.
        let mut is_alarm = false;
        for (name, _) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "request" | "CodePipeline.job" => return Some(Self::Reconciler),
                "alarmData" | "AlarmName" | "AlarmArn" => is_alarm = true,
                _ => {}
            }
        }
        if is_alarm {
            return Some(Self::DriftAlarm);
        }
        let text = |field| fields.get(field).and_then(Value::as_str);
        if let Some(record) = event.pointer("/Records/0") {
            return if record.get("EventSource").is_some() {
                Some(Self::DriftAlarm)
            } else {
                Some(Self::DataArrival)
            };
        }
        if text("Event") == Some("s3:TestEvent") {
            return Some(Self::DataArrival);
        }
        match text("source")? {
            "aws.cloudwatch" => Some(Self::DriftAlarm),
            "aws.s3" => Some(Self::DataArrival),
            "aws.sagemaker" | "aws.codepipeline" => Some(Self::ExecutionStatus),
            _ => None,
        }
    }
}

/// Reads an event, which may be wrapped as `{"at": MOMENT, "event": EVENT}`: requests
/// of people say nothing about when they came, and any event may have come late.
pub(crate) fn told(value: &Value) -> Vec<Result<At, InvalidEvent>> {
    let (at, event) = unwrapped(value);
    let at = at.or_else(|| moment(event.get("time")?));
    let Some(function) = Function::of(event) else {
        return vec![Ok((at, Told::Nothing("not_for_the_controller")))];
    };
    let told = match function {
        Function::DriftAlarm => alarms(event),
        Function::DataArrival => data(event),
        Function::ExecutionStatus => vec![status(event)],
        Function::Reconciler => vec![asked(event)],
    };
    let told = told.into_iter();
    told.map(|told| told.map(|told| (at.max(own_moment(&told)), told)))
        .collect()
}

/// The moment at which an event came, if it is wrapped with one, and the event.
pub(crate) fn unwrapped(value: &Value) -> (Option<Timestamp>, &Value) {
    match (value.get("at"), value.get("event")) {
        (Some(at), Some(event)) if event.is_object() => (moment(at), event),
        _ => (None, value),
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// When it happened, by its own account: it cannot have come earlier.
fn own_moment(told: &Told) -> Option<Timestamp> {
    match told {
        Told::Alarm(alarm) => Some(alarm.at),
        Told::Object(object) => Some(object.at),
        Told::Request(request) => scheduled(request),
        Told::Status(_) | Told::Code(_) | Told::Nothing(_) => None,
    }
}

/// When a schedule meant its request to come.
fn scheduled(request: &Request) -> Option<Timestamp> {
    let Request::Model(request) = request else {
        return None;
    };
    match request.clone().event(Timestamp::MIN) {
        Event::Trigger(Trigger {
            cause: Cause::Schedule { .. },
            at,
        }) => Some(at),
        _ => None,
    }
}

fn alarms(event: &Value) -> Vec<Result<Told, InvalidEvent>> {
    let messages = alarm_messages(event).into_iter();
    let told = messages.map(|message| {
        Ok(match message? {
            AlarmMessage::Transition(received) => Told::Alarm(Box::new(received.transition)),
            AlarmMessage::Irrelevant(why) => Told::Nothing(why.name()),
        })
    });
    told.collect()
}

fn data(event: &Value) -> Vec<Result<Told, InvalidEvent>> {
    let told = |arrivals: Result<Vec<Arrival>, InvalidEvent>| match arrivals {
        Ok(arrivals) => arrivals.into_iter().map(|of| Ok(arrival(of))).collect(),
        Err(error) => vec![Err(error)],
    };
    match data_message(event) {
        Ok(DataMessage::Direct(arrivals)) => told(Ok(arrivals)),
        Ok(DataMessage::Batch(records)) => {
            let records = records.into_iter();
            records.flat_map(|record| told(record.arrivals)).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

fn arrival(arrival: Arrival) -> Told {
    match arrival {
        Arrival::Created(object) => Told::Object(object),
        Arrival::Irrelevant(why) => Told::Nothing(why.name()),
    }
}

fn status(event: &Value) -> Result<Told, InvalidEvent> {
    Ok(match execution_message(event)? {
        ExecutionMessage::Status(event) => Told::Status(Box::new(event.report)),
        ExecutionMessage::Irrelevant(why) => Told::Nothing(why.name()),
    })
}

fn asked(event: &Value) -> Result<Told, InvalidEvent> {
    if let Some(job) = code_job(event)? {
        return Ok(Told::Code(Box::new(job.asks?)));
    }
    let request = request(event)?.map(|request| Told::Request(Box::new(request)));
    Ok(request.unwrap_or(Told::Nothing("not_for_the_controller")))
}
