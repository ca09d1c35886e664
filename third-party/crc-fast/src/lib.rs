//! In the place of the crate `crc-fast`, for the functions: the checksums that
//! `aws-smithy-checksums` computes, and no others.
//!
//! The crate links tables and vector code for some forty checksums, whichever are asked
//! for: a seventh of each function's zip. Here the same names lead to `crc32fast`, which
//! the SDK links anyway, and to `crc`. If the SDK comes to need more of the crate, this
//! does not compile: see `docs/decisions/0030-checksums-without-crc-fast.md`.

use core::fmt;

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Digest as Running, Table};

/// Only what a client of S3 chose for its upload: rare, so small rather than fast.
static CRC_32C: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
/// What S3 itself computes of objects that came without a checksum: over a gigabyte a
/// second for 32 KiB of tables.
static CRC_64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A checksum, named as S3 does in its header's comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// `x-amz-checksum-crc32`.
    Crc32IsoHdlc,
    /// `x-amz-checksum-crc32c`.
    Crc32Iscsi,
    /// `x-amz-checksum-crc64nvme`.
    Crc64Nvme,
}

/// A checksum of bytes that come in parts.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Crc32c(Running<'static, u32, Table<1>>),
    Crc64(Running<'static, u64, Table<16>>),
}

impl Digest {
    /// The checksum of no bytes.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Crc32(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Crc32c(CRC_32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Crc64(CRC_64.digest()),
        })
    }

    /// Adds the bytes that come next.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(running) => running.update(bytes),
            State::Crc32c(running) => running.update(bytes),
            State::Crc64(running) => running.update(bytes),
        }
    }

    /// The checksum of all the bytes; one of 32 bits is in the lower half.
    pub fn finalize(self) -> u64 {
        match self.0 {
            State::Crc32(running) => running.finalize().into(),
            State::Crc32c(running) => running.finalize().into(),
            State::Crc64(running) => running.finalize(),
        }
    }
}

/// Says which checksum; what it is so far tells nobody anything.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Crc32(_) => "Digest(CRC32)",
            State::Crc32c(_) => "Digest(CRC32C)",
            State::Crc64(_) => "Digest(CRC64NVME)",
        })
    }
}

/// The checksum of bytes that are all there.
pub fn checksum(algorithm: CrcAlgorithm, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new(algorithm);
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::{CrcAlgorithm, Digest, checksum};

    /// Each checksum's value of the text `123456789`, as the catalogue of parametrised
    /// CRC algorithms gives it.
    const CHECKS: [(CrcAlgorithm, u64); 3] = [
        (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
        (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
        (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
    ];

    #[test]
    fn each_checksum_is_the_one_of_its_name() {
        for (algorithm, check) in CHECKS {
            assert_eq!(checksum(algorithm, b"123456789"), check, "{algorithm:?}");
        }
    }

    #[test]
    fn bytes_may_come_in_parts() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        for (algorithm, _) in CHECKS {
            for size in [1, 7, 16, 255, 4_096] {
                let mut digest = Digest::new(algorithm);
                bytes.chunks(size).for_each(|part| digest.update(part));
                assert_eq!(
                    digest.finalize(),
                    checksum(algorithm, &bytes),
                    "{algorithm:?} by {size} bytes"
                );
            }
        }
    }
}
