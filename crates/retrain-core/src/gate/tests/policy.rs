//! What a policy may say about the gate, and what the errors say.

use super::*;
use crate::policy::Policy;

const DOCUMENT: &str = include_str!("../../../../../docs/GATE.md");

fn policy(gate: &str) -> String {
    format!(
        r#"{{"pipeline": {{"name": "p"}}, "min_interval": "1h", "model_package_group": "g", "gate": {gate}}}"#
    )
}

fn condition(fields: &str) -> String {
    policy(&format!(r#"{{"conditions": [{{{fields}}}]}}"#))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row for every rule")]
fn an_error_names_the_field_and_the_reason() {
    let table = [
        (
            condition(r#""at_least": 1"#),
            "gate.conditions[0]: ",
            "missing field `metric`",
        ),
        (
            condition(r#""metric": "auc""#),
            "gate.conditions[0]: ",
            "exactly one of",
        ),
        (
            condition(r#""metric": "auc", "at_least": 1, "at_most": 2"#),
            "gate.conditions[0]: ",
            "exactly one of",
        ),
        (
            condition(
                r#""metric": "auc", "at_least": 1, "better_than_champion_by": 2, "direction": "higher""#,
            ),
            "gate.conditions[0]: ",
            "exactly one of",
        ),
        (
            condition(r#""metric": "auc", "atleast": 1"#),
            "gate.conditions[0].atleast: ",
            "unknown field",
        ),
        (
            condition(r#""metric": "auc", "at_least": "1""#),
            "gate.conditions[0].at_least: ",
            "expected f64",
        ),
        (
            condition(r#""metric": "a c", "at_least": 1"#),
            "gate.conditions[0].metric: ",
            "1 to 128 letters",
        ),
        (
            condition(r#""metric": "", "at_least": 1"#),
            "gate.conditions[0].metric: ",
            "1 to 128 letters",
        ),
        (
            condition(r#""metric": "biass:DI", "at_most": 1"#),
            "gate.conditions[0].metric: ",
            "no source \"biass\"",
        ),
        (
            condition(r#""metric": "bias:", "at_most": 1"#),
            "gate.conditions[0].metric: ",
            "1 to 128 letters",
        ),
        (
            condition(r#""metric": "/a~2", "at_most": 1"#),
            "gate.conditions[0].metric: ",
            "~0 or ~1",
        ),
        (
            condition(r#""metric": "explainability:a", "at_most": 1"#),
            "gate.conditions[0].metric: ",
            "begins with /",
        ),
        (
            condition(r#""metric": "metadata:", "at_most": 1"#),
            "gate.conditions[0].metric: ",
            "1 to 128 characters",
        ),
        (
            condition(r#""metric": "auc", "at_least": 1, "borderline": -0.1"#),
            "gate.conditions[0]: ",
            "borderline: must not be negative",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": 0.1"#),
            "gate.conditions[0]: ",
            "direction: must say",
        ),
        (
            condition(r#""metric": "auc", "at_least": 0.1, "direction": "higher""#),
            "gate.conditions[0]: ",
            "direction: at_least and at_most say it",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": 0.1, "direction": "up""#),
            "gate.conditions[0].direction: ",
            "unknown variant `up`",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": -0.1, "direction": "higher""#),
            "gate.conditions[0].better_than_champion_by: ",
            "never approved",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": -1, "direction": "higher""#),
            "gate.conditions[0].better_than_champion_by: ",
            "never approved",
        ),
        (
            condition(
                r#""metric": "auc", "better_than_champion_by": "-1%", "direction": "higher""#,
            ),
            "gate.conditions[0].better_than_champion_by: ",
            "is not a share",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": "2", "direction": "higher""#),
            "gate.conditions[0].better_than_champion_by: ",
            "is not a share",
        ),
        (
            condition(r#""metric": "auc", "better_than_champion_by": true, "direction": "higher""#),
            "gate.conditions[0].better_than_champion_by: ",
            "a text such as",
        ),
        (
            condition(r#""metric": "bias:DI", "at_least": 0.1"#),
            "gate.conditions[0]: ",
            "at_least: bias",
        ),
        (
            condition(r#""metric": "bias:DI", "at_most": -0.1"#),
            "gate.conditions[0]: ",
            "at_most: no distance",
        ),
        (
            condition(
                r#""metric": "bias:DI", "better_than_champion_by": 0, "direction": "higher""#,
            ),
            "gate.conditions[0]: ",
            "direction: of bias",
        ),
        (
            policy(r#"{"conditions": []}"#),
            "gate.conditions: ",
            "1 to 50",
        ),
        (policy("{}"), "gate: ", "missing field `conditions`"),
        (
            policy(r#"{"conditions": [], "role": []}"#),
            "gate.role: ",
            "unknown field",
        ),
        (
            policy(r#"{"conditions": [], "on_fail": "drop"}"#),
            "gate.on_fail: ",
            "unknown variant",
        ),
        (
            policy(r#"{"conditions": [], "required_signoffs": ["technical", "legal"]}"#),
            "gate.required_signoffs[1]: ",
            "unknown variant `legal`",
        ),
        (
            condition(r#""metric": "auc", "at_least": 1"#)
                .replace("\"model_package_group\": \"g\", ", ""),
            "gate: ",
            "needs the field model_package_group",
        ),
    ];
    for (json, field, reason) in table {
        let error = Policy::parse(&json).unwrap_err().to_string();
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
fn limits_hold_and_one_past_them_does_not() {
    let one = r#"{"metric": "auc", "at_least": 1}"#;
    let many = |n: usize| {
        policy(&format!(
            r#"{{"conditions": [{}]}}"#,
            [one].repeat(n).join(",")
        ))
    };
    assert!(Policy::parse(&many(50)).is_ok());
    assert!(Policy::parse(&many(51)).is_err());
    for (metric, limit) in [
        ("", 128),
        ("bias:", 128),
        ("metadata:", 128),
        ("/", 511),
        ("explainability:/", 511),
    ] {
        let long = |n: usize| Metric::parse(&format!("{metric}{}", "a".repeat(n)));
        assert!(long(limit).is_ok(), "{metric}");
        assert!(long(limit + 1).is_err(), "{metric}");
    }
}

#[test]
fn a_gate_reads_back_as_it_was_written() {
    let gate = r#"{"conditions": [
        {"metric": "auc", "at_least": 0.9},
        {"metric": "/a~1b/0", "at_most": -2.5e-7, "borderline": 0.1},
        {"metric": "bias:DI", "better_than_champion_by": "2.5%"},
        {"metric": "explainability:/x", "better_than_champion_by": 0, "direction": "lower"},
        {"metric": "metadata:a b:c", "better_than_champion_by": 3, "direction": "higher"}
    ], "on_fail": "ask", "without_champion": "pass", "required_signoffs": ["fairness", "technical"]}"#;
    let policy = Policy::parse(&policy(gate)).unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    let gate = policy.gate.unwrap();
    assert_eq!(gate.on_fail, OnFail::Ask);
    assert_eq!(gate.without_champion, WithoutChampion::Pass);
    assert_eq!(
        gate.required_signoffs,
        [Role::Technical, Role::Fairness].into()
    );
}

#[test]
fn the_gates_in_the_document_are_gates() {
    let mut seen = 0;
    for block in DOCUMENT.split("```json\n").skip(1) {
        let (json, _) = block.split_once("```").unwrap();
        let gate = json.trim().strip_prefix("\"gate\":").unwrap();
        Policy::parse(&policy(gate)).unwrap();
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn the_table_in_the_document_is_what_the_gate_writes() {
    let (_, rest) = DOCUMENT
        .split_once("<!-- example -->\n```json\n\"gate\":")
        .unwrap();
    let (example, rest) = rest.split_once("```").unwrap();
    let gate: Gate = serde_json::from_str(example).unwrap();
    let candidate = Evidence {
        bias: Report::Read(ANALYSIS.into()),
        metadata: [("latency_p99_ms".to_string(), "212".to_string())].into(),
        ..evaluated(BINARY)
    };
    let verdict = evaluate(&gate, &candidate, Some(&with_auc("0.918")));
    let (_, rest) = rest.split_once("```text\n").unwrap();
    let (summary, rest) = rest.split_once("\n```").unwrap();
    assert_eq!(summary, verdict.summary);
    let (_, rest) = rest.split_once("<!-- table -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /table -->").unwrap();
    assert_eq!(table, verdict.table());
}
