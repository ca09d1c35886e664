//! What counting costs: requests and bytes.

use retrain_objects::{Count, How, Limits, Span};

use super::support::{Asked, Memory, Stored};
use super::{CSV, ORC, PARQUET, corpus, count_in};

const GIB: u64 = 1 << 30;

fn read(span: Span) -> Asked {
    Asked::Read("object".to_owned(), span)
}

#[test]
fn a_gibibyte_of_parquet_takes_one_request_of_64_kib() {
    let memory = Memory::with(
        "object",
        Stored::ending_with(GIB, corpus::file("nested.parquet")),
    );
    let count = count_in(&memory, PARQUET, &Limits::default()).unwrap();
    let expected = Count {
        rows: 64,
        how: How::ParquetFooter,
        bytes_read: 64 << 10,
        requests: 1,
    };
    assert_eq!(count, expected);
    assert_eq!(memory.asked(), [read(Span::Last(64 << 10))]);
}

#[test]
fn a_long_footer_takes_a_second_request_for_what_is_missing() {
    let file = corpus::file("wide.parquet");
    let at = file.len() - 8;
    let footer = u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let total = GIB;
    let memory = Memory::with("object", Stored::ending_with(total, file));
    let count = count_in(&memory, PARQUET, &Limits::default()).unwrap();
    assert_eq!((count.rows, count.requests), (3, 2));
    let start = total - 8 - u64::from(footer);
    let length = total - (64 << 10) - start;
    assert_eq!(
        memory.asked(),
        [
            read(Span::Last(64 << 10)),
            read(Span::Part { start, length }),
        ]
    );
}

#[test]
fn the_second_request_is_left_as_soon_as_the_number_has_come_by() {
    let file = corpus::file("wide.parquet");
    let mut memory = Memory::with("object", Stored::ending_with(GIB, file));
    memory.chunk = Some(1 << 10);
    let count = count_in(&memory, PARQUET, &Limits::default()).unwrap();
    // The schema of 600 columns comes before the number, statistics of all chunks after it.
    assert!(count.bytes_read < (64 + 24) << 10, "{count:?}");
}

#[test]
fn a_gibibyte_of_orc_takes_one_request() {
    let memory = Memory::with(
        "object",
        Stored::ending_with(GIB, corpus::file("nested.orc")),
    );
    let count = count_in(&memory, ORC, &Limits::default()).unwrap();
    assert_eq!(
        (count.rows, count.how, count.requests),
        (64, How::OrcTail, 1)
    );
}

#[test]
fn a_short_object_is_read_once() {
    let memory = Memory::with("object", Stored::new("a\nb\nc\n"));
    let count = count_in(&memory, CSV, &Limits::default()).unwrap();
    let expected = Count {
        rows: 3,
        how: How::Streamed,
        bytes_read: 6,
        requests: 1,
    };
    assert_eq!(count, expected);
    assert_eq!(memory.asked(), [read(Span::Whole)]);
}
