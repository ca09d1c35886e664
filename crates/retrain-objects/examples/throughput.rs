//! How fast rows are counted, and how much memory that takes.
//!
//!     cargo run --release -p retrain-objects --no-default-features --example throughput
//!
//! A gibibyte of each kind of text is counted from memory, in the chunks of 64 KiB in which a
//! network would bring it, on one thread.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "this measures and is no part of the product"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::alloc::System;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use bytes::Bytes;
use cap::Cap;
use retrain_objects::{DataFormat, Format, Limits, ObjectVersion, count};

use self::support::{Memory, Stored, ready};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const MIB: u64 = 1 << 20;
const TEXT: u64 = 1 << 30;
const CSV: DataFormat = DataFormat::Csv { header: false };

fn main() {
    let rows = csv();
    let lines = json_lines();
    println!("text            MB/s of text   rows/s (M)   peak memory (KiB)");
    measure("CSV", &rows, &rows, CSV);
    measure("CSV, gzip", &gzip(&rows), &rows, CSV);
    measure("CSV, zstd", &zstd(&rows), &rows, CSV);
    measure("JSON Lines", &lines, &lines, DataFormat::JsonLines);
}

/// Counts a gibibyte of text: a piece of 4 MiB, stored as it is or compressed, again and again.
fn measure(name: &str, stored: &Bytes, text: &Bytes, format: DataFormat) {
    let length = stored.len() as u64;
    let times = TEXT / text.len() as u64;
    let piece = stored.clone();
    let object = Stored::made(length * times, move |at| {
        piece.slice(usize::try_from(at % length).unwrap()..)
    });
    let memory = Memory::with("object", object);
    let before = ALLOCATOR.allocated();
    let fill = vec![0_u8; ALLOCATOR.max_allocated() - before];
    let start = Instant::now();
    let object = ObjectVersion::unpinned("bucket", "object");
    let (format, limits) = (Format::Data(format), Limits::default());
    let count = ready(count(&memory, &object, &format, &limits, None)).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let peak = ALLOCATOR.max_allocated() - before - fill.len();
    #[expect(clippy::cast_precision_loss, reason = "these are rounded anyway")]
    let (megabytes, rows) = (
        (text.len() as u64 * times) as f64 / 1e6,
        count.rows as f64 / 1e6,
    );
    println!(
        "{name:<12} {:>15.0} {:>12.1} {:>19}",
        megabytes / seconds,
        rows / seconds,
        peak.div_ceil(1 << 10)
    );
}

fn csv() -> Bytes {
    let mut text = String::new();
    for number in 0_u64.. {
        let customer = number.wrapping_mul(6_364_136_223_846_793_005) >> 40;
        writeln!(
            text,
            "{number},customer-{customer},{}.{},\"a note, quoted\",2026-01-05T00:00:00Z,{}",
            customer % 997,
            customer % 100,
            customer % 2 == 0
        )
        .unwrap();
        if text.len() as u64 >= 4 * MIB {
            break;
        }
    }
    text.into()
}

fn json_lines() -> Bytes {
    let mut text = String::new();
    for number in 0_u64.. {
        let customer = number.wrapping_mul(6_364_136_223_846_793_005) >> 40;
        writeln!(
            text,
            "{{\"id\": {number}, \"customer\": \"customer-{customer}\", \"churned\": {}}}",
            customer % 2 == 0
        )
        .unwrap();
        if text.len() as u64 >= 4 * MIB {
            break;
        }
    }
    text.into()
}

fn gzip(text: &[u8]) -> Bytes {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap().into()
}

fn zstd(text: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    zstd_safe::compress(&mut frame, text, 3).unwrap();
    frame.into()
}
