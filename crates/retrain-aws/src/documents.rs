//! What is written to and read from S3.

use aws_sdk_s3::Client;
use retrain_controller::{Manifests, PortError, Reports};
use retrain_core::data::ObjectRecord;
use retrain_core::facts::ManifestWanted;
use retrain_core::gate::Report;
use retrain_objects::S3Objects;

use crate::manifests::S3Manifests;

/// Manifests of training data, and reports of model packages.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    manifests: S3Manifests,
    reports: S3Objects,
}

impl Documents {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            reports: S3Objects::new(client.clone()),
            manifests: S3Manifests::new(client),
        }
    }
}

impl Manifests for Documents {
    async fn write(
        &self,
        wanted: &ManifestWanted,
        objects: &[ObjectRecord],
    ) -> Result<String, PortError> {
        self.manifests.write(wanted, objects).await
    }
}

impl Reports for Documents {
    async fn report(&self, uri: &str) -> Result<Report, PortError> {
        self.reports.report(uri).await
    }
}
