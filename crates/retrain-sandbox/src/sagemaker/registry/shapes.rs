//! The structures of a model package (botocore API model).

use super::super::rules;
use super::super::shape::{Member, Shape, optional, required};
use crate::input::Text;

use Shape::{Boolean, Map, OneOf, Structure, Structures, Verbatim};

const fn text(rule: Text) -> Shape {
    Shape::Text(rule)
}

const FREE: Text = Text::of(0, usize::MAX);
const ENVIRONMENT: Shape = Map(0, 100, Text::of(0, 1024), Text::of(0, 1024));
const CUSTOMER_METADATA: Shape = Map(1, 50, rules::METADATA_KEY, rules::METADATA_VALUE);
const REGISTRATION_TYPE: Shape = OneOf(&["Logged", "Registered"]);
const APPROVAL_DESCRIPTION: Shape = text(rules::one_line(1024));

const MODEL_DATA_SOURCE: &[Member] = &[optional("S3DataSource", Verbatim)];

const CONTAINER: &[Member] = &[
    optional("ContainerHostname", text(rules::ENTITY)),
    optional("Image", text(Text::of(0, 255))),
    optional("ImageDigest", text(rules::DIGEST)),
    optional("ModelDataUrl", text(rules::S3_URI)),
    optional("ModelDataSource", Structure(MODEL_DATA_SOURCE)),
    optional("ProductId", text(Text::of(0, 256))),
    optional("Environment", ENVIRONMENT),
    optional("ModelInput", Verbatim),
    optional("Framework", text(FREE)),
    optional("FrameworkVersion", text(Text::of(3, 10))),
    optional("NearestModelName", text(FREE)),
    optional("AdditionalModelDataSources", Verbatim),
    optional("AdditionalS3DataSource", Verbatim),
    optional("ModelDataETag", text(FREE)),
    optional("IsCheckpoint", Boolean),
    optional("BaseModel", Verbatim),
];

const INFERENCE_SPECIFICATION: &[Member] = &[
    required("Containers", Structures(1, 15, CONTAINER)),
    optional(
        "SupportedTransformInstanceTypes",
        Shape::Texts(1, usize::MAX, FREE),
    ),
    optional(
        "SupportedRealtimeInferenceInstanceTypes",
        Shape::Texts(0, usize::MAX, FREE),
    ),
    optional(
        "SupportedContentTypes",
        Shape::Texts(0, usize::MAX, rules::one_line(256)),
    ),
    optional(
        "SupportedResponseMIMETypes",
        Shape::Texts(0, usize::MAX, FREE),
    ),
];

const ADDITIONAL_SPECIFICATION: &[Member] = &[
    required("Name", text(rules::ENTITY)),
    optional("Description", text(Text::of(0, 1024))),
    required("Containers", Structures(1, 15, CONTAINER)),
    optional(
        "SupportedTransformInstanceTypes",
        Shape::Texts(1, usize::MAX, FREE),
    ),
    optional(
        "SupportedRealtimeInferenceInstanceTypes",
        Shape::Texts(0, usize::MAX, FREE),
    ),
    optional(
        "SupportedContentTypes",
        Shape::Texts(0, usize::MAX, rules::one_line(256)),
    ),
    optional(
        "SupportedResponseMIMETypes",
        Shape::Texts(0, usize::MAX, FREE),
    ),
];

const LIFE_CYCLE: &[Member] = &[
    required("Stage", text(rules::ENTITY)),
    required("StageStatus", text(rules::ENTITY)),
    optional("StageDescription", text(rules::one_line(1024))),
];

const MODEL_CARD: &[Member] = &[
    optional("ModelCardContent", text(rules::one_line(100_000))),
    optional(
        "ModelCardStatus",
        OneOf(&["Draft", "PendingReview", "Approved", "Archived"]),
    ),
];

/// The request of `UpdateModelPackage`.
pub(super) const UPDATE: &[Member] = &[
    required("ModelPackageArn", text(rules::PACKAGE_ARN)),
    optional(
        "ModelApprovalStatus",
        OneOf(&["Approved", "Rejected", "PendingManualApproval"]),
    ),
    optional("ModelPackageRegistrationType", REGISTRATION_TYPE),
    optional("ApprovalDescription", APPROVAL_DESCRIPTION),
    optional("CustomerMetadataProperties", CUSTOMER_METADATA),
    optional(
        "CustomerMetadataPropertiesToRemove",
        Shape::Texts(0, usize::MAX, rules::METADATA_KEY),
    ),
    optional(
        "AdditionalInferenceSpecificationsToAdd",
        Structures(1, 15, ADDITIONAL_SPECIFICATION),
    ),
    optional("InferenceSpecification", Structure(INFERENCE_SPECIFICATION)),
    optional("SourceUri", text(rules::SOURCE_URI)),
    optional("ModelCard", Structure(MODEL_CARD)),
    optional("ModelLifeCycle", Structure(LIFE_CYCLE)),
    optional("ClientToken", text(rules::CLIENT_TOKEN)),
];

