//! What every envelope says about the alarm itself: which, in what state, since when.

use jiff::Timestamp;
use retrain_core::drift::{AlarmState, Silenced};
use retrain_core::names::{AlarmArn, shortened};

use crate::error::{InvalidEvent, quoted};
use crate::eventbridge::label;
use crate::instant::instant;
use crate::node::Node;

/// CloudWatch's own limit is 1023 characters; a record needs only the gist.
const REASON: usize = 300;

/// Reads an alarm's ARN and checks it against the name that the details give.
pub(super) fn stated(arn: &Node<'_>, name: Option<&Node<'_>>) -> Result<AlarmArn, InvalidEvent> {
    let text = arn.text()?;
    // CloudWatch's limit for an ARN. Checked before the copy that parsing makes.
    let parsed = (text.len() <= 1600)
        .then(|| AlarmArn::parse(text))
        .and_then(Result::ok);
    let parsed =
        parsed.ok_or_else(|| arn.invalid(format!("is {}, not an alarm's ARN", quoted(text))))?;
    match name {
        Some(name) if name.text()? != parsed.alarm_name() => Err(InvalidEvent::AlarmNameMismatch {
            path: name.path(),
            alarm_name: name.described(),
            arn_name: quoted(parsed.alarm_name()),
        }),
        _ => Ok(parsed),
    }
}

/// Puts an alarm's ARN together where an envelope names only the parts.
pub(super) fn built(
    region: &Node<'_>,
    account: &Node<'_>,
    name: &Node<'_>,
) -> Result<AlarmArn, InvalidEvent> {
    let region_name = region.text_up_to(32)?;
    let partition = match region_name {
        china if china.starts_with("cn-") => "aws-cn",
        government if government.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let account = account.text_up_to(12)?;
    let name = name.text_up_to(255)?;
    AlarmArn::parse(format!(
        "arn:{partition}:cloudwatch:{region_name}:{account}:alarm:{name}"
    ))
    .map_err(|_| {
        region.invalid(format!(
            "is {}: with account {} and alarm name {} it makes no ARN",
            quoted(region_name),
            quoted(account),
            quoted(name)
        ))
    })
}

/// Reads a state's value.
pub(super) fn state(value: &Node<'_>) -> Result<AlarmState, InvalidEvent> {
    match value.text()? {
        "OK" => Ok(AlarmState::Ok),
        "ALARM" => Ok(AlarmState::Alarm),
        "INSUFFICIENT_DATA" => Ok(AlarmState::InsufficientData),
        other => Err(value.invalid(format!(
            "is {}, not OK, ALARM or INSUFFICIENT_DATA",
            quoted(other)
        ))),
    }
}

/// When the state was entered: the field `key` of `holder`, or else when the message
/// was sent. A timestamp that is there but makes no sense is an error, because the
/// transition is known by it.
pub(super) fn entered(
    holder: &Node<'_>,
    key: &str,
    sent: Option<Timestamp>,
) -> Result<Timestamp, InvalidEvent> {
    match holder.optional(key)? {
        Some(timestamp) => instant(timestamp.value()).ok_or_else(|| {
            timestamp.invalid(format!("is {}, not a timestamp", timestamp.described()))
        }),
        None => sent.ok_or_else(|| InvalidEvent::MissingField {
            path: holder.path_of(key),
        }),
    }
}

/// CloudWatch's sentence about the transition. Absent for `PromQL` alarms.
pub(super) fn reason(holder: &Node<'_>, key: &str) -> Option<String> {
    holder.text_if_any(key).map(|text| shortened(text, REASON))
}

/// What keeps the alarm's actions silent: a mute rule or a composite's suppressor.
pub(super) fn silenced(
    mute: Option<&Node<'_>>,
    suppressed_by: Option<&Node<'_>>,
) -> Result<Option<Silenced>, InvalidEvent> {
    if let Some(mute) = mute {
        let by = mute.optional("mutedByArn")?;
        let by = by.as_ref().map(Node::text).transpose()?.map(label);
        return Ok(Some(Silenced::Muted { by }));
    }
    let by = suppressed_by.map(Node::text).transpose()?;
    Ok(by
        .filter(|by| !by.is_empty())
        .map(|by| Silenced::Suppressed { by: label(by) }))
}
