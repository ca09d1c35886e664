//! `DescribeMonitoringSchedule`, `UpdateMonitoringSchedule` and
//! `ListMonitoringSchedules`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::executions::listed;
use super::super::shape::{self, given};
use super::super::{Scene, descending, not_found, page, rules};
use super::definitions::{check_input, endpoint_name, find as find_definition};
use super::{MonitoringType, shapes};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

/// `ScheduleStatus` of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum ScheduleStatus {
    Pending,
    Failed,
    #[default]
    Scheduled,
    Stopped,
}

impl ScheduleStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Failed => "Failed",
            Self::Scheduled => "Scheduled",
            Self::Stopped => "Stopped",
        }
    }
}

/// A monitoring schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringSchedule {
    /// Its ARN, as the service writes it now.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: ScheduleStatus,
    /// `MonitoringScheduleConfig`, as it was given last.
    pub config: Value,
    /// When it was created.
    pub creation_time: Timestamp,
    /// When it last changed.
    pub last_modified_time: Timestamp,
}

impl MonitoringSchedule {
    /// The definition that it runs, if that is not within it.
    pub fn job_definition_name(&self) -> Option<&str> {
        self.config["MonitoringJobDefinitionName"].as_str()
    }

    /// The type of what it runs. A definition within a schedule monitors the
    /// quality of data unless it says otherwise.
    pub fn monitoring_type(&self) -> MonitoringType {
        self.config["MonitoringType"]
            .as_str()
            .and_then(MonitoringType::named)
            .unwrap_or(MonitoringType::DataQuality)
    }

    pub(super) fn points_at(&self, kind: MonitoringType, name: &str) -> bool {
        self.monitoring_type() == kind && self.job_definition_name() == Some(name)
    }

    fn endpoint_name<'a>(&'a self, scene: &'a Scene<'_>) -> Option<&'a str> {
        match self.job_definition_name() {
            Some(name) => find_definition(scene, self.monitoring_type(), name)?.endpoint_name(),
            None => endpoint_name(&self.config["MonitoringJobDefinition"]["MonitoringInputs"][0]),
        }
    }
}

pub(super) fn describe(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["MonitoringScheduleName"])?;
    let name = input.text("MonitoringScheduleName", rules::ENTITY)?;
    let schedule = find(scene, name)?;
    let mut answer = summary(scene, schedule);
    answer["MonitoringScheduleConfig"] = schedule.config.clone();
    // Only a summary names it here; a description has it in the configuration.
    if let Some(members) = answer.as_object_mut() {
        members.remove("MonitoringJobDefinitionName");
    }
    Ok(answer)
}

/// The configuration is replaced as a whole: what is not given again is gone.
pub(super) fn update(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = shape::read(request, shapes::UPDATE)?;
    let name = input.text("MonitoringScheduleName", rules::ENTITY)?;
    find(scene, name)?;
    let config = &request["MonitoringScheduleConfig"];
    check(scene, config)?;
    let now = scene.now;
    let mut schedules = scene.state.schedules.iter_mut();
    if let Some(schedule) = schedules.find(|schedule| schedule.name == name) {
        schedule.config = config.clone();
        schedule.last_modified_time = now;
    }
    let arn = scene.names.arn("monitoring-schedule", name);
    Ok(json!({"MonitoringScheduleArn": scene.state.shown(&arn)}))
}

pub(super) fn list(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "EndpointName",
            "SortBy",
            "SortOrder",
            "NextToken",
            "MaxResults",
            "NameContains",
            "CreationTimeBefore",
            "CreationTimeAfter",
            "LastModifiedTimeBefore",
            "LastModifiedTimeAfter",
            "StatusEquals",
            "MonitoringJobDefinitionName",
            "MonitoringTypeEquals",
        ],
    )?;
    let endpoint = input.optional_text("EndpointName", rules::ENTITY)?;
    let name_contains = input.optional_text("NameContains", rules::NAME_CONTAINS)?;
    let created = (
        input.time("CreationTimeAfter")?,
        input.time("CreationTimeBefore")?,
    );
    let modified = (
        input.time("LastModifiedTimeAfter")?,
        input.time("LastModifiedTimeBefore")?,
    );
    let status = input.one_of(
        "StatusEquals",
        &["Pending", "Failed", "Scheduled", "Stopped"],
    )?;
    let definition = input.optional_text("MonitoringJobDefinitionName", rules::ENTITY)?;
    let kind = input.one_of("MonitoringTypeEquals", shapes::MONITORING_TYPE)?;
    // API reference: by the time of creation, the newest first.
    let sort_by = input.one_of("SortBy", &["Name", "CreationTime", "Status"])?;
    let descending = descending(&input, true)?;
    let page = page(&input)?;

    let mut schedules: Vec<&MonitoringSchedule> = scene.state.schedules.iter().collect();
    schedules.sort_by_key(|schedule| {
        let by_time = sort_by.is_none_or(|key| key == "CreationTime");
        (
            by_time.then_some(schedule.creation_time),
            (sort_by == Some("Status")).then(|| schedule.status.as_str()),
            schedule.name.clone(),
        )
    });
    if descending {
        schedules.reverse();
    }
    let within = |time: Timestamp, (after, before): (Option<Timestamp>, Option<Timestamp>)| {
        after.is_none_or(|after| time > after) && before.is_none_or(|before| time < before)
    };
    let wanted = |schedule: &&MonitoringSchedule| {
        endpoint.is_none_or(|name| schedule.endpoint_name(scene) == Some(name))
            && name_contains.is_none_or(|part| schedule.name.contains(part))
            && within(schedule.creation_time, created)
            && within(schedule.last_modified_time, modified)
            && status.is_none_or(|status| schedule.status.as_str() == status)
            && definition.is_none_or(|name| schedule.job_definition_name() == Some(name))
            && kind.is_none_or(|kind| schedule.monitoring_type().as_str() == kind)
    };
    let (shown, token) = page.cut(schedules, |schedule| schedule.name.clone(), wanted)?;
    let summaries = shown
        .into_iter()
        .map(|schedule| summary(scene, schedule))
        .collect();
    Ok(listed("MonitoringScheduleSummaries", summaries, token))
}

