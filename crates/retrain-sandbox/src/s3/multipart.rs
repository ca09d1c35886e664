//! Multipart uploads.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::S3Error;
use super::event::Creation;
use super::ids::{self, hex};
use super::objects::{document, empty, set, version_headers};
use super::payload::Payload;
use super::request::Call;
use super::store::{Occasion, Store, Write};
use super::xml;
use crate::answer::Answer;

/// The least that a part may have, unless it is the last.
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;
const MOST_PARTS: u16 = 10_000;

/// An upload that was neither completed nor aborted.
#[derive(Debug)]
pub(super) struct Upload {
    bucket: String,
    key: String,
    description: HeaderMap,
    parts: BTreeMap<u16, Part>,
}

#[derive(Debug)]
struct Part {
    bytes: Bytes,
    digest: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InitiateMultipartUploadResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    bucket: String,
    key: String,
    upload_id: String,
}

pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Result<Answer, S3Error> {
    let description = call.description();
    store.check_new(&call.bucket, &call.key, &description)?;
    let id = ids::upload_id(store.next_change());
    store.uploads.insert(
        id.clone(),
        Upload {
            bucket: call.bucket.clone(),
            key: call.key.clone(),
            description,
            parts: BTreeMap::new(),
        },
    );
    let result = InitiateMultipartUploadResult {
        xmlns: xml::NAMESPACE,
        bucket: call.bucket.clone(),
        key: call.key.clone(),
        upload_id: id,
    };
    document(HeaderMap::new(), &result)
}

pub(super) fn upload_part(
    store: &mut Store,
    call: &Call<'_>,
    body: &Bytes,
) -> Result<Answer, S3Error> {
    let given = call.parameter("partNumber").unwrap_or_default();
    let number: u16 = given
        .parse()
        .ok()
        .filter(|number| (1..=MOST_PARTS).contains(number))
        .ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            S3Error::invalid_argument(message, "partNumber", given)
        })?;
    let payload = Payload::read(call.headers, body)?;
    let digest = Md5::digest(&payload.bytes).to_vec();
    let mut headers = HeaderMap::new();
    set(&mut headers, "etag", &format!("\"{}\"", hex(&digest)));
    if let Some((name, value)) = payload.checksum {
        headers.insert(name, value);
    }
    let part = Part {
        bytes: payload.bytes,
        digest,
    };
    find(store, call)?.parts.insert(number, part);
    Ok(empty(StatusCode::OK, headers))
}

pub(super) fn abort(store: &mut Store, call: &Call<'_>) -> Result<Answer, S3Error> {
    find(store, call)?;
    store.uploads.remove(upload_id(call));
    Ok(empty(StatusCode::NO_CONTENT, HeaderMap::new()))
}

#[derive(Deserialize)]
struct CompleteMultipartUpload {
    #[serde(rename = "Part", default)]
    parts: Vec<CompletedPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CompletedPart {
    part_number: u16,
    #[serde(rename = "ETag")]
    etag: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CompleteMultipartUploadResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    location: String,
    bucket: String,
    key: String,
    #[serde(rename = "ETag")]
    etag: String,
}

pub(super) fn complete(
    store: &mut Store,
    call: &Call<'_>,
    body: &Bytes,
    occasion: &Occasion,
) -> Result<Answer, S3Error> {
    let request: CompleteMultipartUpload = xml::read(body)?;
    let upload = find(store, call)?;
    let (content, etag) = upload.joined(&request.parts)?;
    let write = Write {
        by: Creation::CompleteMultipartUpload,
        content: content.into(),
        etag: Some(etag.clone()),
        description: upload.description.clone(),
        checksum: None,
    };
    let version = store.write(&call.bucket, &call.key, write, occasion)?;
    store.uploads.remove(upload_id(call));
    let mut headers = version_headers(&version);
    headers.remove("etag");
    let result = CompleteMultipartUploadResult {
        xmlns: xml::NAMESPACE,
        location: format!("/{}/{}", call.bucket, call.key),
        bucket: call.bucket.clone(),
        key: call.key.clone(),
        etag: format!("\"{etag}\""),
    };
    document(headers, &result)
}

impl Upload {
    /// The object that the named parts make, and its `ETag`: the MD5 of the
    /// parts' MD5s, and how many they are.
    fn joined(&self, named: &[CompletedPart]) -> Result<(Vec<u8>, String), S3Error> {
        if named.is_empty() {
            return Err(xml::malformed());
        }
        if !named.is_sorted_by(|one, next| one.part_number < next.part_number) {
            return Err(S3Error::new(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part \
                 number.",
            ));
        }
        let mut content = Vec::new();
        let mut digests = Md5::new();
        for (place, named_part) in named.iter().enumerate() {
            let part = self
                .parts
                .get(&named_part.part_number)
                .filter(|part| hex(&part.digest) == named_part.etag.trim_matches('"'))
                .ok_or_else(|| {
                    S3Error::new(
                        "InvalidPart",
                        "One or more of the specified parts could not be found. The part may not \
                         have been uploaded, or the specified entity tag may not match the part's \
                         entity tag.",
                    )
                    .member("PartNumber", named_part.part_number.to_string())
                })?;
            if part.bytes.len() < MIN_PART_BYTES && place + 1 < named.len() {
                return Err(S3Error::new(
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                ));
            }
            content.extend_from_slice(&part.bytes);
            digests.update(&part.digest);
        }
        let etag = format!("{}-{}", hex(&digests.finalize()), named.len());
        Ok((content, etag))
    }
}

fn upload_id<'a>(call: &'a Call<'_>) -> &'a str {
    call.parameter("uploadId").unwrap_or_default()
}

/// The upload that a request names; its id is worth nothing for another key.
fn find<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<&'a mut Upload, S3Error> {
    store
        .uploads
        .get_mut(upload_id(call))
        .filter(|upload| upload.bucket == call.bucket && upload.key == call.key)
        .ok_or_else(|| {
            S3Error::new(
                "NoSuchUpload",
                "The specified upload does not exist. The upload ID may be invalid, or the upload \
                 may have been aborted or completed.",
            )
        })
}
