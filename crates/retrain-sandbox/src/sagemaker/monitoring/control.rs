//! What happens to monitoring past the API.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::control::unknown;
use super::super::rules;
use super::super::{ControlError, SageMaker, shape};
use super::{
    JobDefinition, MonitoringSchedule, MonitoringType, ScheduleStatus, definitions, schedules,
    shapes,
};

/// A job definition to create: complete, with a role, an image and a cluster that
/// nobody looks at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewJobDefinition {
    /// Its type.
    #[serde(rename = "type")]
    pub monitoring_type: MonitoringType,
    /// Its name.
    pub name: String,
    /// The endpoint that it monitors.
    pub endpoint: String,
    /// Where the constraints of its baseline are, if it has one.
    #[serde(default)]
    pub constraints: Option<String>,
    /// Where the statistics of its baseline are. Only those of the quality of data
    /// have some.
    #[serde(default)]
    pub statistics: Option<String>,
}

impl NewJobDefinition {
    /// A definition without a baseline.
    pub fn new(monitoring_type: MonitoringType, name: &str, endpoint: &str) -> Self {
        Self {
            monitoring_type,
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            constraints: None,
            statistics: None,
        }
    }

    /// With the constraints of a baseline.
    #[must_use]
    pub fn constraints(mut self, s3_uri: &str) -> Self {
        self.constraints = Some(s3_uri.to_owned());
        self
    }

    /// With the statistics of a baseline.
    #[must_use]
    pub fn statistics(mut self, s3_uri: &str) -> Self {
        self.statistics = Some(s3_uri.to_owned());
        self
    }

    /// The request that creates it.
    pub fn request(&self) -> Value {
        let kind = self.monitoring_type;
        let named = |member: &str| format!("{}{member}", kind.as_str());
        let output = json!({"S3Output": {
            "S3Uri": format!("s3://monitoring/{}", self.name),
            "LocalPath": "/opt/ml/processing/output",
        }});
        let mut request = json!({
            "JobDefinitionName": self.name,
            named("AppSpecification"): {"ImageUri": "sagemaker-monitor"},
            named("JobInput"): {"EndpointInput": {
                "EndpointName": self.endpoint,
                "LocalPath": "/opt/ml/processing/input",
            }},
            named("JobOutputConfig"): {"MonitoringOutputs": [output]},
            "JobResources": {"ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.xlarge",
                "VolumeSizeInGB": 20,
            }},
            "RoleArn": "arn:aws:iam::111122223333:role/monitoring",
        });
        if matches!(
            kind,
            MonitoringType::ModelQuality | MonitoringType::ModelBias
        ) {
            request[named("JobInput")]["GroundTruthS3Input"] = json!({"S3Uri": "s3://labels/"});
        }
        if matches!(
            kind,
            MonitoringType::ModelBias | MonitoringType::ModelExplainability
        ) {
            let config = format!("s3://monitoring/{}/analysis_config.json", self.name);
            request[named("AppSpecification")]["ConfigUri"] = json!(config);
        }
        for (resource, uri) in [
            ("ConstraintsResource", &self.constraints),
            ("StatisticsResource", &self.statistics),
        ] {
            if let Some(uri) = uri {
                request[named("BaselineConfig")][resource] = json!({"S3Uri": uri});
            }
        }
        request
    }
}

/// A schedule to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    name: String,
    config: Value,
}

impl NewSchedule {
    /// An hourly schedule that runs a definition.
    pub fn hourly(name: &str, monitoring_type: MonitoringType, definition: &str) -> Self {
        let config = json!({
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": definition,
            "MonitoringType": monitoring_type,
        });
        Self::with_config(name, config)
    }

    /// A schedule with this `MonitoringScheduleConfig`.
    pub fn with_config(name: &str, config: Value) -> Self {
        Self {
            name: name.to_owned(),
            config,
        }
    }
}

impl SageMaker {
    /// Creates a job definition and returns its ARN.
    pub fn create_job_definition(&self, new: &NewJobDefinition) -> Result<String, ControlError> {
        let answer =
            self.scene(|scene| definitions::create(scene, new.monitoring_type, &new.request()))?;
        Ok(answer["JobDefinitionArn"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// All job definitions, in the order of their creation.
    pub fn job_definitions(&self) -> Vec<JobDefinition> {
        let state = self.lock();
        let shown = |definition: &JobDefinition| JobDefinition {
            arn: state.shown(&definition.arn),
            ..definition.clone()
        };
        state.definitions.iter().map(shown).collect()
    }

    /// Creates a schedule and returns its ARN. What it points at exists.
    pub fn create_schedule(&self, new: NewSchedule) -> Result<String, ControlError> {
        let NewSchedule { name, config } = new;
        let request = json!({"MonitoringScheduleName": name, "MonitoringScheduleConfig": config});
        shape::read(&request, shapes::UPDATE)?.text("MonitoringScheduleName", rules::ENTITY)?;
        self.scene(|scene| {
            schedules::check(scene, &config)?;
            let arn = scene.names.arn("monitoring-schedule", &name);
            let taken = |existing: &MonitoringSchedule| existing.arn.eq_ignore_ascii_case(&arn);
            if scene.state.schedules.iter().any(taken) {
                return Err(ControlError::Taken(format!("monitoring schedule {name}")));
            }
            let shown = scene.state.shown(&arn);
            scene.state.schedules.push(MonitoringSchedule {
                arn,
                name,
                status: ScheduleStatus::default(),
                config,
                creation_time: scene.now,
                last_modified_time: scene.now,
            });
            Ok(shown)
        })
    }

    /// One schedule, as it is now.
    pub fn schedule(&self, name: &str) -> Option<MonitoringSchedule> {
        let state = self.lock();
        let mut schedules = state.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.name == name)?;
        Some(MonitoringSchedule {
            arn: state.shown(&schedule.arn),
            ..schedule.clone()
        })
    }

    /// The definition that a schedule points at now. There is none if the schedule
    /// does not exist or has its definition within it.
    pub fn scheduled_definition(&self, name: &str) -> Option<JobDefinition> {
        let schedule = self.schedule(name)?;
        let mut definitions = self.job_definitions().into_iter();
        definitions
            .find(|definition| schedule.points_at(definition.monitoring_type, &definition.name))
    }

    /// Replaces a schedule's configuration, as a person does in the console.
    pub fn edit_schedule(&self, name: &str, config: &Value) -> Result<(), ControlError> {
        let request = json!({"MonitoringScheduleName": name, "MonitoringScheduleConfig": config});
        self.scene(|scene| schedules::update(scene, &request))?;
        Ok(())
    }

    /// Sets where a schedule stands.
    pub fn set_schedule_status(
        &self,
        name: &str,
        status: ScheduleStatus,
    ) -> Result<(), ControlError> {
        let mut state = self.lock();
        let mut schedules = state.schedules.iter_mut();
        let schedule = schedules
            .find(|schedule| schedule.name == name)
            .ok_or_else(|| unknown("monitoring schedule", name))?;
        schedule.status = status;
        Ok(())
    }

    /// Deletes a schedule; its definition stays.
    pub fn delete_schedule(&self, name: &str) -> Result<(), ControlError> {
        let schedules = &mut self.lock().schedules;
        let before = schedules.len();
        schedules.retain(|schedule| schedule.name != name);
        if schedules.len() == before {
            return Err(unknown("monitoring schedule", name));
        }
        Ok(())
    }
}
