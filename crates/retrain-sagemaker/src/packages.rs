//! Describing model packages and writing decisions about them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::operation::describe_model_package::DescribeModelPackageOutput;
use aws_sdk_sagemaker::operation::update_model_package::UpdateModelPackageError;
use aws_sdk_sagemaker::types::{
    DriftCheckBaselines, IncludedData, InferenceSpecification, MetricsSource, ModelApprovalStatus,
    ModelMetrics, ModelPackageStatus,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use retrain_controller::{Packages, PortError, Updated};
use retrain_core::names::{ModelPackageArn, PipelineExecutionArn, shortened};
use retrain_core::package::{
    Baselines, LifeCycle, PackageApproval, PackageDescription, PackageStatus, PackageUpdate,
    ReportUris,
};
use retrain_core::token::digest;

use crate::SageMaker;
use crate::error::{Verdict, code, failed, is_not_found, told, verdict};
use crate::executions::timestamp;
use crate::start::once_within;

impl Packages for SageMaker {
    async fn describe_package(
        &self,
        package: &ModelPackageArn,
    ) -> Result<Option<PackageDescription>, PortError> {
        let doing = || format!("describe {package}");
        let answer = self
            .client
            .describe_model_package()
            .model_package_name(package.as_str())
            // All but the text of the model card, for which a key might be needed.
            .included_data(IncludedData::MetadataOnly)
            .send()
            .await;
        match answer {
            Ok(answer) => description(package, answer)
                .map(Some)
                .map_err(|what| PortError::terminal(doing(), what)),
            Err(error) if is_no_package(&error) => Ok(None),
            Err(error) => Err(failed(doing(), error)),
        }
    }

    async fn update_package(&self, update: &PackageUpdate, timeout: Duration) -> Updated {
        let token = match serde_json::to_string(update) {
            Ok(json) => digest(&json),
            Err(error) => return Updated::Refused(error.to_string()),
        };
        let metadata = update
            .metadata
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()));
        let approval = update.approval.as_ref();
        let answer = self
            .client
            .update_model_package()
            .model_package_arn(update.package.as_str())
            .set_model_approval_status(approval.map(|update| approval_status(update.approval)))
            .set_approval_description(approval.map(|update| update.description.as_str().to_owned()))
            .set_customer_metadata_properties(
                (!update.metadata.is_empty()).then(|| metadata.collect()),
            )
            .client_token(token)
            .customize()
            .config_override(once_within(timeout))
            .send()
            .await;
        answer.map_or_else(|error| unwritten(&error), |_| Updated::Written)
    }

    async fn execution_parameters(
        &self,
        execution: &PipelineExecutionArn,
    ) -> Result<BTreeMap<String, String>, PortError> {
        let mut pages = self
            .client
            .list_pipeline_parameters_for_execution()
            .pipeline_execution_arn(execution.as_str())
            .into_paginator()
            .send();
        let mut parameters = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                // Executions go with their pipeline.
                Err(error) if is_not_found(&error) => return Ok(BTreeMap::new()),
                Err(error) => {
                    let doing = format!("list the parameters of {execution}");
                    return Err(failed(doing, error));
                }
            };
            let of_page = page.pipeline_parameters.unwrap_or_default().into_iter();
            parameters.extend(of_page.filter_map(|of| Some((of.name?, of.value?))));
        }
        Ok(parameters)
    }
}

/// SageMaker has no code of its own for a package that is not there: it calls the
/// request invalid, and says why in a sentence. Another sentence is another mistake.
fn is_no_package<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let says_so = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .is_some_and(|text| text.starts_with("ModelPackage ") && text.contains("does not exist"));
    is_not_found(error) || (code(error) == Some("ValidationException") && says_so)
}

fn description(
    package: &ModelPackageArn,
    answer: DescribeModelPackageOutput,
) -> Result<PackageDescription, String> {
    let modified_at = answer.last_modified_time.or(answer.creation_time);
    let made = answer.metadata_properties;
    let (generated_by, commit_id) = made
        .map(|made| (made.generated_by, made.commit_id))
        .unwrap_or_default();
    Ok(PackageDescription {
        // Spelled as the registry spells it, whoever asks.
        package: answer
            .model_package_arn
            .and_then(|arn| ModelPackageArn::parse(arn).ok())
            .filter(|own| own.is_same(package))
            .unwrap_or_else(|| package.clone()),
        status: status(answer.model_package_status.as_ref()),
        approval: approval(answer.model_approval_status.as_ref())?,
        modified_at: modified_at.as_ref().and_then(timestamp),
        generated_by: generated_by.and_then(|arn| PipelineExecutionArn::parse(arn).ok()),
        commit_id,
        image_digest: answer.inference_specification.and_then(image_digest),
        life_cycle: answer.model_life_cycle.map(|of| LifeCycle {
            stage: of.stage.unwrap_or_default(),
            status: of.stage_status.unwrap_or_default(),
            description: of.stage_description,
        }),
        metadata: answer
            .customer_metadata_properties
            .unwrap_or_default()
            .into_iter()
            .collect(),
        reports: answer.model_metrics.map(reports).unwrap_or_default(),
        baselines: answer
            .drift_check_baselines
            .map(baselines)
            .unwrap_or_default(),
    })
}

