//! SNS deliveries: CloudWatch's own notifications, or events that a rule published.

use jiff::Timestamp;
use retrain_core::drift::AlarmTransition;

use super::metrics::{IN_NOTIFICATIONS, Watched};
use super::{AlarmMessage, Envelope, Irrelevant, Received, alarm, one_message};
use crate::error::{InvalidEvent, described};
use crate::eventbridge::label;
use crate::instant::instant;
use crate::node::Node;

/// One SNS message, for what its contents do not say.
///
/// Not the ecosystem's type: that one needs the signature, the certificate's URL and
/// more that nobody reads, and fails the whole delivery where one record lacks them.
pub(super) struct Delivery<'a> {
    sns: Node<'a>,
}

impl Delivery<'_> {
    /// SNS's id of the message.
    pub(super) fn message_id(&self) -> Option<String> {
        self.sns.text_if_any("MessageId").map(label)
    }

    /// When the message was published.
    pub(super) fn sent(&self) -> Option<Timestamp> {
        self.sns
            .peek("Timestamp")
            .and_then(|timestamp| instant(timestamp.value()))
    }
}

/// Reads every record of a delivery.
pub(super) fn deliveries(records: &Node<'_>) -> Vec<Result<AlarmMessage, InvalidEvent>> {
    match records.items() {
        Err(error) => vec![Err(error)],
        Ok(items) if items.len() == 0 => vec![Err(records.invalid("is empty".to_owned()))],
        Ok(items) => items.map(|record| one_record(&record)).collect(),
    }
}

fn one_record(record: &Node<'_>) -> Result<AlarmMessage, InvalidEvent> {
    let Some(sns) = record.optional("Sns")? else {
        return Err(not_sns(record));
    };
    if let Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") = sns.text_if_any("Type") {
        return Ok(AlarmMessage::Irrelevant(Irrelevant::SubscriptionMessage));
    }
    let message = sns.required("Message")?;
    if is_prose(&message) {
        return Ok(AlarmMessage::Irrelevant(Irrelevant::TestMessage));
    }
    let decoded = message.decoded()?;
    one_message(
        &Node::at(&message.path(), &decoded),
        Some(&Delivery { sns }),
    )
}

/// Publishing a test message is a step of the user guide's page on notifying users on
/// alarm changes. What starts as JSON and breaks off must not pass for one: it may be
/// an alarm.
fn is_prose(message: &Node<'_>) -> bool {
    let text = message.value().as_str();
    text.is_some_and(|text| !text.trim_start().starts_with(['{', '[']))
}

/// Reads the notification that an alarm with an SNS action publishes.
///
/// The user guide shows the message of a metric alarm with one metric (`Trigger` with
/// its fields), with several (`Trigger.Metrics`) and of a composite alarm (`AlarmRule`).
pub(super) fn notification(
    message: &Node<'_>,
    delivery: Option<&Delivery<'_>>,
) -> Result<AlarmMessage, InvalidEvent> {
    if message.optional("AlarmContributorId")?.is_some() {
        return Ok(AlarmMessage::Irrelevant(Irrelevant::ContributorStateChange));
    }
    let name = message.optional("AlarmName")?;
    // `Region` is a display name here ("US East (N. Virginia)"), so that the parts
    // could not make an ARN.
    let alarm = alarm::stated(&message.required("AlarmArn")?, name.as_ref())?;
    let watched = watched(message)?;
    let mute = message.optional("MuteDetail")?;
    let suppressed_by = message.optional("ActionsSuppressedBy")?;
    let sent = delivery.and_then(Delivery::sent);
    Ok(AlarmMessage::Transition(Box::new(Received {
        transition: AlarmTransition {
            alarm,
            state: alarm::state(&message.required("NewStateValue")?)?,
            at: alarm::entered(message, "StateChangeTime", sent)?,
            form: watched.form,
            metrics: watched.metrics,
            silenced: alarm::silenced(mute.as_ref(), suppressed_by.as_ref())?,
            reason: alarm::reason(message, "NewStateReason"),
        },
        envelope: Envelope::Sns,
        event_id: delivery.and_then(Delivery::message_id),
        replay_name: None,
    })))
}

fn watched(message: &Node<'_>) -> Result<Watched, InvalidEvent> {
    let Some(trigger) = message.optional("Trigger")? else {
        return Ok(Watched::no_metrics(
            message.optional("AlarmRule")?.is_some(),
        ));
    };
    if let Some(entries) = trigger.optional("Metrics")? {
        Watched::listed(&entries, &IN_NOTIFICATIONS)
    } else if trigger.optional("MetricName")?.is_some() || trigger.optional("Namespace")?.is_some()
    {
        Watched::single(&trigger, &IN_NOTIFICATIONS)
    } else {
        Ok(Watched::no_metrics(
            message.optional("AlarmRule")?.is_some(),
        ))
    }
}

/// A record of another service, such as an S3 notification or a queue's message.
fn not_sns(record: &Node<'_>) -> InvalidEvent {
    let source = record
        .peek("eventSource")
        .or_else(|| record.peek("EventSource"));
    match source {
        None => InvalidEvent::MissingField {
            path: record.path_of("Sns"),
        },
        Some(source) => InvalidEvent::UnknownEvent {
            path: source.path(),
            source_name: described(source.value()),
            detail_type: "absent".to_owned(),
        },
    }
}
