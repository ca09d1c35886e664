//! What a sandbox begins with, as a JSON file.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cloudwatch::{self, Alarm};
use crate::codepipeline;
use crate::control::Control;
use crate::s3::{S3Error, SeedBucket};
use crate::sagemaker::{
    ApprovalStatus, ControlError, MonitoringType, NewJobDefinition, NewPackage, NewSchedule,
    PackageStatus, Pipeline, SageMaker,
};
use crate::ssm::ParameterError;

/// The contents of a new sandbox.
///
/// ```
/// let seed = retrain_sandbox::Seed::from_json(r#"{
///     "parameters": [
///         {"name": "/retrain/policies/churn", "value": {"interval": "6h"}},
///         {"name": "/churn/training-data", "value": "s3://data/churn/"}
///     ],
///     "pipelines": [
///         {"name": "churn-training", "parameters": {"TrainingDataUri": null, "DriftKind": "none"}}
///     ],
///     "alarms": [
///         {"name": "churn-drift", "state": "OK"}
///     ],
///     "buckets": [
///         {"name": "data", "versioning": true, "objects": [
///             {"key": "churn/part-0.csv", "body": "1,2\n", "metadata": {"row-count": "1"}}
///         ]}
///     ],
///     "modelPackages": [
///         {"group": "churn", "approvalStatus": "Approved", "details": {
///             "CustomerMetadataProperties": {"team": "retention"}
///         }}
///     ],
///     "jobDefinitions": [
///         {"type": "ModelQuality", "name": "churn-1", "endpoint": "churn",
///          "constraints": "s3://data/constraints.json"}
///     ],
///     "monitoringSchedules": [
///         {"name": "churn-quality", "type": "ModelQuality", "definition": "churn-1"}
///     ]
/// }"#).unwrap();
/// assert_eq!(seed.pipelines[0].versions, 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Seed {
    /// The time to begin at. Without it the clock is left alone.
    pub now: Option<Timestamp>,
    /// Parameters of Parameter Store.
    pub parameters: Vec<SeedParameter>,
    /// SageMaker pipelines.
    pub pipelines: Vec<Pipeline>,
    /// CodePipeline pipelines.
    pub code_pipelines: Vec<codepipeline::Pipeline>,
    /// CloudWatch alarms.
    pub alarms: Vec<Alarm>,
    /// Buckets of S3. Their objects are announced like any other.
    pub buckets: Vec<SeedBucket>,
    /// Model package groups without packages.
    pub model_package_groups: Vec<String>,
    /// Model packages, each the next version of its group.
    pub model_packages: Vec<SeedPackage>,
    /// Definitions of monitoring jobs.
    pub job_definitions: Vec<NewJobDefinition>,
    /// Hourly monitoring schedules.
    pub monitoring_schedules: Vec<SeedSchedule>,
}

/// One parameter of a seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedParameter {
    /// Its name.
    pub name: String,
    /// Its value: a string as it is, anything else as compact JSON.
    pub value: Value,
}

/// One model package of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedPackage {
    /// Its group.
    pub group: String,
    /// Whether it may be deployed.
    pub approval_status: ApprovalStatus,
    /// Whether it is complete.
    #[serde(default = "completed")]
    pub status: PackageStatus,
    /// What else `DescribeModelPackage` returns, such as `ModelMetrics`, as it
    /// returns it.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl SeedPackage {
    /// Registers it and returns its ARN.
    pub(crate) fn plant(&self, sagemaker: &SageMaker) -> Result<String, ControlError> {
        let package = NewPackage::new(&self.group)
            .approval(self.approval_status)
            .status(self.status);
        let details = self.details.iter();
        sagemaker.register(details.fold(package, |package, (name, value)| {
            package.member(name, value.clone())
        }))
    }
}

/// One monitoring schedule of a seed. It is hourly.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedSchedule {
    /// Its name.
    pub name: String,
    /// The type of what it runs.
    #[serde(rename = "type")]
    pub monitoring_type: MonitoringType,
    /// The name of the job definition that it runs.
    pub definition: String,
}

