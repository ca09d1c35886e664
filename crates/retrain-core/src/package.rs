//! A model package as the registry describes it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::{ApprovalDescription, MetadataKey, MetadataValue};
use crate::names::{InvalidText, ModelPackageArn, ModelPackageGroupName, PipelineExecutionArn};
use crate::omitted::is_default;

/// `ModelApprovalStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageApproval {
    /// Nobody has decided about it.
    #[default]
    PendingManualApproval,
    /// It may be deployed.
    Approved,
    /// It must not be deployed.
    Rejected,
}

impl fmt::Display for PackageApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PendingManualApproval => "PendingManualApproval",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        })
    }
}

/// `ModelPackageStatus`: whether the package is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageStatus {
    /// It is being made (`Pending`, `InProgress`), or in a state that is new.
    #[default]
    InProgress,
    /// It is whole.
    Completed,
    /// It could not be made.
    Failed,
    /// It is being deleted, or is gone.
    Deleting,
}

impl fmt::Display for PackageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        })
    }
}

/// A package in the model registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredPackage {
    /// The package.
    pub package: ModelPackageArn,
    /// Its `ModelApprovalStatus`.
    pub approval: PackageApproval,
}

/// The controller's own part of the model registry: a partition, region and account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRegistry(String);

impl PackageRegistry {
    /// Reads `arn:PARTITION:sagemaker:REGION:ACCOUNT:model-package`.
    pub fn parse(prefix: &str) -> Result<Self, InvalidText> {
        let rule = "arn:PARTITION:sagemaker:REGION:ACCOUNT:model-package";
        ModelPackageArn::parse(alloc::format!("{prefix}/g/1"))
            .map(|_| Self(String::from(prefix)))
            .map_err(|_| InvalidText::new("model package registry", rule, prefix))
    }

    /// The package of a group with this version.
    pub fn package(
        &self,
        group: &ModelPackageGroupName,
        version: u64,
    ) -> Result<ModelPackageArn, InvalidText> {
        ModelPackageArn::parse(alloc::format!("{}/{group}/{version}", self.0))
    }

    /// Whether the package is in this account.
    pub fn is_own_account(&self, package: &ModelPackageArn) -> bool {
        part(&self.0, 4) == part(package.as_str(), 4)
    }

    /// Whether the package is in this partition and region: SageMaker is asked in no
    /// other.
    pub fn is_own_region(&self, package: &ModelPackageArn) -> bool {
        [1, 3]
            .into_iter()
            .all(|at| part(&self.0, at) == part(package.as_str(), at))
    }
}

fn part(arn: &str, at: usize) -> Option<&str> {
    arn.split(':').nth(at)
}

/// What `DescribeModelPackage` says of a package, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDescription {
    /// The package.
    pub package: ModelPackageArn,
    /// `ModelPackageStatus`.
    pub status: PackageStatus,
    /// `ModelApprovalStatus`.
    pub approval: PackageApproval,
    /// `LastModifiedTime`, or `CreationTime` while nothing was modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    /// `MetadataProperties.GeneratedBy`, where it is a pipeline execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_by: Option<PipelineExecutionArn>,
    /// `MetadataProperties.CommitId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<String>,
    /// `ImageDigest` of the first container of `InferenceSpecification`, or the digest
    /// in its `Image` (`...@sha256:...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// `ModelLifeCycle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_cycle: Option<LifeCycle>,
    /// `CustomerMetadataProperties`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `ModelMetrics`: where its reports are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reports: ReportUris,
    /// `DriftCheckBaselines`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub baselines: Baselines,
}

/// `ModelLifeCycle`: where people see a package in their process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeCycle {
    /// `Stage`.
    pub stage: String,
    /// `StageStatus`.
    pub status: String,
    /// `StageDescription`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The `S3Uri` of each report in `ModelMetrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportUris {
    /// `ModelQuality.Statistics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<String>,
    /// `Bias.Report`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// `Bias.PreTrainingReport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_training_bias: Option<String>,
    /// `Bias.PostTrainingReport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_training_bias: Option<String>,
    /// `Explainability.Report`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explainability: Option<String>,
}

