//! `{Create,Describe,Delete}{DataQuality,ModelQuality,ModelBias,ModelExplainability}JobDefinition`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::shape::{self, given};
use super::super::{Scene, not_found, rules};
use super::MonitoringType;
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

/// The definition of a monitoring job. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDefinition {
    /// Its ARN, as the service writes it now.
    pub arn: String,
    /// Its type.
    pub monitoring_type: MonitoringType,
    /// Its name, which is its own among those of its type.
    pub name: String,
    /// When it was created.
    pub creation_time: Timestamp,
    /// What it was created with, as it was given, but for its name and its tags.
    pub members: Map<String, Value>,
    /// Its `Tags`, as they were given.
    pub tags: Vec<Value>,
}

impl JobDefinition {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members
            .get(&format!("{}{name}", self.monitoring_type.as_str()))
    }

    /// `DataQualityBaselineConfig` and its like.
    pub fn baseline(&self) -> Option<&Value> {
        self.member("BaselineConfig")
    }

    /// Where the constraints of its baseline are.
    pub fn constraints(&self) -> Option<&str> {
        self.baseline()?["ConstraintsResource"]["S3Uri"].as_str()
    }

    /// Where the statistics of its baseline are.
    pub fn statistics(&self) -> Option<&str> {
        self.baseline()?["StatisticsResource"]["S3Uri"].as_str()
    }

    /// The endpoint that it monitors.
    pub fn endpoint_name(&self) -> Option<&str> {
        endpoint_name(self.member("JobInput")?)
    }
}

/// The endpoint of an input.
pub(super) fn endpoint_name(input: &Value) -> Option<&str> {
    input["EndpointInput"]["EndpointName"].as_str()
}

/// Every input is either an endpoint's or a transform job's. That both or none are
/// refused is not documented.
pub(super) fn check_input(input: &Value) -> Result<(), ServiceError> {
    let inputs = ["EndpointInput", "BatchTransformInput"];
    let count = inputs
        .into_iter()
        .filter(|name| given(input, name).is_some())
        .count();
    if count == 1 {
        return Ok(());
    }
    Err(ServiceError::validation(
        "Exactly one of EndpointInput and BatchTransformInput must be given",
    ))
}

pub(super) fn create(
    scene: &mut Scene<'_>,
    kind: MonitoringType,
    request: &Value,
) -> Result<Value, ServiceError> {
    let input = shape::read(request, kind.creation())?;
    let name = input.text("JobDefinitionName", rules::ENTITY)?;
    check_input(&request[format!("{}JobInput", kind.as_str())])?;
    let arn = scene.names.arn(kind.resource(), name);
    let taken = |existing: &JobDefinition| existing.arn.eq_ignore_ascii_case(&arn);
    if scene.state.definitions.iter().any(taken) {
        return Err(ServiceError::refused(
            "ResourceInUse",
            format!("Job definition {arn} already exists."),
        ));
    }
    let members = request.as_object().into_iter().flatten();
    let members = members
        .filter(|(member, value)| {
            !["JobDefinitionName", "Tags"].contains(&member.as_str()) && !value.is_null()
        })
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect();
    let shown = scene.state.shown(&arn);
    scene.state.definitions.push(JobDefinition {
        arn,
        monitoring_type: kind,
        name: name.to_owned(),
        creation_time: scene.now,
        members,
        tags: given(request, "Tags")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
    });
    Ok(json!({"JobDefinitionArn": shown}))
}

pub(super) fn describe(
    scene: &mut Scene<'_>,
    kind: MonitoringType,
    request: &Value,
) -> Result<Value, ServiceError> {
    let definition = named(scene, kind, request)?;
    let mut answer = Value::Object(definition.members.clone());
    answer["JobDefinitionArn"] = json!(scene.state.shown(&definition.arn));
    answer["JobDefinitionName"] = json!(definition.name);
    answer["CreationTime"] = epoch_seconds(definition.creation_time);
    Ok(answer)
}

/// What a schedule points at is not deleted. AWS does not say that it refuses this:
/// here, a schedule must not lose what it runs without a test's noticing.
pub(super) fn delete(
    scene: &mut Scene<'_>,
    kind: MonitoringType,
    request: &Value,
) -> Result<Value, ServiceError> {
    let JobDefinition { arn, name, .. } = named(scene, kind, request)?.clone();
    let mut schedules = scene.state.schedules.iter();
    if let Some(schedule) = schedules.find(|schedule| schedule.points_at(kind, &name)) {
        return Err(ServiceError::validation(format!(
            "Job definition {arn} is used by monitoring schedule {}",
            schedule.name
        )));
    }
    scene
        .state
        .definitions
        .retain(|definition| definition.arn != arn);
    Ok(json!({}))
}

fn named<'a>(
    scene: &'a Scene<'_>,
    kind: MonitoringType,
    request: &Value,
) -> Result<&'a JobDefinition, ServiceError> {
    let input = Input::new(request, &["JobDefinitionName"])?;
    let name = input.text("JobDefinitionName", rules::ENTITY)?;
    find(scene, kind, name)
        .ok_or_else(|| not_found("Job definition", &scene.names.arn(kind.resource(), name)))
}

pub(super) fn find<'a>(
    scene: &'a Scene<'_>,
    kind: MonitoringType,
    name: &str,
) -> Option<&'a JobDefinition> {
    scene
        .state
        .definitions
        .iter()
        .find(|definition| definition.monitoring_type == kind && definition.name == name)
}
