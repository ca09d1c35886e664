//! Access to the samples.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use retrain_core::drift::AlarmTransition;
use retrain_events::{AlarmMessage, InvalidEvent, Received, alarm_messages};
use serde_json::Value;

/// What an invocation parses to.
pub(crate) type Results = Vec<Result<AlarmMessage, InvalidEvent>>;

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
            let file = file.unwrap().path();
            let name = file.strip_prefix(folder()).unwrap().with_extension("");
            names.insert(name.to_str().unwrap().replace('\\', "/"));
        }
    }
    names
}

/// The folder of all samples.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// What the sample parses to.
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
