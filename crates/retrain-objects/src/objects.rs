//! What the counters need from a store of objects.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use bytes::Bytes;

/// One version of one object, as it was announced.
///
/// What is known of version and `ETag` pins it: whatever else is under the key by the time it
/// is read is a replaced object and is not counted in its stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The bucket.
    pub bucket: String,
    /// The key, not encoded in any way.
    pub key: String,
    /// Its version, in a bucket that has versions.
    pub version_id: Option<String>,
    /// Its `ETag`, with or without quotes.
    pub etag: Option<String>,
    /// How many bytes it has, if that is known.
    pub size: Option<u64>,
}

impl ObjectVersion {
    /// Whatever is under the key.
    pub fn unpinned(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
            version_id: None,
            etag: None,
            size: None,
        }
    }

    /// The `ETag` without its quotes. Events have none, answers of S3 do.
    pub fn bare_etag(&self) -> Option<&str> {
        self.etag.as_deref().map(|etag| etag.trim_matches('"'))
    }
}

impl fmt::Display for ObjectVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// A store of objects.
///
/// It answers with the version that is asked for, or says that it cannot. If the version's
/// `ETag` is known, an object with another one is [`Unread::Replaced`].
pub trait Objects: Sync {
    /// A body on its way.
    type Body: Body;

    /// Describes an object without its body.
    fn head(&self, object: &ObjectVersion) -> impl Future<Output = Result<Head, Unread>> + Send;

    /// Reads a part of an object. The answer's body is exactly that part, as far as the object
    /// has it.
    fn read(
        &self,
        object: &ObjectVersion,
        span: Span,
    ) -> impl Future<Output = Result<Read<Self::Body>, Unread>> + Send;
}

/// A body, chunk by chunk. Dropping it ends the transfer.
pub trait Body: Send {
    /// The next chunk, or nothing at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Unread>> + Send;
}

/// Which part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// All of it.
    Whole,
    /// Its last bytes, at most this many.
    Last(u64),
    /// From a byte on.
    Part {
        /// The first byte's place, from 0.
        start: u64,
        /// How many bytes.
        length: u64,
    },
}

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many bytes the whole object has.
    pub total: u64,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its user metadata: lower-case names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// A part of an object.
#[derive(Clone, Debug)]
pub struct Read<B> {
    /// How many bytes the whole object has.
    pub total: u64,
    /// How many bytes the body has.
    pub length: u64,
    /// The object's `ETag`.
    pub etag: Option<String>,
    /// The body.
    pub body: B,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// Another object is under the key.
    #[error("the object was replaced")]
    Replaced,
    /// There is none.
    #[error("the object is gone")]
    Gone,
    /// It may not be read.
    #[error("denied: {0}")]
    Denied(String),
    /// It must be restored first.
    #[error("the object is archived")]
    Archived,
    /// It can never be read like this.
    #[error("refused: {0}")]
    Refused(String),
    /// The object has no byte of that range.
    #[error("the object has no such range")]
    NoSuchRange,
    /// It may work later.
    #[error("unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}
