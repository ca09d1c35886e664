//! Names with wildcards.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::names::InvalidText;

/// A name with `*` wildcards, matched against a whole name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub struct NamePattern(String);

impl NamePattern {
    /// Parses a pattern of 1 to 255 characters; a lone `*` is refused, because a
    /// catch-all retrains the wrong model.
    pub fn parse(value: impl Into<String>) -> Result<Self, InvalidText> {
        let value = value.into();
        let rule = "1 to 255 characters, * stands for any text, and at least one other character";
        let chars = value.chars().count();
        if (1..=255).contains(&chars) && value.chars().any(|c| c != '*') {
            Ok(Self(value))
        } else {
            Err(InvalidText::new("name pattern", rule, &value))
        }
    }

    /// Whether the whole name fits the pattern. Linear in the product of the
    /// lengths at worst: no backtracking blow-up on hostile names.
    pub fn matches(&self, name: &str) -> bool {
        let pattern = self.0.as_bytes();
        let name = name.as_bytes();
        let (mut p, mut n) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            if pattern.get(p) == Some(&b'*') {
                star = Some((p, n));
                p += 1;
            } else if pattern.get(p) == name.get(n) {
                p += 1;
                n += 1;
            } else if let Some((at, eaten)) = star {
                star = Some((at, eaten + 1));
                p = at + 1;
                n = eaten + 1;
            } else {
                return false;
            }
        }
        pattern
            .get(p..)
            .is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
    }
}

impl TryFrom<String> for NamePattern {
    type Error = InvalidText;

    fn try_from(value: String) -> Result<Self, InvalidText> {
        Self::parse(value)
    }
}

impl From<NamePattern> for String {
    fn from(value: NamePattern) -> Self {
        value.0
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let table = [
            ("fraud-*", "fraud-drift", true),
            ("fraud-*", "my-fraud-drift", false),
            ("*-drift", "fraud-drift", true),
            ("*-drift", "fraud-drift-2", false),
            ("a*b*c", "a--b--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(
                NamePattern::parse(pattern).unwrap().matches(name),
                expected,
                "{pattern} {name}"
            );
        }
        assert!(NamePattern::parse("*").is_err());
        assert!(NamePattern::parse("").is_err());
    }
}
