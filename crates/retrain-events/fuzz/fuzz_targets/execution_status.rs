//! Any event as an execution's status.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_events::execution_message;
use retrain_events_fuzz::{check, event};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Err(error)) = event(bytes).map(|event| execution_message(&event)) {
        check(&error);
    }
});
