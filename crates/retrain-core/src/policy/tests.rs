//! What a policy may say, and what the errors say.

use super::*;

pub(crate) const SAMPLE: &str = r#"{
    "pipeline": {"name": "fraud-training", "version_id": 7},
    "parameters": {
        "InputDataUri": "{training_data_uri}",
        "WindowStart": "{training_window_start}",
        "WindowEnd": "{training_window_end}",
        "Baseline": "{baseline_model_package_arn|none}",
        "Cause": "{trigger}/{drift_kind|none}/{alarm_name|none}",
        "Token": "{token}"
    },
    "training_data_uri_parameter": "/fraud/training-data-uri",
    "training_window": "30d",
    "model_package_group": "fraud-detection",
    "drift": {"alarms": [
        {"endpoint": "fraud-prod"},
        {"alarm_name": "fraud-*", "kind": "model_quality"}
    ]},
    "min_interval": "6h"
}"#;

fn error(json: &str) -> String {
    Policy::parse(json).unwrap_err().to_string()
}

/// The sample with these further fields.
pub(super) fn with(fields: &str) -> String {
    SAMPLE.replacen('{', &alloc::format!("{{{fields},"), 1)
}

/// Each document is refused, with this field and this reason.
pub(super) fn refused(table: impl IntoIterator<Item = (String, &'static str, &'static str)>) {
    for (json, field, reason) in table {
        let error = error(&json);
        assert!(
            error.starts_with(field),
            "{error:?} should start with {field:?}"
        );
        assert!(
            error.contains(reason),
            "{error:?} should contain {reason:?}"
        );
    }
}

#[test]
fn a_field_without_a_name_has_a_place_too() {
    let error = Policy::parse(r#"{"": 1}"#).unwrap_err();
    assert_eq!(error.field, "\"\"");
}

#[test]
fn a_policy_reads_back_as_it_was_written() {
    let policy = Policy::parse(SAMPLE).unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    assert_eq!(
        policy.min_interval_for(TriggerKind::Drift),
        Period::from_hours(6)
    );
}

#[test]
fn an_error_names_the_field_and_the_reason() {
    refused([
        (
            with(r#""min_intervall": "6h""#),
            "min_intervall: ",
            "unknown field `min_intervall`",
        ),
        (
            SAMPLE.replace("\"6h\"", "\"6 hours\""),
            "min_interval: ",
            "is not a length of time",
        ),
        (
            SAMPLE.replace("\"6h\"", "\"59s\""),
            "min_interval: ",
            "at least 1m",
        ),
        (
            SAMPLE.replace("fraud-training", "fraud_training"),
            "pipeline: name: ",
            "hyphens",
        ),
        (
            SAMPLE.replace("\"version_id\": 7", "\"version_id\": 0"),
            "pipeline.version_id: ",
            "nonzero",
        ),
        (
            SAMPLE.replace("{token}", "{tokn}"),
            "parameters.Token: ",
            "unknown placeholder {tokn}",
        ),
        (
            SAMPLE.replace("\"training_window\": \"30d\",", ""),
            "parameters.WindowEnd: ",
            "needs the field training_window",
        ),
        (
            SAMPLE.replace("{\"endpoint\": \"fraud-prod\"}", "{}"),
            "drift.alarms[0]: ",
            "at least one of",
        ),
        (
            SAMPLE.replace("fraud-*", "*"),
            "drift.alarms[1].alarm_name: ",
            "at least one other character",
        ),
        (
            with(r#""min_interval_by_kind": {"manual": "0s"}"#),
            "min_interval_by_kind.manual: ",
            "at least 1m",
        ),
        (
            with(r#""budget": {"starts": 0, "window": "7d"}"#),
            "budget.starts: ",
            "1 to 100",
        ),
        (
            with(r#""budget": {"starts": 4, "window": "30m"}"#),
            "budget.window: ",
            "1h to 366d",
        ),
        (
            with(r#""breaker_after_failures": 0"#),
            "breaker_after_failures: ",
            "1 to 100",
        ),
        (
            with(r#""blackouts": [{"from": "08:00", "to": "18:00", "time_zone": "Berlin"}]"#),
            "blackouts[0].time_zone: ",
            "no time zone",
        ),
        (
            with(r#""blackouts": [{"from": "24:00", "to": "18:00", "time_zone": "UTC"}]"#),
            "blackouts[0].from: ",
            "before 24:00",
        ),
        (with(r#""max_age": "59m""#), "max_age: ", "at least 1h"),
        (
            with(r#""max_event_age": "31d""#),
            "max_event_age: ",
            "from 1m to 30d",
        ),
        (
            with(r#""back_off": {"initial": "2h", "cap": "1h", "max_failures": 3}"#),
            "back_off.initial: ",
            "at most back_off.cap",
        ),
        (
            with(r#""back_off": {"initial": "1h", "cap": "1h", "max_failures": 0}"#),
            "back_off.max_failures: ",
            "1 to 20",
        ),
        (
            with(r#""min_interval_by_kind": {"drft": "1h"}"#),
            "min_interval_by_kind",
            "unknown variant",
        ),
        (alloc::format!("{SAMPLE} x"), ".: ", "trailing characters"),
        (String::new(), ".: ", "EOF"),
    ]);
}
