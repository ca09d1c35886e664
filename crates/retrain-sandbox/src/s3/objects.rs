//! Reading, writing, copying and deleting objects.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::{Deserialize, Serialize};

use super::error::S3Error;
use super::event::Creation;
use super::payload::Payload;
use super::request::{Call, decoded};
use super::store::{Object, Occasion, Store, Version, Versioning, Write};
use super::{condition, range, xml};
use crate::answer::Answer;
use crate::body::Body;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateBucketConfiguration {
    location_constraint: Option<String>,
}

/// A bucket lies in its sandbox's region, so that is what must be asked for;
/// to ask for none is to ask for us-east-1.
pub(super) fn create_bucket(
    store: &mut Store,
    call: &Call<'_>,
    body: &Bytes,
) -> Result<Answer, S3Error> {
    let constraint = if body.is_empty() {
        None
    } else {
        xml::read::<CreateBucketConfiguration>(body)?.location_constraint
    };
    let asked = constraint.as_deref().unwrap_or("us-east-1");
    if asked != store.region {
        return Err(S3Error::new(
            "IllegalLocationConstraintException",
            format!(
                "The {asked} location constraint is incompatible for the region specific endpoint \
                 this request was sent to."
            ),
        ));
    }
    store.create_bucket(&call.bucket, Versioning::Disabled)?;
    let mut headers = HeaderMap::new();
    set(&mut headers, "location", &format!("/{}", call.bucket));
    Ok(empty(StatusCode::OK, headers))
}

pub(super) fn put(
    store: &mut Store,
    call: &Call<'_>,
    body: &Bytes,
    occasion: &Occasion,
) -> Result<Answer, S3Error> {
    let payload = Payload::read(call.headers, body)?;
    condition::of_write(store, call)?;
    let write = Write {
        by: Creation::PutObject,
        content: payload.bytes.into(),
        etag: None,
        description: call.description(),
        checksum: payload.checksum,
    };
    let version = store.write(&call.bucket, &call.key, write, occasion)?;
    let mut headers = version_headers(&version);
    if let Some((name, value)) = version.object.and_then(|object| object.checksum) {
        headers.insert(name, value);
    }
    Ok(empty(StatusCode::OK, headers))
}

/// `GetObject` and `HeadObject`; the listener leaves the body of the latter out.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Result<Answer, S3Error> {
    let (version, object) = store.find(&call.bucket, &call.key, call.parameter("versionId"))?;
    let conditions = condition::of_read(call, object)?;
    let size = object.content.size();
    let mut headers = version_headers(version);
    set(&mut headers, "last-modified", &http_date(object.modified)?);
    if conditions == condition::Read::NotModified {
        return Ok(empty(StatusCode::NOT_MODIFIED, headers));
    }
    headers.extend(object.description.clone());
    set(&mut headers, "accept-ranges", "bytes");
    headers
        .entry("content-type")
        .or_insert(HeaderValue::from_static("binary/octet-stream"));
    let asked = call
        .header("range")
        .map(|header| range::requested(header, size));
    let mut status = StatusCode::OK;
    let mut part = 0..size;
    if let Some(asked) = asked.transpose()?.flatten() {
        let last = asked.end.saturating_sub(1);
        let sent = format!("bytes {}-{last}/{size}", asked.start);
        set(&mut headers, "content-range", &sent);
        status = StatusCode::PARTIAL_CONTENT;
        part = asked;
    } else if let Some((name, value)) = object.checksum.clone()
        && call.header("x-amz-checksum-mode") == Some("ENABLED")
    {
        // It is the whole object's, and clients verify it.
        headers.insert(name, value);
        set(&mut headers, "x-amz-checksum-type", "FULL_OBJECT");
    }
    let body = Body::part(object.content.clone(), part);
    set(&mut headers, "content-length", &body.size().to_string());
    Ok(Answer {
        status,
        headers,
        body,
        code: None,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CopyObjectResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    last_modified: String,
    #[serde(rename = "ETag")]
    etag: String,
}

pub(super) fn copy(
    store: &mut Store,
    call: &Call<'_>,
    occasion: &Occasion,
) -> Result<Answer, S3Error> {
    let header = call.header("x-amz-copy-source").unwrap_or_default();
    let (path, version_id) = match header.split_once("?versionId=") {
        Some((path, id)) => (path, Some(id)),
        None => (header, None),
    };
    let path = decoded(path.strip_prefix('/').unwrap_or(path)).unwrap_or_default();
    let (bucket, key) = path
        .split_once('/')
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| {
            let message =
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
            S3Error::invalid_argument(message, "x-amz-copy-source", header)
        })?;
    let replaces = match call.header("x-amz-metadata-directive") {
        None | Some("COPY") => false,
        Some("REPLACE") => true,
        Some(other) => {
            let name = "x-amz-metadata-directive";
            return Err(S3Error::invalid_argument(
                "Unknown metadata directive.",
                name,
                other,
            ));
        }
    };
    if (bucket, key) == (&call.bucket, &call.key) && !replaces && version_id.is_none() {
        return Err(S3Error::new(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself \
             without changing the object's metadata, storage class, website redirect location or \
             encryption attributes.",
        ));
    }
    let (source, object) = store.find(bucket, key, version_id)?;
    let source_id = source.id.clone();
    let write = Write {
        by: Creation::CopyObject,
        content: object.content.clone(),
        etag: None,
        description: if replaces {
            call.description()
        } else {
            object.description.clone()
        },
        checksum: object.checksum.clone(),
    };
    let version = store.write(&call.bucket, &call.key, write, occasion)?;
    let mut headers = version_headers(&version);
    headers.remove("etag");
    if let Some(id) = source_id {
        set(&mut headers, "x-amz-copy-source-version-id", &id);
    }
    let etag = version.object.map(|object| object.etag).unwrap_or_default();
    let result = CopyObjectResult {
        xmlns: xml::NAMESPACE,
        last_modified: xml_date(occasion.at),
        etag: format!("\"{etag}\""),
    };
    document(headers, &result)
}

pub(super) fn delete(
    store: &mut Store,
    call: &Call<'_>,
    occasion: &Occasion,
) -> Result<Answer, S3Error> {
    let version_id = call.parameter("versionId");
    let touched = store.delete(&call.bucket, &call.key, version_id, occasion)?;
    let mut headers = HeaderMap::new();
    if let Some(version) = touched {
        headers = version_headers(&version);
        headers.remove("etag");
        if version.object.is_none() {
            set(&mut headers, "x-amz-delete-marker", "true");
        }
    }
    Ok(empty(StatusCode::NO_CONTENT, headers))
}

/// The version's id and `ETag`.
pub(super) fn version_headers(version: &Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(id) = &version.id {
        set(&mut headers, "x-amz-version-id", id);
    }
    if let Some(Object { etag, .. }) = &version.object {
        set(&mut headers, "etag", &format!("\"{etag}\""));
    }
    headers
}

pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

pub(super) fn empty(status: StatusCode, headers: HeaderMap) -> Answer {
    Answer {
        status,
        headers,
        body: Bytes::new().into(),
        code: None,
    }
}

pub(super) fn document(
    mut headers: HeaderMap,
    document: &impl Serialize,
) -> Result<Answer, S3Error> {
    xml::content_type(&mut headers);
    Ok(Answer {
        status: StatusCode::OK,
        headers,
        body: xml::write(document)?.into(),
        code: None,
    })
}

fn http_date(time: Timestamp) -> Result<String, S3Error> {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .map_err(|error| S3Error::new("InternalError", error.to_string()))
}

/// S3 keeps whole seconds and writes milliseconds.
pub(super) fn xml_date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
