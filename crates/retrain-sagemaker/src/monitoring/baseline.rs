//! What a schedule monitors against, by its type of monitoring.

use aws_sdk_sagemaker::types::{
    MonitoringBaselineConfig, MonitoringConstraintsResource, MonitoringStatisticsResource,
    MonitoringType,
};
use retrain_core::names::shortened;
use retrain_core::package::Baselines;

/// The types of monitoring that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    DataQuality,
    ModelQuality,
    ModelBias,
    ModelExplainability,
}

/// The files that a monitor compares with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Baseline {
    constraints: String,
    /// Only the quality of data is compared with them.
    statistics: Option<String>,
}

impl Kind {
    /// A schedule that does not say monitors the quality of data: the other types came later.
    pub(super) fn of(monitoring_type: Option<&MonitoringType>) -> Result<Self, String> {
        match monitoring_type {
            None | Some(MonitoringType::DataQuality) => Ok(Self::DataQuality),
            Some(MonitoringType::ModelQuality) => Ok(Self::ModelQuality),
            Some(MonitoringType::ModelBias) => Ok(Self::ModelBias),
            Some(MonitoringType::ModelExplainability) => Ok(Self::ModelExplainability),
            Some(other) => Err(format!(
                "MonitoringType \"{}\" is not known",
                shortened(other.as_str(), 64)
            )),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DataQuality => "DataQuality",
            Self::ModelQuality => "ModelQuality",
            Self::ModelBias => "ModelBias",
            Self::ModelExplainability => "ModelExplainability",
        }
    }
}

impl From<Kind> for MonitoringType {
    fn from(kind: Kind) -> Self {
        Self::from(kind.name())
    }
}

impl Baseline {
    /// Those of a package for this type. A monitor checks constraints; without them there is
    /// nothing to refresh, and old constraints say nothing about new statistics.
    pub(super) fn of(kind: Kind, baselines: &Baselines) -> Option<Self> {
        let (constraints, statistics) = match kind {
            Kind::DataQuality => (&baselines.data_constraints, &baselines.data_statistics),
            Kind::ModelQuality => (&baselines.model_constraints, &None),
            Kind::ModelBias => (&baselines.bias_constraints, &None),
            Kind::ModelExplainability => (&baselines.explainability_constraints, &None),
        };
        Some(Self {
            constraints: constraints.clone()?,
            statistics: statistics.clone(),
        })
    }

    /// Those of a job definition. A baselining job is another source of them.
    pub(super) fn described(
        baselining_job: Option<&str>,
        constraints: Option<MonitoringConstraintsResource>,
        statistics: Option<MonitoringStatisticsResource>,
    ) -> Option<Self> {
        match baselining_job {
            Some(_) => None,
            None => Some(Self {
                constraints: constraints?.s3_uri?,
                statistics: statistics.and_then(|of| of.s3_uri),
            }),
        }
    }

    pub(super) fn inline(config: MonitoringBaselineConfig) -> Option<Self> {
        Self::described(
            config.baselining_job_name.as_deref(),
            config.constraints_resource,
            config.statistics_resource,
        )
    }

    pub(super) fn to_inline(&self) -> MonitoringBaselineConfig {
        MonitoringBaselineConfig::builder()
            .constraints_resource(self.constraints())
            .set_statistics_resource(self.statistics())
            .build()
    }

    pub(super) fn constraints(&self) -> MonitoringConstraintsResource {
        MonitoringConstraintsResource::builder()
            .s3_uri(&self.constraints)
            .build()
    }

    pub(super) fn statistics(&self) -> Option<MonitoringStatisticsResource> {
        self.statistics
            .as_ref()
            .map(|uri| MonitoringStatisticsResource::builder().s3_uri(uri).build())
    }
}
