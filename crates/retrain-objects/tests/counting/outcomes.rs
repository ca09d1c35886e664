//! Which object is counted, and what becomes of one that is not.

use retrain_objects::{
    Count, CountError, DataFormat, Format, How, Limits, ObjectVersion, Part, Uncounted, count,
};

use super::support::{Asked, Memory, Stored, ready};
use super::{CSV, PARQUET, corpus, count_in};

fn announced() -> ObjectVersion {
    ObjectVersion {
        etag: Some("etag".to_owned()),
        size: Some(4),
        ..ObjectVersion::unpinned("bucket", "object")
    }
}

fn answer(
    memory: &Memory,
    object: &ObjectVersion,
    format: Format,
    key: Option<&str>,
) -> Result<Count, CountError> {
    ready(count(memory, object, &format, &Limits::default(), key))
}

fn uncounted(memory: &Memory, object: &ObjectVersion, format: Format) -> Uncounted {
    match answer(memory, object, format, None) {
        Err(CountError::Uncounted(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_announced_object_is_counted() {
    let memory = Memory::with("object", Stored::new("a\nb\n"));
    let count = answer(&memory, &announced(), Format::Data(CSV), None).unwrap();
    assert_eq!(count.rows, 2);
}

#[test]
fn another_object_under_its_key_is_not() {
    let mut other = Stored::new("a\nb\n");
    other.etag = "other".to_owned();
    let memory = Memory::with("object", other);
    let why = uncounted(&memory, &announced(), Format::Data(CSV));
    assert_eq!(why, Uncounted::Replaced);
    assert_eq!(why.name(), "ObjectReplaced");
}

#[test]
fn an_object_of_another_length_is_another_object() {
    let memory = Memory::with("object", Stored::new("a\nb\nc\n"));
    assert_eq!(
        uncounted(&memory, &announced(), Format::Data(CSV)),
        Uncounted::Replaced
    );
}

#[test]
fn an_object_that_is_not_there_is_gone() {
    assert_eq!(
        uncounted(&Memory::default(), &announced(), Format::Data(CSV)),
        Uncounted::Gone
    );
}

#[test]
fn an_empty_object_that_was_not_announced_as_empty_is_corrupt() {
    let memory = Memory::with("object", Stored::new(""));
    let object = ObjectVersion::unpinned("bucket", "object");
    assert_eq!(
        uncounted(&memory, &object, Format::Data(PARQUET)),
        Uncounted::Corrupt {
            part: Part::Object,
            why: "it is empty".to_owned()
        }
    );
}

#[test]
fn a_body_that_breaks_is_worth_another_delivery() {
    let mut memory = Memory::with("object", Stored::new("a\nb\n"));
    memory.breaks_after = Some(2);
    memory.chunk = Some(2);
    let error = answer(&memory, &announced(), Format::Data(CSV), None).unwrap_err();
    assert!(matches!(error, CountError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.name(), "ObjectUnavailable");
    assert_eq!(error.to_string(), "read s3://bucket/object");
}

#[test]
fn a_body_that_ends_early_is_worth_another_delivery() {
    let mut short = Stored::new("a\nb\n");
    short.total = 5;
    let mut memory = Memory::with("object", short);
    memory.chunk = Some(4);
    let object = ObjectVersion::unpinned("bucket", "object");
    let error = answer(&memory, &object, Format::Data(CSV), None).unwrap_err();
    assert!(matches!(error, CountError::Unavailable { .. }), "{error:?}");
}

#[test]
fn trusted_metadata_takes_one_request_and_no_byte() {
    let mut stored = Stored::new("a\nb\n");
    stored
        .metadata
        .insert("row-count".to_owned(), " 41 ".to_owned());
    let memory = Memory::with("object", stored);
    let count = answer(&memory, &announced(), Format::Data(CSV), Some("Row-Count")).unwrap();
    let expected = Count {
        rows: 41,
        how: How::Metadata,
        bytes_read: 0,
        requests: 1,
    };
    assert_eq!(count, expected);
    assert_eq!(memory.asked(), [Asked::Head("object".to_owned())]);
}

#[test]
fn an_object_of_unknown_format_has_the_rows_that_its_metadata_tells() {
    let mut stored = Stored::new("a\nb\n");
    let memory = Memory::with("object", stored.clone());
    let error = answer(&memory, &announced(), Format::Unknown, Some("row-count")).unwrap_err();
    assert_eq!(error.name(), "UnknownFormat");
    stored
        .metadata
        .insert("row-count".to_owned(), "41".to_owned());
    let memory = Memory::with("object", stored);
    let count = answer(&memory, &announced(), Format::Unknown, Some("row-count")).unwrap();
    assert_eq!((count.rows, count.how), (41, How::Metadata));
}

#[test]
fn metadata_is_not_looked_at_unless_it_is_trusted() {
    let mut stored = Stored::new("a\nb\n");
    stored
        .metadata
        .insert("row-count".to_owned(), "41".to_owned());
    let memory = Memory::with("object", stored);
    let count = answer(&memory, &announced(), Format::Data(CSV), None).unwrap();
    assert_eq!((count.rows, count.how), (2, How::Streamed));
}

#[test]
fn metadata_that_is_no_number_is_passed_over() {
    for value in ["", "many", "-1", "1.5", "9223372036854775808"] {
        let mut stored = Stored::new("a\nb\n");
        stored
            .metadata
            .insert("row-count".to_owned(), value.to_owned());
        let memory = Memory::with("object", stored);
        let count = answer(&memory, &announced(), Format::Data(CSV), Some("row-count")).unwrap();
        assert_eq!((count.rows, count.requests), (2, 2), "{value}");
    }
}

#[test]
fn metadata_of_another_object_is_not_taken() {
    let mut other = Stored::new("a\nb\n");
    other.etag = "other".to_owned();
    other
        .metadata
        .insert("row-count".to_owned(), "41".to_owned());
    let memory = Memory::with("object", other);
    let error = answer(&memory, &announced(), Format::Data(CSV), Some("row-count")).unwrap_err();
    assert_eq!(error.name(), "ObjectReplaced");
}

#[test]
fn a_redshift_manifest_is_read_alone() {
    let text = r#"{"entries": [{"url": "s3://b/0", "meta": {"record_count": 12}}]}"#;
    let memory = Memory::with("object", Stored::new(text));
    let object = ObjectVersion::unpinned("bucket", "object");
    let format = Format::RedshiftManifest { header: false };
    let count = answer(&memory, &object, format, None).unwrap();
    assert_eq!(
        (count.rows, count.how, count.requests),
        (12, How::Manifest, 1)
    );
}

#[test]
fn the_objects_of_a_sagemaker_manifest_are_counted() {
    let manifest = r#"[{"prefix": "s3://bucket/data/"}, "a.csv", "b.parquet", "c.jsonl"]"#;
    let mut memory = Memory::with("object", Stored::new(manifest));
    memory.put("data/a.csv", Stored::new("id\n1\n2\n"));
    memory.put(
        "data/b.parquet",
        Stored::new(corpus::file("nested.parquet")),
    );
    memory.put("data/c.jsonl", Stored::new("{}\n"));
    let object = ObjectVersion::unpinned("bucket", "object");
    let format = Format::SageMakerManifest { csv_header: true };
    let count = answer(&memory, &object, format, None).unwrap();
    let parquet = memory_length("nested.parquet");
    let expected = Count {
        rows: 2 + 64 + 1,
        how: How::Manifest,
        bytes_read: manifest.len() as u64 + 7 + parquet + 3,
        requests: 4,
    };
    assert_eq!(count, expected);
}

fn memory_length(name: &str) -> u64 {
    corpus::file(name).len() as u64
}

#[test]
fn a_listed_object_without_a_count_is_named() {
    let manifest = r#"[{"prefix": "s3://bucket/data/"}, "a.csv", "b.bin"]"#;
    let format = Format::SageMakerManifest { csv_header: true };
    let object = ObjectVersion::unpinned("bucket", "object");
    let mut memory = Memory::with("object", Stored::new(manifest));
    assert_eq!(
        uncounted(&memory, &object, format),
        Uncounted::Listed {
            object: "s3://bucket/data/a.csv".to_owned(),
            why: Box::new(Uncounted::Gone)
        }
    );
    memory.put("data/a.csv", Stored::new("id\n"));
    assert_eq!(
        uncounted(&memory, &object, format).to_string(),
        "s3://bucket/data/b.bin, which the manifest lists, is not counted: \
         what its key does not tell is not supported"
    );
}

#[test]
fn a_manifest_that_is_too_long_is_not_kept() {
    let memory = Memory::with("object", Stored::new(vec![b' '; 5 << 20]));
    let object = ObjectVersion::unpinned("bucket", "object");
    assert_eq!(
        uncounted(&memory, &object, Format::RedshiftManifest { header: false }),
        Uncounted::TooLarge {
            part: Part::Manifest,
            limit: 4 << 20,
            unit: "bytes"
        }
    );
}

/// An object that was not pinned is pinned by the first answer.
#[test]
fn an_object_is_not_replaced_between_two_requests() {
    use retrain_objects::{Head, Objects, Read, Span, Unread};

    struct Replacing(Memory, Memory);

    impl Objects for Replacing {
        type Body = super::support::MemoryBody;

        async fn head(&self, object: &ObjectVersion) -> Result<Head, Unread> {
            self.0.head(object).await
        }

        async fn read(
            &self,
            object: &ObjectVersion,
            span: Span,
        ) -> Result<Read<Self::Body>, Unread> {
            match span {
                Span::Part { .. } => self.1.read(object, span).await,
                _ => self.0.read(object, span).await,
            }
        }
    }

    let first = Stored::new(corpus::file("wide.parquet"));
    let mut second = first.clone();
    second.etag = "other".to_owned();
    let objects = Replacing(
        Memory::with("object", first),
        Memory::with("object", second),
    );
    let object = ObjectVersion::unpinned("bucket", "object");
    let format = Format::Data(DataFormat::Parquet);
    let answer = ready(count(&objects, &object, &format, &Limits::default(), None));
    assert_eq!(answer.unwrap_err().name(), "ObjectReplaced");
    // And without a replacement it is counted.
    let wide = count_in(&objects.0, PARQUET, &Limits::default()).unwrap();
    assert_eq!((wide.rows, wide.requests), (3, 2));
}
