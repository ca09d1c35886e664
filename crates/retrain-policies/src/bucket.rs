//! The bundle of all policies in S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use retrain_controller::PortError;

use crate::bundle::Bundle;
use crate::place::BundleUri;
use crate::set::Document;

/// The longest object that is read as a bundle.
const MAX_BYTES: i64 = 32 << 20;

/// A bundle in S3.
///
/// It is read and written as a whole. Whatever keeps it from being read may pass: one object
/// holds every model's policy, and whoever has broken it mends it, so that no event is given
/// up for it.
#[derive(Clone, Debug)]
pub struct S3Bundle {
    pub(crate) client: Client,
    uri: BundleUri,
}

/// A bundle as it was under its key, and what says that it still is.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The bundle; an empty one where there was none.
    pub bundle: Bundle,
    /// Its `ETag`, with its quotes; nothing where there was none.
    pub etag: Option<String>,
}

/// What a conditional read finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// What is known already.
    Same,
    /// This, with its `ETag`.
    New(Bundle, Option<String>),
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Done,
    /// Somebody else has written meanwhile, and nothing of theirs is touched.
    Overtaken,
}

impl S3Bundle {
    /// The bundle behind this client.
    pub const fn new(client: Client, uri: BundleUri) -> Self {
        Self { client, uri }
    }

    /// Where it is.
    pub const fn uri(&self) -> &BundleUri {
        &self.uri
    }

    /// Reads it, unless it is the one that is known.
    pub(crate) async fn newer(&self, known: Option<&str>) -> Result<Found, PortError> {
        let missing = || PortError::retryable(self.reading(), "there is no such object");
        self.get(known).await?.ok_or_else(missing)
    }

    /// Reads it as it is now. If there is none, that is an empty one: who may list the bucket
    /// is told so, everybody else is denied.
    pub async fn known(&self) -> Result<Known, PortError> {
        Ok(match self.get(None).await? {
            Some(Found::New(bundle, etag)) => Known { bundle, etag },
            Some(Found::Same) | None => Known::default(),
        })
    }

    /// All documents as they are now.
    pub async fn documents(&self) -> Result<Vec<Document>, PortError> {
        Ok(match self.newer(None).await? {
            Found::New(bundle, _) => bundle.into_documents().collect(),
            Found::Same => Vec::new(),
        })
    }

    fn reading(&self) -> String {
        format!("read the policies in {}", self.uri)
    }

    /// Nothing if there is no such object.
    async fn get(&self, known: Option<&str>) -> Result<Option<Found>, PortError> {
        let failed = |why: &str| PortError::retryable(self.reading(), why);
        let client = &self.client;
        let answer = client
            .get_object()
            .bucket(self.uri.bucket())
            .key(self.uri.key())
            .set_if_none_match(known.map(str::to_owned))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if known.is_some() && status(&error) == Some(304) => {
                return Ok(Some(Found::Same));
            }
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(PortError::retryable(self.reading(), error)),
        };
        let length = answer.content_length();
        if length.is_none_or(|length| length > MAX_BYTES) {
            return Err(failed("the object is too long to be a bundle"));
        }
        let etag = answer.e_tag;
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| PortError::retryable(self.reading(), error))?;
        let bytes = bytes.into_bytes();
        if i64::try_from(bytes.len()).ok() != length {
            return Err(failed("the body broke off"));
        }
        let bundle = Bundle::read(&bytes);
        let bundle = bundle.map_err(|error| PortError::retryable(self.reading(), error))?;
        Ok(Some(Found::New(bundle, etag)))
    }

    /// Writes a bundle in place of what is known, and in place of nothing else.
    pub async fn put_over(&self, known: &Known, bundle: &Bundle) -> Result<Written, PortError> {
        let doing = || format!("write the policies to {}", self.uri);
        let bytes = bundle
            .write()
            .map_err(|error| PortError::terminal(doing(), error))?;
        // What no function can read would stop all models, and nobody could change it again.
        if i64::try_from(bytes.len()).map_or(true, |length| length > MAX_BYTES) {
            return Err(PortError::terminal(
                doing(),
                "it would be too long to be read",
            ));
        }
        let is_first = known.etag.is_none();
        let client = &self.client;
        let answer = client
            .put_object()
            .bucket(self.uri.bucket())
            .key(self.uri.key())
            .content_type("application/gzip")
            .set_if_match(known.etag.clone())
            .set_if_none_match(is_first.then(|| "*".to_owned()))
            .body(ByteStream::from(bytes))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            // Not found: what was known has been deleted meanwhile.
            Err(error) if matches!(status(&error), Some(404 | 409 | 412)) => {
                if error.code() == Some("NoSuchBucket") {
                    return Err(PortError::terminal(doing(), error));
                }
                self.is_there(bundle).await
            }
            Err(error) if status(&error) == Some(403) => Err(PortError::terminal(doing(), error)),
            Err(error) => Err(PortError::retryable(doing(), error)),
        }
    }

    /// Whether it was our own write that was in the way: its answer may have been lost, and
    /// then it was sent once more.
    async fn is_there(&self, bundle: &Bundle) -> Result<Written, PortError> {
        Ok(if self.known().await?.bundle == *bundle {
            Written::Done
        } else {
            Written::Overtaken
        })
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}
