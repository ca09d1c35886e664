//! Any event as an alarm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_events::alarm_messages;
use retrain_events_fuzz::{check, event};

fuzz_target!(|bytes: &[u8]| {
    let Some(event) = event(bytes) else {
        return;
    };
    let messages = alarm_messages(&event);
    assert!(!messages.is_empty());
    for error in messages.into_iter().filter_map(Result::err) {
        check(&error);
    }
});
