//! Texts that are compressed, well or badly.

use retrain_objects::{Limits, Part, Uncounted};

use super::support::{Memory, Stored};
use super::{CSV, JSON_LINES, corrupt, count_in, rows, uncounted};

/// A member of gzip with this text.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap()
}

/// A frame of zstd with this text.
pub fn zstd(text: &[u8], window_log: u32) -> Vec<u8> {
    let mut context = zstd_safe::CCtx::create();
    context
        .set_parameter(zstd_safe::CParameter::WindowLog(window_log))
        .unwrap();
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    context.compress2(&mut frame, text).unwrap();
    frame
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let text = vec![b'\n'; 8 << 20];
    for (bomb, part) in [(gzip(&text), Part::Gzip), (zstd(&text, 20), Part::Zstd)] {
        assert_eq!(
            uncounted(&bomb, CSV, &Limits::default()),
            Uncounted::DecompressionBomb {
                part,
                max_ratio: 250
            }
        );
        // What is short is harmless, and highly repetitive data is ordinary.
        let short = Limits {
            max_ratio: 100_000,
            ..Limits::default()
        };
        let memory = Memory::with("object", Stored::new(bomb));
        assert_eq!(count_in(&memory, CSV, &short).unwrap().rows, 0);
    }
}

#[test]
fn a_text_that_grows_too_long_is_stopped() {
    let limits = Limits {
        max_decompressed_bytes: 1_000,
        ..Limits::default()
    };
    let text: Vec<u8> = (0..=255).cycle().take(1_001).collect();
    let too_long = Uncounted::TooLarge {
        part: Part::Text,
        limit: 1_000,
        unit: "bytes",
    };
    assert_eq!(uncounted(&gzip(&text), JSON_LINES, &limits), too_long);
    assert_eq!(uncounted(&zstd(&text, 10), JSON_LINES, &limits), too_long);
    let memory = Memory::with("object", Stored::new(gzip(&text[..1_000])));
    assert!(count_in(&memory, JSON_LINES, &limits).is_ok());
}

#[test]
fn a_window_that_is_too_large_is_not_taken() {
    let text: Vec<u8> = (0..=255_u8).cycle().take(1 << 20).collect();
    let mut context = zstd_safe::CCtx::create();
    context
        .set_parameter(zstd_safe::CParameter::WindowLog(24))
        .unwrap();
    // A frame that says its length needs no larger window than that: this one does not.
    let mut frame = vec![0; zstd_safe::compress_bound(text.len())];
    let length = {
        let mut out = zstd_safe::OutBuffer::around(frame.as_mut_slice());
        let mut input = zstd_safe::InBuffer::around(&text);
        context.compress_stream(&mut out, &mut input).unwrap();
        while context.end_stream(&mut out).unwrap() > 0 {}
        out.pos()
    };
    frame.truncate(length);
    assert_eq!(
        uncounted(&frame, JSON_LINES, &Limits::default()),
        Uncounted::TooLarge {
            part: Part::Zstd,
            limit: 8 << 20,
            unit: "bytes in a window"
        }
    );
}

#[test]
fn a_compressed_text_that_is_cut_off_is_corrupt() {
    let text = b"{}\n{}\n{}\n";
    for (name, whole) in [("gzip", gzip(text)), ("zstd", zstd(text, 10))] {
        assert_eq!(rows(&whole, JSON_LINES), Ok(3));
        for length in 4..whole.len() {
            let why = corrupt(&whole[..length], JSON_LINES);
            assert_eq!(why, format!("the {name} stream: it is cut off"), "{length}");
        }
    }
}

#[test]
fn a_gzip_member_is_checked() {
    let whole = gzip(b"{}\n");
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert!(corrupt(&wrong, JSON_LINES).contains("checksum"));
    let mut longer = whole.clone();
    let length = longer.len() - 4;
    longer[length] ^= 1;
    assert!(corrupt(&longer, JSON_LINES).contains("length"));
    assert!(corrupt(&[whole.clone(), b"more".to_vec()].concat(), JSON_LINES).contains("member"));
    // Zeros fill the last block of a tape.
    assert_eq!(rows(&[whole, vec![0; 9]].concat(), JSON_LINES), Ok(1));
}

#[test]
fn a_gzip_header_may_have_every_field() {
    let plain = gzip(b"{}\n{}\n");
    let mut full = plain[..10].to_vec();
    full[3] = 2 | 4 | 8 | 16;
    full.extend(b"\x03\0abc");
    full.extend(b"name\0comment\0\x12\x34");
    full.extend(&plain[10..]);
    assert_eq!(rows(&[full, plain.clone()].concat(), JSON_LINES), Ok(4));
    let mut unknown = plain;
    unknown[3] = 0x20;
    assert!(corrupt(&unknown, JSON_LINES).contains("unknown flags"));
}

#[test]
fn other_compressions_are_not_taken_for_text() {
    for (first, name) in [
        (b"BZh91AY&SY1234".as_slice(), "bzip2"),
        (b"\xfd7zXZ\0\0\0\0\0", "xz"),
        (b"\x04\x22\x4d\x18\0\0\0\0\0\0", "LZ4"),
        (b"\xff\x06\0\0sNaPpY\0", "Snappy"),
        (b"PK\x03\x04\0\0\0\0\0\0", "zip"),
    ] {
        assert_eq!(
            rows(first, CSV),
            Err(Uncounted::Unsupported(format!("{name} compression")))
        );
    }
    assert_eq!(rows(b"BZh9 is a name\n", CSV), Ok(1));
    assert_eq!(
        rows(b"\xff\xfea\0\n\0", CSV),
        Err(Uncounted::Unsupported("UTF-16".to_owned()))
    );
}
