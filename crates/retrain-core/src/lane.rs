//! What a slot is about, and what a claim starts.

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use thiserror::Error;

use crate::execution::Execution;
use crate::names::{
    CodePipelineName, EnvironmentName, InvalidText, ModelName, ModelPackageArn, PipelineName,
    shortened,
};

/// What a slot is about. Every lane follows the same claim protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Retraining the model.
    Retrain,
    /// Deploying it to an environment.
    Deploy(EnvironmentName),
    /// Deciding about one package of it.
    Package(ModelPackageArn),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retrain => f.write_str("retrain"),
            Self::Deploy(environment) => write!(f, "deploy#{environment}"),
            Self::Package(package) => write!(f, "package#{package}"),
        }
    }
}

/// The name of a slot: there is one per model and lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotKey {
    /// The model.
    pub model: ModelName,
    /// The lane.
    pub lane: Lane,
}

impl SlotKey {
    /// The slot of this model in a lane.
    pub const fn new(model: ModelName, lane: Lane) -> Self {
        Self { model, lane }
    }

    /// The slot that retrains this model.
    pub const fn retrain(model: ModelName) -> Self {
        Self {
            model,
            lane: Lane::Retrain,
        }
    }
}

/// A text that names no slot.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} names no slot")]
pub struct InvalidSlotKey(String);

impl FromStr for SlotKey {
    type Err = InvalidSlotKey;

    fn from_str(text: &str) -> Result<Self, InvalidSlotKey> {
        let invalid = || InvalidSlotKey(shortened(text, 80));
        let (model, lane) = text.split_once('#').ok_or_else(invalid)?;
        let model = ModelName::parse(model).map_err(|_| invalid())?;
        let lane = match lane.split_once('#') {
            None if lane == "retrain" => Lane::Retrain,
            Some(("deploy", name)) => {
                Lane::Deploy(EnvironmentName::parse(name).map_err(|_| invalid())?)
            }
            Some(("package", arn)) => {
                Lane::Package(ModelPackageArn::parse(arn).map_err(|_| invalid())?)
            }
            _ => return Err(invalid()),
        };
        Ok(Self { model, lane })
    }
}

impl fmt::Display for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.model, self.lane)
    }
}

/// The variable that a CodePipeline pipeline must declare: it carries the claim's
/// token, by which an execution is recognised as the claim's.
pub const RETRAIN_TOKEN: &str = "RETRAIN_TOKEN";

/// What a claim starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An execution of a SageMaker pipeline.
    SagemakerPipeline {
        /// The pipeline.
        name: PipelineName,
        /// `PipelineVersionId`, when the policy pins one. The claim freezes it, so
        /// a resumed start runs what the first attempt would have run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version_id: Option<NonZeroU64>,
    },
    /// An execution of a CodePipeline pipeline.
    Codepipeline {
        /// The pipeline.
        name: CodePipelineName,
    },
}

impl Target {
    /// A SageMaker pipeline by name.
    pub fn sagemaker_pipeline(
        name: &str,
        version_id: Option<NonZeroU64>,
    ) -> Result<Self, InvalidText> {
        Ok(Self::SagemakerPipeline {
            name: PipelineName::parse(name)?,
            version_id,
        })
    }

    /// The longest value of a parameter, in characters (API models of SageMaker's
    /// `Parameter` and CodePipeline's `PipelineVariable`).
    pub const fn max_value_chars(&self) -> usize {
        match self {
            Self::SagemakerPipeline { .. } => 1_024,
            Self::Codepipeline { .. } => 1_000,
        }
    }

    /// Whether the execution is one of this target. SageMaker's names are compared
    /// without regard to case, because older ARNs are lower-cased.
    pub fn is_of(&self, execution: &Execution) -> bool {
        match (self, execution) {
            (Self::SagemakerPipeline { name, .. }, Execution::SagemakerPipeline(arn)) => {
                name.as_str().eq_ignore_ascii_case(arn.pipeline_name())
            }
            (Self::Codepipeline { name }, Execution::Codepipeline { pipeline, .. }) => {
                name == pipeline
            }
            (Self::SagemakerPipeline { .. } | Self::Codepipeline { .. }, _) => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SagemakerPipeline { name, version_id } => {
                f.write_str("sagemaker-pipeline/")?;
                f.write_str(name.as_str())?;
                version_id.map_or(Ok(()), |id| write!(f, ":{id}"))
            }
            Self::Codepipeline { name } => write!(f, "codepipeline/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_slot_is_read_as_it_is_written() {
        let package = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud/7";
        for text in [
            "fraud#retrain",
            "fraud#deploy#staging",
            &alloc::format!("fraud#package#{package}"),
        ] {
            let slot: SlotKey = text.parse().unwrap();
            assert_eq!(slot.to_string(), text);
        }
        for bad in [
            "fraud",
            "fraud#train",
            "fraud#retrain#x",
            "fraud#deploy",
            "fraud#deploy#",
            "fraud#deploy#Staging",
            "fraud#deploy#a#b",
            "fraud#package#7",
            "#retrain",
        ] {
            assert!(bad.parse::<SlotKey>().is_err(), "{bad}");
        }
    }
}
