//! Drift: CloudWatch alarms, through EventBridge, SNS or as a direct alarm action.
//!
//! The shapes are those of the CloudWatch user guide's pages on alarm events and
//! EventBridge, on Lambda functions as alarm actions and on SNS notifications.

use core::fmt;

use retrain_core::drift::AlarmTransition;
use serde_json::Value;

use crate::error::InvalidEvent;
use crate::node::Node;

mod alarm;
mod eventbridge;
mod metrics;
mod sns;

/// One alarm message of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmMessage {
    /// An alarm changed its state.
    Transition(Box<Received>),
    /// Well formed, but nothing to decide about.
    Irrelevant(Irrelevant),
}

/// A transition and how it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The transition, the same through every envelope.
    pub transition: AlarmTransition,
    /// The envelope.
    pub envelope: Envelope,
    /// EventBridge's event id or SNS's message id, for logs. Not for deduplication:
    /// the same transition may come with several ids. Direct actions have none.
    pub event_id: Option<String>,
    /// The EventBridge replay that sent the event from an archive.
    pub replay_name: Option<String>,
}

/// What brought a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// An EventBridge rule.
    EventBridge,
    /// An SNS topic, whatever was published to it.
    Sns,
    /// CloudWatch itself, with the function as the alarm's action.
    DirectAction,
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EventBridge => "eventbridge",
            Self::Sns => "sns",
            Self::DirectAction => "direct_action",
        })
    }
}

/// Why a well-formed message is nothing to decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irrelevant {
    /// An alarm was created, edited or deleted.
    ConfigurationChange,
    /// One time series of an alarm over many changed; the alarm's own transition
    /// comes as a message of its own.
    ContributorStateChange,
    /// SNS speaks of a subscription, not of an alarm.
    SubscriptionMessage,
    /// Somebody published plain text to the topic, such as a test message.
    TestMessage,
}

impl Irrelevant {
    /// The reason as decisions and metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfigurationChange => "configuration_change",
            Self::ContributorStateChange => "contributor_state_change",
            Self::SubscriptionMessage => "subscription_message",
            Self::TestMessage => "test_message",
        }
    }
}

impl fmt::Display for Irrelevant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that a drift-alarm function can be invoked with, as the alarm messages
/// inside it, in order.
///
/// An SNS delivery may hold several records: all are returned, and a bad one harms no
/// other. The result is never empty.
pub fn alarm_messages(event: &Value) -> Vec<Result<AlarmMessage, InvalidEvent>> {
    let root = Node::root(event);
    match root.peek("Records") {
        Some(records) => sns::deliveries(&records),
        None => vec![one_message(&root, None)],
    }
}

/// One event outside SNS, or the one in an SNS message.
///
/// The envelopes are told apart by the field that only they have.
fn one_message(
    event: &Node<'_>,
    delivery: Option<&sns::Delivery<'_>>,
) -> Result<AlarmMessage, InvalidEvent> {
    let has = |key| event.optional(key).map(|field| field.is_some());
    if has("alarmData")? {
        eventbridge::direct_action(event, delivery)
    } else if has("AlarmName")? || has("AlarmArn")? {
        sns::notification(event, delivery)
    } else {
        eventbridge::event(event, delivery)
    }
}
