//! Manifests of training data in S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use retrain_controller::{Manifests, PortError};
use retrain_core::data::ObjectRecord;
use retrain_core::facts::ManifestWanted;
use serde::Serialize;

/// S3, where manifests are written.
#[derive(Clone, Debug)]
pub(crate) struct S3Manifests {
    client: Client,
}

/// A manifest: exactly the object versions that one start takes.
#[derive(Serialize)]
struct Manifest<'a> {
    model: &'a str,
    token: &'a str,
    rows: u64,
    objects: u64,
    bytes: u64,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    bucket: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
    rows: u64,
    bytes: u64,
}

impl S3Manifests {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Manifests for S3Manifests {
    async fn write(
        &self,
        wanted: &ManifestWanted,
        objects: &[ObjectRecord],
    ) -> Result<String, PortError> {
        let key = wanted.key();
        let uri = format!("s3://{}/{key}", wanted.to.bucket);
        let doing = || format!("write the manifest {uri}");
        let manifest = Manifest {
            model: wanted.model.as_str(),
            token: wanted.token.as_str(),
            rows: wanted.tally.rows,
            objects: wanted.tally.objects,
            bytes: wanted.tally.bytes,
            entries: objects.iter().map(entry).collect(),
        };
        let body =
            serde_json::to_vec(&manifest).map_err(|error| PortError::terminal(doing(), error))?;
        self.client
            .put_object()
            .bucket(&wanted.to.bucket)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| refused(doing(), error))?;
        Ok(uri)
    }
}

fn entry(object: &ObjectRecord) -> Entry<'_> {
    let version = &object.version;
    Entry {
        bucket: &version.bucket,
        key: &version.key,
        version_id: version.version_id.as_deref(),
        etag: version.etag.as_deref(),
        rows: version.rows,
        bytes: version.bytes,
    }
}

/// No bucket and no permission stay; everything else may pass.
fn refused<R>(doing: String, error: SdkError<PutObjectError, R>) -> PortError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some("NoSuchBucket" | "AccessDenied" | "InvalidBucketName" | "PermanentRedirect") => {
            PortError::terminal(doing, error)
        }
        _ => PortError::retryable(doing, error),
    }
}
