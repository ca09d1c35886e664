//! What all EventBridge events have in common.

use std::borrow::Cow;

use jiff::Timestamp;
use retrain_core::names::shortened;
use serde_json::Value;

use crate::error::{InvalidEvent, described};
use crate::instant::instant;
use crate::node::Node;

/// Ids, names and ARNs are shorter; what is longer is not one.
const LABEL: usize = 256;

/// The event's source and detail-type, by which EventBridge tells events apart.
pub(crate) fn kind<'a>(event: &Node<'a>) -> (Option<&'a str>, Option<&'a str>) {
    (
        event.text_if_any("source"),
        event.text_if_any("detail-type"),
    )
}

/// The details of an event, which may have been decoded from text.
pub(crate) struct Detail<'a> {
    path: String,
    value: Cow<'a, Value>,
}

impl<'a> Detail<'a> {
    /// Reads `detail`. A rule's input transformer or a hand-made replay may have made
    /// text of it.
    pub(crate) fn of(event: &Node<'a>) -> Result<Self, InvalidEvent> {
        let told = event.required("detail")?;
        Ok(Self {
            path: told.path(),
            value: told.decoded()?,
        })
    }

    /// The place to read from.
    pub(crate) fn node(&self) -> Node<'_> {
        Node::at(&self.path, &self.value)
    }
}

/// The ARNs that the event is about; none where there is no list.
pub(crate) fn resources<'a>(
    event: &Node<'a>,
) -> Result<impl Iterator<Item = Node<'a>> + use<'a>, InvalidEvent> {
    let resources = event.optional("resources")?;
    let items = resources.map(|list| list.items()).transpose()?;
    Ok(items.into_iter().flatten())
}

/// What follows the kind of resource in `arn:PARTITION:SERVICE:REGION:ACCOUNT:KIND/NAME`.
pub(crate) fn resource_name<'a>(arn: &'a str, kind: &str) -> Option<&'a str> {
    let resource = arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    resource.strip_prefix(kind)?.strip_prefix('/')
}

/// When the thing that SageMaker describes in the details was modified; where that is
/// absent or odd, when the event was sent.
pub(crate) fn modified_at(event: &Node<'_>, detail: &Node<'_>) -> Result<Timestamp, InvalidEvent> {
    const FIELD: &str = "LastModifiedTime";
    let modified = detail.peek(FIELD);
    let sent = event.peek("time");
    let told = [&modified, &sent].into_iter().flatten();
    let mut moments = told.filter_map(|time| instant(time.value()));
    moments.next().ok_or_else(|| match &modified {
        Some(odd) => odd.invalid(format!("is {}, not a timestamp", odd.described())),
        None => InvalidEvent::MissingField {
            path: detail.path_of(FIELD),
        },
    })
}

/// EventBridge's id of the event.
pub(crate) fn id(event: &Node<'_>) -> Option<String> {
    event.text_if_any("id").map(label)
}

/// The replay that sent the event from an archive.
pub(crate) fn replay_name(event: &Node<'_>) -> Option<String> {
    event.text_if_any("replay-name").map(label)
}

/// The error for an event that the function is not made for.
pub(crate) fn unknown(event: &Node<'_>) -> InvalidEvent {
    let shown = |key| {
        event
            .peek(key)
            .map_or_else(|| "absent".to_owned(), |field| described(field.value()))
    };
    InvalidEvent::UnknownEvent {
        path: event.path_of("detail-type"),
        source_name: shown("source"),
        detail_type: shown("detail-type"),
    }
}

/// An id, name or ARN for records and logs, cut where it cannot be one.
pub(crate) fn label(text: &str) -> String {
    shortened(text, LABEL)
}
