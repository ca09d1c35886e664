//! Objects that tell of other objects.
//!
//! Both readers are made for documents that are hostile: neither keeps more than it was told
//! to, whatever is in them.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::objects::ObjectVersion;
use crate::outcome::{Part, Uncounted};

/// How many rows a verbose manifest of Redshift's says that there are.
///
/// The names of its fields are documented by example only, so all of them may be missing:
/// then it has no counts.
pub(crate) fn redshift_rows(text: &[u8], header: bool) -> Result<u64, Uncounted> {
    let Unload { entries, meta } = parse(text)?;
    let total = meta.and_then(|meta| meta.record_count);
    let Some(entries) = entries else {
        return match total {
            Some(rows) if !header => Ok(rows),
            Some(_) => Err(Uncounted::NoCounts(
                "there is no `entries`, so nobody knows how many headers were counted".to_owned(),
            )),
            None => Err(Uncounted::NoCounts(
                "there is neither `entries` nor `meta.record_count`".to_owned(),
            )),
        };
    };
    let rows = match (entries.rows(), total) {
        (Ok(rows), Some(total)) if rows != total => {
            return Err(Uncounted::corrupt(
                Part::Manifest,
                format!("its entries have {rows} rows, `meta.record_count` is {total}"),
            ));
        }
        (Ok(rows), _) | (Err(_), Some(rows)) => rows,
        (Err(missing), None) => return Err(missing),
    };
    let headers = if header { entries.with_rows } else { 0 };
    Ok(rows.saturating_sub(headers))
}

#[derive(Deserialize)]
struct Unload {
    entries: Option<Entries>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    record_count: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    meta: Option<Meta>,
}

/// The sum of all entries.
#[derive(Default)]
struct Entries {
    rows: u64,
    /// How many have a row, or do not say that they have none.
    with_rows: u64,
    first_without_count: Option<usize>,
    overflow: bool,
}

