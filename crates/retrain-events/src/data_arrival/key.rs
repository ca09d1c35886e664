//! Object keys in their two spellings: as they are in EventBridge's events, and
//! URL-encoded in S3's own notifications.
//!
//! Which of them a key has cannot be seen from the key: `100%25` and `a+b` are keys too.

use crate::error::{InvalidEvent, quoted};
use crate::node::Node;

/// S3's limit, in bytes of UTF-8.
const LONGEST: usize = 1024;

/// A key as it is.
pub(super) fn raw(key: &Node<'_>) -> Result<String, InvalidEvent> {
    let text = key.text()?;
    check_length(key, text)?;
    Ok(text.to_owned())
}

/// A key as forms encode it: `+` for a space, and bytes as `%` with two digits.
pub(super) fn url_decoded(key: &Node<'_>) -> Result<String, InvalidEvent> {
    let text = key.text()?;
    // Each byte takes three characters at most; saves decoding what is too long anyway.
    if text.len() > 3 * LONGEST {
        return Err(too_long(key, text));
    }
    let bytes = decoded(text)
        .ok_or_else(|| key.invalid(format!("is {}, which is not URL-encoded", quoted(text))))?;
    let decoded = String::from_utf8(bytes).map_err(|_| {
        key.invalid(format!(
            "is {}, which is not UTF-8 when URL-decoded",
            quoted(text)
        ))
    })?;
    check_length(key, &decoded)?;
    Ok(decoded)
}

fn check_length(key: &Node<'_>, text: &str) -> Result<(), InvalidEvent> {
    match text.len() {
        0 => Err(key.invalid("is empty".to_owned())),
        1..=LONGEST => Ok(()),
        _ => Err(too_long(key, text)),
    }
}

fn too_long(key: &Node<'_>, text: &str) -> InvalidEvent {
    key.invalid(format!("is longer than {LONGEST} bytes: {}", quoted(text)))
}

/// Nothing where a `%` has no two digits. S3 encodes the sign itself, so that it does
/// not stand alone.
fn decoded(encoded: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => 16 * digit(bytes.next()?)? + digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(key: &str, reader: fn(&Node<'_>) -> Result<String, InvalidEvent>) -> String {
        let value = json!(key);
        match reader(&Node::at("key", &value)) {
            Ok(key) => key,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_same_text_is_another_key_in_each_spelling() {
        for (text, decoded) in [
            ("training/part-0.parquet", "training/part-0.parquet"),
            ("a+b", "a b"),
            ("a%2Bb%2bc", "a+b+c"),
            ("100%25", "100%"),
            ("%2525", "%25"),
            ("%E7%8C%AB", "猫"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("%00%0A", "\0\n"),
        ] {
            assert_eq!(read(text, raw), text);
            assert_eq!(read(text, url_decoded), decoded, "{text}");
        }
    }

    #[test]
    fn what_is_no_encoding_is_an_error() {
        for text in ["100%", "%2", "%", "%zz", "%+1", "%\u{e9}", "a%-1"] {
            assert_eq!(
                read(text, url_decoded),
                format!("`key` is {text:?}, which is not URL-encoded")
            );
        }
        for text in ["%FF", "%C3", "%ED%A0%80", "%C0%AF"] {
            assert_eq!(
                read(text, url_decoded),
                format!("`key` is {text:?}, which is not UTF-8 when URL-decoded")
            );
        }
    }

    #[test]
    fn a_key_has_between_1_and_1024_bytes_when_decoded() {
        let long = "a".repeat(1022);
        assert_eq!(read(&format!("{long}\u{e9}"), raw).len(), 1024);
        assert_eq!(read(&format!("{long}%C3%A9"), url_decoded).len(), 1024);
        assert_eq!(read(&"%61".repeat(1024), url_decoded), "a".repeat(1024));
        for (text, reader) in [
            (format!("{long}\u{e9}a"), raw as fn(&Node<'_>) -> _),
            (format!("{long}%C3%A9a"), url_decoded),
            ("%61".repeat(1025), url_decoded),
        ] {
            let says = read(&text, reader);
            assert!(
                says.starts_with("`key` is longer than 1024 bytes: "),
                "{says}"
            );
        }
        assert_eq!(read("", raw), "`key` is empty");
        assert_eq!(read("", url_decoded), "`key` is empty");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(key in "\\PC{1,200}|[a-z+% /]{1,200}") {
            let mut encoded = String::new();
            for byte in key.bytes() {
                match byte {
                    b' ' => encoded.push('+'),
                    byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
                    byte => write!(encoded, "%{byte:02X}").unwrap(),
                }
            }
            prop_assert_eq!(read(&encoded, url_decoded), key);
        }
    }
}
