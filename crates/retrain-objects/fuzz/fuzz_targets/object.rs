//! One object, made of the fuzzer's bytes.

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

use retrain_objects::{CountError, Format, Limits, ObjectVersion, count};

use self::support::{Memory, Stored, ready};

/// Counts the bytes as they are, and in chunks of one and of seven: the answers must agree.
pub fn count_in_chunks(bytes: &[u8], format: Format) {
    let limits = Limits {
        max_decompressed_bytes: 4 << 20,
        ..Limits::default()
    };
    let [whole, sevens, ones] = [usize::MAX, 7, 1].map(|chunk| {
        let mut memory = Memory::with("object", Stored::new(bytes.to_vec()));
        memory.chunk = Some(chunk);
        let object = ObjectVersion::unpinned("bucket", "object");
        match ready(count(&memory, &object, &format, &limits, None)) {
            Ok(count) => Ok(count.rows),
            Err(CountError::Uncounted(why)) => Err(why.name()),
            Err(error) => panic!("{error:?}"),
        }
    });
    assert_eq!(whole, sevens);
    assert_eq!(whole, ones);
}
