//! An execution that a claim started, wherever it runs.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{CodePipelineExecutionId, CodePipelineName, InvalidText, PipelineExecutionArn};

/// One execution of a pipeline.
///
/// In records it is one text: SageMaker's ARN, or `codepipeline/NAME/ID`, because
/// AWS gives CodePipeline's executions no ARN.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Execution {
    /// Of a SageMaker pipeline.
    SagemakerPipeline(PipelineExecutionArn),
    /// Of a CodePipeline pipeline.
    Codepipeline {
        /// The pipeline.
        pipeline: CodePipelineName,
        /// `pipelineExecutionId`.
        id: CodePipelineExecutionId,
    },
}

impl Execution {
    /// Reads the text of a record.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let Some(rest) = text.strip_prefix("codepipeline/") else {
            return PipelineExecutionArn::parse(text).map(Self::SagemakerPipeline);
        };
        let (pipeline, id) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self::Codepipeline {
            pipeline: CodePipelineName::parse(pipeline)?,
            id: CodePipelineExecutionId::parse(id)?,
        })
    }

    /// Whether both name one execution. SageMaker spells a pipeline's name in an ARN
    /// in both lower and original case.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SagemakerPipeline(a), Self::SagemakerPipeline(b)) => {
                a.as_str().eq_ignore_ascii_case(b.as_str())
            }
            (a, b) => a == b,
        }
    }

    /// Where a person sees it in the AWS console, signed in to its account.
    ///
    /// The console finds a resource by its ARN; CodePipeline's executions have none,
    /// and are shown in the region that the person has chosen.
    pub fn console_url(&self) -> String {
        match self {
            Self::SagemakerPipeline(arn) => arn.console_url(),
            Self::Codepipeline { pipeline, id } => alloc::format!(
                "https://console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/executions/{id}/timeline"
            ),
        }
    }

    /// The name of its pipeline, as the execution spells it.
    pub fn pipeline_name(&self) -> &str {
        match self {
            Self::SagemakerPipeline(arn) => arn.pipeline_name(),
            Self::Codepipeline { pipeline, .. } => pipeline.as_str(),
        }
    }
}

impl From<PipelineExecutionArn> for Execution {
    fn from(arn: PipelineExecutionArn) -> Self {
        Self::SagemakerPipeline(arn)
    }
}

impl TryFrom<String> for Execution {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Execution> for String {
    fn from(execution: Execution) -> Self {
        match execution {
            Execution::SagemakerPipeline(arn) => arn.as_str().to_owned(),
            Execution::Codepipeline { pipeline, id } => {
                alloc::format!("codepipeline/{pipeline}/{id}")
            }
        }
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SagemakerPipeline(arn) => arn.fmt(f),
            Self::Codepipeline { pipeline, id } => write!(f, "codepipeline/{pipeline}/{id}"),
        }
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_read_as_it_is_written() {
        let id = "0b1a2c3d-0000-4000-8000-00000000cafe";
        for text in [
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/abc123",
            &alloc::format!("codepipeline/fraud@release.v1/{id}"),
        ] {
            let execution = Execution::parse(text).unwrap();
            assert_eq!(String::from(execution.clone()), text);
            assert_eq!(alloc::format!("{execution}"), text);
        }
        for bad in [
            "",
            "codepipeline/",
            "codepipeline/a",
            "codepipeline/a/b",
            "codepipeline/a/0b1a2c3d-0000-4000-8000-00000000cafe/x",
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training",
        ] {
            assert!(Execution::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sagemaker_spells_one_execution_in_two_ways() {
        let arn = |name| {
            let head = "arn:aws:sagemaker:us-east-1:111122223333:pipeline";
            Execution::parse(&alloc::format!("{head}/{name}/execution/x")).unwrap()
        };
        assert!(arn("Fraud").is_same(&arn("fraud")));
        assert!(!arn("Fraud").is_same(&arn("fraud2")));
    }
}
