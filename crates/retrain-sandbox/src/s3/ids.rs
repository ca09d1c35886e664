//! Identifiers, derived from counters: two runs of a test see the same.

use md5::{Digest, Md5};

/// The first change's sequencer. Real ones differ in length, so every sandbox
/// crosses a change of length at its ninth change: whoever compares them as
/// plain strings is found out.
const FIRST_SEQUENCER: u64 = 0x00ff_ffff_ffff_fff8;

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The sequencer of the `change`-th change (from 0), with whole bytes.
pub(super) fn sequencer(change: u64) -> String {
    let digits = format!("{:x}", FIRST_SEQUENCER.saturating_add(change));
    let padding = "0".repeat(digits.len() % 2);
    padding + &digits
}

/// A version id: opaque, and in no order.
pub(super) fn version_id(change: u64) -> String {
    hex(&Md5::digest(format!("version/{change}")))
}

/// The id of a multipart upload.
pub(super) fn upload_id(change: u64) -> String {
    hex(&Md5::digest(format!("upload/{change}")))
}

/// A request's id, as S3 writes one.
pub(super) fn request_id(request: u64) -> String {
    format!("{request:016X}")
}

/// Something with the form of a UUID, for this text and no other.
pub(super) fn uuid(of: &str) -> String {
    let digits = hex(&Md5::digest(of));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequencers_grow_as_numbers_and_change_their_length() {
        assert_eq!(sequencer(0), "fffffffffffff8");
        assert_eq!(sequencer(7), "ffffffffffffff");
        assert_eq!(sequencer(8), "0100000000000000");
    }

    #[test]
    fn a_uuid_has_the_form_of_one() {
        assert_eq!(uuid("x"), "9dd4e461-268c-4034-85c8-564e155c67a6");
    }
}
