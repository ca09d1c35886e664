//! The guards between a trigger and a start, in their order.

use alloc::string::String;
use core::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::ControllerState;
use crate::names::PipelineExecutionArn;
use crate::period::Period;
use crate::policy::{BackOff, Blackout, Budget, Mode, PolicyInForce, open_from};
use crate::reason::Reason;
use crate::slot::{Phase, Slot};
use crate::trigger::TriggerKind;

/// What keeps a trigger from starting an execution now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Guard {
    /// A person paused the whole controller.
    ControllerPaused {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person paused this model.
    ModelPaused {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// Too many runs have failed in a row; a person must reset the breaker.
    BreakerOpen {
        /// How many.
        failures: u32,
        /// Since when.
        since: Timestamp,
    },
    /// An execution is starting or running.
    InFlight {
        /// Its claim.
        claim: u64,
    },
    /// An execution that is not ours runs the model's pipeline.
    ForeignRun {
        /// The execution.
        execution: PipelineExecutionArn,
    },
    /// The last start is too recent.
    MinInterval {
        /// The last start.
        last_start: Timestamp,
        /// The kind of trigger that waits.
        kind: TriggerKind,
        /// The interval for triggers of this kind.
        interval: Period,
        /// When it ends.
        until: Timestamp,
    },
    /// The last runs failed.
    BackOff {
        /// How many in a row.
        failures: u32,
        /// When the wait ends.
        until: Timestamp,
    },
    /// The budget is spent.
    Budget {
        /// How many starts it allows.
        starts: u32,
        /// Within this time.
        window: Period,
        /// When the oldest of them is no longer in the window.
        until: Timestamp,
    },
    /// Nothing is started at these hours.
    Blackout {
        /// When they end.
        until: Timestamp,
    },
    /// A start could never work under this version of the policy.
    Misconfigured {
        /// What is wrong.
        what: String,
        /// The version.
        policy_version: u64,
    },
    /// AWS has no capacity.
    NoCapacity {
        /// How often in a row.
        times: u32,
        /// When to try again.
        until: Timestamp,
    },
}

impl Guard {
    /// The first guard that bites, if any.
    pub(crate) fn first(
        slot: &Slot,
        controller: &ControllerState,
        policy: &PolicyInForce,
        blackout_until: Option<Timestamp>,
        reason: &Reason,
        now: Timestamp,
    ) -> Option<Self> {
        controller_paused(controller)
            .or_else(|| model_paused(slot))
            .or_else(|| breaker_open(slot))
            .or_else(|| in_flight(slot))
            .or_else(|| foreign_run(slot))
            .or_else(|| min_interval(slot, policy, reason, now))
            .or_else(|| back_off(slot, policy.policy.back_off, reason, now))
            .or_else(|| budget(slot, policy.policy.budget, reason, now))
            .or_else(|| blackout(blackout_until, reason))
            .or_else(|| misconfigured(slot, policy))
            .or_else(|| no_capacity(slot, now))
    }

    /// When it clears by itself, if it does.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::MinInterval { until, .. }
            | Self::BackOff { until, .. }
            | Self::Budget { until, .. }
            | Self::Blackout { until }
            | Self::NoCapacity { until, .. } => Some(*until),
            Self::ControllerPaused { .. }
            | Self::ModelPaused { .. }
            | Self::BreakerOpen { .. }
            | Self::InFlight { .. }
            | Self::ForeignRun { .. }
            | Self::Misconfigured { .. } => None,
        }
    }

    /// Its name in logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ControllerPaused { .. } => "controller_paused",
            Self::ModelPaused { .. } => "model_paused",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::InFlight { .. } => "in_flight",
            Self::ForeignRun { .. } => "foreign_run",
            Self::MinInterval { .. } => "min_interval",
            Self::BackOff { .. } => "back_off",
            Self::Budget { .. } => "budget",
            Self::Blackout { .. } => "blackout",
            Self::Misconfigured { .. } => "misconfigured",
            Self::NoCapacity { .. } => "no_capacity",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControllerPaused { by, why } => {
                write!(f, "{by:?} paused the controller: {why:?}")
            }
            Self::ModelPaused { by, why } => write!(f, "{by:?} paused the model: {why:?}"),
            Self::InFlight { claim } => write!(f, "the execution of claim {claim} is in flight"),
            Self::BreakerOpen { failures, since } => {
                write!(
                    f,
                    "{failures} failed runs in a row opened the breaker at {since}"
                )
            }
            Self::Budget {
                starts,
                window,
                until,
            } => {
                write!(
                    f,
                    "the budget of {starts} start(s) within {window} is spent until {until}"
                )
            }
            Self::Blackout { until } => {
                write!(f, "nothing is started at these hours, until {until}")
            }
            Self::ForeignRun { execution } => {
                write!(f, "{execution} runs, which is none of ours")
            }
            Self::MinInterval {
                last_start,
                kind,
                interval,
                until,
            } => write!(
                f,
                "the minimum interval of {interval} for {kind} triggers since the start at {last_start} ends at {until}"
            ),
            Self::BackOff { failures, until } => {
                write!(
                    f,
                    "{failures} failed run(s) in a row, waiting until {until}"
                )
            }
            Self::Misconfigured {
                what,
                policy_version,
            } => {
                write!(
                    f,
                    "a start cannot work under policy version {policy_version}: {what}"
                )
            }
            Self::NoCapacity { times, until } => {
                write!(
                    f,
                    "no capacity at AWS ({times} time(s) in a row), next try at {until}"
                )
            }
        }
    }
}

