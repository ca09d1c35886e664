//! Buckets and the versions of their objects.

use std::collections::BTreeMap;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::content::Content;
use super::error::S3Error;
use super::event::{Creation, Event, Happened};
use super::ids;
use super::multipart::Upload;

const MAX_KEY_BYTES: usize = 1024;
const MAX_METADATA_BYTES: usize = 2 * 1024;

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// Objects have no version ids; an overwrite and a deletion are final.
    Disabled,
    /// Every write is a version of its own, and a deletion is a marker.
    Enabled,
}

/// Everything S3 knows.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) account: String,
    pub(super) region: String,
    buckets: BTreeMap<String, Bucket>,
    /// By upload id.
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) events: Vec<Event>,
    pub(super) missing_is_denied: bool,
    changes: u64,
    requests: u64,
}

#[derive(Debug)]
struct Bucket {
    versioning: Versioning,
    /// Whether EventBridge is told of its objects.
    notifies: bool,
    /// The versions of each key, the newest last. No key has none.
    keys: BTreeMap<String, Vec<Version>>,
}

/// One version of an object, or a delete marker.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) id: Option<String>,
    /// None for a delete marker.
    pub(super) object: Option<Object>,
}

/// What a version holds.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) content: Content,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    /// Its metadata and what else is given back with it.
    pub(super) description: HeaderMap,
    pub(super) checksum: Option<(HeaderName, HeaderValue)>,
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) by: Creation,
    pub(super) content: Content,
    /// The `ETag`, if it does not follow from the content.
    pub(super) etag: Option<String>,
    pub(super) description: HeaderMap,
    pub(super) checksum: Option<(HeaderName, HeaderValue)>,
}

/// The request that changes something.
#[derive(Debug)]
pub(super) struct Occasion {
    pub(super) at: Timestamp,
    pub(super) request_id: String,
}

