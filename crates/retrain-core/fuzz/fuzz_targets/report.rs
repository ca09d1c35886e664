//! Any bytes as the evaluation report of a package that a gate looks at.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use retrain_core::gate::{Evidence, Gate, Outcome, Report, evaluate};
use retrain_core::policy::Policy;

/// One bound below, one above, and one that no report can meet both of.
const POLICY: &str = r#"{
    "pipeline": {"name": "training"},
    "drift": {"alarms": [{"alarm_name": "drift-*"}]},
    "model_package_group": "models",
    "gate": {"conditions": [
        {"metric": "auc", "at_least": 0.5},
        {"metric": "auc", "at_most": 1}
    ]},
    "min_interval": "6h"
}"#;

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let policy = Policy::parse(POLICY).expect("it is a policy");
    policy.gate.expect("it has a gate")
});

fuzz_target!(|bytes: &[u8]| {
    let candidate = Evidence {
        evaluation: Report::Read(bytes.to_vec()),
        ..Evidence::default()
    };
    let verdict = evaluate(&GATE, &candidate, None);
    let description = verdict.approval_description().to_string();
    assert!(description.chars().count() <= 1_024, "{description}");
    assert!(!description.contains(char::is_control), "{description:?}");
    if verdict.outcome == Outcome::Approve {
        // Only what says a number can be approved.
        assert!(bytes.iter().any(u8::is_ascii_digit));
        assert!(bytes.windows(3).any(|word| word == b"auc"));
    }
});
