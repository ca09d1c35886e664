//! Any event as a request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_events::request;
use retrain_events_fuzz::{check, event};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Err(error)) = event(bytes).map(|event| request(&event)) {
        check(&error);
    }
});
