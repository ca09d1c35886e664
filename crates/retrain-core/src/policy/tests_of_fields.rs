//! The fields about data, signals, improvement and targets.

use super::tests::{SAMPLE, refused, with};
use super::*;

/// The sample with this policy about data, next to its objects.
fn data(fields: &str) -> String {
    with(&alloc::format!(
        r#""data": {{"objects": [{{"bucket": "fraud-data", "prefix": "in/"}}], {fields}}}"#
    ))
}

/// The sample with data from these objects.
fn objects(objects: &str) -> String {
    with(&alloc::format!(
        r#""data": {{"objects": [{objects}], "min_rows": 1}}"#
    ))
}

fn object(fields: &str) -> String {
    objects(&alloc::format!("{{{fields}}}"))
}

/// A policy for a pipeline of CodePipeline with these parameters.
fn release(parameters: &str) -> String {
    alloc::format!(
        r#"{{"pipeline": {{"service": "codepipeline", "name": "fraud@release.v1"}},
            "parameters": {{{parameters}}}, "min_interval": "6h"}}"#
    )
}

fn variables(count: usize) -> String {
    let variables: Vec<String> = (0..count)
        .map(|n| alloc::format!(r#""V{n}": "x""#))
        .collect();
    release(&variables.join(", "))
}

#[test]
fn every_field_about_data_is_taken() {
    let json = data(
        r#""min_rows": 1, "min_objects": 1, "min_bytes": 1, "quiet_period": "10m",
        "max_wait": "1m", "complete_when": {"suffix": "/_SUCCESS"},
        "trusted_row_count": "row-count", "manifest": {"bucket": "fraud-runs", "prefix": "m/"}"#,
    );
    let policy = Policy::parse(&json).unwrap();
    assert_eq!(policy.manifest().unwrap().bucket, "fraud-runs");
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    for rule in [
        r#""min_rows": 1"#,
        r#""min_objects": 1"#,
        r#""min_bytes": 1"#,
        r#""max_wait": "1m""#,
        r#""complete_when": {"suffix": "x"}"#,
    ] {
        assert!(Policy::parse(&data(rule)).is_ok(), "{rule} alone is enough");
    }
}

#[test]
fn an_error_about_data_names_its_field() {
    let many = ["{\"bucket\": \"fraud-data\", \"prefix\": \"in/\"}"; 21].join(", ");
    let long = "x".repeat(1_025);
    refused([
        (objects(""), "data.objects: ", "1 to 20"),
        (objects(&many), "data.objects: ", "1 to 20"),
        (
            object(r#""prefix": "in/""#),
            "data.objects[0]: ",
            "missing field `bucket`",
        ),
        (
            object(r#""bucket": "fraud-data""#),
            "data.objects[0]: ",
            "needs a prefix or a suffix",
        ),
        (
            object(r#""bucket": "fd", "prefix": "in/""#),
            "data.objects[0].bucket: ",
            "3 to 63",
        ),
        (
            object(r#""bucket": "Fraud", "prefix": "in/""#),
            "data.objects[0].bucket: ",
            "lower-case",
        ),
        (
            object(&alloc::format!(
                r#""bucket": "fraud-data", "prefix": "{long}""#
            )),
            "data.objects[0]: ",
            "no key is that long",
        ),
        (
            object(r#""bucket": "fraud-data", "prefix": "in/", "format": "xlsx""#),
            "data.objects[0].format: ",
            "unknown variant",
        ),
        (data(r#""min_rows": 0"#), "data.min_rows: ", "at least 1"),
        (
            data(r#""min_objects": 0"#),
            "data.min_objects: ",
            "at least 1",
        ),
        (data(r#""min_bytes": 0"#), "data.min_bytes: ", "at least 1"),
        (
            data(r#""min_rows": -1"#),
            "data.min_rows: ",
            "invalid value",
        ),
        (data(r#""min_row": 1"#), "data.min_row: ", "unknown field"),
        (data(r#""quiet_period": "1h""#), "data: ", "needs one of"),
        (
            data(r#""max_wait": "59s""#),
            "data.max_wait: ",
            "at least 1m",
        ),
        (
            data(r#""complete_when": {"suffix": ""}"#),
            "data.complete_when.suffix: ",
            "1 to 1024",
        ),
        (
            data(&alloc::format!(
                r#""complete_when": {{"suffix": "{long}"}}"#
            )),
            "data.complete_when.suffix: ",
            "1 to 1024",
        ),
        (
            data(r#""min_rows": 1, "trusted_row_count": "Row-Count""#),
            "data.trusted_row_count: ",
            "lower-case",
        ),
        (
            data(r#""min_rows": 1, "trusted_row_count": """#),
            "data.trusted_row_count: ",
            "1 to 128",
        ),
        (
            data(r#""min_rows": 1, "manifest": {"bucket": "x"}"#),
            "data.manifest.bucket: ",
            "3 to 63",
        ),
        (
            data(&alloc::format!(
                r#""min_rows": 1, "manifest": {{"bucket": "fraud-runs", "prefix": "{}"}}"#,
                "x".repeat(701)
            )),
            "data.manifest.prefix: ",
            "at most 700",
        ),
        (
            data(r#""min_rows": 1, "manifest": {"bucket": "fraud-data", "prefix": "in/m/"}"#),
            "data.manifest: ",
            "would be counted as training data",
        ),
    ]);
}

#[test]
fn a_placeholder_about_data_needs_its_source() {
    let sample = |placeholder: &str| SAMPLE.replace("{token}", placeholder);
    let with_data = data(r#""min_rows": 1"#);
    refused([
        (
            sample("{data_rows}"),
            "parameters.Token: ",
            "{data_rows} needs the field data",
        ),
        (
            sample("{data_objects|0}"),
            "parameters.Token: ",
            "{data_objects} needs the field data",
        ),
        (
            with_data.replace("{token}", "{manifest_uri}"),
            "parameters.Token: ",
            "{manifest_uri} needs the field data.manifest",
        ),
    ]);
    assert!(Policy::parse(&with_data.replace("{token}", "{data_rows}/{data_objects}")).is_ok());
    assert!(Policy::parse(&sample("{code_key|none}")).is_ok());
}

#[test]
fn an_error_about_signals_and_improvement_names_its_field() {
    let at_least = |kinds: &str, of: &str, within: &str| {
        with(&alloc::format!(
            r#""at_least": {{"kinds": {kinds}, "of": [{of}], "within": "{within}"}}"#
        ))
    };
    let rule = |fields: &str| with(&alloc::format!(r#""no_improvement": {{{fields}}}"#));
    let two = r#""data_quality", "data""#;
    let eleven = ["\"NotBetter\""; 11].join(", ");
    refused([
        (at_least("1", two, "1h"), "at_least.kinds: ", "from 2"),
        (at_least("3", two, "1h"), "at_least.kinds: ", "as many as"),
        // One kind twice is one kind.
        (
            at_least("2", r#""data", "data""#, "1h"),
            "at_least.kinds: ",
            "as many as",
        ),
        (
            at_least("2", r#""data", "schedule""#, "1h"),
            "at_least.of",
            "unknown variant",
        ),
        (at_least("2", two, "59s"), "at_least.within: ", "1m to 30d"),
        (at_least("2", two, "31d"), "at_least.within: ", "1m to 30d"),
        (
            rule(r#""steps": []"#),
            "no_improvement.steps: ",
            "1 to 10 steps",
        ),
        (
            rule(&alloc::format!(r#""steps": [{eleven}]"#)),
            "no_improvement.steps: ",
            "1 to 10 steps",
        ),
        (
            rule(r#""steps": ["NotBetter", ""]"#),
            "no_improvement.steps[1]: ",
            "1 to 64",
        ),
        (
            rule(&alloc::format!(r#""steps": ["{}"]"#, "x".repeat(65))),
            "no_improvement.steps[0]: ",
            "1 to 64",
        ),
        (
            rule(r#""steps": ["NotBetter"], "max_times": 0"#),
            "no_improvement.max_times: ",
            "1 to 20",
        ),
        (
            rule(r#""steps": ["NotBetter"], "max_times": 21"#),
            "no_improvement.max_times: ",
            "1 to 20",
        ),
    ]);
    assert!(Policy::parse(&at_least("2", two, "1m")).is_ok());
    let policy = Policy::parse(&rule(r#""steps": ["NotBetter"]"#)).unwrap();
    assert_eq!(policy.no_improvement.unwrap().max_times, 3);
}

#[test]
fn an_error_about_a_target_names_its_field() {
    let of = |service: &str| {
        SAMPLE.replace(
            r#""name": "fraud-training""#,
            &alloc::format!(r#""service": "{service}", "name": "fraud-training""#),
        )
    };
    let long_name = "V".repeat(129);
    refused([
        (of("stepfunctions"), "pipeline", "unknown variant"),
        (
            of("codepipeline"),
            "pipeline: version_id: ",
            "only SageMaker's pipelines have one",
        ),
        (
            release("").replace("fraud@release.v1", "fraud release"),
            "pipeline: name: ",
            "CodePipeline name",
        ),
        (
            release(r#""RETRAIN_TOKEN": "{token}""#),
            "parameters.RETRAIN_TOKEN: ",
            "which the controller sets",
        ),
        (
            release(&alloc::format!(r#""{long_name}": "x""#)),
            "parameters.VVV",
            "at most 128 characters",
        ),
        (variables(50), "parameters: ", "RETRAIN_TOKEN is one"),
    ]);
    assert!(Policy::parse(&variables(49)).is_ok());
    assert!(Policy::parse(&of("sagemaker")).is_ok());
    // SageMaker knows no such reserved name.
    let own = SAMPLE.replace("\"Token\"", "\"RETRAIN_TOKEN\"");
    assert!(Policy::parse(&own).is_ok());
}

#[test]
fn a_target_is_written_as_it_is_read() {
    for json in [release(""), SAMPLE.into()] {
        let policy = Policy::parse(&json).unwrap();
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(Policy::parse(&text).unwrap(), policy);
    }
}

#[test]
fn an_object_has_the_role_of_its_longest_prefix() {
    let json = with(
        r#""data": {"objects": [
            {"bucket": "fraud-data", "prefix": "in/", "format": "csv"},
            {"bucket": "fraud-data", "prefix": "in/p/", "suffix": ".parquet"},
            {"bucket": "fraud-more", "suffix": ".csv"}
        ], "complete_when": {"suffix": "/_SUCCESS"}}"#,
    );
    let policy = Policy::parse(&json).unwrap().data.unwrap();
    let csv = Is::Data(Some(ObjectFormat::Csv));
    let table = [
        ("fraud-data", "in/a", Some((3, csv))),
        ("fraud-data", "in/p/a.parquet", Some((5, Is::Data(None)))),
        ("fraud-data", "in/p/a.csv", Some((3, csv))),
        ("fraud-data", "in/p/_SUCCESS", Some((5, Is::Completion))),
        ("fraud-data", "out/_SUCCESS", None),
        ("fraud-data", "out/a", None),
        ("fraud-data", "in/_temporary/0/a", None),
        ("fraud-data", "in/.hidden", None),
        ("fraud-more", "any/a.csv", Some((0, Is::Data(None)))),
        ("fraud-more", "any/a.json", None),
        ("other", "in/a", None),
    ];
    for (bucket, key, expected) in table {
        let role = policy.role(bucket, key).map(|role| (role.prefix, role.is));
        assert_eq!(role, expected, "{bucket}/{key}");
    }
}
