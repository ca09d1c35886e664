//! The model registry: what it tells of model packages. How they change is in
//! the modules below.

mod change;
mod content;
mod control;
mod event;
mod shapes;
mod update;

use serde_json::{Value, json};

pub use content::{Baseline, NewPackage, Report, Source};
pub use event::{EventTimes, PackageEvent};
pub(super) use update::update;

use super::executions::listed;
use super::model::ModelPackage;
use super::shape::given;
use super::{Scene, descending, names, page, rules};
use crate::answer::ServiceError;
use crate::input::{Input, epoch_seconds};

pub(super) fn list(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "CreationTimeAfter",
            "CreationTimeBefore",
            "MaxResults",
            "NameContains",
            "ModelApprovalStatus",
            "ModelPackageGroupName",
            "ModelPackageType",
            "NextToken",
            "SortBy",
            "SortOrder",
        ],
    )?;
    let (after, before) = (
        input.time("CreationTimeAfter")?,
        input.time("CreationTimeBefore")?,
    );
    let approval = input.one_of(
        "ModelApprovalStatus",
        &["Approved", "Rejected", "PendingManualApproval"],
    )?;
    let name_contains = input.optional_text("NameContains", rules::NAME_CONTAINS)?;
    let group = input
        .optional_text("ModelPackageGroupName", names::PACKAGE_GROUP)?
        .map(|given| find_group(scene, given))
        .transpose()?;
    let versioned = lists_versions(&input, group.is_some())?;
    let by_name = input.one_of("SortBy", &["Name", "CreationTime"])? == Some("Name");
    // API reference: "The default is Ascending", so the oldest comes first.
    let descending = descending(&input, false)?;
    let page = page(&input)?;

    let mut packages: Vec<&ModelPackage> = scene.state.packages.iter().collect();
    packages.sort_by_key(|package| {
        let time = (!by_name).then_some(package.creation_time);
        (time, package.group.clone(), package.version)
    });
    if descending {
        packages.reverse();
    }
    let wanted = |package: &&ModelPackage| {
        versioned
            && group.as_ref().is_none_or(|group| package.group == *group)
            && approval.is_none_or(|status| package.approval_status.as_str() == status)
            && name_contains.is_none_or(|part| package.group.contains(part))
            && after.is_none_or(|after| package.creation_time > after)
            && before.is_none_or(|before| package.creation_time < before)
    };
    let (shown, token) = page.cut(packages, |package| package.arn.clone(), wanted)?;
    let summaries = shown
        .into_iter()
        .map(|package| summary(scene, package))
        .collect();
    Ok(listed("ModelPackageSummaryList", summaries, token))
}

/// Every package here is a version in a group. Without a group the type defaults
/// to unversioned, and versions are not listed (API reference).
fn lists_versions(input: &Input<'_>, in_group: bool) -> Result<bool, ServiceError> {
    let kind = input.one_of("ModelPackageType", &["Versioned", "Unversioned", "Both"])?;
    Ok(kind.map_or(in_group, |kind| kind != "Unversioned"))
}

/// An unknown group is refused in the words of `DescribeModelPackageGroup`; that
/// listing does the same is not documented.
fn find_group(scene: &Scene<'_>, given: &str) -> Result<String, ServiceError> {
    let found = scene
        .state
        .groups
        .iter()
        .find(|group| names::means(given, group, &scene.names.package_group(group)));
    found.cloned().ok_or_else(|| {
        let arn = if given.starts_with("arn:") {
            given.to_owned()
        } else {
            scene.names.package_group(given)
        };
        ServiceError::validation(format!("ModelPackageGroup {arn} does not exist."))
    })
}

pub(super) fn describe_group(
    scene: &mut Scene<'_>,
    request: &Value,
) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["ModelPackageGroupName"])?;
    let group = find_group(
        scene,
        input.text("ModelPackageGroupName", names::PACKAGE_GROUP)?,
    )?;
    Ok(json!({
        "ModelPackageGroupName": group,
        "ModelPackageGroupArn": scene.names.package_group(&group),
        "CreationTime": epoch_seconds(scene.now),
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }))
}

/// A version's summary has no `ModelPackageName` and no `ModelMetrics`.
fn summary(scene: &Scene<'_>, package: &ModelPackage) -> Value {
    let mut summary = json!({
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": scene.state.shown(&package.arn),
        "CreationTime": epoch_seconds(package.creation_time),
        "ModelPackageStatus": package.status,
        "ModelApprovalStatus": package.approval_status,
    });
    for member in [
        "ModelPackageDescription",
        "ModelLifeCycle",
        "ModelPackageRegistrationType",
    ] {
        if let Some(value) = package.details.get(member) {
            summary[member] = value.clone();
        }
    }
    summary
}

pub(super) fn describe(scene: &mut Scene<'_>, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["ModelPackageName", "IncludedData"])?;
    let given = input.text("ModelPackageName", names::PACKAGE)?;
    let included = input.one_of("IncludedData", &["AllData", "MetadataOnly"])?;
    let package = find(scene, given)?;
    let mut answer = summary(scene, package);
    answer["ModelPackageName"] = json!(short_name(package));
    answer["ModelPackageStatusDetails"] = no_scans();
    answer["CertifyForMarketplace"] = json!(false);
    if let Some(time) = package.last_modified_time {
        answer["LastModifiedTime"] = epoch_seconds(time);
    }
    for (member, value) in &package.details {
        answer[member.as_str()] = value.clone();
    }
    if included == Some("MetadataOnly") {
        hide_card(&mut answer);
    }
    Ok(answer)
}

/// A version by its name or its ARN.
fn find<'a>(scene: &'a Scene<'_>, given: &str) -> Result<&'a ModelPackage, ServiceError> {
    scene
        .state
        .packages
        .iter()
        .find(|package| names::means(given, &short_name(package), &package.arn))
        // No error is modelled for what is not there.
        .ok_or_else(|| ServiceError::validation(format!("ModelPackage {given} does not exist.")))
}

/// API reference: without its data, a model card is reduced to a few fields that
/// are not encrypted. None of them are known here.
fn hide_card(answer: &mut Value) {
    if given(answer, "ModelCard").is_some() {
        answer["ModelCard"]["ModelCardContent"] = json!("{}");
    }
}

/// The details of a status of which there is nothing to tell.
fn no_scans() -> Value {
    json!({"ValidationStatuses": [], "ImageScanStatuses": []})
}

/// "group/version", as a captured event of the service names a version.
fn short_name(package: &ModelPackage) -> String {
    format!("{}/{}", package.group, package.version)
}
