use std::error::Error as _;
use std::io::Read as _;

use super::*;

fn put(pairs: &[(&str, &str)]) -> Changes {
    let owned = |&(model, text): &(&str, &str)| (model.to_owned(), Some(text.to_owned()));
    pairs.iter().map(owned).collect()
}

fn removed(model: &str) -> Changes {
    Changes::from([(model.to_owned(), None)])
}

fn text(bundle: &Bundle) -> String {
    let mut text = String::new();
    let bytes = bundle.write().unwrap();
    assert!(bytes.starts_with(&GZIP));
    let mut gzip = MultiGzDecoder::new(&bytes[..]);
    gzip.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_bundle_is_a_line_for_itself_and_one_for_each_model() {
    let policies = put(&[("b", "{\n  \"x\": 1\n}"), ("a", "not json")]);
    let bundle = Bundle::default().with(policies, "ana: why").unwrap();
    let expected = concat!(
        r#"{"retrain_policies":1,"revision":1,"models":2,"note":"ana: why"}"#,
        "\n",
        r#"{"model":"a","version":1,"policy":"not json"}"#,
        "\n",
        r#"{"model":"b","version":1,"policy":"{\n  \"x\": 1\n}"}"#,
        "\n"
    );
    assert_eq!(text(&bundle), expected);
    assert_eq!(Bundle::read(expected.as_bytes()).unwrap(), bundle);
    let bytes = bundle.write().unwrap();
    assert_eq!(Bundle::read(&bytes).unwrap(), bundle);
    assert_eq!(bundle.write().unwrap(), bytes);
}

#[test]
fn a_version_is_the_revision_of_the_last_change() {
    let versions = |bundle: &Bundle| (bundle.version_of("a"), bundle.version_of("b"));
    let first = Bundle::default().with(put(&[("a", "1"), ("b", "1")]), "");
    let first = first.unwrap();
    assert_eq!(versions(&first), (Some(1), Some(1)));
    let second = first.with(put(&[("a", "2"), ("b", "1")]), "").unwrap();
    assert_eq!(versions(&second), (Some(2), Some(1)));
    // A policy that comes again does not begin again.
    let third = second.with(removed("a"), "ben: gone").unwrap();
    assert_eq!(versions(&third), (None, Some(1)));
    assert_eq!(third.note(), "ben: gone");
    let fourth = third.with(put(&[("a", "2")]), "").unwrap();
    assert_eq!(versions(&fourth), (Some(4), Some(1)));
    assert_eq!(fourth.revision(), 4);
}

#[test]
fn nothing_changes_without_a_change() {
    let bundle = Bundle::default().with(put(&[("a", "1")]), "").unwrap();
    assert_eq!(bundle.with(put(&[("a", "1")]), "other"), None);
    assert_eq!(bundle.with(removed("b"), "other"), None);
    assert_eq!(bundle.with(Changes::new(), "other"), None);
}

#[test]
fn what_comes_from_elsewhere_keeps_its_version_and_goes_on_from_the_highest() {
    let document = |name: &str, version| Document {
        name: name.to_owned(),
        version,
        text: "{}".to_owned(),
    };
    let moved = vec![document("a", 3), document("b", 41)];
    let bundle = Bundle::default().taking(moved, "moved").unwrap();
    assert_eq!(bundle.version_of("a"), Some(3));
    assert_eq!(bundle.revision(), 41);
    let next = bundle.with(put(&[("a", "{ }")]), "").unwrap();
    assert_eq!(next.version_of("a"), Some(42));
    assert_eq!(
        Bundle::default().taking(Vec::new(), "").unwrap().revision(),
        1
    );
    let later = |version| Document {
        text: "{ }".to_owned(),
        ..document("b", version)
    };
    assert_eq!(bundle.taking(vec![document("a", 3)], ""), None);
    for (version, expected) in [(42, 42), (7, 42), (50, 50)] {
        let next = bundle
            .taking(vec![document("a", 9), later(version)], "")
            .unwrap();
        assert_eq!(next.version_of("b"), Some(expected));
        assert_eq!(next.version_of("a"), Some(3));
    }
    let documents: Vec<Document> = bundle.into_documents().collect();
    assert_eq!(documents, [document("a", 3), document("b", 41)]);
}

#[test]
fn what_is_no_bundle_says_why() {
    let head = r#"{"retrain_policies":1,"revision":2,"models":1}"#;
    let line = r#"{"model":"a","version":1,"policy":"{}"}"#;
    assert!(Bundle::read(format!("{head}\n{line}").as_bytes()).is_ok());
    let table = [
        (String::new(), "its first line"),
        ("[]".to_owned(), "its first line"),
        (head.replace(":1,", ":2,"), "its first line"),
        (format!("{head}\n{line}\n{line}"), "line 3: the model"),
        (format!("{head}\n{line}\n{{}}"), "line 3 is no model"),
        (
            format!("{head}\n{}", line.replace("\"{}\"", "{}")),
            "line 2 is no model",
        ),
        (head.to_owned(), "it has 0 models, and says that it has 1"),
        (
            format!("{head}\n{}", line.replace(":1", ":3")),
            "no version 3 in revision 2",
        ),
        (
            format!("{head}\n{}", line.replace(":1", ":0")),
            "no version 0",
        ),
    ];
    for (text, why) in table {
        let error = Bundle::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let bytes = Bundle::default()
        .with(put(&[("a", "1")]), "")
        .unwrap()
        .write()
        .unwrap();
    let cut = Bundle::read(&bytes[..bytes.len() - 9]).unwrap_err();
    assert!(matches!(cut, InvalidBundle::Unreadable(_)), "{cut:?}");
    assert!(cut.source().is_some());
}

#[test]
fn a_bundle_that_would_not_fit_is_not_read_to_its_end() {
    let long = " ".repeat(2_000);
    let policies = put(&[("a", &long)]);
    let bundle = Bundle::default().with(policies, "").unwrap();
    let bytes = bundle.write().unwrap();
    assert!(bytes.len() < 1_000);
    assert!(Bundle::read_within(&bytes, 3_000).is_ok());
    let error = Bundle::read_within(&bytes, 1_000).unwrap_err();
    assert!(matches!(error, InvalidBundle::TooLong), "{error:?}");
}

#[test]
fn what_is_written_within_a_length_is_read_within_it() {
    // Quotes take two bytes each.
    let policies = put(&[("a", &"\"".repeat(500)), ("b", "é")]);
    let bundle = Bundle::default().with(policies, "").unwrap();
    let least = (1..3_000).find(|max| bundle.write_within(*max).is_ok());
    let least = least.unwrap();
    assert!(least > 1_000, "{least}");
    let bytes = bundle.write_within(least).unwrap();
    assert_eq!(bytes, bundle.write().unwrap());
    assert!(Bundle::read_within(&bytes, least).is_ok());
    let error = Bundle::read_within(&bytes, least - 1).unwrap_err();
    assert!(matches!(error, InvalidBundle::TooLong), "{error:?}");
}
