//! Random evidence: the gate never panics, and approves only what a second reading,
//! made another way, finds to pass.

use proptest::prelude::*;

use super::*;

/// JSON with the keys that the gate looks for, in wrong places too.
fn any_json() -> impl Strategy<Value = String> {
    let key = prop::sample::select(alloc::vec![
        "binary_classification_metrics",
        "regression_metrics",
        "auc",
        "value",
        "name",
        "post_training_bias_metrics",
        "facets",
        "metrics",
        "error",
        "x",
        "",
    ]);
    let leaf = prop_oneof![
        Just("null".to_string()),
        Just("true".to_string()),
        Just("NaN".to_string()),
        Just("\"DPPL\"".to_string()),
        Just("\"NaN\"".to_string()),
        Just("1e999".to_string()),
        any::<f64>().prop_map(|value| format!("{value}")),
        any::<i64>().prop_map(|value| value.to_string()),
        (-3..3_i64).prop_map(|value| value.to_string()),
    ];
    leaf.prop_recursive(7, 64, 5, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            3 => prop::collection::vec((key.clone(), inner), 0..4).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

const EVERYTHING: &str = r#"
    {"metric": "auc", "at_least": 0.9},
    {"metric": "/binary_classification_metrics/auc/value", "at_least": 0.9},
    {"metric": "bias:DPPL", "at_most": 0.1},
    {"metric": "explainability:/explanations/kernel_shap/label0/global_shap_values/gender", "at_most": 0.01}"#;

/// Reads the reports with another parser's types: whether what `EVERYTHING` asks for is
/// really there.
fn really_passes(evaluation: &[u8], analysis: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).unwrap()
    };
    let evaluation: serde_json::Value = read(evaluation);
    let analysis: serde_json::Value = read(analysis);
    let auc = evaluation["binary_classification_metrics"]["auc"]["value"].as_f64();
    let gender = analysis
        .pointer("/explanations/kernel_shap/label0/global_shap_values/gender")
        .and_then(serde_json::Value::as_f64);
    let sections = ["pre_training_bias_metrics", "post_training_bias_metrics"];
    let values: Vec<f64> = sections
        .iter()
        .filter_map(|section| analysis[section]["facets"].as_object())
        .flat_map(|facets| facets.values())
        .flat_map(|rows| rows.as_array().unwrap())
        .flat_map(|row| row["metrics"].as_array().unwrap())
        .filter(|metric| metric["name"] == "DPPL")
        .map(|metric| metric["value"].as_f64().unwrap().abs())
        .collect();
    let slack = 1e-14;
    auc.unwrap() >= 0.9 - slack
        && gender.unwrap() <= 0.01 + slack
        && !values.is_empty()
        && values.iter().all(|value| *value <= 0.1 + slack)
}

fn damaged(original: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..5_u8,
        any::<u8>(),
    );
    prop::collection::vec(edit, 0..3).prop_map(move |edits| {
        let mut bytes = original.to_vec();
        for (one, other, kind, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let (one, other) = (one.index(bytes.len()), other.index(bytes.len()));
            let (low, high) = (one.min(other), one.max(other));
            match kind {
                0 => bytes[one] = byte,
                1 => bytes[one] = b"0123456789-.eE\",:{}[]"[usize::from(byte) % 21],
                2 => bytes.truncate(one.max(bytes.len() / 2)),
                3 => drop(bytes.drain(low..high.min(low + 20))),
                _ => {
                    let copy = bytes[low..high.min(low + 60)].to_vec();
                    bytes.splice(low..low, copy);
                }
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is broken in real reports, an approval is one that a second reader makes.
    #[test]
    fn damaged_reports_are_approved_only_if_they_still_pass(
        evaluation in damaged(BINARY),
        analysis in damaged(ANALYSIS),
    ) {
        let candidate = Evidence {
            bias: Report::Read(analysis.clone()),
            explainability: Report::Read(analysis.clone()),
            ..evaluated(evaluation.clone())
        };
        let verdict = evaluate(&gate(EVERYTHING), &candidate, None);
        if verdict.outcome == Outcome::Approve {
            prop_assert!(really_passes(&evaluation, &analysis), "{}", verdict.summary);
        }
    }

    /// Arbitrary bytes and arbitrary JSON, as candidate and as champion.
    #[test]
    fn nonsense_is_never_approved(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        json in prop::collection::vec(any_json(), 3),
    ) {
        let gate = gate(EVERYTHING);
        let nonsense = |report: &[u8]| Evidence {
            bias: Report::Read(report.to_vec()),
            explainability: Report::Read(report.to_vec()),
            ..evaluated(report)
        };
        let mixed = Evidence {
            bias: Report::Read(json[1].clone().into()),
            post_training_bias: Report::Read(json[2].clone().into()),
            explainability: Report::Read(ANALYSIS.into()),
            ..evaluated(json[0].as_str())
        };
        for candidate in [nonsense(&bytes), nonsense(json[0].as_bytes())] {
            let verdict = evaluate(&gate, &candidate, Some(&mixed));
            // No nonsense has the explanations that are asked for.
            prop_assert_eq!(verdict.outcome, Outcome::AskPerson);
        }
        let verdict = evaluate(&gate, &mixed, Some(&nonsense(&bytes)));
        let auc: Option<f64> = serde_json::from_str::<serde_json::Value>(&json[0])
            .ok()
            .and_then(|json| json["binary_classification_metrics"]["auc"]["value"].as_f64());
        let said = letter(&verdict.conditions[1].verdict);
        prop_assert!(said != 'p' || auc.is_some_and(|auc| auc >= 0.9), "{}", verdict.summary);
    }
}

#[test]
fn undamaged_reports_are_approved() {
    assert!(really_passes(BINARY, ANALYSIS));
    let candidate = Evidence {
        bias: Report::Read(ANALYSIS.into()),
        explainability: Report::Read(ANALYSIS.into()),
        ..evaluated(BINARY)
    };
    let verdict = evaluate(&gate(EVERYTHING), &candidate, None);
    assert_eq!(verdict.outcome, Outcome::Approve, "{}", verdict.summary);
}