impl Entries {
    fn rows(&self) -> Result<u64, Uncounted> {
        if self.overflow {
            return Err(Uncounted::corrupt(Part::Manifest, "its rows have no sum"));
        }
        match self.first_without_count {
            None => Ok(self.rows),
            Some(place) => Err(Uncounted::NoCounts(format!(
                "there is neither `meta.record_count` nor `entries[{place}].meta.record_count`"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sum;

        impl<'de> Visitor<'de> for Sum {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                for place in 0.. {
                    let Some(entry) = list.next_element::<Entry>()? else {
                        break;
                    };
                    let rows = entry.meta.and_then(|meta| meta.record_count);
                    if rows.is_none() && entries.first_without_count.is_none() {
                        entries.first_without_count = Some(place);
                    }
                    entries.with_rows += u64::from(rows != Some(0));
                    match entries.rows.checked_add(rows.unwrap_or_default()) {
                        Some(sum) => entries.rows = sum,
                        None => entries.overflow = true,
                    }
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_seq(Sum)
    }
}

/// The objects that a manifest of SageMaker's lists. It tells no version, so they are whatever
/// is under their keys.
pub(crate) fn sagemaker_objects(text: &[u8], max: usize) -> Result<Vec<ObjectVersion>, Uncounted> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let Listing {
        prefix,
        names,
        more,
    } = Bounded { max }
        .deserialize(&mut json)
        .and_then(|listing| json.end().map(|()| listing))
        .map_err(not_readable)?;
    if more {
        return Err(Uncounted::TooLarge {
            part: Part::Manifest,
            limit: max as u64,
            unit: "objects",
        });
    }
    let Some((bucket, start)) = prefix
        .strip_prefix("s3://")
        .map(|place| place.split_once('/').unwrap_or((place, "")))
        .filter(|(bucket, _)| !bucket.is_empty())
    else {
        return Err(Uncounted::corrupt(
            Part::Manifest,
            "its `prefix` is not `s3://BUCKET/...`",
        ));
    };
    Ok(names
        .into_iter()
        .map(|name| ObjectVersion::unpinned(bucket, format!("{start}{name}")))
        .collect())
}

#[derive(Deserialize)]
struct Prefix {
    prefix: String,
}

struct Listing {
    prefix: String,
    names: Vec<String>,
    more: bool,
}

struct Bounded {
    max: usize,
}

impl<'de> DeserializeSeed<'de> for Bounded {
    type Value = Listing;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Listing, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Bounded {
    type Value = Listing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list that begins with a `prefix`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listing, A::Error> {
        let Some(Prefix { prefix }) = list.next_element()? else {
            return Err(serde::de::Error::invalid_length(0, &self));
        };
        let mut names = Vec::new();
        while names.len() < self.max {
            match list.next_element()? {
                Some(name) => names.push(name),
                None => {
                    return Ok(Listing {
                        prefix,
                        names,
                        more: false,
                    });
                }
            }
        }
        let mut more = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(Listing {
            prefix,
            names,
            more,
        })
    }
}

fn parse<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Uncounted> {
    serde_json::from_slice(text).map_err(not_readable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn not_readable(error: serde_json::Error) -> Uncounted {
    Uncounted::corrupt(Part::Manifest, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, header: bool) -> Result<u64, Uncounted> {
        redshift_rows(text.as_bytes(), header)
    }

    const VERBOSE: &str = r#"{
        "entries": [
            {"url": "s3://b/0000", "meta": {"content_length": 10, "record_count": 3}},
            {"url": "s3://b/0001", "meta": {"content_length": 0, "record_count": 0}},
            {"url": "s3://b/0002", "meta": {"content_length": 20, "record_count": 4}}
        ],
        "schema": {"elements": [{"name": "a", "type": {"base": "integer"}}]},
        "meta": {"content_length": 30, "record_count": 7}
    }"#;

    #[test]
    fn a_verbose_manifest_says_its_rows() {
        assert_eq!(rows(VERBOSE, false), Ok(7));
        assert_eq!(rows(r#"{"entries": []}"#, false), Ok(0));
        assert_eq!(rows(r#"{"meta": {"record_count": 5}}"#, false), Ok(5));
        assert_eq!(
            rows(r#"{"entries": [{"meta": {"record_count": 5}}]}"#, false),
            Ok(5)
        );
    }

    #[test]
    fn the_header_of_each_file_with_rows_is_no_row() {
        assert_eq!(rows(VERBOSE, true), Ok(5));
        assert_eq!(
            rows(
                r#"{"entries": [{}, {}], "meta": {"record_count": 9}}"#,
                true
            ),
            Ok(7)
        );
    }

    #[test]
    fn a_manifest_without_counts_says_what_is_missing() {
        let table = [
            ("{}", false, "neither `entries` nor"),
            (r#"{"meta": {"record_count": 5}}"#, true, "no `entries`"),
            (
                r#"{"entries": [{"meta": {"record_count": 1}}, {"url": "s3://b/1"}]}"#,
                false,
                "`entries[1].meta.record_count`",
            ),
        ];
        for (text, header, missing) in table {
            match rows(text, header) {
                Err(Uncounted::NoCounts(why)) => assert!(why.contains(missing), "{why}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_corrupt() {
        let large = format!(
            r#"{{"entries": [{0}, {0}]}}"#,
            format_args!(r#"{{"meta": {{"record_count": {}}}}}"#, u64::MAX)
        );
        for text in [
            r#"{"entries": [{"meta": {"record_count": 5}}], "meta": {"record_count": 6}}"#,
            r#"{"entries": [{"meta": {"record_count": -5}}]}"#,
            r#"{"entries": 5}"#,
            "{",
            &large,
        ] {
            assert!(
                matches!(rows(text, false), Err(Uncounted::Corrupt { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_sagemaker_manifest_lists_objects() {
        let text = br#"[{"prefix": "s3://bucket/data/"}, "a.csv", "b c/d.csv"]"#;
        assert_eq!(
            sagemaker_objects(text, 2),
            Ok(vec![
                ObjectVersion::unpinned("bucket", "data/a.csv"),
                ObjectVersion::unpinned("bucket", "data/b c/d.csv"),
            ])
        );
        assert_eq!(
            sagemaker_objects(br#"[{"prefix": "s3://b"}]"#, 2),
            Ok(vec![])
        );
        assert_eq!(
            sagemaker_objects(text, 1),
            Err(Uncounted::TooLarge {
                part: Part::Manifest,
                limit: 1,
                unit: "objects"
            })
        );
    }

    #[test]
    fn what_is_no_sagemaker_manifest_is_corrupt() {
        for text in [
            "[]",
            "{}",
            r#"["a.csv"]"#,
            r#"[{"prefix": "bucket/data/"}, "a.csv"]"#,
            r#"[{"prefix": "s3:///data/"}, "a.csv"]"#,
            r#"[{"prefix": "s3://b/"}, "a.csv", {"prefix": "s3://c/"}]"#,
            r#"[{"prefix": "s3://b/"}, "a.csv"] x"#,
        ] {
            assert!(
                matches!(
                    sagemaker_objects(text.as_bytes(), 9),
                    Err(Uncounted::Corrupt { .. })
                ),
                "{text}"
            );
        }
    }
}
