//! Objects that are corrupt, or made to cost a lot.

use retrain_objects::{CountError, Limits, Part, Uncounted};

use super::compressed::zstd;
use super::support::{Memory, Stored};
use super::{CSV, ORC, PARQUET, corrupt, count_in, rows, uncounted};

/// A Parquet file with this footer, said to have some length.
fn parquet(footer: &[u8], length: u32) -> Vec<u8> {
    let mut file = b"PAR1".to_vec();
    file.extend(footer);
    file.extend(length.to_le_bytes());
    file.extend(b"PAR1");
    file
}

/// An ORC file with this footer and postscript.
fn orc(footer: &[u8], postscript: &[u8]) -> Vec<u8> {
    let mut file = b"ORC".to_vec();
    file.extend(footer);
    file.extend(postscript);
    file.extend(b"\x82\xf4\x03\x03ORC");
    file.push(u8::try_from(postscript.len() + 7).unwrap());
    file
}

#[test]
fn a_parquet_file_of_two_columns_made_by_hand_is_counted() {
    // version: 1, schema: a list of two empty structs, num_rows: 7.
    let footer = [0x15, 2, 0x19, 0x2c, 0, 0, 0x16, 14, 0];
    assert_eq!(rows(&parquet(&footer, 9), PARQUET), Ok(7));
}

#[test]
fn a_corrupt_parquet_file_says_what_is_wrong() {
    let negative = [0x36, 13];
    let short = [0x15, 2];
    let table = [
        (vec![], "the object: it is empty"),
        (
            b"PAR1".to_vec(),
            "the Parquet footer: the file does not end with PAR1",
        ),
        (
            b"PAR1\0\0\0\0PARQ".to_vec(),
            "the Parquet footer: the file does not end with PAR1",
        ),
        (
            parquet(&[], 5),
            "the Parquet footer: it is said to have 5 bytes, the whole object has 12",
        ),
        (
            parquet(&[], u32::MAX),
            "the Parquet footer: it is said to have 4294967295 bytes, the whole object has 12",
        ),
        (
            parquet(&[], 0),
            "the Parquet footer: it ends before the number of rows",
        ),
        (
            parquet(&short, 2),
            "the Parquet footer: it ends before the number of rows",
        ),
        (parquet(&negative, 2), "the Parquet footer: it says -7 rows"),
        (
            parquet(&[0], 1),
            "the Parquet footer: the struct ends without the number of rows at byte 0",
        ),
    ];
    for (file, expected) in table {
        assert_eq!(corrupt(&file, PARQUET), expected);
    }
}

#[test]
fn an_encrypted_footer_has_a_name_of_its_own() {
    let mut file = parquet(&[0x36, 14], 2);
    let last = file.len() - 1;
    file[last] = b'E';
    assert_eq!(rows(&file, PARQUET), Err(Uncounted::EncryptedFooter));
}

#[test]
fn a_footer_of_a_gibibyte_is_not_read() {
    let mut end = u32::to_le_bytes(1 << 30).to_vec();
    end.extend(b"PAR1");
    let memory = Memory::with("object", Stored::ending_with(2 << 30, end));
    let limits = Limits::default();
    match count_in(&memory, PARQUET, &limits) {
        Err(CountError::Uncounted(why)) => assert_eq!(
            why,
            Uncounted::TooLarge {
                part: Part::ParquetFooter,
                limit: limits.max_footer_bytes,
                unit: "bytes"
            }
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(memory.asked().len(), 1);
}

#[test]
fn an_orc_file_made_by_hand_is_counted() {
    assert_eq!(rows(&orc(&[0x30, 7], &[0x08, 2, 0x10, 0]), ORC), Ok(7));
    // One block that is left as it is, and one of nothing.
    let blocks = [5, 0, 0, 0x30, 7, 0, 0, 0];
    assert_eq!(rows(&orc(&blocks, &[0x08, 8, 0x10, 1]), ORC), Ok(7));
}

#[test]
fn a_corrupt_orc_file_says_what_is_wrong() {
    let zlib = [0x10, 1, 0x18, 16];
    let table = [
        (vec![], "the object: it is empty"),
        (
            vec![9],
            "the ORC tail: its postscript is said to have 9 bytes, the whole object has 1",
        ),
        (
            vec![0],
            "the ORC tail: the postscript does not end with ORC",
        ),
        (
            orc(&[], &[]),
            "the ORC tail: the postscript has no length of the footer",
        ),
        (
            orc(&[], &[0x08, 200, 1]),
            "the ORC tail: its footer is said to have 200 bytes, the whole object has 14",
        ),
        (
            orc(&[0x08, 1], &[0x08, 2]),
            "the ORC tail: its footer ends before the number of rows",
        ),
        (
            orc(
                &[0x30, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                &[0x08, 11],
            ),
            "the ORC tail: it says 18446744073709551615 rows",
        ),
        (
            orc(&[0x0b], &[0x08, 1]),
            "the ORC tail: an unknown wire type",
        ),
        (
            orc(&[34, 0, 0], &[&[0x08, 3], &zlib[..]].concat()),
            "the ORC tail: a block of 17 bytes, where 16 are the most",
        ),
    ];
    for (file, expected) in table {
        assert_eq!(corrupt(&file, ORC), expected);
    }
}

/// Sixteen bytes at most, and a block that makes more of itself, in each compression.
#[test]
fn an_orc_block_that_grows_beyond_its_size_is_corrupt() {
    let text = [7; 4_096];
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut deflate, &text).unwrap();
    let mut snappy = snap::raw::Encoder::new().compress_vec(&text).unwrap();
    // What it says of its own length goes beyond the block already.
    snappy.truncate(12);
    let blocks = [
        (1, deflate.finish().unwrap()),
        (2, snappy),
        (4, vec![0x1f, 7, 1, 0, 0xff, 0xff, 0xff, 0]),
        (5, zstd(&text, 10)),
    ];
    for (kind, block) in blocks {
        let mut footer = (u32::try_from(block.len()).unwrap() << 1).to_le_bytes()[..3].to_vec();
        footer.extend(&block);
        let length = u8::try_from(footer.len()).unwrap();
        let why = corrupt(&orc(&footer, &[0x08, length, 0x10, kind, 0x18, 64]), ORC);
        assert!(
            why.contains("a block cannot be decompressed"),
            "{kind}: {why}"
        );
    }
}

#[test]
fn what_orc_may_do_and_we_do_not_is_unsupported() {
    for (kind, name) in [(3, "LZO"), (6, "Brotli"), (9, "kind 9 of")] {
        assert_eq!(
            rows(&orc(&[], &[0x08, 0, 0x10, kind]), ORC),
            Err(Uncounted::Unsupported(format!("{name} compression in ORC")))
        );
    }
    // Blocks of 8 MiB.
    assert_eq!(
        rows(
            &orc(&[], &[0x08, 0, 0x10, 1, 0x18, 0x80, 0x80, 0x80, 4]),
            ORC
        ),
        Err(Uncounted::TooLarge {
            part: Part::OrcTail,
            limit: 1 << 20,
            unit: "bytes in a block"
        })
    );
}

#[test]
fn an_object_that_is_too_long_is_not_read() {
    let limits = Limits {
        max_object_bytes: 10,
        ..Limits::default()
    };
    assert_eq!(
        uncounted(b"a\nb\nc\nd\ne\nf\n", CSV, &limits),
        Uncounted::TooLarge {
            part: Part::Object,
            limit: 10,
            unit: "bytes"
        }
    );
}
