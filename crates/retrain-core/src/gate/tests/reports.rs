//! Reports as SageMaker, Clarify and Python write them, and worse ones.

use super::*;

const AUC: &str = r#"{"metric": "auc", "at_least": 0}"#;

#[test]
fn a_name_is_found_whatever_kind_of_model_it_is() {
    let table = [
        (
            BINARY,
            "auc",
            "0.9312",
            "/binary_classification_metrics/auc/value",
        ),
        (
            BINARY,
            "f1",
            "0.787878787878788",
            "/binary_classification_metrics/f1/value",
        ),
        (
            MULTICLASS,
            "accuracy",
            "0.8182",
            "/multiclass_classification_metrics/accuracy/value",
        ),
        (
            MULTICLASS,
            "weighted_f1",
            "0.8243",
            "/multiclass_classification_metrics/weighted_f1/value",
        ),
        (
            REGRESSION,
            "rmse",
            "2.219313",
            "/regression_metrics/rmse/value",
        ),
        (REGRESSION, "r2", "-0.0417", "/regression_metrics/r2/value"),
    ];
    for (report, name, value, at) in table {
        let gate = gate(&format!(r#"{{"metric": "{name}", "at_least": -1}}"#));
        let result = only(&gate, &evaluated(report), None);
        assert_eq!(result.value, Some(number(value)), "{name}");
        assert_eq!(result.found_at.as_deref(), Some(at));
    }
}

#[test]
fn a_pointer_names_any_number_of_any_report() {
    let evidence = Evidence {
        explainability: Report::Read(ANALYSIS.into()),
        ..evaluated(REGRESSION)
    };
    let table = [
        ("/regression_metrics/r2s/1", "0.88"),
        (
            "/regression_metrics/mse/standard_deviation",
            "2.21918691781969",
        ),
        (
            "explainability:/explanations/kernel_shap/label0/global_shap_values/gender",
            "0.0029",
        ),
    ];
    for (metric, value) in table {
        let gate = gate(&format!(r#"{{"metric": "{metric}", "at_least": 0}}"#));
        let result = only(&gate, &evidence, None);
        assert_eq!(result.value, Some(number(value)), "{metric}");
    }
}

#[test]
fn what_is_no_number_in_a_report_asks_a_person_and_says_what_it_is() {
    let table = [
        (
            r#""NaN""#,
            r#"auc/value in the evaluation report is the text "NaN", not a number"#,
        ),
        (r#""0.93""#, r#"is the text "0.93", not a number"#),
        ("null", "is null"),
        ("true", "is true or false"),
        ("[0.9]", "is a list"),
        ("{}", "is an object"),
        ("NaN", "a bare NaN at line 1 column"),
        ("Infinity", "a bare Infinity at line 1 column"),
        ("-Infinity", "a bare -Infinity at line 1 column"),
        ("[1, NaN]", "a bare NaN"),
        ("nan", "is not JSON: expected ident"),
        ("1e308", "is too large"),
        ("1e400", "is not JSON: number out of range"),
        ("0.9.1", "is not JSON"),
        ("01", "is not JSON"),
        (".5", "is not JSON"),
        ("", "is not JSON"),
        ("0.9, \"value\": 0.1", r#"the key "value" stands twice"#),
        (
            "0.9}, \"auc\": {\"value\": 0.9",
            r#"the key "auc" stands twice"#,
        ),
        ("\"Nothing like NaN\" x", "is not JSON: expected `,` or `}`"),
    ];
    for (value, expected) in table {
        let told = why(&gate(AUC), &with_auc(value), None);
        assert!(told.contains(expected), "{value}: {told:?}");
    }
}

#[test]
fn a_nan_from_python_is_named_with_its_place() {
    let mse = gate(r#"{"metric": "mse", "at_most": 6}"#);
    assert_eq!(
        why(&mse, &evaluated(PYTHON_NAN), None),
        "the evaluation report is not JSON: a bare NaN at line 1 column 83, as Python's json.dumps writes it"
    );
    // A NaN that is text is fine, where nobody asks for it.
    let accuracy = gate(r#"{"metric": "accuracy", "at_least": 0.97}"#);
    let verdict = evaluate(&accuracy, &evaluated(BINARY), None);
    assert_eq!(verdict.outcome, Outcome::Approve);
    // And it does not hide what else is wrong.
    let told = why(&mse, &evaluated("{\"a\": \"NaN\",\n}"), None);
    assert!(told.contains("trailing comma at line 2"), "{told}");
}

#[test]
fn a_report_of_another_shape_has_no_such_metric() {
    let table = [
        ("{}", "the evaluation report has no metric named auc"),
        ("[]", "the evaluation report has no metric named auc"),
        ("7", "the evaluation report has no metric named auc"),
        ("null", "the evaluation report has no metric named auc"),
        (
            r#"{"auc": {"value": 1}}"#,
            "the evaluation report has no metric named auc",
        ),
        (
            r#"{"regression_metrics": {"AUC": {"value": 1}}}"#,
            "has no metric named auc",
        ),
        (
            r#"{"regression_metrics": {"auc": 1}}"#,
            "the evaluation report has no /regression_metrics/auc/value",
        ),
        (
            r#"{"regression_metrics": {"auc": {"value": 1}}, "binary_classification_metrics": {"auc": {"value": 1}}}"#,
            "has auc more than once: in binary_classification_metrics, regression_metrics",
        ),
    ];
    for (report, expected) in table {
        let told = why(&gate(AUC), &evaluated(report), None);
        assert!(told.contains(expected), "{report}: {told:?}");
    }
}

#[test]
fn a_report_that_cannot_be_had_asks_a_person() {
    let of = |evaluation: Report| Evidence {
        evaluation,
        ..Evidence::default()
    };
    let table = [
        (Report::Absent, "the package names no evaluation report"),
        (
            Report::Unreadable("AccessDenied\non s3://b/k".to_string()),
            r#"the evaluation report cannot be read: "AccessDenied on s3://b/k""#,
        ),
        (
            Report::TooLarge {
                bytes: 1_048_577,
                limit: 1_048_576,
            },
            "the evaluation report has 1048577 bytes, more than the limit of 1048576",
        ),
        (
            Report::Read(b"\xff\xfe{\x00}\x00".to_vec()),
            "the evaluation report is not JSON in UTF-8",
        ),
        (
            Report::Read(Vec::new()),
            "the evaluation report is not JSON: EOF",
        ),
        (Report::Read(b"{} {}".to_vec()), "trailing characters"),
    ];
    for (report, expected) in table {
        let told = why(&gate(AUC), &of(report), None);
        assert!(
            told.starts_with(expected) || told.contains(expected),
            "{told:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    let text = r#"{"binary_classification_metrics": {"auc": {"value": 1}}}"#;
    let verdict = evaluate(&gate(AUC), &evaluated(format!("\u{feff}{text}")), None);
    assert_eq!(verdict.outcome, Outcome::Approve);
    let told = why(
        &gate(AUC),
        &evaluated(format!("\u{feff}\u{feff}{text}")),
        None,
    );
    assert!(told.contains("is not JSON"), "{told}");
}

#[test]
fn a_report_of_one_mebibyte_is_read_and_one_byte_more_is_not() {
    let report = |length: usize| {
        let text = r#"{"binary_classification_metrics": {"auc": {"value": 1}}}"#;
        evaluated(format!("{text}{}", " ".repeat(length - text.len())))
    };
    let limit = usize::try_from(MAX_REPORT_BYTES).unwrap();
    let verdict = evaluate(&gate(AUC), &report(limit), None);
    assert_eq!(verdict.outcome, Outcome::Approve);
    assert_eq!(
        why(&gate(AUC), &report(limit + 1), None),
        "the evaluation report has 1048577 bytes, more than the limit of 1048576"
    );
}

#[test]
fn deep_nesting_neither_crashes_nor_approves() {
    let nested = |depth: usize| {
        let open = r#"{"a":"#.repeat(depth);
        let close = "}".repeat(depth);
        evaluated(format!(
            r#"{{"binary_classification_metrics": {{"auc": {{"value": 1}}}}, "x": {open}1{close}}}"#
        ))
    };
    // With the report's own object, 127 levels.
    let verdict = evaluate(&gate(AUC), &nested(126), None);
    assert_eq!(verdict.outcome, Outcome::Approve);
    for depth in [127, 150_000] {
        let told = why(&gate(AUC), &nested(depth), None);
        assert!(told.contains("recursion limit exceeded"), "{told}");
    }
    let lists = evaluated("[".repeat(1_000_000));
    assert!(why(&gate(AUC), &lists, None).contains("recursion limit exceeded"));
}

const DPPL: &str = r#"{"metric": "bias:DPPL", "at_most": 1}"#;

/// A bias report with these rows for one facet.
fn rows(rows: &str) -> String {
    format!(r#"{{"post_training_bias_metrics": {{"facets": {{"gender": {rows}}}}}}}"#)
}

#[test]
fn what_could_hide_a_worse_bias_asks_a_person() {
    let good = r#"{"value_or_threshold": "0", "metrics": [{"name": "DPPL", "value": 0.01}]}"#;
    let table = [
        (
            rows(&format!(
                r#"[{good}, {{"value_or_threshold": "1", "metrics": [{{"name": "DPPL", "value": null, "error": "no\nlabels"}}]}}]"#
            )),
            r#"the bias report has a DPPL that is null ("no labels") for post_training_bias_metrics "gender"="1""#,
        ),
        (
            rows(&format!(r#"[{good}, {{"metrics": [{{"name": "DPPL"}}]}}]"#)),
            r#"has a DPPL that is null for post_training_bias_metrics "gender"="?""#,
        ),
        (
            rows(&format!(
                r#"[{good}, {{"metrics": [{{"name": "DPPL", "value": "Infinity"}}]}}]"#
            )),
            r#"has a DPPL that is the text "Infinity", not a number"#,
        ),
        (
            rows(&format!(
                r#"[{good}, {{"value_or_threshold": "1", "metrics": [{{"name": "AD", "value": 0}}]}}]"#
            )),
            r#"has no DPPL for post_training_bias_metrics "gender"="1", but for others"#,
        ),
        (rows(&format!("[{good}, {{}}]")), "has no list of metrics"),
        (rows(&format!("[{good}, 7]")), "has no list of metrics"),
        (
            rows(r#"[{"metrics": [7]}]"#),
            "has a metric that is not an object",
        ),
        (
            rows(r#"[{"metrics": [{"value": 7}]}]"#),
            "has a metric without a name",
        ),
        (rows(good), r#"has no list for facet "gender""#),
        (rows("[]"), "no bias report has a metric named DPPL"),
        (
            r#"{"post_training_bias_metrics": {"label": "x"}}"#.to_string(),
            "post_training_bias_metrics has no object of facets",
        ),
        (
            r#"{"post_training_bias_metrics": null}"#.to_string(),
            "has no object of facets",
        ),
        (
            "[]".to_string(),
            "is no analysis of Clarify: it is not an object",
        ),
        ("{}".to_string(), "no bias report has a metric named DPPL"),
        (
            rows(&format!(r#"[{good}], "gender": []"#)),
            r#"the key "gender" stands twice"#,
        ),
    ];
    for (report, expected) in table {
        let told = why(&gate(DPPL), &biased(report.as_str()), None);
        assert!(told.contains(expected), "{report}: {told:?}");
    }
    let told = why(&gate(DPPL), &Evidence::default(), None);
    assert_eq!(told, "the package names no bias report");
    let te = gate(r#"{"metric": "bias:TE", "at_most": 1}"#);
    let told = why(&te, &biased(ANALYSIS), None);
    assert!(told.contains("division by zero"), "{told}");
    let di = gate(r#"{"metric": "bias:DI", "at_most": 1}"#);
    let huge = rows(r#"[{"metrics": [{"name": "DI", "value": 1e300}]}]"#);
    assert!(why(&di, &biased(huge), None).contains("too large"));
}

#[test]
fn all_bias_reports_of_a_package_count() {
    let of = |value: &str| {
        Report::Read(
            rows(&format!(
                r#"[{{"metrics": [{{"name": "DPPL", "value": {value}}}]}}]"#
            ))
            .into(),
        )
    };
    let mut evidence = Evidence {
        bias: of("0.1"),
        pre_training_bias: of("-0.3"),
        post_training_bias: of("0.2"),
        ..Evidence::default()
    };
    let result = only(&gate(DPPL), &evidence, None);
    assert_eq!(result.value, Some(number("0.3")));
    evidence.pre_training_bias = Report::Absent;
    let result = only(&gate(DPPL), &evidence, None);
    assert_eq!(result.value, Some(number("0.2")));
    evidence.post_training_bias = Report::Unreadable("NoSuchKey".to_string());
    let told = why(&gate(DPPL), &evidence, None);
    assert_eq!(
        told,
        r#"the post-training bias report cannot be read: "NoSuchKey""#
    );
}
