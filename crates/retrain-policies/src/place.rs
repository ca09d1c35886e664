//! Where policies are.

use std::fmt;

use retrain_core::names::{InvalidText, ParameterName};
use thiserror::Error;

/// Where all policies are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyPlace {
    /// Each model's in a parameter of its own, under this path of Parameter Store.
    Path(ParameterName),
    /// All in one object of S3.
    Bundle(BundleUri),
}

impl PolicyPlace {
    /// The place that two settings name: the bundle, if there is one, otherwise the path.
    /// Nothing if neither says anything.
    pub fn of(path: Option<String>, bundle: Option<String>) -> Result<Option<Self>, InvalidPlace> {
        let said = |text: &String| !text.is_empty();
        if let Some(bundle) = bundle.filter(said) {
            return Ok(Some(Self::Bundle(BundleUri::parse(&bundle)?)));
        }
        let path = path.filter(said).map(ParameterName::parse);
        Ok(path.transpose()?.map(Self::Path))
    }
}

impl fmt::Display for PolicyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Bundle(uri) => uri.fmt(f),
        }
    }
}

/// Text that names no place of policies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidPlace {
    /// No path of Parameter Store.
    #[error(transparent)]
    Path(#[from] InvalidText),
    /// No bundle.
    #[error(transparent)]
    Bundle(#[from] InvalidBundleUri),
}

/// The object of S3 that holds all policies: `s3://BUCKET/KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleUri {
    bucket: String,
    key: String,
}

/// Text that names no bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not s3://BUCKET/KEY, with a key of at most 1024 letters, digits and . - _ = / that begins with none of these but an underscore"
)]
pub struct InvalidBundleUri(String);

impl BundleUri {
    /// Reads `s3://BUCKET/KEY`. The key is also part of a permission, where other characters
    /// would mean something else.
    pub fn parse(text: &str) -> Result<Self, InvalidBundleUri> {
        let place = text.strip_prefix("s3://");
        let place = place.and_then(|place| place.split_once('/'));
        let is_bucket = |bucket: &str| {
            let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            (3..=63).contains(&bucket.len())
                && bucket.bytes().all(|b| letter(b) || b == b'.' || b == b'-')
        };
        let is_key = |key: &str| {
            let first = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            (1..=1_024).contains(&key.len())
                && key.bytes().next().is_some_and(first)
                && key
                    .bytes()
                    .all(|b| first(b) || matches!(b, b'.' | b'-' | b'=' | b'/'))
                && !key.ends_with('/')
        };
        match place {
            Some((bucket, key)) if is_bucket(bucket) && is_key(key) => Ok(Self {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => Err(InvalidBundleUri(text.chars().take(80).collect())),
        }
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for BundleUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_a_bucket_and_a_key() {
        let uri = BundleUri::parse("s3://ml-policies/team=a/_all.v1.jsonl.gz").unwrap();
        assert_eq!(uri.bucket(), "ml-policies");
        assert_eq!(uri.key(), "team=a/_all.v1.jsonl.gz");
        assert_eq!(uri.to_string(), "s3://ml-policies/team=a/_all.v1.jsonl.gz");
        let long = format!("s3://bucket/{}", "k".repeat(1_025));
        for bad in [
            "",
            "/retrain/policies",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/folder/",
            "s3://bucket//k",
            "s3://Bucket/k",
            "s3://b/k",
            "s3://bucket/*",
            "s3://bucket/a?b",
            "s3://bucket/${x}",
            "https://bucket/k",
            &long,
        ] {
            assert!(BundleUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bundle_goes_before_a_path() {
        let of = |path: &str, bundle: &str| {
            PolicyPlace::of(Some(path.to_owned()), Some(bundle.to_owned()))
                .map(|place| place.map(|place| place.to_string()))
        };
        assert_eq!(of("", "").unwrap(), None);
        assert_eq!(PolicyPlace::of(None, None).unwrap(), None);
        assert_eq!(of("/a/b", "").unwrap().as_deref(), Some("/a/b"));
        for path in ["", "/a/b"] {
            let place = of(path, "s3://policies/all").unwrap();
            assert_eq!(place.as_deref(), Some("s3://policies/all"));
            assert!(of(path, "policies/all").is_err());
        }
        assert!(of("no-slash", "").is_err());
    }
}
