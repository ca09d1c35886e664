//! Alarms that are in `ALARM` already when a policy begins to name them.

use std::io::Write;

use jiff::Timestamp;
use retrain_aws::{Answer, AwsController};
use retrain_cloudwatch::CloudWatch;
use retrain_controller::Clock;
use retrain_core::drift::DriftKind;
use retrain_core::event::Event;
use retrain_core::lane::SlotKey;
use retrain_core::names::{AlarmArn, ModelName};
use retrain_core::policy::{AlarmMatch, PolicyInForce};
use retrain_core::slot::{Phase, Slot};
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
                    alarm: alarm.alarm.clone(),
                    drift,
                    since: alarm.at,
                });
            }
        }
    }
    Ok(found)
}

/// Whether the alarm waits in the slot, or its claim or run carries it.
fn carries(slot: &Slot, alarm: &AlarmArn) -> bool {
    let claim = match &slot.phase {
        Phase::Idle => None,
        Phase::Starting(claim) => Some(claim),
        Phase::Running(run) => Some(&run.claim),
    };
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

/// Tells the controller of an alarm as if it had gone off now, and who has said so.
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
        at: around.clock.now(),
    });
    let subject = one.alarm.alarm_name();
    let told = controller.handle(subject, &event, policy, around.clock);
    Box::pin(in_time(settings.timing, told)).await
}
