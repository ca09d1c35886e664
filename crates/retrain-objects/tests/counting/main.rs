//! The counters on objects in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "this is a test"
)]

mod compressed;
mod corpus;
mod costs;
mod hostile;
mod never;
mod outcomes;
#[path = "../support/mod.rs"]
mod support;
mod text;

use retrain_objects::{
    Count, CountError, DataFormat, Format, Limits, ObjectVersion, Uncounted, count,
};

use self::support::{Memory, Stored, ready};

const PARQUET: DataFormat = DataFormat::Parquet;
const ORC: DataFormat = DataFormat::Orc;
const CSV: DataFormat = DataFormat::Csv { header: false };
const JSON_LINES: DataFormat = DataFormat::JsonLines;

/// Counts the object `object` of the bucket.
fn count_in(memory: &Memory, format: DataFormat, limits: &Limits) -> Result<Count, CountError> {
    let object = ObjectVersion::unpinned("bucket", "object");
    ready(count(memory, &object, &Format::Data(format), limits, None))
}

/// Counts these bytes in chunks of a length.
fn count_cut(bytes: &[u8], format: DataFormat, chunk: usize) -> Result<Count, CountError> {
    let mut memory = Memory::with("object", Stored::new(bytes.to_vec()));
    memory.chunk = Some(chunk);
    count_in(&memory, format, &Limits::default())
}

/// The rows in these bytes, or why there are none, however they are cut into chunks.
fn rows(bytes: &[u8], format: DataFormat) -> Result<u64, Uncounted> {
    let [whole, bytes_only] = [usize::MAX, 1].map(|chunk| match count_cut(bytes, format, chunk) {
        Ok(count) => Ok(count.rows),
        Err(CountError::Uncounted(why)) => Err(why),
        Err(error) => panic!("{error:?}"),
    });
    match (&whole, &bytes_only) {
        (Ok(_), _) => assert_eq!(whole, bytes_only),
        // How far a library has read when it finds a stream corrupt depends on the chunks.
        (Err(one), Err(other)) => assert_eq!(one.name(), other.name()),
        (Err(_), Ok(_)) => panic!("{whole:?}, {bytes_only:?}"),
    }
    whole
}

fn corrupt(bytes: &[u8], format: DataFormat) -> String {
    match rows(bytes, format) {
        Err(Uncounted::Corrupt { part, why }) => format!("{part}: {why}"),
        other => panic!("{other:?}"),
    }
}

fn uncounted(bytes: &[u8], format: DataFormat, limits: &Limits) -> Uncounted {
    let memory = Memory::with("object", Stored::new(bytes.to_vec()));
    match count_in(&memory, format, limits) {
        Err(CountError::Uncounted(why)) => why,
        other => panic!("{other:?}"),
    }
}
