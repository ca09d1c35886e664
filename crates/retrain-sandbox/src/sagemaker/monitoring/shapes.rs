//! The structures of monitoring (botocore API model).

use super::super::rules;
use super::super::shape::{Member, Shape, optional, required};
use super::MonitoringType;
use crate::input::Text;

use Shape::{Integer, Map, OneOf, Structure, Structures, Texts, Verbatim};

const fn text(rule: Text) -> Shape {
    Shape::Text(rule)
}

const FREE: Shape = text(Text::of(0, usize::MAX));
const LOCAL_PATH: Shape = text(rules::one_line(256));
const KMS_KEY: Shape = text(rules::one_line(2048));
const IMAGE: Shape = text(rules::one_line(255));
const ENVIRONMENT: Shape = Map(0, 50, Text::of(0, 256), Text::of(0, 256));
const ENTRYPOINT: Shape = Texts(1, 100, Text::of(0, 256));
const ARGUMENTS: Shape = Texts(1, 50, Text::of(0, 256));
const SCRIPT: Shape = text(rules::S3_URI);

const FILE: &[Member] = &[optional("S3Uri", text(rules::S3_URI))];

/// The only baseline with statistics.
const DATA_BASELINE: &[Member] = &[
    optional("BaseliningJobName", text(rules::ENTITY)),
    optional("ConstraintsResource", Structure(FILE)),
    optional("StatisticsResource", Structure(FILE)),
];

const BASELINE: &[Member] = &[
    optional("BaseliningJobName", text(rules::ENTITY)),
    optional("ConstraintsResource", Structure(FILE)),
];

const DATA_APPLICATION: &[Member] = &[
    required("ImageUri", IMAGE),
    optional("ContainerEntrypoint", ENTRYPOINT),
    optional("ContainerArguments", ARGUMENTS),
    optional("RecordPreprocessorSourceUri", SCRIPT),
    optional("PostAnalyticsProcessorSourceUri", SCRIPT),
    optional("Environment", ENVIRONMENT),
];

const MODEL_APPLICATION: &[Member] = &[
    required("ImageUri", IMAGE),
    optional("ContainerEntrypoint", ENTRYPOINT),
    optional("ContainerArguments", ARGUMENTS),
    optional("RecordPreprocessorSourceUri", SCRIPT),
    optional("PostAnalyticsProcessorSourceUri", SCRIPT),
    optional(
        "ProblemType",
        OneOf(&[
            "BinaryClassification",
            "MulticlassClassification",
            "Regression",
        ]),
    ),
    optional("Environment", ENVIRONMENT),
];

/// What Clarify runs: bias and explainability.
const CLARIFY_APPLICATION: &[Member] = &[
    required("ImageUri", IMAGE),
    required("ConfigUri", SCRIPT),
    optional("Environment", ENVIRONMENT),
];

const INPUT_MODE: Shape = OneOf(&["Pipe", "File"]);
const DISTRIBUTION: Shape = OneOf(&["FullyReplicated", "ShardedByS3Key"]);
const OFFSET: Shape = text(Text::of(1, 15));
const EXCLUDED: Shape = text(Text::of(0, 100));

const ENDPOINT_INPUT: &[Member] = &[
    required("EndpointName", text(rules::ENTITY)),
    required("LocalPath", LOCAL_PATH),
    optional("S3InputMode", INPUT_MODE),
    optional("S3DataDistributionType", DISTRIBUTION),
    optional("FeaturesAttribute", FREE),
    optional("InferenceAttribute", FREE),
    optional("ProbabilityAttribute", FREE),
    optional("ProbabilityThresholdAttribute", Verbatim),
    optional("StartTimeOffset", OFFSET),
    optional("EndTimeOffset", OFFSET),
    optional("ExcludeFeaturesAttribute", EXCLUDED),
];

const BATCH_INPUT: &[Member] = &[
    required(
        "DataCapturedDestinationS3Uri",
        text(rules::MONITORING_S3_URI),
    ),
    required("DatasetFormat", Verbatim),
    required("LocalPath", LOCAL_PATH),
    optional("S3InputMode", INPUT_MODE),
    optional("S3DataDistributionType", DISTRIBUTION),
    optional("FeaturesAttribute", FREE),
    optional("InferenceAttribute", FREE),
    optional("ProbabilityAttribute", FREE),
    optional("ProbabilityThresholdAttribute", Verbatim),
    optional("StartTimeOffset", OFFSET),
    optional("EndTimeOffset", OFFSET),
    optional("ExcludeFeaturesAttribute", EXCLUDED),
];

const INPUT: &[Member] = &[
    optional("EndpointInput", Structure(ENDPOINT_INPUT)),
    optional("BatchTransformInput", Structure(BATCH_INPUT)),
];

const GROUND_TRUTH: &[Member] = &[optional("S3Uri", text(rules::MONITORING_S3_URI))];

const INPUT_WITH_TRUTH: &[Member] = &[
    optional("EndpointInput", Structure(ENDPOINT_INPUT)),
    optional("BatchTransformInput", Structure(BATCH_INPUT)),
    required("GroundTruthS3Input", Structure(GROUND_TRUTH)),
];

const S3_OUTPUT: &[Member] = &[
    required("S3Uri", text(rules::MONITORING_S3_URI)),
    required("LocalPath", LOCAL_PATH),
    optional("S3UploadMode", OneOf(&["Continuous", "EndOfJob"])),
];

