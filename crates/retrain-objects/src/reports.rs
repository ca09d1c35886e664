//! Reports of model packages: small objects that are read whole.

use std::error::Error;

use retrain_controller::{PortError, Reports, chain};
use retrain_core::gate::{MAX_REPORT_BYTES, Report};
use retrain_core::names::shortened;

use crate::objects::{Body, ObjectVersion, Objects, Read, Span, Unread};
use crate::s3::S3Objects;

/// What an object is called says nothing about what it is: neither its `Content-Type` nor that of
/// the package is looked at.
impl Reports for S3Objects {
    async fn report(&self, uri: &str) -> Result<Report, PortError> {
        let object = match object(uri) {
            Ok(object) => object,
            Err(why) => return Ok(Report::Unreadable(why.to_owned())),
        };
        match read(self, &object).await {
            Ok(report) => Ok(report),
            Err(Unread::Unavailable(source)) => {
                let doing = format!("read report {}", shortened(uri, 300));
                Err(PortError::retryable(doing, source))
            }
            Err(unread) => Ok(Report::Unreadable(chain(&unread))),
        }
    }
}

/// Reads an object, unless it is too large: then its length is known before its body.
async fn read<S: Objects>(objects: &S, object: &ObjectVersion) -> Result<Report, Unread> {
    let Read {
        total, mut body, ..
    } = objects.read(object, Span::Whole).await?;
    if total > MAX_REPORT_BYTES {
        return Ok(Report::TooLarge {
            bytes: total,
            limit: MAX_REPORT_BYTES,
        });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if exceeds(bytes.len(), total) {
            return Err(broken("the body is longer than it said"));
        }
    }
    if u64::try_from(bytes.len()).ok() != Some(total) {
        return Err(broken("the body broke off"));
    }
    Ok(Report::Read(bytes))
}

fn exceeds(length: usize, total: u64) -> bool {
    u64::try_from(length).map_or(true, |length| length > total)
}

fn broken(what: &str) -> Unread {
    Unread::Unavailable(Box::<dyn Error + Send + Sync>::from(what))
}

/// The object that a URI names: `s3://BUCKET/KEY`, where the key is as it is, or one of S3's
/// own addresses, where it is encoded.
fn object(uri: &str) -> Result<ObjectVersion, &'static str> {
    let object = if let Some(rest) = uri.strip_prefix("s3://") {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        ObjectVersion::unpinned(bucket, key)
    } else if let Some(rest) = uri.strip_prefix("https://") {
        address(rest)?
    } else {
        return Err("the URI begins neither with s3:// nor with https://");
    };
    if !is_bucket(&object.bucket) {
        return Err("the URI names no bucket");
    }
    if object.key.is_empty() {
        return Err("the URI names no key");
    }
    Ok(object)
}

/// API model: `BucketName`, with the longer names of S3's early years.
fn is_bucket(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// An address of S3 without its scheme: the bucket is part of the host, or begins the path.
fn address(rest: &str) -> Result<ObjectVersion, &'static str> {
    if rest.contains('#') {
        return Err("the URI has a fragment");
    }
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let bucket = bucket_of(host).ok_or("the URI's host is not S3's")?;
    let (bucket, key) = match bucket {
        "" => path.split_once('/').unwrap_or((path, "")),
        bucket => (bucket, path),
    };
    let decode = |text| decoded(text).ok_or("the URI is not encoded as UTF-8");
    let version_id = match query {
        None => None,
        // A signature would be of another request.
        Some(query) => match query.strip_prefix("versionId=") {
            Some(id) if !id.is_empty() && !id.contains('&') => Some(decode(id)?),
            _ => return Err("the URI's query is not versionId"),
        },
    };
    Ok(ObjectVersion {
        version_id,
        ..ObjectVersion::unpinned(bucket, decode(key)?)
    })
}

/// The bucket in a host of S3's, empty where it is none, nothing if the host is not S3's.
///
/// Before the domain stand a region and `s3`, and whatever is left is the bucket, which may have
/// dots. Hosts of S3's other interfaces, such as access points, are none of these.
fn bucket_of(host: &str) -> Option<&str> {
    let host = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let (rest, last) = split_last(host);
    if last == "s3" || last.strip_prefix("s3-").is_some_and(is_region) {
        return Some(rest);
    }
    let (rest, service) = match split_last(rest) {
        (rest, "dualstack") => split_last(rest),
        split => split,
    };
    (is_region(last) && matches!(service, "s3" | "s3-fips")).then_some(rest)
}

