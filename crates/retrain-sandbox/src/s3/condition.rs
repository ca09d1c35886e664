//! Conditions on what is there: `If-Match` and `If-None-Match`.

use super::error::S3Error;
use super::request::Call;
use super::store::{Object, Store};

/// What the conditions of a read say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It is answered.
    Whole,
    /// The caller has it already: 304, without a body.
    NotModified,
}

/// The conditions of `GetObject` and `HeadObject`.
pub(super) fn of_read(call: &Call<'_>, object: &Object) -> Result<Read, S3Error> {
    let matches = |wanted: &str| {
        let mut etags = wanted.split(',').map(bare);
        etags.any(|etag| etag == "*" || etag == object.etag)
    };
    if call
        .header("if-match")
        .is_some_and(|wanted| !matches(wanted))
    {
        return Err(failed("If-Match"));
    }
    Ok(match call.header("if-none-match") {
        Some(known) if matches(known) => Read::NotModified,
        _ => Read::Whole,
    })
}

/// The conditions of `PutObject` on what is under its key (S3 user guide, "Conditional
/// writes"): `If-None-Match` knows only `*`, `If-Match` only an `ETag`.
pub(super) fn of_write(store: &Store, call: &Call<'_>) -> Result<(), S3Error> {
    let (wanted, known) = (call.header("if-match"), call.header("if-none-match"));
    if known.is_some_and(|known| known != "*") || (known.is_some() && wanted.is_some()) {
        return Err(S3Error::not_implemented("header", "If-None-Match"));
    }
    if wanted == Some("*") {
        return Err(S3Error::not_implemented("header", "If-Match"));
    }
    let there = store.newest(&call.bucket, &call.key)?;
    match (wanted, there) {
        (Some(wanted), Some(object)) if bare(wanted) != object.etag => Err(failed("If-Match")),
        (Some(_), None) => Err(
            S3Error::new("NoSuchKey", "The specified key does not exist.").member("Key", &call.key),
        ),
        (None, Some(_)) if known.is_some() => Err(failed("If-None-Match")),
        _ => Ok(()),
    }
}

/// S3 takes an `ETag` with its quotes and without.
fn bare(etag: &str) -> &str {
    etag.trim().trim_matches('"')
}

fn failed(condition: &str) -> S3Error {
    let message = "At least one of the pre-conditions you specified did not hold";
    S3Error::new("PreconditionFailed", message).member("Condition", condition)
}