/// What is new is not whole yet, as far as we know.
fn status(status: Option<&ModelPackageStatus>) -> PackageStatus {
    match status {
        Some(ModelPackageStatus::Completed) => PackageStatus::Completed,
        Some(ModelPackageStatus::Failed) => PackageStatus::Failed,
        Some(ModelPackageStatus::Deleting) => PackageStatus::Deleting,
        _ => PackageStatus::InProgress,
    }
}

/// A package without a status is one about which nobody has decided. A status that is not
/// known is somebody's decision: taken for pending the gate would write over it, taken for
/// another it would deploy or withdraw a model. So it is an error, and a person's.
fn approval(status: Option<&ModelApprovalStatus>) -> Result<PackageApproval, String> {
    match status {
        None | Some(ModelApprovalStatus::PendingManualApproval) => {
            Ok(PackageApproval::PendingManualApproval)
        }
        Some(ModelApprovalStatus::Approved) => Ok(PackageApproval::Approved),
        Some(ModelApprovalStatus::Rejected) => Ok(PackageApproval::Rejected),
        Some(other) => Err(format!(
            "its ModelApprovalStatus \"{}\" is not known",
            shortened(other.as_str(), 64)
        )),
    }
}

const fn approval_status(approval: PackageApproval) -> ModelApprovalStatus {
    match approval {
        PackageApproval::PendingManualApproval => ModelApprovalStatus::PendingManualApproval,
        PackageApproval::Approved => ModelApprovalStatus::Approved,
        PackageApproval::Rejected => ModelApprovalStatus::Rejected,
    }
}

/// The digest of the first container, whether it is told or part of the image's name.
fn image_digest(inference: InferenceSpecification) -> Option<String> {
    let first = inference.containers?.into_iter().next()?;
    first.image_digest.or_else(|| {
        let image = first.image?;
        let (_, digest) = image.rsplit_once('@')?;
        digest.starts_with("sha256:").then(|| digest.to_owned())
    })
}

fn reports(metrics: ModelMetrics) -> ReportUris {
    let bias = metrics.bias;
    let of_bias = |report: fn(&aws_sdk_sagemaker::types::Bias) -> Option<&MetricsSource>| {
        bias.as_ref().and_then(report).and_then(uri)
    };
    ReportUris {
        evaluation: metrics
            .model_quality
            .and_then(|of| of.statistics().and_then(uri)),
        bias: of_bias(aws_sdk_sagemaker::types::Bias::report),
        pre_training_bias: of_bias(aws_sdk_sagemaker::types::Bias::pre_training_report),
        post_training_bias: of_bias(aws_sdk_sagemaker::types::Bias::post_training_report),
        explainability: metrics
            .explainability
            .and_then(|of| of.report().and_then(uri)),
    }
}

fn baselines(baselines: DriftCheckBaselines) -> Baselines {
    let data = baselines.model_data_quality;
    let bias = baselines.bias;
    Baselines {
        data_statistics: data.as_ref().and_then(|of| of.statistics().and_then(uri)),
        data_constraints: data.as_ref().and_then(|of| of.constraints().and_then(uri)),
        model_constraints: baselines
            .model_quality
            .and_then(|of| of.constraints().and_then(uri)),
        bias_constraints: bias.and_then(|of| {
            of.post_training_constraints()
                .and_then(uri)
                .or_else(|| of.pre_training_constraints().and_then(uri))
        }),
        explainability_constraints: baselines
            .explainability
            .and_then(|of| of.constraints().and_then(uri)),
    }
}

fn uri(source: &MetricsSource) -> Option<String> {
    source.s3_uri().map(str::to_owned)
}

/// Only an answer by which SageMaker says that it never will is a refusal.
fn unwritten(error: &SdkError<UpdateModelPackageError, HttpResponse>) -> Updated {
    match error {
        SdkError::ServiceError(answer) => {
            let definite = verdict(answer.err().code().unwrap_or_default())
                == Verdict::Misconfigured
                && answer.raw().status().as_u16() < 500;
            let what = told(answer.err());
            if definite {
                Updated::Refused(what)
            } else {
                Updated::Unknown(what)
            }
        }
        // The request was never built, so it was never sent.
        SdkError::ConstructionFailure(_) => Updated::Refused(error.to_string()),
        SdkError::TimeoutError(_) => Updated::Unknown("the call took too long".to_owned()),
        _ => Updated::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_status_is_not_taken_for_something_else() {
        let table = [
            ("Pending", PackageStatus::InProgress),
            ("InProgress", PackageStatus::InProgress),
            ("Completed", PackageStatus::Completed),
            ("Failed", PackageStatus::Failed),
            ("Deleting", PackageStatus::Deleting),
            ("Scanning", PackageStatus::InProgress),
        ];
        for (name, expected) in table {
            assert_eq!(status(Some(&name.into())), expected, "{name}");
        }
        assert_eq!(status(None), PackageStatus::InProgress);
        for known in [
            PackageApproval::PendingManualApproval,
            PackageApproval::Approved,
            PackageApproval::Rejected,
        ] {
            assert_eq!(approval(Some(&approval_status(known))), Ok(known));
            assert_eq!(approval_status(known).as_str(), known.to_string());
        }
        assert_eq!(approval(None), Ok(PackageApproval::PendingManualApproval));
        let why = approval(Some(&"ConditionallyApproved".into())).unwrap_err();
        assert!(why.contains("\"ConditionallyApproved\""), "{why}");
    }
}
