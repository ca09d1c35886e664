//! What a model package is registered with.

use serde_json::{Map, Value, json};

use super::super::model::{ApprovalStatus, PackageStatus};

/// A model package to register: complete and awaiting approval, unless told
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is not registered yet"]
pub struct NewPackage {
    pub(super) group: String,
    pub(super) approval_status: ApprovalStatus,
    pub(super) status: PackageStatus,
    pub(super) details: Value,
}

/// A file of which a model package tells (`MetricsSource` or `FileSource`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it belongs to a package"]
pub struct Source(Value);

/// A member of `ModelMetrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum Report {
    ModelQualityStatistics,
    ModelQualityConstraints,
    ModelDataQualityStatistics,
    ModelDataQualityConstraints,
    Bias,
    BiasPreTraining,
    BiasPostTraining,
    Explainability,
}

/// A member of `DriftCheckBaselines`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum Baseline {
    BiasConfigFile,
    BiasPreTrainingConstraints,
    BiasPostTrainingConstraints,
    ExplainabilityConstraints,
    ExplainabilityConfigFile,
    ModelQualityStatistics,
    ModelQualityConstraints,
    ModelDataQualityStatistics,
    ModelDataQualityConstraints,
}

impl Source {
    /// A file of JSON.
    pub fn json(s3_uri: &str) -> Self {
        Self::of("application/json", s3_uri)
    }

    /// A file of any type; AWS does not look at what it is called.
    pub fn of(content_type: &str, s3_uri: &str) -> Self {
        Self(json!({"ContentType": content_type, "S3Uri": s3_uri}))
    }

    /// With a digest, `sha256:` and 64 hexadecimal digits.
    pub fn digest(mut self, digest: &str) -> Self {
        self.0["ContentDigest"] = json!(digest);
        self
    }
}

impl Report {
    const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::ModelQualityStatistics => ("ModelQuality", "Statistics"),
            Self::ModelQualityConstraints => ("ModelQuality", "Constraints"),
            Self::ModelDataQualityStatistics => ("ModelDataQuality", "Statistics"),
            Self::ModelDataQualityConstraints => ("ModelDataQuality", "Constraints"),
            Self::Bias => ("Bias", "Report"),
            Self::BiasPreTraining => ("Bias", "PreTrainingReport"),
            Self::BiasPostTraining => ("Bias", "PostTrainingReport"),
            Self::Explainability => ("Explainability", "Report"),
        }
    }
}

impl Baseline {
    const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::BiasConfigFile => ("Bias", "ConfigFile"),
            Self::BiasPreTrainingConstraints => ("Bias", "PreTrainingConstraints"),
            Self::BiasPostTrainingConstraints => ("Bias", "PostTrainingConstraints"),
            Self::ExplainabilityConstraints => ("Explainability", "Constraints"),
            Self::ExplainabilityConfigFile => ("Explainability", "ConfigFile"),
            Self::ModelQualityStatistics => ("ModelQuality", "Statistics"),
            Self::ModelQualityConstraints => ("ModelQuality", "Constraints"),
            Self::ModelDataQualityStatistics => ("ModelDataQuality", "Statistics"),
            Self::ModelDataQualityConstraints => ("ModelDataQuality", "Constraints"),
        }
    }
}

impl NewPackage {
    /// The next version of a group, which is created if need be.
    pub fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            approval_status: ApprovalStatus::PendingManualApproval,
            status: PackageStatus::Completed,
            details: Value::Object(Map::new()),
        }
    }

    /// Registers it in this approval status.
    pub fn approval(mut self, status: ApprovalStatus) -> Self {
        self.approval_status = status;
        self
    }

    /// Registers it in this status, such as `InProgress`.
    pub fn status(mut self, status: PackageStatus) -> Self {
        self.status = status;
        self
    }

    /// Adds a report to `ModelMetrics`.
    pub fn report(mut self, report: Report, source: Source) -> Self {
        let (family, member) = report.path();
        self.details["ModelMetrics"][family][member] = source.0;
        self
    }

    /// Adds a file to `DriftCheckBaselines`.
    pub fn baseline(mut self, baseline: Baseline, source: Source) -> Self {
        let (family, member) = baseline.path();
        self.details["DriftCheckBaselines"][family][member] = source.0;
        self
    }

    /// Adds to `CustomerMetadataProperties`.
    pub fn customer_metadata(mut self, key: &str, value: &str) -> Self {
        self.details["CustomerMetadataProperties"][key] = json!(value);
        self
    }

    /// Adds to `MetadataProperties`: `GeneratedBy`, `CommitId`, `Repository` or
    /// `ProjectId`.
    pub fn metadata(mut self, property: &str, value: &str) -> Self {
        self.details["MetadataProperties"][property] = json!(value);
        self
    }

    /// Adds a container to `InferenceSpecification`, with its image, the image's
    /// digest if it is known, and the model's data.
    pub fn container(mut self, image: &str, digest: Option<&str>, model_data_url: &str) -> Self {
        let mut container = json!({"Image": image, "ModelDataUrl": model_data_url});
        if let Some(digest) = digest {
            container["ImageDigest"] = json!(digest);
        }
        let containers = &mut self.details["InferenceSpecification"]["Containers"];
        match containers.as_array_mut() {
            Some(containers) => containers.push(container),
            None => *containers = json!([container]),
        }
        self
    }

    /// Sets any other member of `DescribeModelPackage`, in AWS's spelling, such as
    /// `ApprovalDescription`, `ModelLifeCycle`, `SourceUri` or `CreatedBy`.
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.details[name] = value;
        self
    }
}
