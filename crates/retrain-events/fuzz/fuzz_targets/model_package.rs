//! Any event as a model package's or an endpoint's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_events::{PackageMessage, package_message};
use retrain_events_fuzz::{check, event};

fuzz_target!(|bytes: &[u8]| {
    match event(bytes).map(|event| package_message(&event)) {
        Some(Ok(PackageMessage::Package(package))) => {
            assert!(package.package.as_str().len() <= 200, "{package:?}");
            let fields = package.updated_fields.map_or(1, |fields| fields.len());
            assert!((1..=4).contains(&fields), "{fields}");
        }
        Some(Ok(PackageMessage::Endpoint(endpoint))) => {
            assert!(endpoint.config.is_none_or(|name| name.len() <= 63));
            let failure = endpoint.failure.unwrap_or_default();
            assert!(failure.chars().count() <= 301, "{failure}");
        }
        Some(Ok(PackageMessage::Irrelevant(_))) | None => {}
        Some(Err(error)) => check(&error),
    }
});
