//! How conditions add up.

use super::*;
use crate::period::Period;
use Outcome::{Approve, AskPerson, Reject};

/// A gate of four conditions on metadata keys, each to pass, fail, be borderline or
/// be unknown as its letter says.
fn outcome(letters: &str, more: &str) -> Verdict {
    let conditions: Vec<String> = letters
        .chars()
        .enumerate()
        .map(|(at, _)| {
            format!(r#"{{"metric": "metadata:{at}", "at_least": 1, "borderline": 0.5}}"#)
        })
        .collect();
    let candidate = Evidence {
        metadata: letters
            .chars()
            .enumerate()
            .filter_map(|(at, letter)| {
                let value = match letter {
                    'p' => "2",
                    'f' => "0",
                    'b' => "1",
                    _ => return None,
                };
                Some((at.to_string(), value.to_string()))
            })
            .collect(),
        ..Evidence::default()
    };
    evaluate(&gate_with(&conditions.join(","), more), &candidate, None)
}

#[test]
fn unknown_asks_then_failure_rejects_then_borderline_asks() {
    let table = [
        ("p", Approve),
        ("pppp", Approve),
        ("f", Reject),
        ("pppf", Reject),
        ("b", AskPerson),
        ("pppb", AskPerson),
        ("bf", Reject),
        ("fb", Reject),
        ("u", AskPerson),
        ("pppu", AskPerson),
        ("fu", AskPerson),
        ("ufbp", AskPerson),
    ];
    for (letters, expected) in table {
        assert_eq!(outcome(letters, "").outcome, expected, "{letters}");
        let asked = outcome(letters, r#", "on_fail": "ask""#).outcome;
        let expected = if expected == Reject {
            AskPerson
        } else {
            expected
        };
        assert_eq!(asked, expected, "{letters} with on_fail ask");
    }
}

#[test]
fn a_gate_without_conditions_approves_nothing() {
    let empty = Gate {
        conditions: Vec::new(),
        on_fail: OnFail::Reject,
        without_champion: WithoutChampion::Pass,
        required_signoffs: [].into(),
        remind_every: Period::from_hours(24),
    };
    let verdict = evaluate(&empty, &evaluated(BINARY), None);
    assert_eq!(verdict.outcome, AskPerson);
}

#[test]
fn without_a_champion_the_policy_decides_about_comparisons() {
    let better = r#"{"metric": "auc", "better_than_champion_by": 0.02, "direction": "higher"}"#;
    let asks = gate(better);
    let passes = gate_with(better, r#", "without_champion": "pass""#);

    let told = why(&asks, &with_auc("0.9"), None);
    assert_eq!(told, "there is no champion to compare with");
    assert_eq!(evaluate(&passes, &with_auc("0.9"), None).outcome, Approve);
    // The candidate must have the metric all the same.
    assert!(why(&passes, &with_auc("null"), None).contains("is null"));
    // A champion whose metric is unknown is a champion.
    let told = why(&passes, &with_auc("0.9"), Some(&Evidence::default()));
    assert_eq!(
        told,
        "of the champion, the package names no evaluation report"
    );
}

#[test]
fn a_limit_does_not_look_at_the_champion() {
    let limit = gate(r#"{"metric": "auc", "at_least": 0.8}"#);
    let result = only(&limit, &with_auc("0.85"), Some(&with_auc("0.9")));
    assert_eq!(result.verdict, ConditionVerdict::Pass);
    assert_eq!(result.champion, Some(number("0.9")), "for the reader");
    let result = only(&limit, &with_auc("0.85"), Some(&Evidence::default()));
    assert_eq!(
        (result.verdict, result.champion),
        (ConditionVerdict::Pass, None)
    );
}

#[test]
fn the_result_explains_every_condition_in_the_policys_order() {
    let gate = gate(
        r#"{"metric": "auc", "at_least": 0.9},
           {"metric": "auc", "better_than_champion_by": "1%", "direction": "higher", "borderline": 0.001},
           {"metric": "bias:DPPL", "at_most": 0.1}"#,
    );
    let verdict = evaluate(&gate, &with_auc("0.8"), Some(&with_auc("0.7")));
    let shown: Vec<_> = verdict
        .conditions
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.wanted.as_str(),
                c.limit,
                said(&c.verdict),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "auc",
                "at least 0.9",
                Some(Limit::AtLeast(number("0.9"))),
                "fail".to_string()
            ),
            (
                "auc",
                "higher than the champion's by 1%: at least 0.707, borderline within 0.001",
                Some(Limit::AtLeast(number("0.707"))),
                "pass".to_string()
            ),
            (
                "bias:DPPL",
                "at most 0.1",
                Some(Limit::AtMost(number("0.1"))),
                "the package names no bias report".to_string()
            ),
        ]
    );
    // The record of a decision reads back.
    let record = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&record).unwrap(), verdict);
    assert!(record.contains(r#""limit":{"at_least":0.9}"#), "{record}");
}
