//! Whatever the bytes are: an answer, the same however they are cut, and no panic.

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};

use retrain_objects::DataFormat;

use super::compressed::{gzip, zstd};
use super::{CSV, JSON_LINES, ORC, PARQUET, corpus, rows};

/// A file of the corpus with some bytes changed, its end kept so that it is looked into.
fn changed(names: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (select(names), vec((any::<Index>(), any::<u8>()), 0..8)).prop_map(|(name, changes)| {
        let mut bytes = corpus::file(name);
        for (index, byte) in changes {
            *index.get_mut(&mut bytes) = byte;
        }
        bytes
    })
}

/// Texts of what matters to CSV.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b','),
        Just(b'\n'),
        Just(b'\r'),
        Just(b'a'),
        Just(b' '),
        any::<u8>()
    ];
    vec(byte, 0..200)
}

const TAILS: [DataFormat; 2] = [PARQUET, ORC];
const TEXTS: [DataFormat; 3] = [CSV, DataFormat::Csv { header: true }, JSON_LINES];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_answer(bytes in vec(any::<u8>(), 0..300)) {
        for format in TAILS.into_iter().chain(TEXTS) {
            let _ = rows(&bytes, format);
        }
    }

    #[test]
    fn a_changed_parquet_file_has_an_answer(
        bytes in changed(&["one-row.parquet", "nested.parquet", "empty.parquet"])
    ) {
        let _ = rows(&bytes, PARQUET);
    }

    #[test]
    fn a_changed_orc_file_has_an_answer(
        bytes in changed(&["one-row.orc", "nested.orc", "compression-snappy.orc", "compression-zstd.orc", "compression-lz4.orc"])
    ) {
        let _ = rows(&bytes, ORC);
    }

    #[test]
    fn a_changed_compressed_text_has_an_answer(
        bytes in changed(&["gzip.csv.gz", "zstd.csv.zst", "many-members.csv.gz", "many-frames.csv.zst"])
    ) {
        for format in TEXTS {
            let _ = rows(&bytes, format);
        }
    }

    #[test]
    fn compression_changes_no_count(text in text()) {
        for format in TEXTS {
            // What begins like a compressed stream is taken for one.
            if text.first().is_some_and(u8::is_ascii_alphabetic) {
                let plain = rows(&text, format);
                assert_eq!(rows(&gzip(&text), format), plain);
                assert_eq!(rows(&zstd(&text, 10), format), plain);
            }
        }
    }
}
