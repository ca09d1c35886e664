//! What a request asks: its operation, and its place in path, query and headers.

use std::collections::BTreeMap;

use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::error::S3Error;

/// An operation of S3 that the sandbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    CreateBucket,
    GetBucketNotificationConfiguration,
    ListObjectsV2,
    PutObject,
    CopyObject,
    GetObject,
    HeadObject,
    DeleteObject,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
}

/// How an operation is recognised, and everything it may be asked with.
struct Route {
    operation: Operation,
    method: &'static str,
    of_object: bool,
    /// Query parameters that make it this operation.
    needs: &'static [&'static str],
    /// Further query parameters.
    takes: &'static [&'static str],
    headers: &'static [&'static str],
}

/// What describes an object and is given back with it.
const DESCRIPTION: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];

const METADATA: &str = "x-amz-meta-";

const UPLOAD: &[&str] = &[
    "x-amz-checksum-*",
    "x-amz-decoded-content-length",
    "x-amz-meta-*",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
];
const PUT: &[&str] = &[
    "if-match",
    "if-none-match",
    "x-amz-checksum-*",
    "x-amz-decoded-content-length",
    "x-amz-meta-*",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
];
const READ: &[&str] = &["if-match", "if-none-match", "range", "x-amz-checksum-mode"];
const COPY: &[&str] = &[
    "x-amz-copy-source",
    "x-amz-meta-*",
    "x-amz-metadata-directive",
];
const MULTIPART: &[&str] = &["x-amz-checksum-*", "x-amz-meta-*"];

/// What the whole of S3, its signatures and the SDKs use.
const COMMON: &[&str] = &[
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-expected-bucket-owner",
    "x-amz-security-token",
    "x-amz-user-agent",
];

const LIST: &[&str] = &[
    "continuation-token",
    "delimiter",
    "encoding-type",
    "max-keys",
    "prefix",
    "start-after",
];

const fn route(
    operation: Operation,
    method: &'static str,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
    headers: &'static [&'static str],
) -> Route {
    Route {
        operation,
        method,
        of_object: !matches!(
            operation,
            Operation::CreateBucket
                | Operation::GetBucketNotificationConfiguration
                | Operation::ListObjectsV2
        ),
        needs,
        takes,
        headers,
    }
}

static ROUTES: [Route; 11] = [
    route(Operation::CreateBucket, "PUT", &[], &[], &[]),
    route(Operation::ListObjectsV2, "GET", &["list-type"], LIST, &[]),
    route(
        Operation::GetBucketNotificationConfiguration,
        "GET",
        &["notification"],
        &[],
        &[],
    ),
    route(
        Operation::UploadPart,
        "PUT",
        &["partNumber", "uploadId"],
        &[],
        UPLOAD,
    ),
    route(Operation::PutObject, "PUT", &[], &[], PUT),
    route(Operation::GetObject, "GET", &[], &["versionId"], READ),
    route(Operation::HeadObject, "HEAD", &[], &["versionId"], READ),
    route(
        Operation::AbortMultipartUpload,
        "DELETE",
        &["uploadId"],
        &[],
        &[],
    ),
    route(Operation::DeleteObject, "DELETE", &[], &["versionId"], &[]),
    route(
        Operation::CreateMultipartUpload,
        "POST",
        &["uploads"],
        &[],
        MULTIPART,
    ),
    route(
        Operation::CompleteMultipartUpload,
        "POST",
        &["uploadId"],
        &[],
        MULTIPART,
    ),
];

/// A copy is a put that names its source.
static COPY_ROUTE: Route = route(Operation::CopyObject, "PUT", &[], &[], COPY);

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: &'a HeaderMap,
    method: &'a str,
}

