//! Instants in the spellings that AWS uses.

use jiff::Timestamp;
use serde_json::Value;

/// Numbers below this are epoch seconds or counters: as milliseconds they would lie
/// before March 1973.
const FIRST_MILLISECOND: f64 = 1e11;

/// No timestamp is longer, whatever its fraction; keeps hostile text from the parser.
const LONGEST: usize = 64;

/// An instant, cut to the millisecond so that the same one told with more or fewer
/// digits stays the same.
///
/// CloudWatch writes ISO 8601 with an offset that has no colon
/// (`2026-01-05T06:00:00.000+0000`); EventBridge envelopes hold RFC 3339, and some
/// deliveries epoch milliseconds as number or text.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    let instant = match value {
        Value::Number(number) => from_milliseconds(number.as_f64()?)?,
        Value::String(text) => from_text(text.trim())?,
        _ => return None,
    };
    Timestamp::from_millisecond(instant.as_millisecond()).ok()
}

fn from_text(text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST {
        return None;
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return from_milliseconds(text.parse().ok()?);
    }
    text.parse().ok()
}

/// Doubles hold every millisecond of the years that jiff knows exactly.
fn from_milliseconds(number: f64) -> Option<Timestamp> {
    let last = Timestamp::MAX.as_millisecond();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let last = last as f64;
    if !(FIRST_MILLISECOND..=last).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole milliseconds, in range"
    )]
    Timestamp::from_millisecond(number as i64).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_the_same_instant() {
        let expected: Timestamp = "2026-01-05T06:00:00.123Z".parse().unwrap();
        for spelling in [
            json!("2026-01-05T06:00:00.123+0000"),
            json!("2026-01-05T06:00:00.123Z"),
            json!("2026-01-05T06:00:00.123+00:00"),
            json!("2026-01-05T07:00:00.123+0100"),
            json!("2026-01-05T06:00:00.123999Z"),
            json!(1_767_592_800_123_i64),
            json!(1_767_592_800_123.75),
            json!(1_767_592_800_123.0),
            json!("1767592800123"),
            json!("1767592800123.5"),
        ] {
            assert_eq!(instant(&spelling), Some(expected), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for other in [
            json!(null),
            json!(true),
            json!(""),
            json!("."),
            json!("yesterday"),
            json!("2026-01-05"),
            json!("2026-01-05T06:00:00"),
            json!("2026-13-05T06:00:00Z"),
            json!(1_767_592_800),
            json!(-1),
            json!(u64::MAX),
            json!(1e300),
            json!("9".repeat(1000)),
            json!(["2026-01-05T06:00:00Z"]),
        ] {
            assert_eq!(instant(&other), None, "{other}");
        }
    }
}
