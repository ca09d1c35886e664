//! SNS's envelope, for a queue that is subscribed to a topic without raw delivery.

use super::{Arrival, IrrelevantObject, told};
use crate::error::InvalidEvent;
use crate::eventbridge::label;
use crate::node::Node;

/// What SNS says of a message itself.
pub(super) struct Delivery {
    /// SNS's id of the message.
    pub(super) message_id: Option<String>,
}

/// What a queue's message tells, out of SNS's envelope where there is one. The envelope
/// is the only kind of message that has a `Message`.
pub(super) fn unwrapped(body: &Node<'_>) -> Result<Vec<Arrival>, InvalidEvent> {
    let Some(message) = body.optional("Message")? else {
        return told(body, None);
    };
    if let Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") = body.text_if_any("Type") {
        return Ok(vec![Arrival::Irrelevant(
            IrrelevantObject::SubscriptionMessage,
        )]);
    }
    let decoded = message.decoded()?;
    let delivery = Delivery {
        message_id: body.text_if_any("MessageId").map(label),
    };
    told(&Node::at(&message.path(), &decoded), Some(&delivery))
}
