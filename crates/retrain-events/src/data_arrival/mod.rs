//! Data: objects that arrive in S3, through a queue, EventBridge or S3's own
//! notifications.
//!
//! The shapes are those of the S3 user guide's pages on the messages that S3 sends to
//! EventBridge and as event notifications, and of the Lambda developer guide's page on
//! queues.

use core::fmt;

use jiff::Timestamp;
use retrain_core::sequencer::Sequencer;
use serde_json::Value;

use crate::error::InvalidEvent;
use crate::node::Node;

mod batch;
mod eventbridge;
mod key;
mod notification;
mod object;
mod sns;

pub use batch::{BatchItemFailure, BatchRecord, BatchResponse};

/// What an invocation tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataMessage {
    /// The messages of a queue, in order and each with a result of its own. Never empty.
    Batch(Vec<BatchRecord>),
    /// What one event or notification tells, in order. Never empty.
    Direct(Vec<Arrival>),
}

/// One thing that S3 says about its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// An object was created or overwritten.
    Created(Box<ObjectCreated>),
    /// Well formed, but nothing to decide about.
    Irrelevant(IrrelevantObject),
}

/// An object that was created or overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket's name.
    pub bucket: String,
    /// The key as S3's API takes it: at most 1,024 bytes, and whatever characters its
    /// creator chose.
    pub key: String,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// The version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// Says which of two events about this key is the later one.
    pub sequencer: Option<Sequencer>,
    /// When S3 created it.
    pub at: Timestamp,
    /// By which request, as the message spells it: `PutObject` in an event is
    /// `ObjectCreated:Put` in a notification.
    pub reason: Option<String>,
    /// EventBridge's event id or SNS's message id, for logs. S3's own notifications
    /// have none.
    pub event_id: Option<String>,
    /// The EventBridge replay that sent the event from an archive.
    pub replay_name: Option<String>,
}

/// Why a well-formed message is nothing to decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrrelevantObject {
    /// An object was deleted. What was counted of it stays counted.
    Deleted,
    /// An empty object whose key ends in a slash, as consoles make of a folder.
    Folder,
    /// S3 speaks of something other than objects that come or go, such as tags.
    OtherEvent,
    /// S3 tries out a notification that was just configured.
    TestEvent,
    /// SNS speaks of a subscription, not of an object.
    SubscriptionMessage,
}

impl IrrelevantObject {
    /// The reason as decisions and metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Folder => "folder",
            Self::OtherEvent => "other_event",
            Self::TestEvent => "test_event",
            Self::SubscriptionMessage => "subscription_message",
        }
    }
}

impl fmt::Display for IrrelevantObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that a data-arrival function can be invoked with.
///
/// In a batch, a message that cannot be read harms no other. A message is read as a
/// whole: S3 puts one record into each of its notifications, and where there are more,
/// they are delivered again, or given up, together.
pub fn data_message(event: &Value) -> Result<DataMessage, InvalidEvent> {
    let root = Node::root(event);
    match root.optional("Records")? {
        Some(records) if batch::is_batch(&records) => {
            batch::messages(&records).map(DataMessage::Batch)
        }
        _ => told(&root, None).map(DataMessage::Direct),
    }
}

/// What one message of S3 tells, which may have come through SNS.
///
/// The messages are told apart by the field that only they have.
fn told(
    message: &Node<'_>,
    delivery: Option<&sns::Delivery>,
) -> Result<Vec<Arrival>, InvalidEvent> {
    if let Some(records) = message.optional("Records")? {
        return notification::arrivals(&records, delivery);
    }
    if message.text_if_any("Event") == Some("s3:TestEvent") {
        return Ok(vec![Arrival::Irrelevant(IrrelevantObject::TestEvent)]);
    }
    eventbridge::arrival(message, delivery).map(|arrival| vec![arrival])
}
