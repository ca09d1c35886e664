//! `ListObjectsV2`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::error::S3Error;
use super::objects::{document, xml_date};
use super::request::Call;
use super::store::Store;
use super::xml;
use crate::answer::Answer;

const MOST_KEYS: usize = 1000;

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_')
    .remove(b'~');

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListBucketResult {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    name: String,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
    max_keys: usize,
    key_count: usize,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
    contents: Vec<Contents>,
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
    storage_class: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

pub(super) fn list_objects(store: &Store, call: &Call<'_>) -> Result<Answer, S3Error> {
    if call.parameter("list-type") != Some("2") {
        return Err(S3Error::not_implemented("request", "list-type"));
    }
    let as_url = match call.parameter("encoding-type") {
        None => false,
        Some("url") => true,
        Some(other) => {
            let message = "Invalid Encoding Method specified in Request";
            return Err(S3Error::invalid_argument(message, "encoding-type", other));
        }
    };
    let written = |text: &str| {
        if as_url {
            utf8_percent_encode(text, PLAIN).to_string()
        } else {
            text.to_owned()
        }
    };
    let most = most_keys(call)?;
    let prefix = call.parameter("prefix").unwrap_or_default();
    let delimiter = call.parameter("delimiter").filter(|text| !text.is_empty());
    let after = after(call)?;

    let mut contents = Vec::new();
    let mut common_prefixes = Vec::new();
    // The key or common prefix that was listed last: all before it is done.
    let mut last = after;
    let mut truncated = false;
    for (key, _, object) in store.objects(&call.bucket)? {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        let group = delimiter.and_then(|delimiter| {
            let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
            key.get(..end)
        });
        if group.unwrap_or(key) <= last.as_str() {
            continue;
        }
        if contents.len() + common_prefixes.len() == most {
            truncated = most > 0;
            break;
        }
        match group {
            Some(group) => common_prefixes.push(CommonPrefix {
                prefix: written(group),
            }),
            None => contents.push(Contents {
                key: written(key),
                last_modified: xml_date(object.modified),
                etag: format!("\"{}\"", object.etag),
                size: object.content.size(),
                storage_class: "STANDARD",
            }),
        }
        group.unwrap_or(key).clone_into(&mut last);
    }
    let result = ListBucketResult {
        xmlns: xml::NAMESPACE,
        name: call.bucket.clone(),
        prefix: written(prefix),
        delimiter: delimiter.map(written),
        encoding_type: call.parameter("encoding-type").map(str::to_owned),
        start_after: call.parameter("start-after").map(written),
        continuation_token: call.parameter("continuation-token").map(str::to_owned),
        max_keys: most,
        key_count: contents.len() + common_prefixes.len(),
        is_truncated: truncated,
        next_continuation_token: truncated.then(|| BASE64.encode(&last)),
        contents,
        common_prefixes,
    };
    document(HeaderMap::new(), &result)
}

fn most_keys(call: &Call<'_>) -> Result<usize, S3Error> {
    let Some(given) = call.parameter("max-keys") else {
        return Ok(MOST_KEYS);
    };
    let most: usize = given.parse().map_err(|_| {
        let message = "Provided max-keys not an integer or within integer range";
        S3Error::invalid_argument(message, "max-keys", given)
    })?;
    Ok(most.min(MOST_KEYS))
}

/// Where the page begins: behind what the token or the request names.
fn after(call: &Call<'_>) -> Result<String, S3Error> {
    let Some(token) = call.parameter("continuation-token") else {
        return Ok(call.parameter("start-after").unwrap_or_default().to_owned());
    };
    let key = BASE64
        .decode(token)
        .ok()
        .and_then(|key| String::from_utf8(key).ok());
    key.ok_or_else(|| {
        let message = "The continuation token provided is incorrect";
        S3Error::invalid_argument(message, "continuation-token", token)
    })
}
