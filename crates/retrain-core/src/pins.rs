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

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::names::ModelPackageArn;

    fn package() -> PackageDescription {
        let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud/2";
        PackageDescription {
            commit_id: Some("abc".into()),
            image_digest: Some("sha256:1".into()),
            ..PackageDescription::gone(ModelPackageArn::parse(arn).unwrap())
        }
    }

    fn origin() -> Origin {
        let parameters = [
            ("TrainingDataS3VersionId", "v7"),
            ("BuildSpecVersion", "3"),
            ("RequirementsHash", "r1"),
            ("CodeCommitId", "of the parameter"),
            ("Epochs", "9"),
        ];
        Origin {
            token: Some("t".into()),
            policy_version: Some(12),
            parameters: parameters
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        }
    }

    fn shown(found: &BTreeMap<MetadataKey, MetadataValue>) -> Vec<(&str, &str)> {
        let found = found.iter();
        found
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn each_pin_comes_from_where_it_is_known_best() {
        assert_eq!(
            shown(&missing(&package(), &origin())),
            [
                ("BuildSpecVersion", "3"),
                ("CodeCommitId", "abc"),
                ("ContainerImageDigest", "sha256:1"),
                ("RequirementsHash", "r1"),
                ("RetrainPolicyVersion", "12"),
                ("RetrainToken", "t"),
                ("TrainingDataS3VersionId", "v7"),
            ]
        );
        let bare = PackageDescription {
            commit_id: None,
            image_digest: None,
            ..package()
        };
        assert!(missing(&bare, &Origin::default()).is_empty());
        let found = missing(&bare, &origin());
        assert!(shown(&found).contains(&("CodeCommitId", "of the parameter")));
    }

    #[test]
    fn what_the_pipeline_has_written_stays() {
        let mut package = package();
        for pin in Pin::ALL {
            package.metadata.insert(pin.key().into(), "own".into());
        }
        assert!(missing(&package, &origin()).is_empty());
        package.metadata.remove("RetrainToken");
        assert_eq!(
            shown(&missing(&package, &origin())),
            [("RetrainToken", "t")]
        );
    }

    #[test]
    fn there_is_room_for_fifty_entries() {
        for (others, pins) in [(43, 7), (44, 6), (49, 1), (50, 0), (60, 0)] {
            let mut package = package();
            for n in 0..others {
                package.metadata.insert(format!("k{n}"), "x".into());
            }
            let found = missing(&package, &origin());
            assert_eq!(found.len(), pins, "{others}");
            let first = Pin::ALL.into_iter().take(pins);
            for pin in first {
                assert!(found.keys().any(|key| key.as_str() == pin.key()));
            }
        }
    }

    #[test]
    fn a_value_is_cut_to_what_the_registry_takes() {
        let mut origin = origin();
        origin
            .parameters
            .insert("RequirementsHash".into(), "x".repeat(1_000));
        let found = missing(&package(), &origin);
        let (_, cut) = found
            .iter()
            .find(|(key, _)| key.as_str() == "RequirementsHash")
            .unwrap();
        assert!(cut.as_str().chars().count() <= 256);
        // A value of which nothing can be written is left out.
        origin
            .parameters
            .insert("RequirementsHash".into(), String::new());
        let found = missing(&package(), &origin);
        assert!(!found.keys().any(|key| key.as_str() == "RequirementsHash"));
    }
}