fn controller_paused(controller: &ControllerState) -> Option<Guard> {
    controller
        .paused
        .as_ref()
        .map(|pause| Guard::ControllerPaused {
            by: pause.by.clone(),
            why: pause.why.clone(),
        })
}

fn model_paused(slot: &Slot) -> Option<Guard> {
    slot.paused.as_ref().map(|pause| Guard::ModelPaused {
        by: pause.by.clone(),
        why: pause.why.clone(),
    })
}

fn breaker_open(slot: &Slot) -> Option<Guard> {
    slot.breaker_open.as_ref().map(|open| Guard::BreakerOpen {
        failures: open.failures,
        since: open.since,
    })
}

/// Counts the controller's own starts; a person's forced start counts, but is not
/// kept back.
fn budget(slot: &Slot, budget: Option<Budget>, reason: &Reason, now: Timestamp) -> Option<Guard> {
    let Budget { starts, window } = budget.filter(|_| !reason.cause.is_forced())?;
    let allowed = usize::try_from(starts).ok()?;
    let oldest = slot.starts.len().checked_sub(allowed)?;
    let until = later(slot.starts.get(oldest)?.at, window.duration());
    (now < until).then_some(Guard::Budget {
        starts,
        window,
        until,
    })
}

fn blackout(until: Option<Timestamp>, reason: &Reason) -> Option<Guard> {
    let until = until.filter(|_| !reason.cause.is_forced())?;
    Some(Guard::Blackout { until })
}

/// The end of the blackout hours that cover `now`, if any do.
pub(crate) fn blackout_until(blackouts: &[Blackout], now: Timestamp) -> Option<Timestamp> {
    // A policy whose windows never end is refused when it is parsed.
    let until =
        open_from(blackouts, now).unwrap_or_else(|| later(now, SignedDuration::from_hours(24)));
    (until > now).then_some(until)
}

fn in_flight(slot: &Slot) -> Option<Guard> {
    match &slot.phase {
        Phase::Idle => None,
        Phase::Starting(claim) => Some(Guard::InFlight {
            claim: claim.number,
        }),
        Phase::Running(run) => Some(Guard::InFlight {
            claim: run.claim.number,
        }),
    }
}

fn foreign_run(slot: &Slot) -> Option<Guard> {
    slot.foreign.first().map(|run| Guard::ForeignRun {
        execution: run.execution.clone(),
    })
}

fn min_interval(
    slot: &Slot,
    policy: &PolicyInForce,
    reason: &Reason,
    now: Timestamp,
) -> Option<Guard> {
    if reason.cause.is_forced() {
        return None;
    }
    let observed = slot
        .observed_start_at
        .filter(|_| policy.policy.mode == Mode::Observe);
    let last_start = slot.last_start().max(observed)?;
    let kind = reason.cause.kind();
    let interval = policy.policy.min_interval_for(kind);
    let until = later(last_start, interval.duration());
    (now < until).then_some(Guard::MinInterval {
        last_start,
        kind,
        interval,
        until,
    })
}

fn back_off(slot: &Slot, back_off: BackOff, reason: &Reason, now: Timestamp) -> Option<Guard> {
    if reason.cause.is_forced() {
        return None;
    }
    let failed_at = slot.failed_at?;
    let wait = doubled(
        back_off.initial.duration(),
        slot.failures.saturating_sub(1),
        back_off.cap.duration(),
    );
    let until = later(failed_at, wait);
    (slot.failures > 0 && now < until).then_some(Guard::BackOff {
        failures: slot.failures,
        until,
    })
}

fn misconfigured(slot: &Slot, policy: &PolicyInForce) -> Option<Guard> {
    slot.misconfigured
        .as_ref()
        .filter(|known| known.policy_version == policy.version)
        .map(|known| Guard::Misconfigured {
            what: known.what.clone(),
            policy_version: known.policy_version,
        })
}

fn no_capacity(slot: &Slot, now: Timestamp) -> Option<Guard> {
    slot.no_capacity
        .as_ref()
        .filter(|known| now < known.until)
        .map(|known| Guard::NoCapacity {
            times: known.times,
            until: known.until,
        })
}

/// `initial` doubled `times` times, at most `cap`.
pub(crate) fn doubled(initial: SignedDuration, times: u32, cap: SignedDuration) -> SignedDuration {
    2_i32
        .checked_pow(times)
        .and_then(|factor| initial.checked_mul(factor))
        .map_or(cap, |wait| wait.min(cap))
}

/// `at` plus `wait`, or the end of time.
pub(crate) fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_its_cap() {
        let minutes = SignedDuration::from_mins;
        assert_eq!(doubled(minutes(30), 0, minutes(100)), minutes(30));
        assert_eq!(doubled(minutes(30), 1, minutes(100)), minutes(60));
        assert_eq!(doubled(minutes(30), 2, minutes(100)), minutes(100));
        assert_eq!(doubled(minutes(30), u32::MAX, minutes(100)), minutes(100));
    }
}
