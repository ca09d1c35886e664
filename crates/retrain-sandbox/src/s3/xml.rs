//! Documents of S3's protocol.

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::error::S3Error;

pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(super) fn content_type(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
}

/// A document, named by its type.
pub(super) fn write(document: &impl Serialize) -> Result<String, S3Error> {
    quick_xml::se::to_string(document)
        .map(|text| format!("{DECLARATION}{text}"))
        .map_err(|error| S3Error::new("InternalError", error.to_string()))
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, S3Error> {
    quick_xml::de::from_reader(body).map_err(|_| malformed())
}

pub(super) fn malformed() -> S3Error {
    S3Error::new(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// The body of an error.
pub(super) fn error(members: impl Iterator<Item = (&'static str, String)>) -> String {
    let members = Members(members.collect());
    // Only a name that is no XML name could fail, and the names are constants.
    let text = quick_xml::se::to_string_with_root("Error", &members).unwrap_or_default();
    format!("{DECLARATION}{text}")
}

struct Members(Vec<(&'static str, String)>);

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_the_order_of_its_elements_and_escapes_them() {
        let members = [("Code", "NoSuchKey"), ("Key", "a<b&c")];
        let text = error(
            members
                .into_iter()
                .map(|(name, value)| (name, value.to_owned())),
        );
        let expected = "<Error><Code>NoSuchKey</Code><Key>a&lt;b&amp;c</Key></Error>";
        assert_eq!(text, format!("{DECLARATION}{expected}"));
    }
}
