//! The body of an upload: decoded if it comes in chunks, and checked against
//! every checksum that comes with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::error::S3Error;
use super::ids::hex;

/// What was uploaded.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    /// The checksum that came with it, to be given back to who reads it.
    pub(super) checksum: Option<(HeaderName, HeaderValue)>,
}

/// A checksum that a client may send, by the end of its header.
struct Algorithm {
    header: &'static str,
    name: &'static str,
    compute: fn(&[u8]) -> Vec<u8>,
}

const ALGORITHMS: [Algorithm; 4] = [
    Algorithm {
        header: "x-amz-checksum-crc32",
        name: "CRC32",
        compute: |bytes| crc32(&CRC_32, bytes),
    },
    Algorithm {
        header: "x-amz-checksum-crc32c",
        name: "CRC32C",
        compute: |bytes| crc32(&CRC_32C, bytes),
    },
    Algorithm {
        header: "x-amz-checksum-crc64nvme",
        name: "CRC64NVME",
        compute: |bytes| CRC_64.checksum(bytes).to_be_bytes().to_vec(),
    },
    Algorithm {
        header: "x-amz-checksum-sha256",
        name: "SHA256",
        compute: |bytes| Sha256::digest(bytes).to_vec(),
    },
];

static CRC_32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC_64: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

fn crc32(algorithm: &Crc<u32>, bytes: &[u8]) -> Vec<u8> {
    algorithm.checksum(bytes).to_be_bytes().to_vec()
}

impl Payload {
    pub(super) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, S3Error> {
        let signed = text(headers, "x-amz-content-sha256").unwrap_or_default();
        let (bytes, trailers) = if signed.starts_with("STREAMING-") {
            let (bytes, trailers) = unchunk(body).ok_or_else(incomplete)?;
            let announced = text(headers, "x-amz-decoded-content-length");
            if announced.and_then(|length| length.parse().ok()) != Some(bytes.len()) {
                return Err(incomplete());
            }
            (Bytes::from(bytes), trailers)
        } else {
            if signed.len() == 64 && signed != hex(&Sha256::digest(body)) {
                return Err(S3Error::new(
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                ));
            }
            (body.clone(), HeaderMap::new())
        };
        if let Some(name) = text(headers, "x-amz-trailer")
            && !trailers.contains_key(name)
        {
            return Err(S3Error::new(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform \
                 to our published schema.",
            ));
        }
        if let Some(sent) = text(headers, "content-md5")
            && BASE64.encode(Md5::digest(&bytes)) != sent
        {
            return Err(bad_digest("Content-MD5"));
        }
        let checksum = verified(headers, &bytes)?.or(verified(&trailers, &bytes)?);
        Ok(Self { bytes, checksum })
    }
}

/// The checksum among these headers, if it is right.
fn verified(
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Option<(HeaderName, HeaderValue)>, S3Error> {
    let mut sent = None;
    for (name, value) in headers {
        if !name.as_str().starts_with("x-amz-checksum-") {
            continue;
        }
        let algorithm = ALGORITHMS
            .iter()
            .find(|algorithm| algorithm.header == name.as_str())
            .ok_or_else(|| S3Error::not_implemented("header", name.as_str()))?;
        if BASE64.encode((algorithm.compute)(bytes)) != value.to_str().unwrap_or_default() {
            return Err(bad_digest(algorithm.name));
        }
        sent = Some((name.clone(), value.clone()));
    }
    Ok(sent)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bad_digest(name: &str) -> S3Error {
    S3Error::new(
        "BadDigest",
        format!("The {name} you specified did not match the calculated checksum."),
    )
}

fn incomplete() -> S3Error {
    S3Error::new(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

/// Decodes the content encoding `aws-chunked`: chunks, then trailers. The
/// chunks' signatures are not looked at, like every other signature.
fn unchunk(body: &[u8]) -> Option<(Vec<u8>, HeaderMap)> {
    let mut rest = body;
    let mut bytes = Vec::new();
    loop {
        let line = line(&mut rest)?;
        let size = line.split(';').next()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, after) = rest.split_at_checked(size)?;
        bytes.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
    let mut trailers = HeaderMap::new();
    loop {
        let line = line(&mut rest)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        trailers.insert(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    rest.is_empty().then_some((bytes, trailers))
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, after) = rest.split_at_checked(length)?;
    *rest = after.strip_prefix(b"\r\n")?;
    str::from_utf8(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn code(pairs: &[(&'static str, &'static str)], body: &'static [u8]) -> String {
        let error = Payload::read(&headers(pairs), &Bytes::from_static(body)).unwrap_err();
        error.code().to_owned()
    }

    const STREAMING: (&str, &str) = (
        "x-amz-content-sha256",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    );
    const TRAILER: (&str, &str) = ("x-amz-trailer", "x-amz-checksum-crc32");
    const LENGTH: (&str, &str) = ("x-amz-decoded-content-length", "9");

    #[test]
    fn chunks_are_joined_and_their_trailer_is_verified() {
        let body = b"5;chunk-signature=ab\r\n12345\r\n4\r\n6789\r\n0;chunk-signature=cd\r\n\
                     x-amz-checksum-crc32:y/Q5Jg==\r\nx-amz-trailer-signature:ef\r\n\r\n";
        let headers = headers(&[STREAMING, TRAILER, LENGTH]);
        let payload = Payload::read(&headers, &Bytes::from_static(body)).unwrap();
        assert_eq!(&payload.bytes[..], b"123456789");
        let (name, value) = payload.checksum.unwrap();
        assert_eq!(
            (name.as_str(), value),
            ("x-amz-checksum-crc32", "y/Q5Jg==".parse().unwrap())
        );
    }

    #[test]
    fn a_body_that_is_cut_or_longer_or_without_its_trailer_is_refused() {
        let all = [STREAMING, TRAILER, LENGTH];
        assert_eq!(code(&all, b"9\r\n123456789\r\n"), "IncompleteBody");
        assert_eq!(
            code(&all, b"9\r\n1234567890\r\n0\r\n\r\n"),
            "IncompleteBody"
        );
        assert_eq!(code(&all, b"5\r\n12345\r\n0\r\n\r\n"), "IncompleteBody");
        assert_eq!(
            code(&all, b"9\r\n123456789\r\n0\r\n\r\nx"),
            "IncompleteBody"
        );
        assert_eq!(
            code(&all, b"9\r\n123456789\r\n0\r\n\r\n"),
            "MalformedTrailerError"
        );
    }

    // The check values of the catalogue of parametrised CRC algorithms, and of
    // coreutils, for the text 123456789.
    #[test]
    fn every_checksum_is_computed_and_a_wrong_one_is_refused() {
        for (name, value) in [
            ("x-amz-checksum-crc32", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
            (
                "x-amz-checksum-sha256",
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            ),
            ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
            (
                "x-amz-content-sha256",
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let right = Payload::read(&headers(&[(name, value)]), &Bytes::from("123456789"));
            assert!(right.is_ok(), "{name}: {right:?}");
            let expected = match name {
                "x-amz-content-sha256" => "XAmzContentSHA256Mismatch",
                _ => "BadDigest",
            };
            assert_eq!(code(&[(name, value)], b"12345678"), expected, "{name}");
        }
        assert_eq!(
            code(&[("x-amz-checksum-crc32", "y/Q5Jg==")], b"x"),
            "BadDigest"
        );
        assert_eq!(
            code(&[("x-amz-checksum-sha1", "x")], b"x"),
            "NotImplemented"
        );
    }
}
