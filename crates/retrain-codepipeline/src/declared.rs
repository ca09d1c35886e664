//! What pipelines declare.

use std::collections::BTreeMap;

use aws_sdk_codepipeline::types::{PipelineDeclaration, PipelineType};
use retrain_controller::PortError;
use retrain_core::names::CodePipelineName;

use crate::CodePipeline;
use crate::error::{failed, is_not_found};

/// A pipeline as it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredPipeline {
    /// Its ARN.
    pub arn: String,
    /// Whether it is of the type `V2`, the only one with variables.
    pub is_v2: bool,
    /// The names of its variables, and whether a start may leave them out.
    pub variables: BTreeMap<String, bool>,
}

impl CodePipeline {
    /// What a pipeline declares, if there is one.
    pub async fn declared(
        &self,
        pipeline: &CodePipelineName,
    ) -> Result<Option<DeclaredPipeline>, PortError> {
        let got = self.client.get_pipeline().name(pipeline.as_str());
        let got = match got.send().await {
            Ok(got) => got,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(failed(format!("get the pipeline {pipeline}"), error)),
        };
        let arn = got.metadata().and_then(|metadata| metadata.pipeline_arn());
        let declared = got.pipeline();
        let variables = declared
            .into_iter()
            .flat_map(PipelineDeclaration::variables);
        Ok(Some(DeclaredPipeline {
            arn: arn.unwrap_or_default().to_owned(),
            is_v2: declared.and_then(|declared| declared.pipeline_type())
                == Some(&PipelineType::V2),
            variables: variables
                .map(|one| (one.name().to_owned(), one.default_value().is_some()))
                .collect(),
        }))
    }
}
