//! Any text as a policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_core::policy::Policy;

fuzz_target!(|text: &str| {
    match Policy::parse(text) {
        Ok(policy) => assert!(Policy::parse(text).is_ok_and(|again| again == policy)),
        Err(error) => {
            let says = error.to_string();
            assert!(says.chars().count() < 2_000, "{says}");
            assert!(!error.field.is_empty(), "{says}");
        }
    }
});
