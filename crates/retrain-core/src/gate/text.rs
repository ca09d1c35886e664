//! What is written into AWS's fields and into notifications.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{InvalidText, shortened};

/// The longest `ApprovalDescription`, in UTF-16 units: never more characters than
/// that, however they are counted.
pub const MAX_APPROVAL_DESCRIPTION: usize = 1_024;
/// The longest key of a custom metadata entry, in characters.
pub const MAX_METADATA_KEY: usize = 128;
/// The longest value of a custom metadata entry, in characters.
pub const MAX_METADATA_VALUE: usize = 256;

/// Text for `ApprovalDescription`: one line within SageMaker's limit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ApprovalDescription(String);

impl ApprovalDescription {
    /// Makes one of any text: [one line](one_line), and cut with `…` where it is too
    /// long.
    pub fn new(text: &str) -> Self {
        let line = one_line(text);
        if utf16_len(&line) <= MAX_APPROVAL_DESCRIPTION {
            return Self(line);
        }
        let mut room = MAX_APPROVAL_DESCRIPTION - 1;
        let mut cut: String = line
            .chars()
            .take_while(|c| {
                let fits = room >= c.len_utf16();
                room = room.saturating_sub(c.len_utf16());
                fits
            })
            .collect();
        cut.push('…');
        Self(cut)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

impl From<String> for ApprovalDescription {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<ApprovalDescription> for String {
    fn from(text: ApprovalDescription) -> Self {
        text.0
    }
}

/// The text as one line: every character that would end a line, move the cursor or
/// turn the direction of writing is a space.
pub fn one_line(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}'
            )
    };
    text.chars()
        .map(|c| if steers(c) { ' ' } else { c })
        .collect()
}

/// Other people's text inside a sentence of ours: in quotes, one line, not long.
pub(super) fn quoted(text: &str) -> String {
    let shown = shortened(text, 80);
    alloc::format!("{:?}", one_line(&shown))
}

/// Text for a cell of a Markdown table: nothing in it is taken for markup.
pub(super) fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in one_line(text).chars() {
        if matches!(
            c,
            '|' | '\\' | '`' | '*' | '<' | '>' | '[' | ']' | '~' | '!'
        ) {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A key of a package's custom metadata.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetadataKey(String);

/// A value of a package's custom metadata.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetadataValue(String);

/// Whether the character is written into metadata.
///
/// SageMaker takes `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. Of its letters these are the Latin
/// ones, of its spaces the plain one, of its digits those of ASCII: what ids, URIs and
/// names of people need, and none that two versions of Unicode see differently.
fn is_metadata(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, ' ' | '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
        || (matches!(c, '\u{c0}'..='\u{24f}') && c.is_alphabetic())
}

fn fits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && text.chars().all(is_metadata)
}

impl MetadataKey {
    /// Parses a key: 1 to 128 characters. A key is never changed to fit, because it
    /// would be another key.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        if fits(&text, MAX_METADATA_KEY) {
            return Ok(Self(text));
        }
        let rule = "1 to 128 Latin letters, digits, spaces and _ . : / = + - @";
        Err(InvalidText::new("metadata key", rule, &text))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MetadataValue {
    /// Parses a value that is written as it is: 1 to 256 characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        if fits(&text, MAX_METADATA_VALUE) {
            return Ok(Self(text));
        }
        let rule = "1 to 256 Latin letters, digits, spaces and _ . : / = + - @";
        Err(InvalidText::new("metadata value", rule, &text))
    }

    /// Makes a value of any text: each character that cannot be written becomes `_`,
    /// and text that is too long is cut and ends with `...`. `None` for empty text,
    /// which is no value.
    pub fn fitted(text: &str) -> Option<Self> {
        let writable = |c| if is_metadata(c) { c } else { '_' };
        let whole = text.chars().count() <= MAX_METADATA_VALUE;
        let fitted: String = if whole {
            text.chars().map(writable).collect()
        } else {
            let head = text.chars().take(MAX_METADATA_VALUE - 3);
            head.map(writable).chain("...".chars()).collect()
        };
        (!fitted.is_empty()).then_some(Self(fitted))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

shown!(ApprovalDescription);
shown!(MetadataKey);
shown!(MetadataValue);

macro_rules! parsed {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.to_string()
            }
        }
    };
}

parsed!(MetadataKey);
parsed!(MetadataValue);
