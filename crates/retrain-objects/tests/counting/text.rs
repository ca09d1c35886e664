//! What counts as a row of a text.

use retrain_objects::DataFormat;

use super::{CSV, JSON_LINES, corrupt, rows};

#[test]
fn records_are_counted_as_the_format_says() {
    let table = [
        ("", 0),
        ("\n", 0),
        ("a", 1),
        ("a\r\nb\r\n", 2),
        ("a\rb\r", 2),
        ("\r\n\r\na\r\n\r\nb", 2),
        ("\"a\nb\"\nc\n", 2),
        ("\"a\"\"\nb\"\n", 1),
        ("\"\"\n\"\"\n", 2),
        ("x,\"a\n\n\nb\",y\nc,d,e\n", 2),
        ("5\" disk\nc\n", 2),
        (",\n,\n", 2),
        ("\u{feff}a\n", 1),
        ("\u{feff}", 0),
        ("\u{feff}\u{feff}\"\n", 1),
        ("a\n\"b\"", 2),
    ];
    for (text, expected) in table {
        assert_eq!(rows(text.as_bytes(), CSV), Ok(expected), "{text:?}");
    }
    let header = DataFormat::Csv { header: true };
    assert_eq!(rows(b"", header), Ok(0));
    assert_eq!(rows(b"\n\"a\nb\"\n1\n", header), Ok(1));
}

#[test]
fn an_open_quote_would_swallow_the_rest_and_is_corrupt() {
    assert_eq!(
        corrupt(b"a\n\"b\nc\nd\n", CSV),
        "the CSV text: a quote is open at its end, in record 2"
    );
    assert!(corrupt(b"a,\"", CSV).contains("record 1"));
}

#[test]
fn lines_are_counted_unless_they_are_blank() {
    let table = [
        ("", 0),
        ("{}", 1),
        ("{}\n{}\n", 2),
        ("\n \t\r\n{}\r\n\r\n", 1),
        ("\u{feff}{}\n", 1),
        ("\u{feff}\n", 0),
        ("{\"a\": \"\\n\"}\n", 1),
    ];
    for (text, expected) in table {
        assert_eq!(rows(text.as_bytes(), JSON_LINES), Ok(expected), "{text:?}");
    }
}
