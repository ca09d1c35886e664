//! Every kind of condition at its limit and one past it.

use super::*;

#[test]
fn a_value_at_the_limit_passes_and_one_past_it_does_not() {
    let table = [
        (r#""at_least": 0.9"#, "0.9", "pass"),
        (r#""at_least": 0.9"#, "0.90", "pass"),
        (r#""at_least": 0.9"#, "9e-1", "pass"),
        (r#""at_least": 0.9"#, "0.899999999999999", "fail"),
        (r#""at_least": 0.9"#, "1", "pass"),
        (r#""at_most": 0.9"#, "0.9", "pass"),
        (r#""at_most": 0.9"#, "0.900000000000001", "fail"),
        (r#""at_most": 0.9"#, "-1", "pass"),
        (r#""at_least": 0"#, "-0.0", "pass"),
        (r#""at_least": 0"#, "-1e-300", "fail"),
        (r#""at_most": -2"#, "-2", "pass"),
        (r#""at_most": -2"#, "-1.99999999999999", "fail"),
        // The sixteenth digit is noise of binary arithmetic.
        (r#""at_least": 0.3"#, "0.30000000000000004", "pass"),
        (r#""at_most": 0.3"#, "0.30000000000000004", "pass"),
        (r#""at_least": 0.95"#, "0.9499999999999999", "pass"),
        (r#""at_least": 1e20"#, "100000000000000000000", "pass"),
        (r#""at_least": 250"#, "250", "pass"),
        (r#""at_least": 250"#, "249", "fail"),
    ];
    for (test, value, expected) in table {
        let gate = gate(&format!(r#"{{"metric": "auc", {test}}}"#));
        let result = only(&gate, &with_auc(value), None);
        assert_eq!(said(&result.verdict), expected, "{value} {test}");
        assert_eq!(result.value, Number::parse(value), "{value}");
    }
}

#[test]
fn within_the_band_a_person_decides_and_its_edges_count_for_the_candidate() {
    let at_least = r#"{"metric": "auc", "at_least": 0.85, "borderline": 0.01}"#;
    let at_most = r#"{"metric": "auc", "at_most": 0.85, "borderline": 0.01}"#;
    let table = [
        (at_least, "0.86", "pass"),
        (at_least, "0.859999999999999", "borderline"),
        (at_least, "0.85", "borderline"),
        (at_least, "0.84", "borderline"),
        (at_least, "0.839999999999999", "fail"),
        (at_most, "0.84", "pass"),
        (at_most, "0.840000000000001", "borderline"),
        (at_most, "0.85", "borderline"),
        (at_most, "0.86", "borderline"),
        (at_most, "0.860000000000001", "fail"),
    ];
    for (condition, value, expected) in table {
        let result = only(&gate(condition), &with_auc(value), None);
        assert_eq!(said(&result.verdict), expected, "{value} {condition}");
    }
}

#[test]
fn the_margin_over_the_champion_is_exact() {
    // By how much, which direction, the champion, the candidate.
    let table = [
        // 0.1 + 0.2 is 0.3 here, not 0.30000000000000004.
        ("0.2", "higher", "0.1", "0.3", "pass"),
        ("0.2", "higher", "0.1", "0.299999999999999", "fail"),
        ("0.02", "higher", "0.85", "0.87", "pass"),
        ("0.02", "higher", "0.85", "0.869999999999999", "fail"),
        ("0.02", "lower", "0.85", "0.83", "pass"),
        ("0.02", "lower", "0.85", "0.830000000000001", "fail"),
        ("2%", "higher", "0.5", "0.51", "pass"),
        ("2%", "higher", "0.5", "0.509999999999999", "fail"),
        ("5%", "lower", "10", "9.5", "pass"),
        ("5%", "lower", "10", "9.50000000000001", "fail"),
        // Of a negative champion, such as of r2, a share still asks for more.
        ("10%", "higher", "-0.5", "-0.45", "pass"),
        ("10%", "higher", "-0.5", "-0.450000000000001", "fail"),
        ("10%", "higher", "-0.5", "-0.55", "fail"),
        ("10%", "lower", "-0.5", "-0.55", "pass"),
        // As good as the champion is good enough if no margin is asked for.
        ("0", "higher", "0.85", "0.85", "pass"),
        ("0", "higher", "0.85", "0.849999999999999", "fail"),
        ("0%", "lower", "0.85", "0.850000000000001", "fail"),
        ("100%", "higher", "0", "0", "pass"),
    ];
    for (by, direction, champion, value, expected) in table {
        let by = if by.ends_with('%') {
            format!("{by:?}")
        } else {
            by.to_string()
        };
        let gate = gate(&format!(
            r#"{{"metric": "auc", "better_than_champion_by": {by}, "direction": "{direction}"}}"#
        ));
        let result = only(&gate, &with_auc(value), Some(&with_auc(champion)));
        let case = format!("{value} after {champion}, {direction} by {by}");
        assert_eq!(said(&result.verdict), expected, "{case}");
        assert_eq!(result.champion, Number::parse(champion), "{case}");
    }
}

#[test]
fn the_band_moves_with_the_champion() {
    let banded = gate(
        r#"{"metric": "auc", "better_than_champion_by": 0.02, "direction": "higher", "borderline": 0.01}"#,
    );
    for (value, expected) in [
        ("0.88", "pass"),
        ("0.87", "borderline"),
        ("0.86", "borderline"),
        ("0.859999999999999", "fail"),
    ] {
        let result = only(&banded, &with_auc(value), Some(&with_auc("0.85")));
        assert_eq!(said(&result.verdict), expected, "{value}");
    }
}

#[test]
fn numbers_too_far_apart_are_a_question_and_not_a_guess() {
    let relative =
        gate(r#"{"metric": "auc", "better_than_champion_by": 0.02, "direction": "higher"}"#);
    let told = why(&relative, &with_auc("1e300"), Some(&with_auc("1e300")));
    assert!(told.contains("too far from 0.02"), "{told}");
    let banded = gate(r#"{"metric": "auc", "at_least": 1e300, "borderline": 0.1}"#);
    let told = why(&banded, &with_auc("1e301"), None);
    assert!(told.contains("too far"), "{told}");
}

#[test]
fn bias_is_the_farthest_from_parity_of_all_facets() {
    let table = [
        ("DPPL", r#""at_most": 0.063"#, "pass"),
        ("DPPL", r#""at_most": 0.062999999999999"#, "fail"),
        ("AD", r#""at_most": 0.114"#, "pass"),
        ("AD", r#""at_most": 0.113"#, "fail"),
        // Before training too.
        ("CI", r#""at_most": 0.402"#, "pass"),
        ("CI", r#""at_most": 0.401"#, "fail"),
        // A ratio: 0.83, 1.19 and 1.05 are 0.17, 0.19 and 0.05 from 1.
        ("DI", r#""at_most": 0.19"#, "pass"),
        ("DI", r#""at_most": 0.189999999999999"#, "fail"),
    ];
    for (metric, test, expected) in table {
        let gate = gate(&format!(r#"{{"metric": "bias:{metric}", {test}}}"#));
        let result = only(&gate, &biased(ANALYSIS), None);
        assert_eq!(said(&result.verdict), expected, "{metric} {test}");
    }
    let result = only(
        &gate(r#"{"metric": "bias:DPPL", "at_most": 0.1}"#),
        &biased(ANALYSIS),
        None,
    );
    assert_eq!(result.value, Some(number("0.063")));
    assert_eq!(
        result.found_at.as_deref(),
        Some(r#"post_training_bias_metrics "age"="(40, 90]""#)
    );
}

#[test]
fn bias_is_compared_with_the_champions_by_distance() {
    let less = gate(r#"{"metric": "bias:DI", "better_than_champion_by": 0.02}"#);
    let of = |di: &str| {
        biased(format!(
            r#"{{"post_training_bias_metrics": {{"facets": {{"g": [{{"metrics": [{{"name": "DI", "value": {di}}}]}}]}}}}}}"#
        ))
    };
    for (champion, candidate, expected) in [
        ("0.9", "1.08", "pass"),
        ("0.9", "0.92", "pass"),
        ("0.9", "1.081", "fail"),
        ("1.1", "1", "pass"),
        ("1", "1", "fail"),
    ] {
        let result = only(&less, &of(candidate), Some(&of(champion)));
        assert_eq!(
            said(&result.verdict),
            expected,
            "{candidate} after {champion}"
        );
    }
}

#[test]
fn metadata_is_read_as_a_number() {
    let slow = gate(r#"{"metric": "metadata:latency p99/ms", "at_most": 250}"#);
    let of = |text: &str| Evidence {
        metadata: [("latency p99/ms".to_string(), text.to_string())].into(),
        ..Evidence::default()
    };
    for (text, expected) in [
        ("250", "pass"),
        ("250.0", "pass"),
        ("2.5e2", "pass"),
        ("250.000000000001", "fail"),
    ] {
        assert_eq!(
            said(&only(&slow, &of(text), None).verdict),
            expected,
            "{text}"
        );
    }
    for text in ["250ms", "", " 250", "NaN", "inf", "1,0", "0x10", "+250"] {
        let told = why(&slow, &of(text), None);
        assert!(told.contains("not a number"), "{told}");
    }
    assert!(why(&slow, &Evidence::default(), None).contains("has no metadata"));
}

#[test]
fn pointers_reach_into_lists_and_odd_keys() {
    let odd = evaluated(r#"{"a/b": {"m~n": [{"": 7}, 8]}}"#);
    for (pointer, expected) in [
        ("/a~1b/m~0n/0/", "pass"),
        ("/a~1b/m~0n/1", "fail"),
        ("/a~1b/m~0n/2", "the evaluation report has no /a~1b/m~0n/2"),
        (
            "/a~1b/m~0n/01",
            "the evaluation report has no /a~1b/m~0n/01",
        ),
        ("/a~1b/m~0n/-", "the evaluation report has no /a~1b/m~0n/-"),
        (
            "/a~1b/m~0n",
            "/a~1b/m~0n in the evaluation report is a list, not a number",
        ),
        (
            "/a~1b",
            "/a~1b in the evaluation report is an object, not a number",
        ),
        ("/", "the evaluation report has no /"),
    ] {
        let gate = gate(&format!(r#"{{"metric": "{pointer}", "at_most": 7}}"#));
        assert_eq!(
            said(&only(&gate, &odd, None).verdict),
            expected,
            "{pointer}"
        );
    }
}
