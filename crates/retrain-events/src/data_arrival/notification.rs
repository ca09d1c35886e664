//! S3's own event notifications, as S3 sends them to a function, a queue or a topic.

use super::object::{self, IN_NOTIFICATIONS, Told};
use super::sns::Delivery;
use super::{Arrival, IrrelevantObject};
use crate::error::{InvalidEvent, described};
use crate::eventbridge::label;
use crate::node::Node;

/// Reads every record of a notification.
pub(super) fn arrivals(
    records: &Node<'_>,
    delivery: Option<&Delivery>,
) -> Result<Vec<Arrival>, InvalidEvent> {
    let items = records.items()?;
    if items.len() == 0 {
        return Err(records.invalid("is empty".to_owned()));
    }
    items.map(|record| arrival(&record, delivery)).collect()
}

fn arrival(record: &Node<'_>, delivery: Option<&Delivery>) -> Result<Arrival, InvalidEvent> {
    check_source(record)?;
    object::check_major(record, "eventVersion", "2")?;
    let irrelevant = |why| Ok(Arrival::Irrelevant(why));
    let name = record.required("eventName")?.text()?;
    // The notification's configuration spells the same names with a prefix.
    match name.strip_prefix("s3:").unwrap_or(name).split(':').next() {
        Some("ObjectCreated") => created(record, name, delivery),
        Some("ObjectRemoved" | "LifecycleExpiration") => irrelevant(IrrelevantObject::Deleted),
        _ => irrelevant(IrrelevantObject::OtherEvent),
    }
}

fn created(
    record: &Node<'_>,
    name: &str,
    delivery: Option<&Delivery>,
) -> Result<Arrival, InvalidEvent> {
    object::arrival(
        &record.required("s3")?,
        &IN_NOTIFICATIONS,
        Told {
            at: object::moment(&record.required("eventTime")?)?,
            reason: Some(label(name)),
            event_id: delivery.and_then(|delivery| delivery.message_id.clone()),
            replay_name: None,
        },
    )
}

/// Records of another service, such as SNS, which spells the field with a capital.
fn check_source(record: &Node<'_>) -> Result<(), InvalidEvent> {
    let source = record.optional("eventSource")?;
    match source.or_else(|| record.peek("EventSource")) {
        Some(source) if source.value() != "aws:s3" => Err(InvalidEvent::UnknownEvent {
            path: source.path(),
            source_name: described(source.value()),
            detail_type: "absent".to_owned(),
        }),
        _ => Ok(()),
    }
}
