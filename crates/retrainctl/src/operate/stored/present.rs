//! Alarms that are in `ALARM` already when a policy begins to name them.

use std::io::Write;

use jiff::Timestamp;
use retrain_aws::{Answer, AwsController};
use retrain_cloudwatch::CloudWatch;
use retrain_controller::Clock;
use retrain_core::drift::{AlarmTransition, DriftKind};
use retrain_core::event::Event;
use retrain_core::lane::SlotKey;
use retrain_core::names::{AlarmArn, ModelName};
use retrain_core::policy::{AlarmMatch, PolicyInForce};
use retrain_core::slot::Slot;
use retrain_core::trigger::{Cause, Trigger};
use retrain_policies::IgnoredAlarm;
use serde::Serialize;

use super::super::ask::{by, settings};
use super::super::place::Place;
use super::super::{Surroundings, in_time};
use crate::cli::operate::AskArgs;
use crate::exit::Failure;
use crate::words::{ago, moment};

/// An alarm that is in `ALARM`, and means drift of a model.
#[derive(Debug, Serialize)]
pub(super) struct Present {
    pub(super) model: ModelName,
    pub(super) alarm: AlarmArn,
    pub(super) drift: DriftKind,
    pub(super) since: Timestamp,
    /// Whether the model holds it already, or an execution carries it.
    pub(super) is_known: bool,
    /// When it went off, as the controller is told.
    #[serde(skip)]
    told_at: Timestamp,
}

impl Present {
    /// Whether it is the same alarm of the same model.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.model, &self.alarm) == (&other.model, &other.alarm)
    }
}

/// What in `ALARM` means drift under these policies. Silenced alarms mean nothing.
pub(super) async fn present(
    policies: &[PolicyInForce],
    place: &Place,
    around: &Surroundings<'_, impl Clock>,
) -> Result<Vec<Present>, Failure> {
    if policies.iter().all(|one| one.policy.drift.is_empty()) {
        return Ok(Vec::new());
    }
    let cloudwatch = CloudWatch::new(aws_sdk_cloudwatch::Client::new(around.aws));
    let mut alarms = cloudwatch.all_in_alarm().await?;
    alarms.retain(|alarm| IgnoredAlarm::whatever_the_policies(alarm).is_none());
    alarms.sort_by(|a, b| a.alarm.cmp(&b.alarm));
    let keys: Vec<SlotKey> = policies
        .iter()
        .map(|policy| SlotKey::retrain(policy.model.clone()))
        .collect();
    let seen = place.store.look(&keys).await?;
    let mut found = Vec::new();
    for (policy, key) in policies.iter().zip(&keys) {
        let slot = seen.slots.get(key);
        for alarm in &alarms {
            if let AlarmMatch::Drift(drift) = policy.policy.drift.matches(alarm) {
                found.push(Present {
                    model: policy.model.clone(),
                    is_known: slot.is_some_and(|slot| carries(slot, &alarm.alarm)),
                    told_at: told_at(alarm, slot, policy, around.clock.now()),
                    alarm: alarm.alarm.clone(),
                    drift,
                    since: alarm.at,
                });
            }
        }
    }
    Ok(found)
}

/// When an alarm went off, as its event tells: should that still come, it is a duplicate.
/// What is too old to be taken, or was taken before, is told anew.
fn told_at(
    alarm: &AlarmTransition,
    slot: Option<&Slot>,
    policy: &PolicyInForce,
    now: Timestamp,
) -> Timestamp {
    let horizon = now.saturating_sub(policy.policy.max_event_age.duration());
    let newest = slot.and_then(|slot| slot.alarms.newest(&alarm.alarm));
    let was_taken = newest.is_some_and(|seen| seen.state == alarm.state && seen.at >= alarm.at);
    if was_taken || horizon.is_ok_and(|horizon| alarm.at < horizon) {
        now
    } else {
        alarm.at
    }
}

/// Whether the alarm waits in the slot, or its claim or run carries it.
fn carries(slot: &Slot, alarm: &AlarmArn) -> bool {
    let claim = slot.phase.claim();
    let carried = claim.into_iter().flat_map(|claim| claim.reasons.iter());
    let mut causes = slot.held.iter().chain(carried);
    causes.any(|reason| reason.cause.id() == alarm.as_str() && !reason.withdrawn)
}

/// Shows them as text.
pub(super) fn print(found: &[Present], now: Timestamp, out: &mut dyn Write) -> std::io::Result<()> {
    if !found.is_empty() {
        writeln!(out, "in ALARM already:")?;
    }
    for one in found {
        let name = one.alarm.alarm_name();
        let known = if one.is_known { ", which it knows" } else { "" };
        writeln!(
            out,
            "  {}: {} alarm {name:?} since {} ({}){known}",
            one.model,
            one.drift,
            moment(one.since),
            ago(one.since, now)
        )?;
    }
    Ok(())
}

/// Tells the controller of an alarm as its event would have, and who has said so.
pub(super) async fn hold(
    one: &Present,
    policy: &PolicyInForce,
    args: &AskArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<Answer, Failure> {
    let settings = settings(args, around)?;
    let controller = AwsController::new(&settings, around.aws);
    let (who, why, since) = (by(args, around)?, &args.why, moment(one.since));
    let event = Event::Trigger(Trigger {
        cause: Cause::Drift {
            alarm: one.alarm.clone(),
            drift: one.drift,
            evidence: Some(format!(
                "in ALARM since {since} when {who:?} applied the policy: {why:?}"
            )),
        },
        at: one.told_at,
    });
    let subject = one.alarm.alarm_name();
    let told = controller.handle(subject, &event, policy, around.clock);
    Box::pin(in_time(settings.timing, told)).await
}
