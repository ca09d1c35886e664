//! The bytes of an object.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use hyper::body::Bytes;
use md5::{Digest, Md5};

use super::ids::hex;

/// What multipart uploads of large objects are usually cut into.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// The bytes of an object: kept, or made by a function when they are read.
#[derive(Clone)]
pub struct Content(Source);

#[derive(Clone)]
enum Source {
    Kept(Bytes),
    Generated { size: u64, fill: Arc<Fill> },
}

type Fill = dyn Fn(u64, &mut [u8]) + Send + Sync;

impl Content {
    /// Content of any size that takes no memory: `fill` gets an offset and the
    /// bytes to write from there, which are zero before. It must be a pure
    /// function of the offset; ranges are read in any order and more than once.
    pub fn generated(size: u64, fill: impl Fn(u64, &mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Source::Generated {
            size,
            fill: Arc::new(fill),
        })
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Source::Kept(bytes) => bytes.len() as u64,
            Source::Generated { size, .. } => *size,
        }
    }

    /// The bytes of a range, as far as there are any.
    pub(crate) fn read(&self, range: Range<u64>) -> Bytes {
        let end = range.end.min(self.size());
        let start = range.start.min(end);
        match &self.0 {
            // Offsets into memory fit in memory's own integer.
            Source::Kept(bytes) => bytes.slice(in_memory(start)..in_memory(end)),
            Source::Generated { fill, .. } => {
                let mut bytes = vec![0; in_memory(end - start)];
                fill(start, &mut bytes);
                bytes.into()
            }
        }
    }

    /// The `ETag` of this content when it is written by this change: the MD5 of
    /// kept bytes. Generated content counts as uploaded in parts, whose `ETag`
    /// is none; nobody hashes a gibibyte to name it.
    pub(super) fn etag(&self, change: u64) -> String {
        match &self.0 {
            Source::Kept(bytes) => hex(&Md5::digest(bytes)),
            Source::Generated { size, .. } => {
                let digest = Md5::digest(format!("{size}/{change}"));
                format!("{}-{}", hex(&digest), size.div_ceil(PART_BYTES).max(1))
            }
        }
    }
}

fn in_memory(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Source::Kept(_) => "kept",
            Source::Generated { .. } => "generated",
        };
        write!(formatter, "Content({} bytes, {kind})", self.size())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self(Source::Kept(bytes))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Bytes::copy_from_slice(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet() -> Content {
        Content::generated(1 << 40, |offset, bytes| {
            for (byte, at) in bytes.iter_mut().zip(offset..) {
                *byte = b'a' + u8::try_from(at % 26).unwrap();
            }
        })
    }

    #[test]
    fn generated_content_is_made_where_it_is_read() {
        assert_eq!(&alphabet().read(26..30)[..], b"abcd");
        assert_eq!(alphabet().read((1 << 40) - 1..u64::MAX).len(), 1);
        assert_eq!(alphabet().read(u64::MAX..u64::MAX).len(), 0);
    }

    #[test]
    fn kept_content_has_its_md5_and_generated_content_a_name_per_change() {
        let etag = Content::from("hello\n").etag(1);
        assert_eq!(etag, "b1946ac92492d2347c6235b4d2611184");
        assert_ne!(alphabet().etag(1), alphabet().etag(2));
        assert!(alphabet().etag(1).ends_with("-131072"));
    }
}
