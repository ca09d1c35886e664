//! S3.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::objects::{Body, Head, ObjectVersion, Objects, Read, Span, Unread};

/// The objects of S3.
#[derive(Clone, Debug)]
pub struct S3Objects {
    client: Client,
}

impl S3Objects {
    /// S3 behind this client.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Objects for S3Objects {
    type Body = S3Body;

    async fn head(&self, object: &ObjectVersion) -> Result<Head, Unread> {
        let answer = self
            .client
            .head_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .set_version_id(object.version_id.clone())
            .set_if_match(quoted(object))
            .send()
            .await
            .map_err(|error| unread(error, |answer| Some(answer.status().as_u16())))?;
        check(object, answer.e_tag())?;
        Ok(Head {
            total: length(answer.content_length())?,
            etag: answer.e_tag,
            metadata: answer
                .metadata
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key.to_ascii_lowercase(), value))
                .collect::<BTreeMap<_, _>>(),
        })
    }

    async fn read(&self, object: &ObjectVersion, span: Span) -> Result<Read<S3Body>, Unread> {
        let answer = self
            .client
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            // The version pins it. So does the ETag, also for the version `null`, which is not
            // always the same object.
            .set_version_id(object.version_id.clone())
            .set_if_match(quoted(object))
            .set_range(range(span))
            .send()
            .await
            .map_err(|error| unread(error, |answer| Some(answer.status().as_u16())))?;
        check(object, answer.e_tag())?;
        let (total, length) = extent(&answer, span)?;
        Ok(Read {
            total,
            length,
            etag: answer.e_tag,
            body: S3Body(answer.body),
        })
    }
}

/// A body on its way from S3.
#[derive(Debug)]
pub struct S3Body(ByteStream);

impl Body for S3Body {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Unread> {
        self.0
            .try_next()
            .await
            .map_err(|error| Unread::Unavailable(error.into()))
    }
}

fn quoted(object: &ObjectVersion) -> Option<String> {
    object.bare_etag().map(|etag| format!("\"{etag}\""))
}

fn range(span: Span) -> Option<String> {
    match span {
        Span::Whole => None,
        Span::Last(length) => Some(format!("bytes=-{length}")),
        Span::Part { start, length } => Some(format!(
            "bytes={start}-{}",
            start.saturating_add(length).saturating_sub(1)
        )),
    }
}

/// S3 has looked at `If-Match` already. What stands between us and S3 may not have.
fn check(object: &ObjectVersion, etag: Option<&str>) -> Result<(), Unread> {
    match (object.bare_etag(), etag) {
        (Some(wanted), Some(etag)) if wanted != etag.trim_matches('"') => Err(Unread::Replaced),
        _ => Ok(()),
    }
}

/// The length of the whole object and that of the body, which must be the part that was asked
/// for. An answer without a range is the whole object.
fn extent(answer: &GetObjectOutput, span: Span) -> Result<(u64, u64), Unread> {
    let body = length(answer.content_length())?;
    let (first, end, total) = match answer.content_range() {
        None => (0, body, body),
        Some(range) => {
            content_range(range).ok_or_else(|| strange(&format!("Content-Range {range:?}")))?
        }
    };
    let wanted = match span {
        Span::Whole => (0, total),
        Span::Last(length) => (total.saturating_sub(length), total),
        Span::Part { start, length } => (start, start.saturating_add(length).min(total)),
    };
    if (first, end) != wanted || Some(body) != end.checked_sub(first) {
        return Err(strange(&format!(
            "{body} bytes from {first} to {end} of {total}, where {wanted:?} were asked for"
        )));
    }
    Ok((total, body))
}

/// `bytes FIRST-LAST/TOTAL` as first, end and total.
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((first.parse().ok()?, end, total.parse().ok()?))
}

fn length(length: Option<i64>) -> Result<u64, Unread> {
    length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| strange(&format!("Content-Length {length:?}")))
}

/// An answer that S3 does not give says nothing about the object.
fn strange(what: &str) -> Unread {
    Unread::Unavailable(format!("a strange answer: {what}").into())
}

/// Classifies by code where there is one. An answer to HEAD has no body, so only its status.
fn unread<E, R>(error: SdkError<E, R>, status: impl Fn(&R) -> Option<u16>) -> Unread
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    let status = error.raw_response().and_then(status);
    let code = error.code().map(str::to_owned);
    match (code.as_deref(), status) {
        (Some(code), _) if will_pass(code) => Unread::Unavailable(error.into()),
        (Some("InvalidObjectState"), _) => Unread::Archived,
        (_, Some(412)) => Unread::Replaced,
        // A delete marker that is asked for by its version may not be read: 405.
        (_, Some(404 | 405 | 410)) => Unread::Gone,
        (_, Some(416)) => Unread::NoSuchRange,
        (code, Some(403)) => Unread::Denied(code.unwrap_or("AccessDenied").to_owned()),
        (code, Some(status @ (300..=407 | 409 | 411..=428 | 430..=499))) => {
            Unread::Refused(code.map_or_else(|| format!("HTTP {status}"), str::to_owned))
        }
        _ => Unread::Unavailable(error.into()),
    }
}

/// Errors that have the status of a client's mistake, and are none.
fn will_pass(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "OperationAborted"
            | "RequestLimitExceeded"
            | "RequestTimeTooSkewed"
            | "RequestTimeout"
            | "SlowDown"
            | "TokenRefreshRequired"
    ) || code.contains("Throttl")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent_of(length: i64, range: Option<&str>, span: Span) -> Option<(u64, u64)> {
        let answer = GetObjectOutput::builder()
            .content_length(length)
            .set_content_range(range.map(str::to_owned))
            .build();
        extent(&answer, span).ok()
    }

    #[test]
    fn an_answer_is_the_part_that_was_asked_for() {
        let part = Span::Part {
            start: 2,
            length: 4,
        };
        let table = [
            (0, None, Span::Whole, Some((0, 0))),
            (10, None, Span::Whole, Some((10, 10))),
            (4, Some("bytes 6-9/10"), Span::Last(4), Some((10, 4))),
            (10, Some("bytes 0-9/10"), Span::Last(99), Some((10, 10))),
            (10, None, Span::Last(99), Some((10, 10))),
            (4, Some("bytes 2-5/10"), part, Some((10, 4))),
            (3, Some("bytes 2-4/5"), part, Some((5, 3))),
        ];
        for (length, range, span, expected) in table {
            assert_eq!(extent_of(length, range, span), expected, "{range:?}");
        }
    }

    #[test]
    fn another_part_is_not_taken_for_it() {
        let part = Span::Part {
            start: 2,
            length: 4,
        };
        let table = [
            (10, None, part),
            (10, None, Span::Last(4)),
            (4, Some("bytes 0-3/10"), Span::Whole),
            (4, Some("bytes 0-3/10"), Span::Last(4)),
            (4, Some("bytes 3-6/10"), part),
            (9, Some("bytes 2-5/10"), part),
            (4, Some("bytes 2-5/*"), part),
            (4, Some("bytes 2-18446744073709551615/10"), part),
            (4, Some("rows 2-5/10"), part),
            (-1, None, Span::Whole),
        ];
        for (length, range, span) in table {
            assert_eq!(extent_of(length, range, span), None, "{range:?}");
        }
    }
}
