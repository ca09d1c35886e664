//! How much memory counting takes, measured by the allocator. A binary of its own with one
//! test, so that nobody else allocates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "this is a test"
)]

mod support;

use std::alloc::System;
use std::io::Write;

use bytes::Bytes;
use cap::Cap;
use retrain_objects::{CountError, DataFormat, Format, Limits, ObjectVersion, count};

use self::support::{Memory, Stored, ready};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const GIB: u64 = 1 << 30;

/// What counting takes beyond the object itself. zstd's C code allocates elsewhere.
fn peak(stored: Stored, format: DataFormat) -> (Result<u64, CountError>, usize) {
    let memory = Memory::with("object", stored);
    let object = ObjectVersion::unpinned("bucket", "object");
    let before = ALLOCATOR.allocated();
    // Reach the highest mark so far, so that whatever is allocated from here raises it.
    let filled = ALLOCATOR.max_allocated() - before;
    let fill = vec![0_u8; filled];
    let (format, limits) = (Format::Data(format), Limits::default());
    let answer = ready(count(&memory, &object, &format, &limits, None)).map(|count| count.rows);
    let peak = ALLOCATOR.max_allocated() - before - fill.len();
    (answer, peak)
}

/// A Parquet file of a gibibyte that ends with a footer of 32 MiB: a schema with more columns
/// than any file has, and the number of rows after it.
fn endless_schema() -> Stored {
    const LENGTH: u64 = 32 << 20;
    let mut begin = vec![0x15, 2, 0x19, 0xfc];
    let columns = LENGTH - 64;
    let mut left = columns;
    while left >= 0x80 {
        begin.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    begin.push(u8::try_from(left).unwrap());
    let mut end = vec![0x16, 84];
    end.resize(usize::try_from(LENGTH - columns).unwrap() - begin.len(), 0);
    end.extend(u32::try_from(LENGTH).unwrap().to_le_bytes());
    end.extend(b"PAR1");
    let (begin, end) = (Bytes::from(begin), Bytes::from(end));
    let zeros = Bytes::from(vec![0; 64 << 10]);
    let begin_at = GIB - 8 - LENGTH;
    let end_at = GIB - end.len() as u64;
    Stored::made(GIB, move |at| {
        let within = |from: u64| usize::try_from(at - from).unwrap();
        if at >= end_at {
            return end.slice(within(end_at)..);
        }
        if at >= begin_at && within(begin_at) < begin.len() {
            return begin.slice(within(begin_at)..);
        }
        zeros.slice(..zeros.len().min(usize::try_from(end_at - at).unwrap()))
    })
}

#[test]
fn memory_does_not_grow_with_the_object() {
    let kib = |bytes: usize| bytes.div_ceil(1 << 10);

    let (rows, parquet) = peak(endless_schema(), DataFormat::Parquet);
    assert_eq!(rows.unwrap(), 42);
    assert!(kib(parquet) <= 128, "Parquet: {} KiB", kib(parquet));

    // One record of 64 MiB, and as many values as it has bytes.
    let long = Bytes::from(vec![b','; 64 << 10]);
    let long = Stored::made(GIB / 16, move |_| long.clone());
    let (rows, csv) = peak(long, DataFormat::Csv { header: false });
    assert_eq!(rows.unwrap(), 1);
    assert!(kib(csv) <= 64, "CSV: {} KiB", kib(csv));

    let line = Bytes::from(vec![b'{'; 64 << 10]);
    let line = Stored::made(GIB / 16, move |_| line.clone());
    let (rows, json) = peak(line, DataFormat::JsonLines);
    assert_eq!(rows.unwrap(), 1);
    assert!(kib(json) <= 1, "JSON Lines: {} KiB", kib(json));

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..100_000 {
        writeln!(gzip, "{number},\"some text\"").unwrap();
    }
    let member = Bytes::from(gzip.finish().unwrap());
    let length = member.len() as u64;
    let members = Stored::made(length * 4, move |at| {
        member.slice(usize::try_from(at % length).unwrap()..)
    });
    let (rows, gzip) = peak(members, DataFormat::Csv { header: false });
    assert_eq!(rows.unwrap(), 400_000);
    assert!(kib(gzip) <= 256, "gzip: {} KiB", kib(gzip));

    // Blocks of 1 MiB, of which there is one header only.
    let mut orc = b"ORC\xff\xff\x1f".to_vec();
    orc.extend(b"\x08\x03\x10\x01\x18\x80\x80\x40\x82\xf4\x03\x03ORC\x0f");
    let (rows, orc) = peak(Stored::new(orc), DataFormat::Orc);
    rows.unwrap_err();
    assert!(kib(orc) <= 64, "ORC: {} KiB", kib(orc));
}
