//! Reading the model registry.

use aws_sdk_sagemaker::types::{
    ModelApprovalStatus, ModelPackageSortBy, ModelPackageStatus, ModelPackageSummary, SortOrder,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use retrain_controller::{PortError, Registry};
use retrain_core::names::{ModelPackageArn, ModelPackageGroupName};
use retrain_core::package::{PackageApproval, RegisteredPackage};

use crate::SageMaker;
use crate::error::failed;

/// How many pages of approved packages are searched for a completed one.
const MAX_PAGES: usize = 5;

impl Registry for SageMaker {
    async fn newest_approved(
        &self,
        group: &ModelPackageGroupName,
    ) -> Result<Option<ModelPackageArn>, PortError> {
        let doing = || format!("list the approved packages of {group}");
        let mut pages = self
            .client
            .list_model_packages()
            .model_package_group_name(group.as_str())
            .model_approval_status(ModelApprovalStatus::Approved)
            .sort_by(ModelPackageSortBy::CreationTime)
            // The default order is the oldest first.
            .sort_order(SortOrder::Descending)
            .max_results(10)
            .into_paginator()
            .send();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else {
                return Ok(None);
            };
            let page = page.map_err(|error| failed(doing(), error))?;
            let mut summaries = page.model_package_summary_list().iter();
            if let Some(package) = summaries.find_map(completed) {
                return Ok(Some(package));
            }
        }
        Ok(None)
    }

    async fn newest_since(
        &self,
        group: &ModelPackageGroupName,
        after: Timestamp,
    ) -> Result<Option<RegisteredPackage>, PortError> {
        let doing = || format!("list the newest package of {group}");
        let page = self
            .client
            .list_model_packages()
            .model_package_group_name(group.as_str())
            .creation_time_after(DateTime::from_secs(after.as_second().saturating_sub(1)))
            .sort_by(ModelPackageSortBy::CreationTime)
            .sort_order(SortOrder::Descending)
            .max_results(1)
            .send()
            .await
            .map_err(|error| failed(doing(), error))?;
        Ok(page
            .model_package_summary_list()
            .first()
            .and_then(registered))
    }
}

fn registered(summary: &ModelPackageSummary) -> Option<RegisteredPackage> {
    Some(RegisteredPackage {
        package: ModelPackageArn::parse(summary.model_package_arn()?).ok()?,
        approval: match summary.model_approval_status() {
            Some(ModelApprovalStatus::Approved) => PackageApproval::Approved,
            Some(ModelApprovalStatus::Rejected) => PackageApproval::Rejected,
            _ => PackageApproval::PendingManualApproval,
        },
    })
}

fn completed(summary: &ModelPackageSummary) -> Option<ModelPackageArn> {
    let complete = summary.model_package_status() == Some(&ModelPackageStatus::Completed);
    let arn = ModelPackageArn::parse(summary.model_package_arn()?).ok()?;
    complete.then_some(arn)
}
