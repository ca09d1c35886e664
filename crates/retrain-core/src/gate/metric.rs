//! Where a metric stands.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A metric of a model package, as policies write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub enum Metric {
    /// `auc`: a metric of the evaluation report by name, whatever kind of model it
    /// evaluates.
    Named(String),
    /// `/binary_classification_metrics/auc/value`: a number in the evaluation report.
    Evaluation(Pointer),
    /// `bias:DPPL`: how far a bias metric is from parity, where it is farthest.
    Bias(String),
    /// `explainability:/…`: a number in the explainability report.
    Explainability(Pointer),
    /// `metadata:latency_p99_ms`: a number in the package's custom metadata.
    Metadata(String),
}

/// A JSON pointer (RFC 6901) to a part of a document.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer(String);

/// Why a text is not a metric.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidMetric {
    /// No report has such a name.
    #[error("a name has 1 to 128 letters, digits and _ . @ + -")]
    Name,
    /// Not what RFC 6901 allows.
    #[error("a JSON pointer begins with /, has at most 512 characters, and ~ only as ~0 or ~1")]
    Pointer,
    /// There is no such source.
    #[error("there is no source {0:?}: write bias:, explainability: or metadata:, or none")]
    Source(String),
    /// No key of custom metadata.
    #[error("a metadata key has 1 to 128 characters without control characters")]
    Key,
}

impl Metric {
    /// Parses a metric.
    pub fn parse(text: &str) -> Result<Self, InvalidMetric> {
        if text.starts_with('/') {
            return Pointer::parse(text).map(Self::Evaluation);
        }
        match text.split_once(':') {
            None => name(text).map(Self::Named),
            Some(("bias", metric)) => name(metric).map(Self::Bias),
            Some(("explainability", pointer)) => Pointer::parse(pointer).map(Self::Explainability),
            Some(("metadata", key)) => {
                let fits = (1..=super::text::MAX_METADATA_KEY).contains(&key.chars().count())
                    && !key.contains(char::is_control);
                if fits {
                    Ok(Self::Metadata(key.to_string()))
                } else {
                    Err(InvalidMetric::Key)
                }
            }
            Some((source, _)) => Err(InvalidMetric::Source(source.chars().take(40).collect())),
        }
    }
}

fn name(text: &str) -> Result<String, InvalidMetric> {
    let fits = (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'+' | b'-'));
    if fits {
        Ok(text.to_string())
    } else {
        Err(InvalidMetric::Name)
    }
}

impl Pointer {
    /// Parses a pointer to a part; the whole document is none.
    pub fn parse(text: &str) -> Result<Self, InvalidMetric> {
        let escapes = text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && text.chars().count() <= 512 && escapes {
            Ok(Self(text.to_string()))
        } else {
            Err(InvalidMetric::Pointer)
        }
    }

    /// Points to `key` in each of these.
    pub(super) fn to<const N: usize>(keys: [&str; N]) -> Self {
        let mut text = String::new();
        for key in keys {
            text.push('/');
            text.push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
        Self(text)
    }

    /// The keys and indexes on the way.
    pub(super) fn steps(&self) -> impl Iterator<Item = String> {
        self.0
            .split('/')
            .skip(1)
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
    }
}

impl TryFrom<String> for Metric {
    type Error = InvalidMetric;

    fn try_from(text: String) -> Result<Self, InvalidMetric> {
        Self::parse(&text)
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        format!("{metric}")
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Evaluation(pointer) => pointer.fmt(f),
            Self::Bias(name) => write!(f, "bias:{name}"),
            Self::Explainability(pointer) => write!(f, "explainability:{pointer}"),
            Self::Metadata(key) => write!(f, "metadata:{key}"),
        }
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
