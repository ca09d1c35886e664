//! The gate over real and hostile evidence.

mod agreement;
mod borders;
mod hostile;
mod policy;
mod reports;
mod rules;
mod signoffs;
mod texts;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

const BINARY: &[u8] = include_bytes!("fixtures/binary.json");
const MULTICLASS: &[u8] = include_bytes!("fixtures/multiclass.json");
const REGRESSION: &[u8] = include_bytes!("fixtures/regression.json");
const PYTHON_NAN: &[u8] = include_bytes!("fixtures/python-nan.json");
const ANALYSIS: &[u8] = include_bytes!("fixtures/analysis.json");

/// A gate with these conditions, and whatever else the policy says.
fn gate(conditions: &str) -> Gate {
    gate_with(conditions, "")
}

fn gate_with(conditions: &str, more: &str) -> Gate {
    serde_json::from_str(&format!(r#"{{"conditions": [{conditions}]{more}}}"#)).unwrap()
}

fn evaluated(report: impl Into<Vec<u8>>) -> Evidence {
    Evidence {
        evaluation: Report::Read(report.into()),
        ..Evidence::default()
    }
}

/// An evaluation report with one metric.
fn with_auc(auc: &str) -> Evidence {
    evaluated(format!(
        r#"{{"binary_classification_metrics": {{"auc": {{"value": {auc}}}}}}}"#
    ))
}

fn biased(report: impl Into<Vec<u8>>) -> Evidence {
    Evidence {
        bias: Report::Read(report.into()),
        ..Evidence::default()
    }
}

/// What becomes of a gate's only condition.
fn only(gate: &Gate, candidate: &Evidence, champion: Option<&Evidence>) -> ConditionResult {
    let verdict = evaluate(gate, candidate, champion);
    assert_eq!(verdict.conditions.len(), 1);
    verdict.conditions.into_iter().next().unwrap()
}

/// Why a gate's only condition is unknown; its outcome must be a question.
fn why(gate: &Gate, candidate: &Evidence, champion: Option<&Evidence>) -> String {
    let verdict = evaluate(gate, candidate, champion);
    assert_eq!(verdict.outcome, Outcome::AskPerson, "{}", verdict.summary);
    match verdict.conditions.as_slice() {
        [
            ConditionResult {
                verdict: ConditionVerdict::Unknown { why },
                ..
            },
        ] => why.clone(),
        other => panic!("{other:?}"),
    }
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn said(verdict: &ConditionVerdict) -> String {
    match verdict {
        ConditionVerdict::Pass => "pass".to_string(),
        ConditionVerdict::Fail => "fail".to_string(),
        ConditionVerdict::Borderline => "borderline".to_string(),
        ConditionVerdict::Unknown { why } => why.clone(),
    }
}

fn letter(verdict: &ConditionVerdict) -> char {
    match verdict {
        ConditionVerdict::Pass => 'p',
        ConditionVerdict::Fail => 'f',
        ConditionVerdict::Borderline => 'b',
        ConditionVerdict::Unknown { .. } => 'u',
    }
}
