//! Which S3 objects are training data, and how much of it retrains a model.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::period::Period;

/// Which S3 objects are training data of a model, and how much of it retrains it.
///
/// A start is called for when every given minimum is reached and no object has come
/// for `quiet_period`, or when the oldest counted object has waited for `max_wait`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DataPolicy {
    /// The objects that are the model's; 1 to 20. Of several that match, the one
    /// with the longest prefix counts.
    pub objects: Vec<ObjectMatcher>,

    /// The least number of new rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u64>,

    /// The least number of new objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_objects: Option<u64>,

    /// The least number of new bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bytes: Option<u64>,

    /// How long no object must have come before a start: a batch that is still
    /// being written is not torn apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_period: Option<Period>,

    /// How long new rows wait at most, however few they are; from one minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<Period>,

    /// The objects that say that a batch is complete, such as Spark's `_SUCCESS`:
    /// then the minimums start nothing before one of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_when: Option<Completion>,

    /// The name of the user metadata that tells an object's rows, such as
    /// `row-count` for `x-amz-meta-row-count`. Without it, rows are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_row_count: Option<String>,

    /// Where a manifest of exactly the objects that a start takes is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestPolicy>,
}

/// Some objects of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectMatcher {
    /// The bucket.
    pub bucket: String,
    /// What the key begins with, usually up to a `/`.
    #[serde(default)]
    pub prefix: String,
    /// What the key ends with, such as `.parquet`.
    #[serde(default)]
    pub suffix: String,
    /// What is in the objects. Without it, the key's suffix tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ObjectFormat>,
}

/// What is in an object. Compression is recognised by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ObjectFormat {
    /// Parquet.
    Parquet,
    /// ORC.
    Orc,
    /// CSV whose first record is a row.
    Csv,
    /// CSV whose first record names the columns.
    CsvWithHeader,
    /// One JSON value per line.
    JsonLines,
    /// The manifest of a Redshift `UNLOAD ... MANIFEST VERBOSE`.
    RedshiftManifest,
    /// A SageMaker manifest file, which lists objects.
    SagemakerManifest,
}

/// The objects that say that a batch is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Completion {
    /// What their keys end with, such as `/_SUCCESS`.
    pub suffix: String,
}

/// Where manifests are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ManifestPolicy {
    /// The bucket.
    pub bucket: String,
    /// What the manifests' keys begin with.
    #[serde(default)]
    pub prefix: String,
}

/// The longest key of an S3 object, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;

impl DataPolicy {
    /// The rules that no single field can check for itself.
    pub fn check(&self) -> Result<(), PolicyError> {
        if !(1..=20).contains(&self.objects.len()) {
            return Err(PolicyError::at("data.objects", "must have 1 to 20 entries"));
        }
        for (at, matcher) in self.objects.iter().enumerate() {
            let field = alloc::format!("data.objects[{at}]");
            check_bucket(&field, &matcher.bucket)?;
            if matcher.prefix.is_empty() && matcher.suffix.is_empty() {
                return Err(PolicyError::at(
                    field,
                    "needs a prefix or a suffix: a whole bucket is no training data",
                ));
            }
            if matcher.prefix.len() + matcher.suffix.len() > MAX_KEY_BYTES {
                return Err(PolicyError::at(field, "no key is that long"));
            }
        }
        let minimums = [
            ("min_rows", self.min_rows),
            ("min_objects", self.min_objects),
            ("min_bytes", self.min_bytes),
        ];
        for (field, minimum) in minimums {
            if minimum == Some(0) {
                return Err(PolicyError::at(
                    format_args!("data.{field}"),
                    "must be at least 1",
                ));
            }
        }
        if minimums.iter().all(|(_, minimum)| minimum.is_none())
            && self.complete_when.is_none()
            && self.max_wait.is_none()
        {
            return Err(PolicyError::at(
                "data",
                "needs one of min_rows, min_objects, min_bytes, complete_when, max_wait",
            ));
        }
        if self
            .max_wait
            .is_some_and(|wait| wait < Period::from_mins(1))
        {
            return Err(PolicyError::at("data.max_wait", "must be at least 1m"));
        }
        if let Some(completion) = &self.complete_when
            && !(1..=MAX_KEY_BYTES).contains(&completion.suffix.len())
        {
            return Err(PolicyError::at(
                "data.complete_when.suffix",
                "must have 1 to 1024 bytes",
            ));
        }
        if let Some(name) = &self.trusted_row_count
            && !((1..=128).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        {
            return Err(PolicyError::at(
                "data.trusted_row_count",
                "must be 1 to 128 lower-case letters, digits and hyphens",
            ));
        }
        if let Some(manifest) = &self.manifest {
            check_bucket("data.manifest", &manifest.bucket)?;
            if manifest.prefix.len() > 700 {
                return Err(PolicyError::at(
                    "data.manifest.prefix",
                    "must have at most 700 bytes",
                ));
            }
            let example = alloc::format!("{}model/token.json", manifest.prefix);
            if self.role(&manifest.bucket, &example).is_some() {
                return Err(PolicyError::at(
                    "data.manifest",
                    "its objects would be counted as training data: use another bucket or prefix, or begin the prefix's last part with an underscore",
                ));
            }
        }
        Ok(())
    }

    /// What the policy says about an object, if it is the model's.
    pub fn role(&self, bucket: &str, key: &str) -> Option<Role> {
        let of_bucket = || self.objects.iter().filter(|of| of.bucket == bucket);
        let below = |of: &&ObjectMatcher| key.starts_with(of.prefix.as_str());
        if let Some(completion) = &self.complete_when
            && key.ends_with(completion.suffix.as_str())
        {
            let prefix = of_bucket().filter(below).map(|of| of.prefix.len()).max()?;
            return Some(Role {
                prefix,
                is: Is::Completion,
            });
        }
        let matcher = of_bucket()
            .filter(below)
            .filter(|of| !is_hidden(key, &of.prefix))
            .filter(|of| {
                key.ends_with(of.suffix.as_str()) && key.len() >= of.prefix.len() + of.suffix.len()
            })
            .max_by_key(|of| (of.prefix.len(), of.suffix.len()))?;
        Some(Role {
            prefix: matcher.prefix.len(),
            is: Is::Data(matcher.format),
        })
    }
}

/// Whether a part of the key below the prefix begins with `_` or `.`: Spark, Hive and
/// Athena take such objects for side files and unfinished work, not for data.
fn is_hidden(key: &str, prefix: &str) -> bool {
    let below = key.strip_prefix(prefix).unwrap_or(key);
    below.split('/').any(|part| part.starts_with(['_', '.']))
}

/// What a policy says about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// How long the prefix is by which it is the model's: of several models, the
    /// longest takes it.
    pub prefix: usize,
    /// What it is.
    pub is: Is,
}

/// What an object is to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Training data, in this format if the policy says so.
    Data(Option<ObjectFormat>),
    /// The sign that a batch is complete.
    Completion,
}

/// S3's rules for names of general purpose buckets, as far as they matter here.
fn check_bucket(field: &str, bucket: &str) -> Result<(), PolicyError> {
    let fits = (3..=63).contains(&bucket.len())
        && bucket
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    if fits {
        Ok(())
    } else {
        Err(PolicyError::at(
            format_args!("{field}.bucket"),
            "must be 3 to 63 lower-case letters, digits, dots and hyphens",
        ))
    }
}
