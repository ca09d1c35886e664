//! The header `Range`.

use std::ops::Range;

use super::error::S3Error;

/// The bytes that a `Range` asks of an object of this size; none if the whole is
/// to be sent, as for a header that makes no sense. S3 has no answer of several
/// ranges; they are refused, because whoever asks for them does not know that.
pub(super) fn requested(header: &str, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some(ranges) = header.strip_prefix("bytes=") else {
        return Ok(None);
    };
    if ranges.contains(',') {
        return Err(S3Error::not_implemented("header", "range"));
    }
    let Some((first, last)) = ranges.trim().split_once('-') else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), None) if last.is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(
            S3Error::new("InvalidRange", "The requested range is not satisfiable")
                .member("RangeRequested", header)
                .member("ActualObjectSize", size.to_string())
                .header("content-range", &format!("bytes */{size}")),
        );
    }
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_object() {
        for (header, expected) in [
            ("bytes=0-3", Some(0..4)),
            ("bytes=4-", Some(4..10)),
            ("bytes=8-99", Some(8..10)),
            ("bytes=9-18446744073709551615", Some(9..10)),
            ("bytes=-4", Some(6..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=5-4", None),
            ("bytes=x-4", None),
            ("bytes=-", None),
            ("bytes=4", None),
            ("rows=0-3", None),
        ] {
            assert_eq!(requested(header, 10), Ok(expected), "{header}");
        }
    }

    #[test]
    fn what_lies_outside_is_not_satisfiable() {
        for (header, size) in [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-1", 0)] {
            assert_eq!(requested(header, size).unwrap_err().code(), "InvalidRange");
        }
        let several = requested("bytes=0-1,3-4", 10).unwrap_err();
        assert_eq!(several.code(), "NotImplemented");
    }
}
