//! What becomes of an object that is to be counted.

use std::error::Error;
use std::fmt;

use crate::objects::Unread;

/// The rows of an object, and what it took to count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many rows it has.
    pub rows: u64,
    /// Where the number is from.
    pub how: How,
    /// How many bytes of bodies were received.
    pub bytes_read: u64,
    /// How many requests were made.
    pub requests: u32,
}

/// Where a number of rows is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// User metadata of the object, which its producer wrote.
    Metadata,
    /// The footer of a Parquet file.
    ParquetFooter,
    /// The tail of an ORC file.
    OrcTail,
    /// The whole object was read.
    Streamed,
    /// A manifest said it, or listed what was counted.
    Manifest,
}

/// Why an object has no count, now or later. It says something about this object only: the
/// others of its batch go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncounted {
    /// Without its key nobody can read how many rows it has.
    #[error("the Parquet footer is encrypted")]
    EncryptedFooter,
    /// It is not what it says it is, or it was cut off.
    #[error("{part} is corrupt: {why}")]
    Corrupt {
        /// What is corrupt.
        part: Part,
        /// What is wrong, and where.
        why: String,
    },
    /// It is beyond a limit.
    #[error("{part} has more than {limit} {unit}")]
    TooLarge {
        /// What is too large.
        part: Part,
        /// The limit.
        limit: u64,
        /// What the limit counts.
        unit: &'static str,
    },
    /// It decompresses to far more than any data would.
    #[error("{part} decompresses to more than {max_ratio} times its size")]
    DecompressionBomb {
        /// What is compressed.
        part: Part,
        /// The limit.
        max_ratio: u64,
    },
    /// The object under this key is not the one that was announced.
    #[error("the object was replaced")]
    Replaced,
    /// The object, its version or its bucket does not exist.
    #[error("the object is gone")]
    Gone,
    /// We may not read it. S3 says so of missing objects too to those who may not list.
    #[error("reading the object is denied ({0})")]
    Denied(String),
    /// It has to be restored from an archive before it can be read.
    #[error("the object is archived")]
    Archived,
    /// S3 refuses the request for a reason that stays.
    #[error("S3 refuses to read the object ({0})")]
    Refused(String),
    /// Nobody tells how it is written.
    #[error("neither its key nor the policy tells its format")]
    UnknownFormat,
    /// It is written in a way that is not understood.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The manifest does not say how many rows there are.
    #[error("the manifest has no row counts: {0}")]
    NoCounts(String),
    /// An object of a manifest has no count.
    #[error("{object}, which the manifest lists, is not counted: {why}")]
    Listed {
        /// The object.
        object: String,
        /// Why.
        why: Box<Self>,
    },
}

impl Uncounted {
    /// Its name in logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EncryptedFooter => "EncryptedFooter",
            Self::Corrupt { .. } => "CorruptObject",
            Self::TooLarge { .. } => "ObjectTooLarge",
            Self::DecompressionBomb { .. } => "DecompressionBomb",
            Self::Replaced => "ObjectReplaced",
            Self::Gone => "ObjectGone",
            Self::Denied(_) => "ObjectDenied",
            Self::Archived => "ObjectArchived",
            Self::Refused(_) => "ObjectRefused",
            Self::UnknownFormat => "UnknownFormat",
            Self::Unsupported(_) => "UnsupportedFormat",
            Self::NoCounts(_) => "ManifestWithoutCounts",
            Self::Listed { .. } => "ListedObjectUncounted",
        }
    }

    pub(crate) fn corrupt(part: Part, why: impl Into<String>) -> Self {
        Self::Corrupt {
            part,
            why: why.into(),
        }
    }

    pub(crate) fn too_long(part: Part, limit: u64) -> Self {
        Self::TooLarge {
            part,
            limit,
            unit: "bytes",
        }
    }
}

/// What of an object is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it.
    Object,
    /// What it decompresses to.
    Text,
    /// The footer of a Parquet file.
    ParquetFooter,
    /// Postscript and footer of an ORC file.
    OrcTail,
    /// The gzip stream.
    Gzip,
    /// The zstd stream.
    Zstd,
    /// The CSV text.
    Csv,
    /// The manifest.
    Manifest,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "the object",
            Self::Text => "the decompressed text",
            Self::ParquetFooter => "the Parquet footer",
            Self::OrcTail => "the ORC tail",
            Self::Gzip => "the gzip stream",
            Self::Zstd => "the zstd stream",
            Self::Csv => "the CSV text",
            Self::Manifest => "the manifest",
        })
    }
}

/// There is no count.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// There will never be one: the outcome for this object.
    #[error(transparent)]
    Uncounted(#[from] Uncounted),
    /// S3 did not answer, or not to the end. Deliver the event again.
    #[error("read {object}")]
    Unavailable {
        /// The object.
        object: String,
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CountError {
    /// Its name in logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Uncounted(why) => why.name(),
            Self::Unavailable { .. } => "ObjectUnavailable",
        }
    }

    pub(crate) fn unread(unread: Unread, object: impl fmt::Display) -> Self {
        Self::Uncounted(match unread {
            Unread::Replaced => Uncounted::Replaced,
            Unread::Gone => Uncounted::Gone,
            Unread::Denied(why) => Uncounted::Denied(why),
            Unread::Archived => Uncounted::Archived,
            Unread::Refused(why) => Uncounted::Refused(why),
            Unread::NoSuchRange => Uncounted::corrupt(Part::Object, "it is empty"),
            Unread::Unavailable(source) => {
                return Self::Unavailable {
                    object: object.to_string(),
                    source,
                };
            }
        })
    }
}
