//! Model packages: SageMaker's events about their state, through EventBridge. Those
//! about endpoints parse here too, because both are for one function.
//!
//! The shape is that of the SageMaker developer guide's page on the events that it
//! sends to EventBridge; the schema registry's is out of date. An event does not tell
//! what a package was before, and every edit of a package sends one that repeats its
//! approval. So it is believed for nothing but that a person may have decided: what
//! the package is now, its description says.

use core::fmt;

use jiff::Timestamp;
use retrain_core::names::ModelPackageArn;
use retrain_core::package::{LifeCycle, PackageApproval, PackageStatus};
use serde_json::Value;

use crate::endpoint::{self, EndpointEvent};
use crate::error::{InvalidEvent, quoted};
use crate::eventbridge::{self, Detail, label};
use crate::node::Node;

/// The names in a package's ARN have limits that keep it shorter than this.
const LONGEST_ARN: usize = 200;

/// How many updated fields are looked at. SageMaker knows fewer.
const MAX_UPDATED: usize = 100;

/// What an invocation tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageMessage {
    /// The state of a model package.
    Package(Box<PackageEvent>),
    /// The state of an endpoint.
    Endpoint(Box<EndpointEvent>),
    /// Well formed, but nothing to decide about.
    Irrelevant(IrrelevantPackage),
}

/// The state of a model package and how it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageEvent {
    /// The package. Its group may be spelled in lower case.
    pub package: ModelPackageArn,
    /// `ModelApprovalStatus`, if it is told and known.
    pub approval: Option<PackageApproval>,
    /// `ModelPackageStatus`, if it is told and known.
    pub status: Option<PackageStatus>,
    /// What the update that sent the event has changed, each once; none if the event
    /// does not tell, as that of a creation.
    pub updated_fields: Option<Vec<UpdatedField>>,
    /// When the package was modified, or else when the event was sent.
    pub at: Timestamp,
    /// `ModelLifeCycle`, for people.
    pub life_cycle: Option<LifeCycle>,
    /// EventBridge's event id, for logs. Not for deduplication: one change may come
    /// with several ids.
    pub event_id: Option<String>,
    /// The EventBridge replay that sent the event from an archive.
    pub replay_name: Option<String>,
}

impl PackageEvent {
    /// Whether somebody may have changed the approval: the update says so, or nothing
    /// is told about it.
    pub fn may_tell_approval(&self) -> bool {
        self.updated_fields
            .as_ref()
            .is_none_or(|fields| fields.contains(&UpdatedField::ModelApprovalStatus))
    }
}

/// A field of a model package, in `UpdatedModelPackageFields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdatedField {
    /// `ModelApprovalStatus`.
    ModelApprovalStatus,
    /// `ModelLifeCycle`.
    ModelLifeCycle,
    /// `CustomerMetadataProperties`.
    CustomerMetadataProperties,
    /// Any other.
    Other,
}

impl UpdatedField {
    /// SageMaker does not write all these names in one manner.
    fn of(field: &Value) -> Self {
        let name = field.as_str().unwrap_or_default();
        [
            Self::ModelApprovalStatus,
            Self::ModelLifeCycle,
            Self::CustomerMetadataProperties,
        ]
        .into_iter()
        .find(|known| known.name().eq_ignore_ascii_case(name))
        .unwrap_or(Self::Other)
    }

    /// The field as the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ModelApprovalStatus => "ModelApprovalStatus",
            Self::ModelLifeCycle => "ModelLifeCycle",
            Self::CustomerMetadataProperties => "CustomerMetadataProperties",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for UpdatedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a well-formed event is nothing to decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrrelevantPackage {
    /// The package is not a version of a group, so that it has nothing to do with a
    /// model that is retrained.
    UnversionedPackage,
    /// SageMaker speaks of neither packages nor endpoints.
    OtherEvent,
}

impl IrrelevantPackage {
    /// The reason as decisions and metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnversionedPackage => "unversioned_package",
            Self::OtherEvent => "other_event",
        }
    }
}

