#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod count;
mod expand;
mod format;
mod gzip;
mod limits;
mod manifest;
mod objects;
mod orc;
mod orc_block;
mod outcome;
mod parquet;
mod protobuf;
mod reader;
#[cfg(feature = "s3")]
mod reports;
mod rows;
#[cfg(feature = "s3")]
mod s3;
mod tail;
mod thrift;
mod varint;
mod zstd;

pub use self::count::count;
pub use self::format::{DataFormat, Format};
pub use self::limits::Limits;
pub use self::objects::{Body, Head, ObjectVersion, Objects, Read, Span, Unread};
pub use self::outcome::{Count, CountError, How, Part, Uncounted};
#[cfg(feature = "s3")]
pub use self::s3::{S3Body, S3Objects};
