//! What is wrong with an event, in words that fit a log line.

use retrain_core::names::shortened;
use serde_json::Value;
use thiserror::Error;

/// An event that cannot be read. Delivering the same bytes again cannot help, so
/// each of these is a terminal error.
///
/// The fields are ready for print: escaped and cut, whatever the event held.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidEvent {
    /// A scalar or a list where fields were expected.
    #[error("`{path}` is {found}, not an object")]
    NotAnObject {
        /// Where.
        path: String,
        /// What was there instead.
        found: String,
    },
    /// A field is absent or null.
    #[error("`{path}` is missing")]
    MissingField {
        /// Where.
        path: String,
    },
    /// A field holds something that has no meaning there.
    #[error("`{path}` {reason}")]
    InvalidField {
        /// Where.
        path: String,
        /// The rest of the sentence.
        reason: String,
    },
    /// Not an event that the function reads: a rule or trigger points at the wrong
    /// function.
    #[error("`{path}`: no such event here: detail-type {detail_type}, source {source_name}")]
    UnknownEvent {
        /// Where the event is told apart.
        path: String,
        /// The event's source, quoted, or `absent`.
        source_name: String,
        /// The event's detail-type, quoted, or `absent`.
        detail_type: String,
    },
    /// The ARN and the details speak of different alarms.
    #[error("`{path}` is {alarm_name}, but the ARN names the alarm {arn_name}")]
    AlarmNameMismatch {
        /// Where the name is.
        path: String,
        /// The name that the details give.
        alarm_name: String,
        /// The name at the end of the ARN.
        arn_name: String,
    },
}

impl InvalidEvent {
    /// The error's type as the dead-letter queue shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAnObject { .. } => "NotAnObject",
            Self::MissingField { .. } => "MissingField",
            Self::InvalidField { .. } => "InvalidField",
            Self::UnknownEvent { .. } => "UnknownEvent",
            Self::AlarmNameMismatch { .. } => "AlarmNameMismatch",
        }
    }

    /// The path of the field that is at fault, `$` for the whole event.
    pub fn path(&self) -> &str {
        match self {
            Self::NotAnObject { path, .. }
            | Self::MissingField { path }
            | Self::InvalidField { path, .. }
            | Self::UnknownEvent { path, .. }
            | Self::AlarmNameMismatch { path, .. } => path,
        }
    }
}

/// Text from an event, quoted, escaped and cut. Cut twice, because escaping may make
/// ten characters of one.
pub(crate) fn quoted(text: &str) -> String {
    shortened(&format!("{:?}", shortened(text, 60)), 90)
}

/// A value from an event in a few words. Lists and objects show only what they are.
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => shortened(&number.to_string(), 40),
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_text_is_shown_short_and_escaped() {
        let shown = quoted(&"\u{1}\n".repeat(1_000_000));
        assert!(
            shown.chars().count() <= 91 && !shown.contains('\n'),
            "{shown}"
        );
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
    }

    #[test]
    fn values_are_described_without_their_contents() {
        assert_eq!(described(&json!([1, 2])), "a list");
        assert_eq!(described(&json!({"a": 1})), "an object");
        assert_eq!(described(&json!(1.5)), "1.5");
        assert_eq!(described(&json!(null)), "null");
    }
}
