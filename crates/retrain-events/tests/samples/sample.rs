//! Access to the samples.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use retrain_core::drift::AlarmTransition;
use retrain_events::{
    AlarmMessage, Arrival, DataMessage, EndpointEvent, ExecutionEvent, ExecutionMessage,
    InvalidEvent, ObjectCreated, PackageEvent, PackageMessage, Received, alarm_messages,
    data_message, execution_message, package_message, request,
};
use serde_json::Value;

/// What an invocation parses to.
pub(crate) type Results = Vec<Result<AlarmMessage, InvalidEvent>>;

/// The function that a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    DataArrival,
    DriftAlarm,
    ExecutionStatus,
    ModelApproval,
    Reconciler,
}

impl Function {
    /// Malformed samples are all in one folder, where a prefix tells the function.
    pub(crate) fn of(name: &str) -> Self {
        if name.starts_with("data-arrival/") || name.starts_with("invalid/data-") {
            Self::DataArrival
        } else if name.starts_with("execution-status/") || name.starts_with("invalid/execution-") {
            Self::ExecutionStatus
        } else if name.starts_with("model-approval/") || name.starts_with("invalid/package-") {
            Self::ModelApproval
        } else if name.starts_with("reconciler/") || name.starts_with("invalid/request-") {
            Self::Reconciler
        } else {
            Self::DriftAlarm
        }
    }

    /// As the README's headings call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DataArrival => "data-arrival",
            Self::DriftAlarm => "drift-alarm",
            Self::ExecutionStatus => "execution-status",
            Self::ModelApproval => "model-approval",
            Self::Reconciler => "reconciler",
        }
    }
}

/// The event in `events/<name>.json`. As a Lambda runtime does, this takes the
/// last of several members with the same key.
pub(crate) fn event(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// The sample's bytes.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name).with_extension("json")).unwrap()
}

/// The names of all samples, such as `drift-alarm/ok`.
pub(crate) fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for group in fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        for file in fs::read_dir(&group).into_iter().flatten() {
            names.insert(name(&file.unwrap().path()));
        }
    }
    names
}

/// The name of the sample in this file.
pub(crate) fn name(file: &Path) -> String {
    let file = file.canonicalize().unwrap();
    let name = file.strip_prefix(folder().canonicalize().unwrap());
    let name = name.unwrap().with_extension("");
    name.to_str().unwrap().replace('\\', "/")
}

/// The folder of all samples.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// The reason of a message about which there is nothing to decide, or the error's name,
/// for each message that the sample's function finds in it.
pub(crate) fn undecided(name: &str) -> Vec<Option<Result<&'static str, InvalidEvent>>> {
    match Function::of(name) {
        Function::DataArrival => arrivals(&event(name))
            .into_iter()
            .map(|result| match result {
                Ok(Arrival::Created(_)) => None,
                Ok(Arrival::Irrelevant(why)) => Some(Ok(why.name())),
                Err(error) => Some(Err(error)),
            })
            .collect(),
        Function::DriftAlarm => parsed(name)
            .into_iter()
            .map(|result| match result {
                Ok(AlarmMessage::Transition(_)) => None,
                Ok(AlarmMessage::Irrelevant(why)) => Some(Ok(why.name())),
                Err(error) => Some(Err(error)),
            })
            .collect(),
        Function::ExecutionStatus => match execution_message(&event(name)) {
            Ok(ExecutionMessage::Status(_)) => vec![None],
            Ok(ExecutionMessage::Irrelevant(why)) => vec![Some(Ok(why.name()))],
            Err(error) => vec![Some(Err(error))],
        },
        Function::ModelApproval => match package_message(&event(name)) {
            Ok(PackageMessage::Package(_) | PackageMessage::Endpoint(_)) => vec![None],
            Ok(PackageMessage::Irrelevant(why)) => vec![Some(Ok(why.name()))],
            Err(error) => vec![Some(Err(error))],
        },
        Function::Reconciler => match request(&event(name)) {
            Ok(_) => vec![None],
            Err(error) => vec![Some(Err(error))],
        },
    }
}

/// What an event tells about objects: one result for each arrival, and for each message
/// that cannot be read.
pub(crate) fn arrivals(event: &Value) -> Vec<Result<Arrival, InvalidEvent>> {
    let messages = match data_message(event) {
        Ok(DataMessage::Batch(records)) => {
            records.into_iter().map(|record| record.arrivals).collect()
        }
        Ok(DataMessage::Direct(arrivals)) => vec![Ok(arrivals)],
        Err(error) => vec![Err(error)],
    };
    let each = messages.into_iter().flat_map(|message| match message {
        Ok(arrivals) => arrivals.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    each.collect()
}

/// What an alarm's sample parses to.
pub(crate) fn parsed(name: &str) -> Results {
    alarm_messages(&event(name))
}

/// The one message of an event.
pub(crate) fn single(event: &Value) -> Result<AlarmMessage, InvalidEvent> {
    let mut results = alarm_messages(event);
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0)
}

/// The one transition of an event, with its envelope.
pub(crate) fn received(event: &Value) -> Received {
    match single(event).unwrap() {
        AlarmMessage::Transition(received) => *received,
        AlarmMessage::Irrelevant(why) => panic!("{why}: {event}"),
    }
}

/// The one transition of an event.
pub(crate) fn transition(event: &Value) -> AlarmTransition {
    received(event).transition
}

/// A sample of the folder `drift-alarm`.
pub(crate) fn drift_alarm(name: &str) -> Value {
    event(&format!("drift-alarm/{name}"))
}

/// A sample of the folder `data-arrival`.
pub(crate) fn data_arrival(name: &str) -> Value {
    event(&format!("data-arrival/{name}"))
}

/// The one object that an event tells of.
pub(crate) fn created(event: &Value) -> ObjectCreated {
    match arrivals(event).as_slice() {
        [Ok(Arrival::Created(object))] => (**object).clone(),
        other => panic!("{other:?}: {event}"),
    }
}

/// A sample of the folder `execution-status`.
pub(crate) fn execution_status(name: &str) -> Value {
    event(&format!("execution-status/{name}"))
}

/// The status that an event tells.
pub(crate) fn status(event: &Value) -> ExecutionEvent {
    match execution_message(event).unwrap() {
        ExecutionMessage::Status(status) => *status,
        ExecutionMessage::Irrelevant(why) => panic!("{why}: {event}"),
    }
}

/// A sample of the folder `model-approval`.
pub(crate) fn model_approval(name: &str) -> Value {
    event(&format!("model-approval/{name}"))
}

/// The package's state that an event tells.
pub(crate) fn package(event: &Value) -> PackageEvent {
    match package_message(event).unwrap() {
        PackageMessage::Package(package) => *package,
        other => panic!("{other:?}: {event}"),
    }
}

/// The endpoint's state that an event tells.
pub(crate) fn endpoint(event: &Value) -> EndpointEvent {
    match package_message(event).unwrap() {
        PackageMessage::Endpoint(endpoint) => *endpoint,
        other => panic!("{other:?}: {event}"),
    }
}