impl<'a> Call<'a> {
    /// None if the request is not S3's: it names a target, or no bucket.
    pub(super) fn read(head: &'a Parts) -> Option<Result<Self, S3Error>> {
        if head.headers.contains_key("x-amz-target") {
            return None;
        }
        let path = head.uri.path().strip_prefix('/')?;
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return None;
        }
        Some(
            Self::take_apart(head, bucket, key)
                .ok_or_else(|| S3Error::new("InvalidURI", "Couldn't parse the specified URI.")),
        )
    }

    fn take_apart(head: &'a Parts, bucket: &str, key: &str) -> Option<Self> {
        let mut query = BTreeMap::new();
        for pair in head.uri.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // It names the operation a second time.
            if !name.is_empty() && name != "x-id" {
                query.insert(decoded(name)?, decoded(&value.replace('+', " "))?);
            }
        }
        Some(Self {
            bucket: decoded(bucket)?,
            key: decoded(key)?,
            query,
            headers: &head.headers,
            method: head.method.as_str(),
        })
    }

    /// The operation. Nothing that the request carries is overlooked: what the
    /// sandbox does not know, it refuses.
    pub(super) fn operation(&self) -> Result<Operation, S3Error> {
        let route = self
            .route()
            .ok_or_else(|| S3Error::not_implemented("request", &self.asked()))?;
        let known = |name: &str| {
            let listed = |own: &&str| {
                own.strip_suffix('*')
                    .map_or(*own == name, |start| name.starts_with(start))
            };
            route.headers.iter().chain(COMMON).any(listed)
        };
        for name in self.headers.keys().map(hyper::header::HeaderName::as_str) {
            let matters = name.starts_with("x-amz-") || name.starts_with("if-") || name == "range";
            if matters && !known(name) {
                return Err(S3Error::not_implemented("header", name));
            }
        }
        Ok(route.operation)
    }

    /// Its name for the call log: the operation's, or what was asked.
    pub(super) fn name(&self) -> String {
        self.route()
            .map_or_else(|| self.asked(), |route| format!("{:?}", route.operation))
    }

    fn asked(&self) -> String {
        let query: Vec<&str> = self.query.keys().map(String::as_str).collect();
        let path = format!("{} /{}/{}", self.method, self.bucket, self.key);
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    fn route(&self) -> Option<&'static Route> {
        let fits = |route: &&Route| {
            self.method == route.method
                && self.key.is_empty() != route.of_object
                && route
                    .needs
                    .iter()
                    .all(|name| self.query.contains_key(*name))
                && self.query.keys().all(|name| {
                    route.needs.contains(&name.as_str()) || route.takes.contains(&name.as_str())
                })
        };
        if self.headers.contains_key("x-amz-copy-source") {
            return Some(&COPY_ROUTE).filter(fits);
        }
        ROUTES.iter().find(fits)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The headers that describe an object and are given back with it.
    pub(super) fn description(&self) -> HeaderMap {
        let mut description = HeaderMap::new();
        for (name, value) in self.headers {
            if name.as_str().starts_with(METADATA) || DESCRIPTION.contains(&name.as_str()) {
                description.append(name.clone(), value.clone());
            }
        }
        let encodings: Vec<&str> = self
            .header("content-encoding")
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            // How it was sent, not what it is.
            .filter(|encoding| !encoding.is_empty() && *encoding != "aws-chunked")
            .collect();
        description.remove("content-encoding");
        if let Ok(value) = encodings.join(", ").parse()
            && !encodings.is_empty()
        {
            description.insert("content-encoding", value);
        }
        description
    }

    /// The members of the request, in AWS's spelling, for the call log.
    pub(super) fn members(&self) -> Value {
        let text = |value: &str| Value::from(value.to_owned());
        let mut members = Map::from_iter([("Bucket".to_owned(), text(&self.bucket))]);
        if !self.key.is_empty() {
            members.insert("Key".to_owned(), text(&self.key));
        }
        for (name, value) in &self.query {
            // Queries spell members like headers or in camel case.
            members.insert(member(name), text(value));
        }
        for name in [
            "if-match",
            "if-none-match",
            "range",
            "x-amz-copy-source",
            "x-amz-metadata-directive",
        ] {
            if let Some(value) = self.header(name) {
                let name = name.strip_prefix("x-amz-").unwrap_or(name);
                members.insert(member(name), text(value));
            }
        }
        let metadata: Map<String, Value> = self
            .headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix(METADATA)?;
                Some((name.to_owned(), text(value.to_str().ok()?)))
            })
            .collect();
        if !metadata.is_empty() {
            members.insert("Metadata".to_owned(), Value::Object(metadata));
        }
        Value::Object(members)
    }
}

/// `copy-source` and `versionId` as `CopySource` and `VersionId`.
fn member(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

/// Undoes percent-encoding; none if the result is no text.
pub(super) fn decoded(encoded: &str) -> Option<String> {
    let text = percent_decode_str(encoded).decode_utf8().ok()?;
    Some(text.into_owned())
}