impl Store {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            buckets: BTreeMap::new(),
            uploads: BTreeMap::new(),
            events: Vec::new(),
            missing_is_denied: false,
            changes: 0,
            requests: 0,
        }
    }

    pub(super) fn occasion(&mut self, at: Timestamp) -> Occasion {
        self.requests += 1;
        Occasion {
            at,
            request_id: ids::request_id(self.requests),
        }
    }

    /// A number that was never given before.
    pub(super) fn next_change(&mut self) -> u64 {
        let change = self.changes;
        self.changes += 1;
        change
    }

    pub(super) fn create_bucket(
        &mut self,
        name: &str,
        versioning: Versioning,
    ) -> Result<(), S3Error> {
        if !is_bucket_name(name) {
            return Err(
                S3Error::new("InvalidBucketName", "The specified bucket is not valid.")
                    .member("BucketName", name),
            );
        }
        if self.buckets.contains_key(name) {
            return Err(S3Error::new(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own \
                 it.",
            )
            .member("BucketName", name));
        }
        let keys = BTreeMap::new();
        let bucket = Bucket {
            versioning,
            notifies: false,
            keys,
        };
        self.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    /// That a bucket exists and may have such an object.
    pub(super) fn check_new(
        &self,
        bucket: &str,
        key: &str,
        description: &HeaderMap,
    ) -> Result<(), S3Error> {
        self.bucket(bucket)?;
        if key.len() > MAX_KEY_BYTES {
            return Err(S3Error::new("KeyTooLongError", "Your key is too long"));
        }
        let metadata: usize = description
            .iter()
            .filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix("x-amz-meta-")?;
                Some(name.len() + value.len())
            })
            .sum();
        if metadata > MAX_METADATA_BYTES {
            return Err(S3Error::new(
                "MetadataTooLarge",
                "Your metadata headers exceed the maximum allowed metadata size",
            ));
        }
        Ok(())
    }

    /// Writes an object, and says so.
    pub(super) fn write(
        &mut self,
        bucket: &str,
        key: &str,
        write: Write,
        occasion: &Occasion,
    ) -> Result<Version, S3Error> {
        self.check_new(bucket, key, &write.description)?;
        let change = self.next_change();
        let object = Object {
            etag: write.etag.unwrap_or_else(|| write.content.etag(change)),
            content: write.content,
            modified: occasion.at,
            description: write.description,
            checksum: write.checksum,
        };
        let what = Happened::Created {
            by: write.by,
            size: object.content.size(),
            etag: object.etag.clone(),
        };
        let version = self.push(bucket, key, change, Some(object))?;
        self.announce(bucket, key, version.id.clone(), change, what, occasion);
        Ok(version)
    }

    fn push(
        &mut self,
        bucket: &str,
        key: &str,
        change: u64,
        object: Option<Object>,
    ) -> Result<Version, S3Error> {
        let bucket = self
            .buckets
            .get_mut(bucket)
            .ok_or_else(|| no_such_bucket(bucket))?;
        let versions = bucket.keys.entry(key.to_owned()).or_default();
        let id = match bucket.versioning {
            Versioning::Enabled => Some(ids::version_id(change)),
            Versioning::Disabled => {
                versions.clear();
                None
            }
        };
        let version = Version { id, object };
        versions.push(version.clone());
        Ok(version)
    }

    /// Deletes an object or, with an id, one of its versions. Returns what was
    /// put in its place (a delete marker) or what is gone.
    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        occasion: &Occasion,
    ) -> Result<Option<Version>, S3Error> {
        let marks = self.bucket(bucket)?.versioning == Versioning::Enabled;
        if marks && version_id.is_none() {
            let change = self.next_change();
            let marker = self.push(bucket, key, change, None)?;
            let what = Happened::DeleteMarkerCreated;
            self.announce(bucket, key, marker.id.clone(), change, what, occasion);
            return Ok(Some(marker));
        }
        let Some(keys) = self.buckets.get_mut(bucket).map(|bucket| &mut bucket.keys) else {
            return Ok(None);
        };
        let Some(versions) = keys.get_mut(key) else {
            return Ok(None);
        };
        let Some(place) = position(versions, version_id) else {
            return Ok(None);
        };
        let gone = versions.remove(place);
        if versions.is_empty() {
            keys.remove(key);
        }
        let change = self.next_change();
        let what = Happened::PermanentlyDeleted;
        self.announce(bucket, key, gone.id.clone(), change, what, occasion);
        Ok(Some(gone))
    }

    fn announce(
        &mut self,
        bucket: &str,
        key: &str,
        version_id: Option<String>,
        change: u64,
        what: Happened,
        occasion: &Occasion,
    ) {
        self.events.push(Event {
            account: self.account.clone(),
            region: self.region.clone(),
            at: occasion.at,
            request_id: occasion.request_id.clone(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id,
            change,
            what,
        });
    }

    /// The version of an object that a read means, and its content.
    pub(super) fn find(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(&Version, &Object), S3Error> {
        let missing = |code: &str, message: &str| {
            if self.missing_is_denied {
                S3Error::new("AccessDenied", "Access Denied")
            } else {
                S3Error::new(code, message).member("Key", key)
            }
        };
        let no_key = || missing("NoSuchKey", "The specified key does not exist.");
        let versions = self.bucket(bucket)?.keys.get(key);
        let version = match version_id {
            None => versions
                .and_then(|versions| versions.last())
                .ok_or_else(no_key)?,
            Some(id) => versions
                .and_then(|versions| versions.get(position(versions, Some(id))?))
                .ok_or_else(|| {
                    missing("NoSuchVersion", "The specified version does not exist.")
                        .member("VersionId", id)
                })?,
        };
        let Some(object) = &version.object else {
            let error = match version_id {
                None => no_key(),
                Some(_) => S3Error::new(
                    "MethodNotAllowed",
                    "The specified method is not allowed against this resource.",
                ),
            };
            let id = version.id.as_deref().unwrap_or("null");
            return Err(error
                .header("x-amz-delete-marker", "true")
                .header("x-amz-version-id", id));
        };
        Ok((version, object))
    }

    /// What is under a key now; nothing behind a delete marker.
    pub(super) fn newest(&self, bucket: &str, key: &str) -> Result<Option<&Object>, S3Error> {
        let versions = self.bucket(bucket)?.keys.get(key);
        let newest = versions.and_then(|versions| versions.last());
        Ok(newest.and_then(|version| version.object.as_ref()))
    }

    /// The objects of a bucket, in the order of their keys.
    pub(super) fn objects(
        &self,
        bucket: &str,
    ) -> Result<impl Iterator<Item = (&str, &Version, &Object)>, S3Error> {
        let keys = self.bucket(bucket)?.keys.iter();
        Ok(keys.filter_map(|(key, versions)| {
            let newest = versions.last()?;
            Some((key.as_str(), newest, newest.object.as_ref()?))
        }))
    }

    /// Whether EventBridge is told of a bucket's objects.
    pub(super) fn does_notify(&self, bucket: &str) -> Result<bool, S3Error> {
        Ok(self.bucket(bucket)?.notifies)
    }

    /// Where that is kept.
    pub(super) fn notifies(&mut self, bucket: &str) -> Result<&mut bool, S3Error> {
        let found = self.buckets.get_mut(bucket);
        let found = found.ok_or_else(|| no_such_bucket(bucket))?;
        Ok(&mut found.notifies)
    }

    fn bucket(&self, name: &str) -> Result<&Bucket, S3Error> {
        self.buckets.get(name).ok_or_else(|| no_such_bucket(name))
    }
}

/// The place of a version: of the newest without an id, of the one without an
/// id if `null` is asked for, as S3 calls it.
fn position(versions: &[Version], id: Option<&str>) -> Option<usize> {
    versions.iter().rposition(|version| match id {
        None => true,
        Some(id) => version.id.as_deref().unwrap_or("null") == id,
    })
}

fn no_such_bucket(name: &str) -> S3Error {
    S3Error::new("NoSuchBucket", "The specified bucket does not exist").member("BucketName", name)
}

fn is_bucket_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| letter(byte) || byte == b'.' || byte == b'-')
        && name.bytes().next().is_some_and(letter)
        && name.bytes().next_back().is_some_and(letter)
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules() {
        for name in ["abc", "my-data.2026", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["ab", "Abc", "a_b", "-abc", "abc.", "a..b", &"a".repeat(64)] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
