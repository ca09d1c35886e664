//! What the targets have in common.

use retrain_events::InvalidEvent;
use serde_json::Value;

/// The event in these bytes. Lambda's runtime has refused what is no JSON.
pub fn event(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// Checks that an error fits a log line and names its place.
pub fn check(error: &InvalidEvent) {
    let says = error.to_string();
    assert!(says.chars().count() < 500, "{says}");
    assert!(!says.contains(char::is_control), "{says:?}");
    assert!(!error.path().is_empty(), "{says}");
    assert!(says.contains(error.path()), "{says}");
}
