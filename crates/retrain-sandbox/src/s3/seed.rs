//! Buckets and small objects of a seed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{NewObject, S3, S3Error, Versioning};

/// One bucket of a seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedBucket {
    /// Its name.
    pub name: String,
    /// Whether it has versioning.
    #[serde(default)]
    pub versioning: bool,
    /// What is in it.
    #[serde(default)]
    pub objects: Vec<SeedObject>,
}

/// One object of a seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedObject {
    /// Its key.
    pub key: String,
    /// Its content: a string as it is, anything else as compact JSON.
    pub body: Value,
    /// Its user metadata.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl SeedBucket {
    pub(crate) fn plant(&self, s3: &S3) -> Result<(), S3Error> {
        let versioning = if self.versioning {
            Versioning::Enabled
        } else {
            Versioning::Disabled
        };
        s3.create_bucket(&self.name, versioning)?;
        for object in &self.objects {
            let body = match &object.body {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let new = object
                .metadata
                .iter()
                .fold(NewObject::new(body), |new, (name, value)| {
                    new.metadata(name, value)
                });
            s3.put_object(&self.name, &object.key, new)?;
        }
        Ok(())
    }
}