const fn completed() -> PackageStatus {
    PackageStatus::Completed
}

/// Why a seed was not planted.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file is not such a document. The message names the field.
    #[error("the seed is not valid at {path}: {reason}")]
    Syntax {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// Parameter Store refused a parameter.
    #[error("the seed's parameter {name} is refused")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// Why.
        #[source]
        reason: ParameterError,
    },
    /// A pipeline cannot be created.
    #[error("the seed's pipeline is refused")]
    Pipeline(#[source] ControlError),
    /// A bucket or one of its objects cannot be created.
    #[error("the seed's bucket {name} is refused")]
    Bucket {
        /// The bucket's name.
        name: String,
        /// Why.
        #[source]
        reason: S3Error,
    },
    /// An alarm cannot be created.
    #[error("the seed's alarm is refused")]
    Alarm(#[source] cloudwatch::ControlError),
    /// A model package cannot be registered.
    #[error("the seed's model package in {group} is refused")]
    Package {
        /// Its group.
        group: String,
        /// Why.
        #[source]
        reason: ControlError,
    },
    /// A job definition or a monitoring schedule cannot be created.
    #[error("the seed's monitoring {name} is refused")]
    Monitoring {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        reason: ControlError,
    },
    /// A CodePipeline pipeline cannot be created.
    #[error("the seed's code pipeline is refused")]
    CodePipeline(#[source] codepipeline::ControlError),
}

impl Seed {
    /// Reads a seed.
    pub fn from_json(text: &str) -> Result<Self, SeedError> {
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json).map_err(|error| SeedError::Syntax {
            path: error.path().to_string(),
            reason: error.inner().to_string(),
        })
    }

    pub(crate) fn plant(&self, control: &Control) -> Result<(), SeedError> {
        let Control {
            clock,
            cloudwatch,
            codepipeline,
            s3,
            sagemaker,
            ssm,
            ..
        } = control;
        if let Some(now) = self.now {
            clock.set(now);
        }
        for parameter in &self.parameters {
            let value = match &parameter.value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ssm.put_parameter(&parameter.name, &value)
                .map_err(|reason| SeedError::Parameter {
                    name: parameter.name.clone(),
                    reason,
                })?;
        }
        for pipeline in &self.pipelines {
            sagemaker
                .create_pipeline(pipeline.clone())
                .map_err(SeedError::Pipeline)?;
        }
        for pipeline in &self.code_pipelines {
            codepipeline
                .create_pipeline(pipeline.clone())
                .map_err(SeedError::CodePipeline)?;
        }
        for alarm in &self.alarms {
            cloudwatch
                .put_alarm(alarm.clone())
                .map_err(SeedError::Alarm)?;
        }
        for bucket in &self.buckets {
            bucket.plant(s3).map_err(|reason| SeedError::Bucket {
                name: bucket.name.clone(),
                reason,
            })?;
        }
        for group in &self.model_package_groups {
            sagemaker.create_package_group(group);
        }
        for package in &self.model_packages {
            package
                .plant(sagemaker)
                .map_err(|reason| SeedError::Package {
                    group: package.group.clone(),
                    reason,
                })?;
        }
        let refused = |name: &String, reason| SeedError::Monitoring {
            name: name.clone(),
            reason,
        };
        for definition in &self.job_definitions {
            sagemaker
                .create_job_definition(definition)
                .map_err(|reason| refused(&definition.name, reason))?;
        }
        for SeedSchedule {
            name,
            monitoring_type,
            definition,
        } in &self.monitoring_schedules
        {
            sagemaker
                .create_schedule(NewSchedule::hourly(name, *monitoring_type, definition))
                .map_err(|reason| refused(name, reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_a_seed_is_named_with_its_place() {
        let error = Seed::from_json(r#"{"pipelines": [{"nmae": "churn"}]}"#).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("pipelines[0]"), "{message}");
        assert!(message.contains("nmae"), "{message}");
    }
}
