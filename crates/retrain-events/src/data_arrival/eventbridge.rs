//! S3's events on EventBridge. A bucket sends all kinds or none.

use super::object::{self, IN_EVENTS, Told};
use super::sns::Delivery;
use super::{Arrival, IrrelevantObject};
use crate::error::InvalidEvent;
use crate::eventbridge::{self, Detail, label};
use crate::node::Node;

/// Reads an EventBridge event by its detail-type.
pub(super) fn arrival(
    event: &Node<'_>,
    delivery: Option<&Delivery>,
) -> Result<Arrival, InvalidEvent> {
    let irrelevant = |why| Ok(Arrival::Irrelevant(why));
    match eventbridge::kind(event) {
        (Some("aws.s3"), Some("Object Created")) => created(event, delivery),
        (Some("aws.s3"), Some("Object Deleted")) => irrelevant(IrrelevantObject::Deleted),
        (Some("aws.s3"), Some(_)) => irrelevant(IrrelevantObject::OtherEvent),
        _ => Err(eventbridge::unknown(event)),
    }
}

/// The schema's version is `event-version`, which older events lack; `version` is 0 in
/// all of them.
fn created(event: &Node<'_>, delivery: Option<&Delivery>) -> Result<Arrival, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    object::check_major(&detail, "version", "0")?;
    object::check_major(&detail, "event-version", "1")?;
    object::arrival(
        &detail,
        &IN_EVENTS,
        Told {
            at: object::moment(&event.required("time")?)?,
            reason: detail.text_if_any("reason").map(label),
            event_id: eventbridge::id(event)
                .or_else(|| delivery.and_then(|delivery| delivery.message_id.clone())),
            replay_name: eventbridge::replay_name(event),
        },
    )
}
