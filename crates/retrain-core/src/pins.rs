//! What a package was made of: enough to make it again.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use crate::gate::{MetadataKey, MetadataValue};
use crate::package::{Origin, PackageDescription};

/// One thing that a package was made of, as its custom metadata keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    /// The S3 version of the training data, or of the manifest that lists it. Only the
    /// pipeline knows it: it is a parameter of its execution, or its metadata.
    TrainingDataS3VersionId,
    /// The digest of the container image: the package's `InferenceSpecification`.
    ContainerImageDigest,
    /// The commit: the package's `MetadataProperties`.
    CodeCommitId,
    /// The image or build specification that built the code. Only the pipeline knows it.
    BuildSpecVersion,
    /// The hash of the locked requirements. Only the pipeline knows it.
    RequirementsHash,
    /// The token of the controller's claim, with which every record of it is found.
    RetrainToken,
    /// The version of the policy that made the claim.
    RetrainPolicyVersion,
}

impl Pin {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::TrainingDataS3VersionId,
        Self::ContainerImageDigest,
        Self::CodeCommitId,
        Self::BuildSpecVersion,
        Self::RequirementsHash,
        Self::RetrainToken,
        Self::RetrainPolicyVersion,
    ];

    /// Its key in `CustomerMetadataProperties`. The first five are those that AWS's
    /// guidance on audits of models uses.
    pub const fn key(self) -> &'static str {
        match self {
            Self::TrainingDataS3VersionId => "TrainingDataS3VersionId",
            Self::ContainerImageDigest => "ContainerImageDigest",
            Self::CodeCommitId => "CodeCommitId",
            Self::BuildSpecVersion => "BuildSpecVersion",
            Self::RequirementsHash => "RequirementsHash",
            Self::RetrainToken => "RetrainToken",
            Self::RetrainPolicyVersion => "RetrainPolicyVersion",
        }
    }

    /// Its value on this package, if it has one.
    pub fn of(self, package: &PackageDescription) -> Option<&str> {
        package.metadata.get(self.key()).map(String::as_str)
    }

    /// Its value by where it comes from. A parameter of the execution that has the
    /// pin's name says what only the pipeline knows.
    fn found(self, package: &PackageDescription, origin: &Origin) -> Option<String> {
        let known = match self {
            Self::ContainerImageDigest => package.image_digest.clone(),
            Self::CodeCommitId => package.commit_id.clone(),
            Self::RetrainToken => origin.token.clone(),
            Self::RetrainPolicyVersion => origin.policy_version.map(|version| version.to_string()),
            Self::TrainingDataS3VersionId | Self::BuildSpecVersion | Self::RequirementsHash => None,
        };
        known.or_else(|| origin.parameters.get(self.key()).cloned())
    }
}

/// The most entries of `CustomerMetadataProperties` (API model).
pub const MAX_METADATA_ENTRIES: usize = 50;

/// What must be added to a package's metadata so that it says what it was made of.
///
/// What stands there already stays: the pipeline knows best. Where there is no room for
/// all, the first of [`Pin::ALL`] are added.
pub fn missing(
    package: &PackageDescription,
    origin: &Origin,
) -> BTreeMap<MetadataKey, MetadataValue> {
    let room = MAX_METADATA_ENTRIES.saturating_sub(package.metadata.len());
    Pin::ALL
        .into_iter()
        .filter(|pin| pin.of(package).is_none())
        .filter_map(|pin| {
            let value = pin.found(package, origin)?;
            Some((
                MetadataKey::parse(pin.key()).ok()?,
                MetadataValue::fitted(&value)?,
            ))
        })
        .take(room)
        .collect()
}
