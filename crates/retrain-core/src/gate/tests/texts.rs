//! What is written into AWS's fields and into notifications.

use super::*;

/// SageMaker's pattern of `ApprovalDescription` is `.*`, which no line end matches, in
/// Java's view of line ends.
fn fits_approval_description(text: &str) -> bool {
    text.encode_utf16().count() <= 1_024
        && !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

#[test]
fn a_description_of_1024_characters_stays_and_one_more_is_cut() {
    for letter in ['a', 'ä', '語'] {
        let longest: String = [letter].repeat(1_024).iter().collect();
        assert_eq!(ApprovalDescription::new(&longest).as_str(), longest);
        let cut = ApprovalDescription::new(&format!("{longest}{letter}"));
        assert_eq!(cut.as_str().chars().count(), 1_024);
        assert!(cut.as_str().ends_with(&format!("{letter}…")));
    }
    // A character beyond the basic plane counts as two, as Java counts.
    let longest = "\u{1f600}".repeat(512);
    assert_eq!(ApprovalDescription::new(&longest).as_str(), longest);
    let cut = ApprovalDescription::new(&format!("{longest}a"));
    assert_eq!(cut.as_str(), format!("{}…", "\u{1f600}".repeat(511)));
}

#[test]
fn a_description_is_one_line_that_steers_nothing() {
    for c in [
        '\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}',
        '\u{2066}', '\u{200b}', '\u{feff}', '\u{61c}',
    ] {
        let text = ApprovalDescription::new(&format!("a{c}b"));
        assert_eq!(text.as_str(), "a b", "{c:?}");
    }
    assert_eq!(
        ApprovalDescription::new("é — 語 ≥ 1").as_str(),
        "é — 語 ≥ 1"
    );
}

#[test]
fn the_summary_tells_the_worst_first() {
    let gate = gate(
        r#"{"metric": "f1", "at_least": 0.7},
           {"metric": "auc", "at_least": 0.93, "borderline": 0.01},
           {"metric": "recall", "better_than_champion_by": 0.02, "direction": "higher"},
           {"metric": "bias:DI", "at_most": 0.2}"#,
    );
    let champion = evaluated(r#"{"binary_classification_metrics": {"recall": {"value": 0.8}}}"#);
    let verdict = evaluate(&gate, &evaluated(BINARY), Some(&champion));
    assert_eq!(
        verdict.summary,
        "the gate asks a person: 1 of 4 conditions pass. \
         fail: recall 0.8125, wanted higher than the champion's by 0.02: at least 0.82; \
         unknown: bias:DI, wanted at most 0.2, but the package names no bias report; \
         borderline: auc 0.9312, wanted at least 0.93, borderline within 0.01; \
         pass: f1 0.787878787878788, wanted at least 0.7"
    );
    assert_eq!(verdict.approval_description().as_str(), verdict.summary);
}

#[test]
fn the_longest_summary_fits_the_description() {
    let long = format!("metadata:{}", "語\u{1f600}".repeat(64));
    let condition = format!(r#"{{"metric": "{long}", "at_least": 1}}"#);
    let gate = gate(&[condition.as_str()].repeat(50).join(","));
    let verdict = evaluate(&gate, &Evidence::default(), None);
    assert!(verdict.summary.encode_utf16().count() > 1_024);
    assert!(fits_approval_description(
        verdict.approval_description().as_str()
    ));
}

#[test]
fn other_peoples_text_is_no_markup_in_the_table() {
    let facet = r"a | b\n[x](http://evil) `c` <img> **d** \\| ~~e~~ ![f]";
    let report = format!(
        r#"{{"post_training_bias_metrics": {{"facets": {{"{facet}": [{{"value_or_threshold": "|\u202e", "metrics": [{{"name": "DI", "value": 1}}]}}]}}}}}}"#
    );
    let gate = gate(
        r#"{"metric": "bias:DI", "at_most": 0.1}, {"metric": "metadata:a|b", "at_most": 0.1}"#,
    );
    let mut candidate = biased(report);
    candidate.metadata = [("a|b".to_string(), "x|y\n| z |".to_string())].into();
    let table = evaluate(&gate, &candidate, None).table();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    for line in lines {
        let bars = line
            .replace(r"\\", "")
            .replace(r"\|", "")
            .matches('|')
            .count();
        assert_eq!(bars, 7, "six cells: {line}");
    }
    for markup in ["[x](", " `c`", "<img>", "**", "~~", "\u{202e}"] {
        assert!(!table.contains(markup), "{markup}: {table}");
    }
}

#[test]
fn metadata_has_its_limits_at_and_one_past() {
    for n in [1, 128] {
        assert!(MetadataKey::parse("k".repeat(n)).is_ok());
    }
    for n in [0, 129] {
        assert!(MetadataKey::parse("k".repeat(n)).is_err());
    }
    for n in [1, 256] {
        assert_eq!(
            MetadataValue::parse("v".repeat(n)).unwrap().as_str().len(),
            n
        );
        assert_eq!(
            MetadataValue::fitted(&"v".repeat(n))
                .unwrap()
                .as_str()
                .len(),
            n
        );
    }
    for n in [0, 257] {
        assert!(MetadataValue::parse("v".repeat(n)).is_err());
    }
    assert_eq!(MetadataValue::fitted(""), None);
    let cut = MetadataValue::fitted(&"v".repeat(257)).unwrap();
    assert_eq!(cut.as_str(), format!("{}...", "v".repeat(253)));
}

#[test]
fn what_metadata_does_not_take_becomes_an_underscore() {
    let whole = "s3://b-1/a_b.c/k=v+w@x Zürich";
    assert_eq!(MetadataValue::parse(whole).unwrap().as_str(), whole);
    assert_eq!(MetadataValue::fitted(whole).unwrap().as_str(), whole);
    for c in [
        ',',
        '{',
        '}',
        '"',
        '\'',
        '#',
        '%',
        '\\',
        '*',
        '?',
        '!',
        '<',
        '|',
        '~',
        '^',
        '$',
        '&',
        '(',
        '[',
        ';',
        '`',
        '\n',
        '\t',
        '\0',
        '\u{2028}',
        '\u{a0}',
        '×',
        '÷',
        '語',
        '\u{1f600}',
        'Ⓐ',
        '\u{301}',
    ] {
        let text = format!("a{c}b");
        assert!(MetadataValue::parse(text.clone()).is_err(), "{c:?}");
        assert!(MetadataKey::parse(text.clone()).is_err(), "{c:?}");
        assert_eq!(
            MetadataValue::fitted(&text).unwrap().as_str(),
            "a_b",
            "{c:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_text_fits_aws(text in "\\PC{0,40}|(?s:.{0,1500})") {
        let description = ApprovalDescription::new(&text);
        proptest::prop_assert!(fits_approval_description(description.as_str()));
        if let Some(value) = MetadataValue::fitted(&text) {
            proptest::prop_assert!(MetadataValue::parse(value.as_str()).is_ok());
        } else {
            proptest::prop_assert!(text.is_empty());
        }
    }
}
