//! A report of a model package: other people's JSON.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::metric::Pointer;
use super::number::Number;
use super::text::{one_line, quoted};

/// The largest report that is read, in bytes.
pub const MAX_REPORT_BYTES: u64 = 1024 * 1024;

/// A report that a model package names, as far as it could be had.
///
/// A fault that passes, such as throttling, is none of these: whoever reads reports
/// reports it as an error and tries again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// The object's bytes, whatever they are.
    Read(Vec<u8>),
    /// The package names none.
    #[default]
    Absent,
    /// It is named, and cannot be had: no such object, access denied.
    Unreadable(String),
    /// It is larger than anybody wants to read.
    TooLarge {
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
}

/// A JSON value. A key that stands twice makes a document unreadable: whoever reads the
/// first value and whoever reads the second would see two different models.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool,
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Report {
    /// The document, `None` if there is none, or why it cannot be read.
    pub(super) fn document(&self) -> Result<Option<Json>, String> {
        match self {
            Self::Absent => Ok(None),
            Self::Unreadable(why) => Err(format!("cannot be read: {}", quoted(why))),
            Self::TooLarge { bytes, limit } => Err(too_large(*bytes, *limit)),
            Self::Read(bytes) => match u64::try_from(bytes.len()) {
                Ok(length) if length <= MAX_REPORT_BYTES => parse(bytes).map(Some),
                Ok(length) => Err(too_large(length, MAX_REPORT_BYTES)),
                Err(_) => Err(too_large(u64::MAX, MAX_REPORT_BYTES)),
            },
        }
    }
}

fn too_large(bytes: u64, limit: u64) -> String {
    format!("has {bytes} bytes, more than the limit of {limit}")
}

fn parse(bytes: &[u8]) -> Result<Json, String> {
    let text =
        core::str::from_utf8(bytes).map_err(|error| format!("is not JSON in UTF-8: {error}"))?;
    // Some tools of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let at = format_args!("line {} column {}", error.line(), error.column());
        match bare_constant(text, &error) {
            Some(word) => {
                format!("is not JSON: a bare {word} at {at}, as Python's json.dumps writes it")
            }
            None => format!("is not JSON: {}", one_line(&error.to_string())),
        }
    })
}

/// The constant of Python's that stands where the parser stopped, if one does.
fn bare_constant<'a>(text: &'a str, error: &serde_json::Error) -> Option<&'a str> {
    if !error.is_syntax() {
        return None;
    }
    let line = text.split('\n').nth(error.line().checked_sub(1)?)?;
    // The parser stops at a word's first character or, after a sign, at its second.
    let stopped = error.column().checked_sub(1)?;
    ["NaN", "-Infinity", "Infinity"]
        .into_iter()
        .find_map(|word| {
            let starts = (stopped.saturating_sub(1)..=stopped)
                .find(|at| line.get(*at..).is_some_and(|rest| rest.starts_with(word)))?;
            line.get(starts..starts + word.len())
        })
}

impl Json {
    /// The value at a pointer, or why there is none.
    pub(super) fn at(&self, pointer: &Pointer) -> Result<&Self, String> {
        let mut value = self;
        for step in pointer.steps() {
            let next = match value {
                Self::Map(map) => map.get(&step),
                Self::List(list) => index(&step).and_then(|index| list.get(index)),
                Self::Null | Self::Bool | Self::Number(_) | Self::Text(_) => None,
            };
            value = next.ok_or_else(|| format!("has no {pointer}"))?;
        }
        Ok(value)
    }

    /// The number that it is, or what it is instead.
    pub(super) fn number(&self) -> Result<Number, String> {
        match self {
            Self::Number(value) => Number::new(*value).ok_or_else(|| "is too large".to_string()),
            Self::Text(text) => Err(format!("is the text {}, not a number", quoted(text))),
            Self::Null => Err("is null".to_string()),
            Self::Bool => Err("is true or false, not a number".to_string()),
            Self::List(_) => Err("is a list, not a number".to_string()),
            Self::Map(_) => Err("is an object, not a number".to_string()),
        }
    }

    pub(super) const fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// An index as JSON pointers write it: no sign, no leading zero.
fn index(step: &str) -> Option<usize> {
    let plain = step.bytes().all(|b| b.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    plain.then(|| step.parse().ok()).flatten()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "fifteen digits count, and a double keeps them"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "fifteen digits count, and a double keeps them"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, Json>()? {
            if map.contains_key(&key) {
                let key = quoted(&key);
                return Err(A::Error::custom(format_args!("the key {key} stands twice")));
            }
            map.insert(key, value);
        }
        Ok(Json::Map(map))
    }
}
