//! What a message says of an object, whichever way it came.

use jiff::Timestamp;
use retrain_core::sequencer::Sequencer;
use serde_json::Value;

use super::{Arrival, IrrelevantObject, ObjectCreated, key};
use crate::error::{InvalidEvent, quoted};
use crate::instant::instant;
use crate::node::Node;

/// S3's entity tags are a digest and a count of parts.
const LONGEST_ETAG: usize = 256;

/// The user guide's limit of a version id.
const LONGEST_VERSION_ID: usize = 1024;

/// How one kind of message spells what it says of an object.
pub(super) struct Spelling {
    etag: &'static str,
    version_id: &'static str,
    key: fn(&Node<'_>) -> Result<String, InvalidEvent>,
}

/// In EventBridge's events.
pub(super) const IN_EVENTS: Spelling = Spelling {
    etag: "etag",
    version_id: "version-id",
    key: key::raw,
};

/// In S3's own notifications.
pub(super) const IN_NOTIFICATIONS: Spelling = Spelling {
    etag: "eTag",
    version_id: "versionId",
    key: key::url_decoded,
};

/// What the message says besides.
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) reason: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) replay_name: Option<String>,
}

/// Reads the `bucket` and the `object` of a message about an object that was created.
pub(super) fn arrival(
    message: &Node<'_>,
    spelling: &Spelling,
    told: Told,
) -> Result<Arrival, InvalidEvent> {
    let bucket = bucket(&message.required("bucket")?.required("name")?)?;
    let object = message.required("object")?;
    let key = (spelling.key)(&object.required("key")?)?;
    let size = size(&object)?;
    if size == Some(0) && key.ends_with('/') {
        return Ok(Arrival::Irrelevant(IrrelevantObject::Folder));
    }
    Ok(Arrival::Created(Box::new(ObjectCreated {
        bucket,
        key,
        size,
        etag: exact(&object, spelling.etag, LONGEST_ETAG)?,
        version_id: version_id(&object, spelling.version_id)?,
        sequencer: sequencer(&object)?,
        at: told.at,
        reason: told.reason,
        event_id: told.event_id,
        replay_name: told.replay_name,
    })))
}

/// Fails where a version has another major number: by S3's rule its fields may mean
/// something else, whereas a greater minor number only adds fields.
pub(super) fn check_major(node: &Node<'_>, field: &str, major: &str) -> Result<(), InvalidEvent> {
    let Some(version) = node.optional(field)? else {
        return Ok(());
    };
    if version.text()?.split('.').next() == Some(major) {
        return Ok(());
    }
    Err(version.invalid(format!(
        "is {}, but only version {major} is understood",
        version.described()
    )))
}

/// The moment of an event.
pub(super) fn moment(time: &Node<'_>) -> Result<Timestamp, InvalidEvent> {
    instant(time.value())
        .ok_or_else(|| time.invalid(format!("is {}, not a timestamp", time.described())))
}

fn bucket(name: &Node<'_>) -> Result<String, InvalidEvent> {
    let text = name.text()?;
    if is_bucket(text) {
        Ok(text.to_owned())
    } else {
        Err(name.invalid(format!("is {}, not a bucket's name", quoted(text))))
    }
}

/// Old buckets may have capitals and underscores, which new ones may not.
fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Text counts as well, as an input transformer may quote a number.
fn size(object: &Node<'_>) -> Result<Option<u64>, InvalidEvent> {
    let Some(size) = object.optional("size")? else {
        return Ok(None);
    };
    let bytes = match size.value() {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        value => value.as_u64(),
    };
    bytes
        .map(Some)
        .ok_or_else(|| size.invalid(format!("is {}, not a number of bytes", size.described())))
}

/// Objects of a bucket without versions have none, an empty one, or the word `null`.
fn version_id(object: &Node<'_>, field: &str) -> Result<Option<String>, InvalidEvent> {
    let version = exact(object, field, LONGEST_VERSION_ID)?;
    Ok(version.filter(|version| version != "null"))
}

fn sequencer(object: &Node<'_>) -> Result<Option<Sequencer>, InvalidEvent> {
    let Some(sequencer) = object.optional("sequencer")? else {
        return Ok(None);
    };
    let text = sequencer.text()?;
    Sequencer::parse(text).map(Some).ok_or_else(|| {
        sequencer.invalid(format!(
            "is {}, not a hexadecimal number of up to {} digits",
            quoted(text),
            Sequencer::DIGITS
        ))
    })
}

/// Text that requests repeat to the letter, so that it is never cut. Empty is absent.
fn exact(object: &Node<'_>, field: &str, max_chars: usize) -> Result<Option<String>, InvalidEvent> {
    let Some(node) = object.optional(field)? else {
        return Ok(None);
    };
    let text = node.text_up_to(max_chars)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for name in [
            "abc",
            "fraud-detection-data",
            "logs.example.com",
            "Old_Bucket",
            "0a9",
            &"b".repeat(63),
        ] {
            assert!(is_bucket(name), "{name}");
        }
        for other in [
            "",
            "ab",
            &"b".repeat(64),
            "-abc",
            "abc.",
            "a/b",
            "a b",
            "a\u{e9}b",
            "arn:aws:s3:::fraud-detection-data",
        ] {
            assert!(!is_bucket(other), "{other}");
        }
    }
}