const METRICS_SOURCE: &[Member] = &[
    required("ContentType", text(rules::one_line(256))),
    optional("ContentDigest", text(rules::DIGEST)),
    required("S3Uri", text(rules::S3_URI)),
];

const FILE_SOURCE: &[Member] = &[
    optional("ContentType", text(rules::one_line(256))),
    optional("ContentDigest", text(rules::DIGEST)),
    required("S3Uri", text(rules::S3_URI)),
];

const QUALITY: &[Member] = &[
    optional("Statistics", Structure(METRICS_SOURCE)),
    optional("Constraints", Structure(METRICS_SOURCE)),
];

const BIAS: &[Member] = &[
    optional("Report", Structure(METRICS_SOURCE)),
    optional("PreTrainingReport", Structure(METRICS_SOURCE)),
    optional("PostTrainingReport", Structure(METRICS_SOURCE)),
];

const MODEL_METRICS: &[Member] = &[
    optional("ModelQuality", Structure(QUALITY)),
    optional("ModelDataQuality", Structure(QUALITY)),
    optional("Bias", Structure(BIAS)),
    optional(
        "Explainability",
        Structure(&[optional("Report", Structure(METRICS_SOURCE))]),
    ),
];

const DRIFT_CHECK_BIAS: &[Member] = &[
    optional("ConfigFile", Structure(FILE_SOURCE)),
    optional("PreTrainingConstraints", Structure(METRICS_SOURCE)),
    optional("PostTrainingConstraints", Structure(METRICS_SOURCE)),
];

const DRIFT_CHECK_EXPLAINABILITY: &[Member] = &[
    optional("Constraints", Structure(METRICS_SOURCE)),
    optional("ConfigFile", Structure(FILE_SOURCE)),
];

const DRIFT_CHECK_BASELINES: &[Member] = &[
    optional("Bias", Structure(DRIFT_CHECK_BIAS)),
    optional("Explainability", Structure(DRIFT_CHECK_EXPLAINABILITY)),
    optional("ModelQuality", Structure(QUALITY)),
    optional("ModelDataQuality", Structure(QUALITY)),
];

const METADATA: Shape = text(rules::one_line(1024));

const METADATA_PROPERTIES: &[Member] = &[
    optional("CommitId", METADATA),
    optional("Repository", METADATA),
    optional("GeneratedBy", METADATA),
    optional("ProjectId", METADATA),
];

const USER_CONTEXT: &[Member] = &[
    optional("UserProfileArn", text(FREE)),
    optional("UserProfileName", text(FREE)),
    optional("DomainId", text(FREE)),
    optional(
        "IamIdentity",
        Structure(&[
            optional("Arn", text(FREE)),
            optional("PrincipalId", text(FREE)),
            optional("SourceIdentity", text(FREE)),
        ]),
    ),
];

/// What the answer of `DescribeModelPackage` has besides names, times and states.
pub(super) const DETAILS: &[Member] = &[
    optional(
        "AdditionalInferenceSpecifications",
        Structures(1, 15, ADDITIONAL_SPECIFICATION),
    ),
    optional("ApprovalDescription", APPROVAL_DESCRIPTION),
    optional("CreatedBy", Structure(USER_CONTEXT)),
    optional("CustomerMetadataProperties", CUSTOMER_METADATA),
    optional("Domain", text(FREE)),
    optional("DriftCheckBaselines", Structure(DRIFT_CHECK_BASELINES)),
    optional("InferenceSpecification", Structure(INFERENCE_SPECIFICATION)),
    optional("LastModifiedBy", Structure(USER_CONTEXT)),
    optional("ManagedStorageType", OneOf(&["Restricted"])),
    optional("MetadataProperties", Structure(METADATA_PROPERTIES)),
    optional("ModelCard", Structure(MODEL_CARD)),
    optional("ModelLifeCycle", Structure(LIFE_CYCLE)),
    optional("ModelMetrics", Structure(MODEL_METRICS)),
    optional("ModelPackageDescription", text(Text::of(0, 1024))),
    optional("ModelPackageRegistrationType", REGISTRATION_TYPE),
    optional("ModelPackageStatusDetails", Verbatim),
    optional("SamplePayloadUrl", text(FREE)),
    optional("SecurityConfig", Verbatim),
    optional("SkipModelValidation", OneOf(&["All", "None"])),
    optional("SourceAlgorithmSpecification", Verbatim),
    optional("SourceUri", text(rules::SOURCE_URI)),
    optional("Task", text(FREE)),
    optional("ValidationSpecification", Verbatim),
];
