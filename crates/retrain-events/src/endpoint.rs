//! Endpoints: SageMaker's events about their state and their deployments, through
//! EventBridge.
//!
//! The shapes are those of the SageMaker developer guide's page on the events that it
//! sends to EventBridge. They spell a status `IN_SERVICE` that the API spells
//! `InService`, and write times as epoch milliseconds.

use core::fmt;

use jiff::Timestamp;
use retrain_core::names::{EndpointName, shortened};

use crate::error::InvalidEvent;
use crate::eventbridge::{self, Detail, label};
use crate::node::Node;

/// The longest name of an endpoint or of its configuration. Half a name would be another
/// name.
const LONGEST_NAME: usize = 63;

/// Failure reasons are for people; what is longer is cut.
const REASON: usize = 300;

/// The state of an endpoint and how it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointEvent {
    /// The endpoint. Compare without regard to case: where only an ARN names it, it may
    /// be spelled in lower case.
    pub endpoint: EndpointName,
    /// `EndpointStatus`.
    pub status: EndpointStatus,
    /// `EndpointConfigName`: what the endpoint runs, or is to run.
    pub config: Option<String>,
    /// `FailureReason`, shortened.
    pub failure: Option<String>,
    /// When the endpoint was modified, or else when the event was sent.
    pub at: Timestamp,
    /// EventBridge's event id, for logs. Not for deduplication: one change may come
    /// with several ids.
    pub event_id: Option<String>,
    /// The EventBridge replay that sent the event from an archive.
    pub replay_name: Option<String>,
}

/// `EndpointStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointStatus {
    /// It answers, with the configuration that it has.
    InService,
    /// It gets another configuration.
    Updating,
    /// SageMaker maintains it.
    SystemUpdating,
    /// An update failed, and it gets its former configuration back.
    RollingBack,
    /// An update failed, and so did the way back.
    UpdateRollbackFailed,
    /// It could not be made or updated.
    Failed,
    /// It answers no requests.
    OutOfService,
    /// It is being made.
    Creating,
    /// It is being deleted.
    Deleting,
    /// A status that is not known here, as it was spelled.
    Other(String),
}

impl EndpointStatus {
    /// With or without underscores, in any case.
    fn of(told: &str) -> Self {
        let known = [
            Self::InService,
            Self::Updating,
            Self::SystemUpdating,
            Self::RollingBack,
            Self::UpdateRollbackFailed,
            Self::Failed,
            Self::OutOfService,
            Self::Creating,
            Self::Deleting,
        ];
        let told = label(told);
        let plain = told.replace('_', "");
        let found = known
            .into_iter()
            .find(|status| status.name().eq_ignore_ascii_case(&plain));
        found.unwrap_or(Self::Other(told))
    }

    /// The status as the API spells it.
    pub fn name(&self) -> &str {
        match self {
            Self::InService => "InService",
            Self::Updating => "Updating",
            Self::SystemUpdating => "SystemUpdating",
            Self::RollingBack => "RollingBack",
            Self::UpdateRollbackFailed => "UpdateRollbackFailed",
            Self::Failed => "Failed",
            Self::OutOfService => "OutOfService",
            Self::Creating => "Creating",
            Self::Deleting => "Deleting",
            Self::Other(told) => told,
        }
    }
}

impl fmt::Display for EndpointStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads an event about an endpoint's state, or about a deployment to it.
pub(crate) fn state_change(event: &Node<'_>) -> Result<EndpointEvent, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    Ok(EndpointEvent {
        endpoint: endpoint(event, &detail)?,
        status: EndpointStatus::of(detail.required("EndpointStatus")?.text()?),
        config: detail
            .text_if_any("EndpointConfigName")
            .filter(|name| name.len() <= LONGEST_NAME)
            .map(str::to_owned),
        failure: detail
            .text_if_any("FailureReason")
            .map(|reason| shortened(reason, REASON)),
        at: eventbridge::modified_at(event, &detail)?,
        event_id: eventbridge::id(event),
        replay_name: eventbridge::replay_name(event),
    })
}

/// The endpoint that the details name, or else the one whose ARN is told.
fn endpoint(event: &Node<'_>, detail: &Node<'_>) -> Result<EndpointName, InvalidEvent> {
    const FIELD: &str = "EndpointName";
    if let Some(name) = detail.optional(FIELD)? {
        return name.named(EndpointName::parse);
    }
    let resources = eventbridge::resources(event).into_iter().flatten();
    detail
        .peek("EndpointArn")
        .into_iter()
        .chain(resources)
        .filter_map(|arn| eventbridge::resource_name(arn.value().as_str()?, "endpoint"))
        .filter(|name| name.len() <= LONGEST_NAME)
        .find_map(|name| EndpointName::parse(name).ok())
        .ok_or_else(|| InvalidEvent::MissingField {
            path: detail.path_of(FIELD),
        })
}