/// The labels before the last one, and the last one.
fn split_last(host: &str) -> (&str, &str) {
    host.rsplit_once('.').unwrap_or(("", host))
}

/// Such as `eu-central-1`.
fn is_region(text: &str) -> bool {
    text.split('-').count() >= 3
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Decodes `%20` and its like. In a path, `+` is itself.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_names_its_object() {
        let table = [
            ("s3://reports/a/b.json", "reports", "a/b.json"),
            ("s3://reports/a%20b+c?x=1#y", "reports", "a%20b+c?x=1#y"),
            ("s3://reports//a", "reports", "/a"),
            (
                "https://reports.s3.amazonaws.com/a/b%20c+d",
                "reports",
                "a/b c+d",
            ),
            (
                "https://reports.s3.eu-west-1.amazonaws.com/a",
                "reports",
                "a",
            ),
            (
                "https://reports.s3-us-west-2.amazonaws.com/a",
                "reports",
                "a",
            ),
            (
                "https://re.ports.s3.us-gov-west-1.amazonaws.com/a",
                "re.ports",
                "a",
            ),
            (
                "https://reports.s3.dualstack.eu-west-1.amazonaws.com/a",
                "reports",
                "a",
            ),
            (
                "https://reports.s3-fips.us-east-1.amazonaws.com/a",
                "reports",
                "a",
            ),
            (
                "https://reports.s3.cn-north-1.amazonaws.com.cn/a",
                "reports",
                "a",
            ),
            ("https://s3.amazonaws.com/reports/a/b", "reports", "a/b"),
            (
                "https://s3.eu-west-1.amazonaws.com/reports/%C3%A4",
                "reports",
                "ä",
            ),
            (
                "https://s3-eu-west-1.amazonaws.com/reports/a",
                "reports",
                "a",
            ),
        ];
        for (uri, bucket, key) in table {
            assert_eq!(
                object(uri),
                Ok(ObjectVersion::unpinned(bucket, key)),
                "{uri}"
            );
        }
        let version = object("https://reports.s3.amazonaws.com/a?versionId=x%2By").unwrap();
        assert_eq!(version.version_id.as_deref(), Some("x+y"));
    }

    #[test]
    fn another_address_names_none() {
        let table = [
            "",
            "reports/a.json",
            "http://reports.s3.amazonaws.com/a",
            "S3://reports/a",
            "s3://",
            "s3://reports",
            "s3://reports/",
            "s3:///a",
            "s3://ab/c",
            "s3://arn:aws:s3:us-east-1:111122223333:accesspoint/p/a",
            "s3://re ports/a",
            "https://s3.amazonaws.com/",
            "https://s3.amazonaws.com/reports",
            "https://s3.amazonaws.com/reports/",
            "https://reports.s3.amazonaws.com",
            "https://reports.s3.amazonaws.com/",
            "https://reports.s3.example.com/a",
            "https://reports.s3.amazonaws.com.example.com/a",
            "https://evil-s3.amazonaws.com/reports/a",
            "https://amazonaws.com/reports/a",
            "https://u@reports.s3.amazonaws.com/a",
            "https://reports.s3.amazonaws.com:443/a",
            "https://p-111122223333.s3-accesspoint.us-east-1.amazonaws.com/a",
            "https://reports.s3-accelerate.amazonaws.com/a",
            "https://sagemaker.us-east-1.amazonaws.com/reports/a",
            "https://reports.s3.amazonaws.com/a?X-Amz-Signature=1",
            "https://reports.s3.amazonaws.com/a?versionId=",
            "https://reports.s3.amazonaws.com/a?versionId=1&x=2",
            "https://reports.s3.amazonaws.com/a#b",
            "https://reports.s3.amazonaws.com/%FF",
            "https://reports.s3.amazonaws.com/%2",
            "https://reports.s3.amazonaws.com/%+1",
        ];
        for uri in table {
            assert!(object(uri).is_err(), "{uri}");
        }
    }
}
