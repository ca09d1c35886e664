//! `UpdateModelPackage`.

use serde_json::{Map, Value, json};

use super::super::model::{ApprovalStatus, ModelPackage};
use super::super::shape::{self, given};
use super::super::start::{earlier_start, remember};
use super::super::{Scene, rules};
use super::change::{Author, change};
use super::{find, shapes};
use crate::answer::ServiceError;

const OPERATION: &str = "UpdateModelPackage";

/// API reference: "Map Entries: Maximum number of 50 items", of a package and not
/// only of a request.
const MAX_METADATA: usize = 50;

/// API reference: "Total number of additional Inference Specifications can not
/// exceed 15".
const MAX_SPECIFICATIONS: usize = 15;

/// What an update replaces as a whole.
const REPLACED: &[&str] = &[
    "ApprovalDescription",
    "InferenceSpecification",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
    "SourceUri",
];

pub(in super::super) fn update(
    scene: &mut Scene<'_>,
    request: &Value,
) -> Result<Value, ServiceError> {
    let input = shape::read(request, shapes::UPDATE)?;
    let given_arn = input.text("ModelPackageArn", rules::PACKAGE_ARN)?;
    let token = input.optional_text("ClientToken", rules::CLIENT_TOKEN)?;
    if let Some(token) = token
        && let Some(earlier) = earlier_start(scene, OPERATION, token, request)?
    {
        return Ok(json!({"ModelPackageArn": scene.state.shown(&earlier)}));
    }
    let arn = apply(scene, given_arn, request, Author::Client)?;
    if let Some(token) = token {
        remember(scene, OPERATION, token, request, &arn);
    }
    Ok(json!({"ModelPackageArn": scene.state.shown(&arn)}))
}

/// Does what a request that has the right form asks for, and returns the ARN.
pub(super) fn apply(
    scene: &mut Scene<'_>,
    arn: &str,
    request: &Value,
    author: Author,
) -> Result<String, ServiceError> {
    let mut updated = find(scene, arn)?.clone();
    merge(&mut updated, request)?;
    let arn = updated.arn.clone();
    change(scene, &arn, author, |package| *package = updated);
    Ok(arn)
}

fn merge(package: &mut ModelPackage, request: &Value) -> Result<(), ServiceError> {
    if let Some(status) = given(request, "ModelApprovalStatus") {
        package.approval_status = match status.as_str() {
            Some("Approved") => ApprovalStatus::Approved,
            Some("Rejected") => ApprovalStatus::Rejected,
            _ => ApprovalStatus::PendingManualApproval,
        };
    }
    for member in REPLACED {
        if let Some(value) = given(request, member) {
            package.details.insert((*member).to_owned(), value.clone());
        }
    }
    merge_metadata(&mut package.details, request)?;
    add_specifications(&mut package.details, request)
}

/// Keys that are not there may be removed. What a key that is both set and removed
/// becomes is not documented, so it is refused.
fn merge_metadata(details: &mut Map<String, Value>, request: &Value) -> Result<(), ServiceError> {
    const MEMBER: &str = "CustomerMetadataProperties";
    let held = details.get(MEMBER).and_then(Value::as_object);
    let mut properties = held.cloned().unwrap_or_default();
    let set = given(request, MEMBER).and_then(Value::as_object);
    let removed = given(request, "CustomerMetadataPropertiesToRemove").and_then(Value::as_array);
    for key in removed.into_iter().flatten().filter_map(Value::as_str) {
        if set.is_some_and(|set| set.contains_key(key)) {
            return Err(ServiceError::validation(format!(
                "CustomerMetadataProperties key '{key}' is both set and removed"
            )));
        }
        properties.remove(key);
    }
    for (key, value) in set.into_iter().flatten() {
        properties.insert(key.clone(), value.clone());
    }
    if properties.len() > MAX_METADATA {
        return Err(ServiceError::validation(format!(
            "A model package has at most {MAX_METADATA} CustomerMetadataProperties, this one \
             would have {}",
            properties.len()
        )));
    }
    if properties.is_empty() {
        details.remove(MEMBER);
    } else {
        details.insert(MEMBER.to_owned(), Value::Object(properties));
    }
    Ok(())
}

fn add_specifications(
    details: &mut Map<String, Value>,
    request: &Value,
) -> Result<(), ServiceError> {
    const MEMBER: &str = "AdditionalInferenceSpecifications";
    let added = given(request, "AdditionalInferenceSpecificationsToAdd").and_then(Value::as_array);
    let Some(added) = added else {
        return Ok(());
    };
    let held = details.get(MEMBER).and_then(Value::as_array);
    let mut specifications = held.cloned().unwrap_or_default();
    specifications.extend(added.iter().cloned());
    if specifications.len() > MAX_SPECIFICATIONS {
        return Err(ServiceError::validation(format!(
            "A model package has at most {MAX_SPECIFICATIONS} AdditionalInferenceSpecifications"
        )));
    }
    details.insert(MEMBER.to_owned(), Value::Array(specifications));
    Ok(())
}
