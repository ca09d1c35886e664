//! Job definitions: four types of monitoring, each with operations of its own.

use aws_sdk_sagemaker::operation::describe_data_quality_job_definition::DescribeDataQualityJobDefinitionOutput;
use aws_sdk_sagemaker::operation::describe_model_bias_job_definition::DescribeModelBiasJobDefinitionOutput;
use aws_sdk_sagemaker::operation::describe_model_explainability_job_definition::DescribeModelExplainabilityJobDefinitionOutput;
use aws_sdk_sagemaker::operation::describe_model_quality_job_definition::DescribeModelQualityJobDefinitionOutput;
use aws_sdk_sagemaker::types::{
    DataQualityBaselineConfig, ModelBiasBaselineConfig, ModelExplainabilityBaselineConfig,
    ModelQualityBaselineConfig, Tag,
};

use super::baseline::{Baseline, Kind};
use super::obstacle::Obstacle;
use crate::SageMaker;
use crate::error::code;

/// A job definition.
pub(super) struct Definition {
    pub(super) arn: String,
    /// What it monitors against, where that is files alone.
    pub(super) baseline: Option<Baseline>,
    described: Described,
}

/// Everything else of it, as SageMaker describes it.
enum Described {
    DataQuality(Box<DescribeDataQualityJobDefinitionOutput>),
    ModelQuality(Box<DescribeModelQualityJobDefinitionOutput>),
    ModelBias(Box<DescribeModelBiasJobDefinitionOutput>),
    ModelExplainability(Box<DescribeModelExplainabilityJobDefinitionOutput>),
}

/// Describes a definition. Only the quality of data has statistics.
macro_rules! describe {
    ($request:expr, $name:expr, $kind:ident, $config:ident $(, $statistics:ident)?) => {{
        let name: &str = $name;
        let answer = $request
            .job_definition_name(name)
            .send()
            .await
            .map_err(|error| Obstacle::of(format!("describe job definition {name}"), error))?;
        let baseline = answer.$config.clone().and_then(|config| {
            let statistics = None$(.or(config.$statistics))?;
            Baseline::described(
                config.baselining_job_name.as_deref(),
                config.constraints_resource,
                statistics,
            )
        });
        Definition {
            arn: answer.job_definition_arn.clone().unwrap_or_default(),
            baseline,
            described: Described::$kind(Box::new(answer)),
        }
    }};
}

/// Creates a definition with what all types have in common. One that exists is of an earlier
/// attempt, because nobody else derives its name.
macro_rules! create {
    ($request:expr, $of:ident, $name:expr, $tags:expr) => {{
        let name: &str = $name;
        let answer = $request
            .job_definition_name(name)
            .set_job_resources($of.job_resources)
            .set_network_config($of.network_config)
            .set_role_arn($of.role_arn)
            .set_stopping_condition($of.stopping_condition)
            .set_tags(Some($tags))
            .send()
            .await;
        match answer {
            Err(error) if code(&error) != Some("ResourceInUse") => {
                Err(Obstacle::of(format!("create job definition {name}"), error))
            }
            _ => Ok(()),
        }
    }};
}

/// Deletes a definition that may be gone already, or be in use again.
macro_rules! delete {
    ($request:expr, $name:expr) => {{
        let name: &str = $name;
        match $request.job_definition_name(name).send().await {
            Err(error) if !matches!(code(&error), Some("ResourceInUse" | "ConflictException")) => {
                Err(Obstacle::of(format!("delete job definition {name}"), error))
            }
            _ => Ok(()),
        }
    }};
}

impl SageMaker {
    pub(super) async fn definition(&self, kind: Kind, name: &str) -> Result<Definition, Obstacle> {
        let client = &self.client;
        Ok(match kind {
            Kind::DataQuality => describe!(
                client.describe_data_quality_job_definition(),
                name,
                DataQuality,
                data_quality_baseline_config,
                statistics_resource
            ),
            Kind::ModelQuality => describe!(
                client.describe_model_quality_job_definition(),
                name,
                ModelQuality,
                model_quality_baseline_config
            ),
            Kind::ModelBias => describe!(
                client.describe_model_bias_job_definition(),
                name,
                ModelBias,
                model_bias_baseline_config
            ),
            Kind::ModelExplainability => describe!(
                client.describe_model_explainability_job_definition(),
                name,
                ModelExplainability,
                model_explainability_baseline_config
            ),
        })
    }

    /// Creates a definition that differs from this one in its name, its tags and its baseline.
    pub(super) async fn create_definition(
        &self,
        name: &str,
        from: Definition,
        baseline: &Baseline,
        tags: Vec<Tag>,
    ) -> Result<(), Obstacle> {
        let client = &self.client;
        let constraints = baseline.constraints();
        match from.described {
            Described::DataQuality(of) => {
                let config = DataQualityBaselineConfig::builder()
                    .constraints_resource(constraints)
                    .set_statistics_resource(baseline.statistics());
                let request = client
                    .create_data_quality_job_definition()
                    .data_quality_baseline_config(config.build())
                    .set_data_quality_app_specification(of.data_quality_app_specification)
                    .set_data_quality_job_input(of.data_quality_job_input)
                    .set_data_quality_job_output_config(of.data_quality_job_output_config);
                create!(request, of, name, tags)
            }
            Described::ModelQuality(of) => {
                let config =
                    ModelQualityBaselineConfig::builder().constraints_resource(constraints);
                let request = client
                    .create_model_quality_job_definition()
                    .model_quality_baseline_config(config.build())
                    .set_model_quality_app_specification(of.model_quality_app_specification)
                    .set_model_quality_job_input(of.model_quality_job_input)
                    .set_model_quality_job_output_config(of.model_quality_job_output_config);
                create!(request, of, name, tags)
            }
            Described::ModelBias(of) => {
                let config = ModelBiasBaselineConfig::builder().constraints_resource(constraints);
                let request = client
                    .create_model_bias_job_definition()
                    .model_bias_baseline_config(config.build())
                    .set_model_bias_app_specification(of.model_bias_app_specification)
                    .set_model_bias_job_input(of.model_bias_job_input)
                    .set_model_bias_job_output_config(of.model_bias_job_output_config);
                create!(request, of, name, tags)
            }
            Described::ModelExplainability(of) => {
                let config =
                    ModelExplainabilityBaselineConfig::builder().constraints_resource(constraints);
                let request = client
                    .create_model_explainability_job_definition()
                    .model_explainability_baseline_config(config.build())
                    .set_model_explainability_app_specification(
                        of.model_explainability_app_specification,
                    )
                    .set_model_explainability_job_input(of.model_explainability_job_input)
                    .set_model_explainability_job_output_config(
                        of.model_explainability_job_output_config,
                    );
                create!(request, of, name, tags)
            }
        }
    }

    pub(super) async fn delete_definition(&self, kind: Kind, name: &str) -> Result<(), Obstacle> {
        let client = &self.client;
        match kind {
            Kind::DataQuality => delete!(client.delete_data_quality_job_definition(), name),
            Kind::ModelQuality => delete!(client.delete_model_quality_job_definition(), name),
            Kind::ModelBias => delete!(client.delete_model_bias_job_definition(), name),
            Kind::ModelExplainability => {
                delete!(client.delete_model_explainability_job_definition(), name)
            }
        }
    }
}
