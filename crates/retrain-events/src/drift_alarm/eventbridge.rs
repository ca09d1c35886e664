//! EventBridge events, and direct alarm actions, which hold the same details under
//! another name.

use jiff::Timestamp;
use retrain_core::drift::AlarmTransition;
use retrain_core::names::AlarmArn;

use super::metrics::{IN_EVENTS, Watched};
use super::sns::Delivery;
use super::{AlarmMessage, Envelope, Irrelevant, Received, alarm};
use crate::error::InvalidEvent;
use crate::eventbridge::{self, Detail};
use crate::instant::instant;
use crate::node::Node;

/// Reads an EventBridge event by its detail-type.
pub(super) fn event(
    event: &Node<'_>,
    delivery: Option<&Delivery<'_>>,
) -> Result<AlarmMessage, InvalidEvent> {
    let irrelevant = |why| Ok(AlarmMessage::Irrelevant(why));
    match eventbridge::kind(event) {
        (Some("aws.cloudwatch"), Some("CloudWatch Alarm State Change")) => {
            state_change(event, delivery)
        }
        (Some("aws.cloudwatch"), Some("CloudWatch Alarm Configuration Change")) => {
            irrelevant(Irrelevant::ConfigurationChange)
        }
        (Some("aws.cloudwatch"), Some("CloudWatch Alarm Contributor State Change")) => {
            irrelevant(Irrelevant::ContributorStateChange)
        }
        _ => Err(eventbridge::unknown(event)),
    }
}

/// Reads the call that CloudWatch makes where the function is an alarm's action. It
/// has neither detail-type nor id.
pub(super) fn direct_action(
    event: &Node<'_>,
    delivery: Option<&Delivery<'_>>,
) -> Result<AlarmMessage, InvalidEvent> {
    let data = event.required("alarmData")?;
    if data.optional("alarmContributor")?.is_some() {
        return Ok(AlarmMessage::Irrelevant(Irrelevant::ContributorStateChange));
    }
    let name = data.optional("alarmName")?;
    let alarm = match event.optional("alarmArn")? {
        Some(arn) => alarm::stated(&arn, name.as_ref())?,
        None => alarm::built(
            &event.required("region")?,
            &event.required("accountId")?,
            &data.required("alarmName")?,
        )?,
    };
    Ok(AlarmMessage::Transition(Box::new(Received {
        transition: transition(&data, alarm, sent(event, delivery))?,
        envelope: delivery.map_or(Envelope::DirectAction, |_| Envelope::Sns),
        event_id: delivery.and_then(Delivery::message_id),
        replay_name: None,
    })))
}

fn state_change(
    event: &Node<'_>,
    delivery: Option<&Delivery<'_>>,
) -> Result<AlarmMessage, InvalidEvent> {
    let detail = Detail::of(event)?;
    let detail = detail.node();
    let alarm = alarm_of(event, &detail)?;
    Ok(AlarmMessage::Transition(Box::new(Received {
        transition: transition(&detail, alarm, sent(event, delivery))?,
        envelope: delivery.map_or(Envelope::EventBridge, |_| Envelope::Sns),
        event_id: eventbridge::id(event).or_else(|| delivery.and_then(Delivery::message_id)),
        replay_name: eventbridge::replay_name(event),
    })))
}

/// The first resource of an alarm's event is the alarm.
fn alarm_of(event: &Node<'_>, detail: &Node<'_>) -> Result<AlarmArn, InvalidEvent> {
    let first = eventbridge::resources(event)?.next();
    let name = detail.optional("alarmName")?;
    match first {
        Some(arn) => alarm::stated(&arn, name.as_ref()),
        None => alarm::built(
            &event.required("region")?,
            &event.required("account")?,
            &detail.required("alarmName")?,
        ),
    }
}

/// The details that EventBridge calls `detail` and a direct action `alarmData`.
fn transition(
    data: &Node<'_>,
    alarm: AlarmArn,
    sent: Option<Timestamp>,
) -> Result<AlarmTransition, InvalidEvent> {
    let state = data.required("state")?;
    let watched = watched(data)?;
    let mute = data.optional("muteDetail")?;
    let suppressed_by = state.optional("actionsSuppressedBy")?;
    Ok(AlarmTransition {
        alarm,
        state: alarm::state(&state.required("value")?)?,
        at: alarm::entered(&state, "timestamp", sent)?,
        form: watched.form,
        metrics: watched.metrics,
        silenced: alarm::silenced(mute.as_ref(), suppressed_by.as_ref())?,
        reason: alarm::reason(&state, "reason"),
    })
}

/// Only metric alarms have `metrics`, and only composite ones an `alarmRule`; log and
/// `PromQL` alarms have neither.
fn watched(data: &Node<'_>) -> Result<Watched, InvalidEvent> {
    let Some(configuration) = data.optional("configuration")? else {
        return Ok(Watched::no_metrics(false));
    };
    match configuration.optional("metrics")? {
        Some(entries) => Watched::listed(&entries, &IN_EVENTS),
        None => Ok(Watched::no_metrics(
            configuration.optional("alarmRule")?.is_some(),
        )),
    }
}

/// When the message was sent: a stand-in for a state without timestamp, and never a
/// reason to fail.
fn sent(event: &Node<'_>, delivery: Option<&Delivery<'_>>) -> Option<Timestamp> {
    event
        .peek("time")
        .and_then(|time| instant(time.value()))
        .or_else(|| delivery.and_then(Delivery::sent))
}
