//! Executions of either service, by what a claim targets.

use std::time::Duration;

use jiff::Timestamp;
use retrain_codepipeline::CodePipeline;
use retrain_controller::{Executions, Found, PortError, Started};
use retrain_core::event::ExecutionReport;
use retrain_core::execution::Execution;
use retrain_core::lane::Target;
use retrain_core::slot::Claim;
use retrain_sagemaker::SageMaker;

/// Both services that run pipelines.
#[derive(Clone, Debug)]
pub(crate) struct Pipelines {
    pub(crate) sagemaker: SageMaker,
    pub(crate) codepipeline: CodePipeline,
}

impl Executions for Pipelines {
    async fn start(&self, claim: &Claim, timeout: Duration) -> Started {
        match claim.target {
            Target::SagemakerPipeline { .. } => self.sagemaker.start(claim, timeout).await,
            Target::Codepipeline { .. } => self.codepipeline.start(claim, timeout).await,
        }
    }

    async fn find(&self, claim: &Claim, earliest: Timestamp) -> Result<Option<Found>, PortError> {
        match claim.target {
            Target::SagemakerPipeline { .. } => self.sagemaker.find(claim, earliest).await,
            Target::Codepipeline { .. } => self.codepipeline.find(claim, earliest).await,
        }
    }

    async fn describe(&self, execution: &Execution) -> Result<ExecutionReport, PortError> {
        match execution {
            Execution::SagemakerPipeline(_) => self.sagemaker.describe(execution).await,
            Execution::Codepipeline { .. } => self.codepipeline.describe(execution).await,
        }
    }
}