/// The `S3Uri` of each file in `DriftCheckBaselines` that a monitoring schedule can be
/// given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baselines {
    /// `ModelDataQuality.Statistics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_statistics: Option<String>,
    /// `ModelDataQuality.Constraints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_constraints: Option<String>,
    /// `ModelQuality.Constraints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_constraints: Option<String>,
    /// `Bias.PostTrainingConstraints`, or `Bias.PreTrainingConstraints` without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraints: Option<String>,
    /// `Explainability.Constraints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explainability_constraints: Option<String>,
}

/// What `UpdateModelPackage` shall write. What is not named stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageUpdate {
    /// The package.
    pub package: ModelPackageArn,
    /// `ModelApprovalStatus` and `ApprovalDescription`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalUpdate>,
    /// `CustomerMetadataProperties` that are added or replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<MetadataKey, MetadataValue>,
}

impl PackageUpdate {
    /// Whether the package is as the update makes it. A person may have decided the same;
    /// what the controller adds besides tells the two apart.
    pub fn is_shown_by(&self, described: &PackageDescription) -> bool {
        let decided = self.approval.as_ref();
        let has = |(key, _): (&MetadataKey, _)| described.metadata.contains_key(key.as_str());
        decided.is_none_or(|decided| decided.approval == described.approval)
            && self.metadata.iter().all(has)
    }
}

/// A decision about a package, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalUpdate {
    /// `Approved` or `Rejected`.
    pub approval: PackageApproval,
    /// What the package must be just before: nothing else is written over.
    pub over: PackageApproval,
    /// `ApprovalDescription`.
    pub description: ApprovalDescription,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum UpdateAnswer {
    /// SageMaker has taken it.
    Written {
        /// When the package was described before: what was decided by then was seen.
        read_at: Timestamp,
        /// When SageMaker answered, at the latest.
        written_at: Timestamp,
    },
    /// It was not sent: somebody has decided, or the package is not whole any more.
    Overtaken {
        /// What the package is now.
        approval: PackageApproval,
    },
    /// SageMaker refused, and would again.
    Refused {
        /// What it said, shortened.
        what: String,
    },
    /// A timeout, a server error, a conflict: it may or may not be written.
    Unknown {
        /// When the package was described before, if it was.
        read_at: Option<Timestamp>,
        /// What happened, shortened.
        what: String,
    },
}

/// Where a package comes from, as far as can be known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The token of the claim whose execution has registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The version of the policy that made the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// The parameters of that execution.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// What became of a monitoring schedule that was to get new baselines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "baseline", rename_all = "snake_case")]
pub enum BaselineAnswer {
    /// It monitors against the package's baselines.
    Refreshed {
        /// The job definition that it uses now; none where the schedule has its job
        /// definition inline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
    },
    /// The package has no baselines for this type of monitoring.
    NoBaseline {
        /// `MonitoringType`.
        monitoring_type: String,
    },
    /// It cannot be: no such schedule, no permission.
    Refused {
        /// What SageMaker said, shortened.
        what: String,
    },
}

impl PackageDescription {
    /// A package that does not exist any more.
    pub fn gone(package: ModelPackageArn) -> Self {
        Self {
            package,
            status: PackageStatus::Deleting,
            approval: PackageApproval::PendingManualApproval,
            modified_at: None,
            generated_by: None,
            commit_id: None,
            image_digest: None,
            life_cycle: None,
            metadata: BTreeMap::new(),
            reports: ReportUris::default(),
            baselines: Baselines::default(),
        }
    }

    /// The description as a record keeps it: other people's lists are left out.
    pub(crate) fn shown(&self) -> Self {
        Self {
            metadata: BTreeMap::new(),
            baselines: Baselines::default(),
            ..self.clone()
        }
    }

    /// Whether it may be deployed.
    pub fn is_deployable(&self) -> bool {
        self.status == PackageStatus::Completed && self.approval == PackageApproval::Approved
    }
}

impl Baselines {
    /// Whether the package has none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ReportUris {
    /// All that there are, with what each is called.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("evaluation", &self.evaluation),
            ("bias", &self.bias),
            ("pre-training bias", &self.pre_training_bias),
            ("post-training bias", &self.post_training_bias),
            ("explainability", &self.explainability),
        ];
        let named: Vec<_> = all
            .into_iter()
            .filter_map(|(name, uri)| Some((name, uri.as_deref()?)))
            .collect();
        named.into_iter()
    }
}
