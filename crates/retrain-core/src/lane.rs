//! What a slot is about, and what a claim starts.

use alloc::string::{String, ToString};
use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use thiserror::Error;

use crate::execution::Execution;
use crate::names::{CodePipelineName, InvalidText, ModelName, PipelineName, shortened};

/// What a slot is about. Every lane follows the same claim protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Retraining the model.
    Retrain,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retrain => f.write_str("retrain"),
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
        match lane {
            "retrain" => Ok(Self::retrain(model)),
            _ => Err(invalid()),
        }
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
                let version =
                    version_id.map_or_else(String::new, |id| ":".to_string() + &id.to_string());
                write!(f, "sagemaker-pipeline/{name}{version}")
            }
            Self::Codepipeline { name } => write!(f, "codepipeline/{name}"),
        }
    }
}
