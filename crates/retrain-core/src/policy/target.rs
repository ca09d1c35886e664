//! The pipeline that retrains a model.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{PolicyError, Template};
use crate::lane::{RETRAIN_TOKEN, Target};
use crate::names::{CodePipelineName, InvalidText, PipelineName, PipelineParameterName};
use crate::omitted::is_default;

/// The pipeline that retrains the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PipelineFields", into = "PipelineFields")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "PipelineFields"))]
pub struct PipelineTarget(Target);

/// The pipeline that retrains the model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PipelineFields {
    /// The service that runs it.
    #[serde(default, skip_serializing_if = "is_default")]
    service: Service,
    /// The pipeline's name. A CodePipeline pipeline must be of type V2 and declare
    /// the variable `RETRAIN_TOKEN`.
    name: String,
    /// `PipelineVersionId`, to pin one version of a SageMaker pipeline's definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version_id: Option<NonZeroU64>,
}

/// A service that runs pipelines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum Service {
    /// SageMaker Pipelines.
    #[default]
    Sagemaker,
    /// AWS CodePipeline.
    Codepipeline,
}

impl TryFrom<PipelineFields> for PipelineTarget {
    type Error = String;

    fn try_from(fields: PipelineFields) -> Result<Self, String> {
        let PipelineFields {
            service,
            name,
            version_id,
        } = fields;
        Ok(Self(match (service, version_id) {
            (Service::Sagemaker, version_id) => Target::SagemakerPipeline {
                name: PipelineName::parse(name).map_err(|error| named(&error))?,
                version_id,
            },
            (Service::Codepipeline, None) => Target::Codepipeline {
                name: CodePipelineName::parse(name).map_err(|error| named(&error))?,
            },
            (Service::Codepipeline, Some(_)) => {
                return Err("version_id: only SageMaker's pipelines have one".to_owned());
            }
        }))
    }
}

/// The path of an error ends where the conversion begins.
fn named(error: &InvalidText) -> String {
    alloc::format!("name: {error}")
}

impl From<PipelineTarget> for PipelineFields {
    fn from(PipelineTarget(target): PipelineTarget) -> Self {
        match target {
            Target::SagemakerPipeline { name, version_id } => Self {
                service: Service::Sagemaker,
                name: name.into(),
                version_id,
            },
            Target::Codepipeline { name } => Self {
                service: Service::Codepipeline,
                name: name.into(),
                version_id: None,
            },
        }
    }
}

impl PipelineTarget {
    /// What a claim starts.
    pub const fn target(&self) -> &Target {
        &self.0
    }

    /// The limits of the service's API model.
    pub(super) fn check_parameters(
        &self,
        parameters: &BTreeMap<PipelineParameterName, Template>,
    ) -> Result<(), PolicyError> {
        match self.0 {
            Target::SagemakerPipeline { .. } => {
                if parameters.len() > 200 {
                    return Err(PolicyError::at(
                        "parameters",
                        "SageMaker takes at most 200 parameters",
                    ));
                }
            }
            Target::Codepipeline { .. } => check_variables(parameters).map_err(|error| {
                PolicyError::at(error.field.replace("variables", "parameters"), error.reason)
            })?,
        }
        Ok(())
    }
}

impl From<Target> for PipelineTarget {
    fn from(target: Target) -> Self {
        Self(target)
    }
}

/// The limits of CodePipeline's API model.
pub(super) fn check_variables(
    variables: &BTreeMap<PipelineParameterName, Template>,
) -> Result<(), PolicyError> {
    // One of the fifty variables is the controller's own.
    if variables.len() > 49 {
        return Err(PolicyError::at(
            "variables",
            "CodePipeline takes at most 50 variables, and RETRAIN_TOKEN is one",
        ));
    }
    for name in variables.keys() {
        let name = name.as_str();
        if name.len() > 128 || name == RETRAIN_TOKEN {
            return Err(PolicyError::at(
                format_args!("variables.{name}"),
                "a variable's name has at most 128 characters and is not RETRAIN_TOKEN, which the controller sets",
            ));
        }
    }
    Ok(())
}
