//! What pipelines declare, and which groups there are.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use aws_sdk_sagemaker::error::ProvideErrorMetadata as _;
use retrain_controller::PortError;
use retrain_core::names::{ModelPackageGroupName, PipelineName};
use serde_json::Value;

use crate::SageMaker;
use crate::error::{failed, is_not_found};

/// A pipeline as it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredPipeline {
    /// Its ARN.
    pub arn: String,
    /// The names of its parameters, and whether a start may leave them out.
    pub parameters: BTreeMap<String, bool>,
}

impl SageMaker {
    /// What a pipeline declares, in this version or its newest; nothing if there is no
    /// such pipeline or version.
    pub async fn declared(
        &self,
        pipeline: &PipelineName,
        version: Option<NonZeroU64>,
    ) -> Result<Option<DeclaredPipeline>, PortError> {
        let doing = || format!("describe the pipeline {pipeline}");
        let version = version.and_then(|version| i64::try_from(version.get()).ok());
        let described = self
            .client
            .describe_pipeline()
            .pipeline_name(pipeline.as_str())
            .set_pipeline_version_id(version)
            .send()
            .await;
        let described = match described {
            Ok(described) => described,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(failed(doing(), error)),
        };
        let text = described.pipeline_definition().unwrap_or_default();
        let definition: Value = serde_json::from_str(text)
            .map_err(|error| PortError::terminal(doing(), error.to_string()))?;
        let parameters = definition.get("Parameters").and_then(Value::as_array);
        Ok(Some(DeclaredPipeline {
            arn: described.pipeline_arn.unwrap_or_default(),
            parameters: parameters
                .into_iter()
                .flatten()
                .filter_map(|declared| {
                    let name = declared.get("Name")?.as_str()?;
                    let default = declared.get("DefaultValue");
                    Some((
                        name.to_owned(),
                        default.is_some_and(|default| !default.is_null()),
                    ))
                })
                .collect(),
        }))
    }

    /// The ARN of a model package group, if there is one.
    pub async fn group_arn(
        &self,
        group: &ModelPackageGroupName,
    ) -> Result<Option<String>, PortError> {
        let described = self
            .client
            .describe_model_package_group()
            .model_package_group_name(group.as_str())
            .send()
            .await;
        match described {
            Ok(described) => Ok(described.model_package_group_arn),
            Err(error) => {
                // SageMaker has no error of its own for it.
                let missing = is_not_found(&error)
                    || error
                        .as_service_error()
                        .and_then(|error| error.message())
                        .is_some_and(|message| message.contains("does not exist"));
                if missing {
                    Ok(None)
                } else {
                    let doing = format!("describe the model package group {group}");
                    Err(failed(doing, error))
                }
            }
        }
    }
}
