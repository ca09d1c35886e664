//! Files that pyarrow, pandas and zstandard wrote, counted as pyarrow and pandas count them.
//! `tests/corpus/generate.py` makes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retrain_objects::{CountError, DataFormat};

use super::{CSV, JSON_LINES, ORC, PARQUET, count_cut, rows};

#[derive(serde::Deserialize)]
struct Expected {
    format: String,
    rows: Option<u64>,
    uncounted: Option<String>,
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

pub fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("files").join(name)).unwrap()
}

fn expected() -> BTreeMap<String, Expected> {
    let text = std::fs::read(folder().join("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn format(name: &str) -> DataFormat {
    match name {
        "parquet" => PARQUET,
        "orc" => ORC,
        "csv" => CSV,
        "csv-with-header" => DataFormat::Csv { header: true },
        "json-lines" => JSON_LINES,
        other => panic!("{other}"),
    }
}

#[test]
fn every_file_has_the_rows_that_other_libraries_see() {
    for (name, expected) in expected() {
        let found = rows(&file(&name), format(&expected.format));
        match (expected.rows, &expected.uncounted) {
            (Some(rows), None) => assert_eq!(found, Ok(rows), "{name}"),
            (None, Some(why)) => assert_eq!(found.unwrap_err().name(), why, "{name}"),
            _ => panic!("{name}"),
        }
    }
}

#[test]
fn every_file_is_expected() {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("files"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, expected().into_keys().collect::<Vec<_>>());
    assert!(files.len() > 60);
}

#[test]
fn the_format_of_every_file_is_told_by_its_name() {
    for (name, expected) in expected() {
        let header = expected.format == "csv-with-header";
        assert_eq!(
            DataFormat::of_key(&name, header),
            Some(format(&expected.format)),
            "{name}"
        );
    }
}

/// A file that is cut off anywhere has no count, or the right one; never another.
#[test]
fn a_cut_parquet_or_orc_file_has_no_count() {
    for name in ["one-row.parquet", "one-row.orc", "nested.orc"] {
        let bytes = file(name);
        let format = DataFormat::of_key(name, false).unwrap();
        for length in 0..bytes.len() {
            match count_cut(&bytes[..length], format, usize::MAX) {
                Err(CountError::Uncounted(_)) => {}
                other => panic!("{name} cut to {length}: {other:?}"),
            }
        }
    }
}