impl fmt::Display for IrrelevantPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that a model-approval function can be invoked with.
pub fn package_message(event: &Value) -> Result<PackageMessage, InvalidEvent> {
    let event = Node::root(event);
    // Fails where there are no fields at all.
    event.optional("source")?;
    match eventbridge::kind(&event) {
        (Some("aws.sagemaker"), Some("SageMaker Model Package State Change")) => {
            state_change(&event)
        }
        (
            Some("aws.sagemaker"),
            Some("SageMaker Endpoint State Change" | "SageMaker Endpoint Deployment State Change"),
        ) => {
            let endpoint = endpoint::state_change(&event)?;
            Ok(PackageMessage::Endpoint(Box::new(endpoint)))
        }
        (Some("aws.sagemaker"), Some(_)) => {
            Ok(PackageMessage::Irrelevant(IrrelevantPackage::OtherEvent))
        }
        _ => Err(eventbridge::unknown(&event)),
    }
}

fn state_change(event: &Node<'_>) -> Result<PackageMessage, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    let Named::Version(package) = package(event, &detail)? else {
        return Ok(PackageMessage::Irrelevant(
            IrrelevantPackage::UnversionedPackage,
        ));
    };
    Ok(PackageMessage::Package(Box::new(PackageEvent {
        package,
        approval: detail.text_if_any("ModelApprovalStatus").and_then(approval),
        status: detail.text_if_any("ModelPackageStatus").and_then(status),
        updated_fields: updated_fields(&detail),
        at: eventbridge::modified_at(event, &detail)?,
        life_cycle: life_cycle(&detail),
        event_id: eventbridge::id(event),
        replay_name: eventbridge::replay_name(event),
    })))
}

/// What the ARN of a model package names.
enum Named {
    /// `model-package/GROUP/VERSION`.
    Version(ModelPackageArn),
    /// `model-package/NAME`.
    Unversioned,
}

/// The length is checked before the copies that parsing makes.
fn named(arn: &str) -> Option<Named> {
    if arn.len() > LONGEST_ARN {
        return None;
    }
    if let Ok(package) = ModelPackageArn::parse(arn) {
        return Some(Named::Version(package));
    }
    // All that it lacks is a version.
    ModelPackageArn::parse(format!("{arn}/1"))
        .is_ok()
        .then_some(Named::Unversioned)
}

/// The package that the details name, or else the one among the resources.
fn package(event: &Node<'_>, detail: &Node<'_>) -> Result<Named, InvalidEvent> {
    const FIELD: &str = "ModelPackageArn";
    match detail.optional(FIELD)? {
        Some(arn) => {
            let text = arn.text()?;
            named(text).ok_or_else(|| {
                arn.invalid(format!("is {}, not a model package's ARN", quoted(text)))
            })
        }
        None => eventbridge::resources(event)?
            .find_map(|arn| named(arn.value().as_str()?))
            .ok_or_else(|| InvalidEvent::MissingField {
                path: detail.path_of(FIELD),
            }),
    }
}

/// `None` stands for a status that this version does not know.
fn approval(status: &str) -> Option<PackageApproval> {
    match status {
        "PendingManualApproval" => Some(PackageApproval::PendingManualApproval),
        "Approved" => Some(PackageApproval::Approved),
        "Rejected" => Some(PackageApproval::Rejected),
        _ => None,
    }
}

/// `None` stands for a status that this version does not know.
fn status(status: &str) -> Option<PackageStatus> {
    match status {
        "Pending" | "InProgress" => Some(PackageStatus::InProgress),
        "Completed" => Some(PackageStatus::Completed),
        "Failed" => Some(PackageStatus::Failed),
        "Deleting" => Some(PackageStatus::Deleting),
        _ => None,
    }
}

/// A list that is odd or empty tells nothing, so that no approval is overlooked.
fn updated_fields(detail: &Node<'_>) -> Option<Vec<UpdatedField>> {
    let told = detail.peek("UpdatedModelPackageFields")?.items().ok()?;
    let mut fields = Vec::new();
    for field in told.take(MAX_UPDATED) {
        let field = UpdatedField::of(field.value());
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    (!fields.is_empty()).then_some(fields)
}

fn life_cycle(detail: &Node<'_>) -> Option<LifeCycle> {
    let told = detail.peek("ModelLifeCycle")?;
    Some(LifeCycle {
        stage: told.text_if_any("Stage").map(label)?,
        status: told.text_if_any("StageStatus").map(label)?,
        description: told.text_if_any("StageDescription").map(label),
    })
}
