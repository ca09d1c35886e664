//! Monitoring: definitions of jobs, which never change, and the schedules that
//! point at them. No job ever runs.

mod control;
mod definitions;
mod schedules;
mod shapes;
mod tags;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use control::{NewJobDefinition, NewSchedule};
pub use definitions::JobDefinition;
pub use schedules::{MonitoringSchedule, ScheduleStatus};

use super::Scene;
use crate::answer::ServiceError;

/// `MonitoringType` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum MonitoringType {
    DataQuality,
    ModelQuality,
    ModelBias,
    ModelExplainability,
}

impl MonitoringType {
    const ALL: [Self; 4] = [
        Self::DataQuality,
        Self::ModelQuality,
        Self::ModelBias,
        Self::ModelExplainability,
    ];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataQuality => "DataQuality",
            Self::ModelQuality => "ModelQuality",
            Self::ModelBias => "ModelBias",
            Self::ModelExplainability => "ModelExplainability",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What its definitions are called in ARNs.
    const fn resource(self) -> &'static str {
        match self {
            Self::DataQuality => "data-quality-job-definition",
            Self::ModelQuality => "model-quality-job-definition",
            Self::ModelBias => "model-bias-job-definition",
            Self::ModelExplainability => "model-explainability-job-definition",
        }
    }
}

pub(super) fn perform(
    scene: &mut Scene<'_>,
    operation: &str,
    request: &Value,
) -> Result<Value, ServiceError> {
    match operation {
        "DescribeMonitoringSchedule" => schedules::describe(scene, request),
        "UpdateMonitoringSchedule" => schedules::update(scene, request),
        "ListMonitoringSchedules" => schedules::list(scene, request),
        "ListTags" => tags::list(scene, request),
        _ => match job_definition_operation(operation) {
            Some(("Create", kind)) => definitions::create(scene, kind, request),
            Some(("Describe", kind)) => definitions::describe(scene, kind, request),
            Some(("Delete", kind)) => definitions::delete(scene, kind, request),
            _ => Err(ServiceError::unknown_operation(operation)),
        },
    }
}

/// The four types have the same operations, each under its own name.
fn job_definition_operation(operation: &str) -> Option<(&str, MonitoringType)> {
    let rest = operation.strip_suffix("JobDefinition")?;
    MonitoringType::ALL
        .into_iter()
        .find_map(|kind| Some((rest.strip_suffix(kind.as_str())?, kind)))
}