fn summary(scene: &Scene<'_>, schedule: &MonitoringSchedule) -> Value {
    let mut summary = json!({
        "MonitoringScheduleName": schedule.name,
        "MonitoringScheduleArn": scene.state.shown(&schedule.arn),
        "CreationTime": epoch_seconds(schedule.creation_time),
        "LastModifiedTime": epoch_seconds(schedule.last_modified_time),
        "MonitoringScheduleStatus": schedule.status,
        "MonitoringType": schedule.monitoring_type(),
    });
    if let Some(name) = schedule.endpoint_name(scene) {
        summary["EndpointName"] = json!(name);
    }
    if let Some(name) = schedule.job_definition_name() {
        summary["MonitoringJobDefinitionName"] = json!(name);
    }
    summary
}

fn find<'a>(scene: &'a Scene<'_>, name: &str) -> Result<&'a MonitoringSchedule, ServiceError> {
    let mut schedules = scene.state.schedules.iter();
    schedules
        .find(|schedule| schedule.name == name)
        .ok_or_else(|| {
            let arn = scene.names.arn("monitoring-schedule", name);
            not_found("Monitoring schedule", &arn)
        })
}

/// Checks what the shape of a configuration cannot say.
pub(super) fn check(scene: &Scene<'_>, config: &Value) -> Result<(), ServiceError> {
    if let Some(schedule) = given(config, "ScheduleConfig") {
        check_times(schedule)?;
    }
    let name = given(config, "MonitoringJobDefinitionName").and_then(Value::as_str);
    let kind = given(config, "MonitoringType")
        .and_then(Value::as_str)
        .and_then(MonitoringType::named);
    let inline = given(config, "MonitoringJobDefinition");
    match (inline, name, kind) {
        (Some(inline), None, _) => check_input(&inline["MonitoringInputs"][0]),
        // Creating a schedule has no error for what is not there, so an unknown
        // definition is taken to be an invalid request here as well.
        (None, Some(name), Some(kind)) if find_definition(scene, kind, name).is_none() => {
            Err(ServiceError::validation(format!(
                "Job definition {} does not exist.",
                scene.names.arn(kind.resource(), name)
            )))
        }
        (None, Some(_), Some(_)) => Ok(()),
        _ => Err(ServiceError::validation(
            "Either MonitoringJobDefinition, or MonitoringJobDefinitionName and MonitoringType \
             must be given",
        )),
    }
}

/// API reference of `ScheduleConfig`.
fn check_times(schedule: &Value) -> Result<(), ServiceError> {
    let expression = schedule["ScheduleExpression"].as_str().unwrap_or_default();
    if expression == "NOW" {
        let bounds = ["DataAnalysisStartTime", "DataAnalysisEndTime"];
        let missing = bounds
            .into_iter()
            .find(|name| given(schedule, name).is_none());
        return missing.map_or(Ok(()), |name| {
            Err(ServiceError::validation(format!(
                "{name} is required for NOW"
            )))
        });
    }
    let hours = expression
        .strip_prefix("cron(0 ")
        .and_then(|rest| rest.strip_suffix(" ? * * *)"));
    if hours.is_some_and(is_hours) {
        return Ok(());
    }
    Err(ServiceError::validation(format!(
        "'{expression}' is no supported schedule expression"
    )))
}

/// `*`, `[00-23]` or `[00-23]/[01-24]`.
fn is_hours(text: &str) -> bool {
    let within = |number: &str, min: u8, max: u8| {
        number.len() <= 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && number
                .parse()
                .is_ok_and(|hour: u8| (min..=max).contains(&hour))
    };
    match text.split_once('/') {
        None => text == "*" || within(text, 0, 23),
        Some((begin, step)) => within(begin, 0, 23) && within(step, 1, 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_hourly_daily_or_every_few_hours() {
        for (hours, good) in [
            ("*", true),
            ("0", true),
            ("23", true),
            ("24", false),
            ("0/1", true),
            ("17/24", true),
            ("17/25", false),
            ("0/0", false),
            ("*/2", false),
            ("-1", false),
            ("", false),
        ] {
            assert_eq!(is_hours(hours), good, "{hours}");
        }
        let check = |expression: &str| check_times(&json!({"ScheduleExpression": expression}));
        assert!(check("cron(0 * ? * * *)").is_ok());
        for bad in [
            "NOW",
            "cron(5 * ? * * *)",
            "rate(1 hour)",
            "cron(0 * * * ? *)",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(
            check_times(&json!({
                "ScheduleExpression": "NOW",
                "DataAnalysisStartTime": "-PT1H",
                "DataAnalysisEndTime": "-PT0H",
            }))
            .is_ok()
        );
    }
}
