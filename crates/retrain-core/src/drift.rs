//! What a CloudWatch alarm tells about drift, whatever envelope brought it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::AlarmArn;

/// One state transition of one CloudWatch alarm.
///
/// EventBridge events, SNS notifications and direct alarm actions all parse into
/// this type, so that the same transition told three times is one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmTransition {
    /// The alarm.
    pub alarm: AlarmArn,
    /// The state that it entered.
    pub state: AlarmState,
    /// When it entered the state (CloudWatch's own timestamp, milliseconds).
    pub at: Timestamp,
    /// What kind of alarm it is.
    pub form: AlarmForm,
    /// Every metric that the alarm's configuration names, also those that only
    /// feed an expression. Empty for composite, log and `PromQL` alarms.
    pub metrics: Vec<AlarmMetric>,
    /// Set while the alarm's actions are muted or suppressed. CloudWatch sends
    /// the event to EventBridge all the same.
    pub silenced: Option<Silenced>,
    /// CloudWatch's sentence about the transition, shortened. Data, not
    /// instruction: it may hold whatever the alarm's author wrote.
    pub reason: Option<String>,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// The condition holds no longer.
    Ok,
    /// The condition holds.
    Alarm,
    /// CloudWatch cannot tell.
    InsufficientData,
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        })
    }
}

/// The kind of alarm, told by its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmForm {
    /// One metric against a threshold.
    SingleMetric,
    /// An expression over metrics.
    MetricMath,
    /// One metric against an `ANOMALY_DETECTION_BAND`.
    AnomalyBand,
    /// A Metrics Insights query (`SELECT …`), possibly over many time series.
    MetricsInsights,
    /// A rule over other alarms.
    Composite,
    /// A log, `PromQL` or later kind: no metrics that we could read.
    Other,
}

/// A metric that an alarm watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMetric {
    /// The namespace as the alarm spells it.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// The dimensions by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
}

impl AlarmMetric {
    /// The endpoint dimension in either of its two spellings.
    ///
    /// The documentation page says `EndpointName`; alarms that work use `Endpoint`.
    pub fn endpoint(&self) -> Option<&str> {
        self.dimension(["Endpoint", "EndpointName"])
    }

    /// The monitoring schedule dimension in either of its two spellings.
    pub fn monitoring_schedule(&self) -> Option<&str> {
        self.dimension(["MonitoringSchedule", "ScheduleName"])
    }

    fn dimension(&self, spellings: [&str; 2]) -> Option<&str> {
        spellings
            .iter()
            .find_map(|name| self.dimensions.get(*name))
            .map(String::as_str)
    }
}

/// Why an alarm's actions are silent although its state changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silenced {
    /// A mute rule covers the alarm now.
    Muted {
        /// The mute rule's ARN, where the event names it.
        by: Option<String>,
    },
    /// A composite alarm's suppressor holds its actions back.
    Suppressed {
        /// `Alarm`, `WaitPeriod` or `ExtensionPeriod`.
        by: String,
    },
}

/// The family of drift that a metric measures.
///
/// It follows from the namespace alone. Metric names collide: `feature_x` is both
/// a data-quality and an attribution metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DriftKind {
    /// Model Monitor's data quality monitor.
    DataQuality,
    /// Model Monitor's model quality monitor.
    ModelQuality,
    /// Clarify's bias drift monitor.
    BiasDrift,
    /// Clarify's feature attribution drift monitor.
    FeatureAttributionDrift,
    /// A metric of the team's own.
    Custom,
}

impl fmt::Display for DriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataQuality => "data_quality",
            Self::ModelQuality => "model_quality",
            Self::BiasDrift => "bias_drift",
            Self::FeatureAttributionDrift => "feature_attribution_drift",
            Self::Custom => "custom",
        })
    }
}

/// What a namespace says about a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceClass {
    /// One of Model Monitor's namespaces.
    Monitor(DriftKind),
    /// An endpoint's latency, errors or utilisation: never drift.
    Infrastructure,
    /// Anything else.
    Custom,
}

impl NamespaceClass {
    /// Classifies a namespace after normalising it.
    ///
    /// AWS's pages, samples and SDKs disagree about the leading slash, the case,
    /// `Endpoint` or `Endpoints`, and `metric` or `metrics`; all are accepted.
    pub fn of(namespace: &str) -> Self {
        let normal = namespace.trim_start_matches('/').to_ascii_lowercase();
        let parts: Vec<&str> = normal.split('/').collect();
        match parts.as_slice() {
            [
                "aws",
                "sagemaker",
                "endpoint" | "endpoints" | "modelmonitoring",
                leaf,
            ] => match leaf.strip_suffix('s').unwrap_or(leaf) {
                "data-metric" => Self::Monitor(DriftKind::DataQuality),
                "model-metric" => Self::Monitor(DriftKind::ModelQuality),
                "bias-metric" => Self::Monitor(DriftKind::BiasDrift),
                "explainability-metric" => Self::Monitor(DriftKind::FeatureAttributionDrift),
                _ => Self::Infrastructure,
            },
            ["aws", "sagemaker", ..] => Self::Infrastructure,
            _ => Self::Custom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_alone_tells_the_kind_of_drift() {
        use DriftKind::{BiasDrift, DataQuality, FeatureAttributionDrift, ModelQuality};
        use NamespaceClass::{Custom, Infrastructure, Monitor};
        let table = [
            ("aws/sagemaker/Endpoints/data-metrics", Monitor(DataQuality)),
            ("/aws/sagemaker/Endpoints/data-metric", Monitor(DataQuality)),
            ("/aws/sagemaker/Endpoint/data-metrics", Monitor(DataQuality)),
            (
                "aws/sagemaker/ModelMonitoring/model-metrics",
                Monitor(ModelQuality),
            ),
            ("aws/sagemaker/Endpoints/bias-metrics", Monitor(BiasDrift)),
            (
                "aws/sagemaker/Endpoints/explainability-metrics",
                Monitor(FeatureAttributionDrift),
            ),
            ("/aws/sagemaker/Endpoints", Infrastructure),
            ("/aws/sagemaker/TrainingJobs", Infrastructure),
            ("AWS/SageMaker", Infrastructure),
            ("Fraud/Drift", Custom),
            ("", Custom),
        ];
        for (namespace, expected) in table {
            assert_eq!(NamespaceClass::of(namespace), expected, "{namespace}");
        }
    }
}