const OUTPUT: &[Member] = &[
    required(
        "MonitoringOutputs",
        Structures(1, 1, &[required("S3Output", Structure(S3_OUTPUT))]),
    ),
    optional("KmsKeyId", KMS_KEY),
];

const CLUSTER: &[Member] = &[
    required("InstanceCount", Integer(1, 100)),
    // Any of more than a hundred.
    required("InstanceType", FREE),
    required("VolumeSizeInGB", Integer(1, 16_384)),
    optional("VolumeKmsKeyId", KMS_KEY),
];

const RESOURCES: &[Member] = &[required("ClusterConfig", Structure(CLUSTER))];

const STOPPING: &[Member] = &[required("MaxRuntimeInSeconds", Integer(1, 86_400))];

const TAGS: &[Member] = &[
    required("Key", text(Text::of(1, 128))),
    required("Value", text(Text::of(0, 256))),
];

/// A request to create a job definition. The four differ in what their members are
/// called and in these three structures.
const fn definition(
    baseline: (&'static str, &'static [Member]),
    application: (&'static str, &'static [Member]),
    input: (&'static str, &'static [Member]),
    output: &'static str,
) -> [Member; 10] {
    [
        required("JobDefinitionName", text(rules::ENTITY)),
        optional(baseline.0, Structure(baseline.1)),
        required(application.0, Structure(application.1)),
        required(input.0, Structure(input.1)),
        required(output, Structure(OUTPUT)),
        required("JobResources", Structure(RESOURCES)),
        optional("NetworkConfig", Verbatim),
        required("RoleArn", text(rules::ROLE_ARN)),
        optional("StoppingCondition", Structure(STOPPING)),
        optional("Tags", Structures(0, 50, TAGS)),
    ]
}

const DATA_QUALITY: &[Member] = &definition(
    ("DataQualityBaselineConfig", DATA_BASELINE),
    ("DataQualityAppSpecification", DATA_APPLICATION),
    ("DataQualityJobInput", INPUT),
    "DataQualityJobOutputConfig",
);

const MODEL_QUALITY: &[Member] = &definition(
    ("ModelQualityBaselineConfig", BASELINE),
    ("ModelQualityAppSpecification", MODEL_APPLICATION),
    ("ModelQualityJobInput", INPUT_WITH_TRUTH),
    "ModelQualityJobOutputConfig",
);

const MODEL_BIAS: &[Member] = &definition(
    ("ModelBiasBaselineConfig", BASELINE),
    ("ModelBiasAppSpecification", CLARIFY_APPLICATION),
    ("ModelBiasJobInput", INPUT_WITH_TRUTH),
    "ModelBiasJobOutputConfig",
);

const MODEL_EXPLAINABILITY: &[Member] = &definition(
    ("ModelExplainabilityBaselineConfig", BASELINE),
    ("ModelExplainabilityAppSpecification", CLARIFY_APPLICATION),
    ("ModelExplainabilityJobInput", INPUT),
    "ModelExplainabilityJobOutputConfig",
);

impl MonitoringType {
    /// The request that creates a job definition of this type.
    pub(super) const fn creation(self) -> &'static [Member] {
        match self {
            Self::DataQuality => DATA_QUALITY,
            Self::ModelQuality => MODEL_QUALITY,
            Self::ModelBias => MODEL_BIAS,
            Self::ModelExplainability => MODEL_EXPLAINABILITY,
        }
    }
}

const APPLICATION: &[Member] = &[
    required("ImageUri", IMAGE),
    optional("ContainerEntrypoint", ENTRYPOINT),
    optional("ContainerArguments", ARGUMENTS),
    optional("RecordPreprocessorSourceUri", SCRIPT),
    optional("PostAnalyticsProcessorSourceUri", SCRIPT),
];

/// A definition within a schedule, from before there were others.
const INLINE: &[Member] = &[
    optional("BaselineConfig", Structure(DATA_BASELINE)),
    required("MonitoringInputs", Structures(1, 1, INPUT)),
    required("MonitoringOutputConfig", Structure(OUTPUT)),
    required("MonitoringResources", Structure(RESOURCES)),
    required("MonitoringAppSpecification", Structure(APPLICATION)),
    optional("StoppingCondition", Structure(STOPPING)),
    optional("Environment", ENVIRONMENT),
    optional("NetworkConfig", Verbatim),
    required("RoleArn", text(rules::ROLE_ARN)),
];

const SCHEDULE: &[Member] = &[
    required("ScheduleExpression", text(Text::of(1, 256))),
    optional("DataAnalysisStartTime", FREE),
    optional("DataAnalysisEndTime", FREE),
];

/// `MonitoringType`, as a member.
pub(super) const MONITORING_TYPE: &[&str] = &[
    "DataQuality",
    "ModelQuality",
    "ModelBias",
    "ModelExplainability",
];

/// `MonitoringScheduleConfig`.
pub(super) const CONFIG: &[Member] = &[
    optional("ScheduleConfig", Structure(SCHEDULE)),
    optional("MonitoringJobDefinition", Structure(INLINE)),
    optional("MonitoringJobDefinitionName", text(rules::ENTITY)),
    optional("MonitoringType", OneOf(MONITORING_TYPE)),
];

/// The request of `UpdateMonitoringSchedule`.
pub(super) const UPDATE: &[Member] = &[
    required("MonitoringScheduleName", text(rules::ENTITY)),
    required("MonitoringScheduleConfig", Structure(CONFIG)),
];
