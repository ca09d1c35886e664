//! The guards between a trigger and a start, in their order.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::execution::Execution;
use crate::facts::ControllerState;
use crate::names::EnvironmentName;
use crate::period::Period;
use crate::policy::{
    AtLeast, BackOff, Blackout, Budget, Mode, PolicyInForce, Promotion, Signal, open_from,
};
use crate::reason::{Reason, Reasons};
use crate::slot::Slot;
use crate::trigger::{Cause, TriggerKind};

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
        execution: Execution,
    },
    /// A person promotes packages to this environment.
    Promotion {
        /// The environment.
        environment: EnvironmentName,
    },
    /// The environment before this one has not run the package.
    NotPromoted {
        /// This environment.
        environment: EnvironmentName,
    },
    /// The waiting data is not enough any more, or more of it is just arriving.
    NotEnoughData {
        /// When time alone makes it enough, if it does.
        until: Option<Timestamp>,
    },
    /// Too few kinds of signals agree.
    AtLeast {
        /// The kinds that have asked within the window.
        agree: BTreeSet<Signal>,
        /// How many must.
        kinds: u32,
        /// Until when this one waits for company.
        until: Timestamp,
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
    /// Other models start first: few start at a time.
    Queued {
        /// When it is looked at again.
        until: Timestamp,
    },
}

/// What the guards look at, besides the reason.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) controller: &'a ControllerState,
    pub(crate) policy: &'a PolicyInForce,
    pub(crate) blackout_until: Option<Timestamp>,
    pub(crate) may_start: bool,
    /// When the waiting data is enough.
    pub(crate) data_ready_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

/// What one guard says about a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The guard's name in logs and metrics.
    pub guard: String,
    /// What keeps the cause, if this guard does.
    pub bites: Option<Guard>,
}

/// One guard: what keeps the reason, if it does.
type Check = fn(&View<'_>, &Reason) -> Option<Guard>;

/// All guards by name, in their order.
const CHAIN: [(&str, Check); 15] = [
    ("controller_paused", |view, _| {
        controller_paused(view.controller)
    }),
    ("model_paused", |view, _| model_paused(view.slot)),
    ("breaker_open", |view, _| breaker_open(view.slot)),
    ("in_flight", |view, _| in_flight(view.slot)),
    ("foreign_run", |view, _| foreign_run(view.slot)),
    ("promotion", |view, reason| promotion(view.policy, reason)),
    ("not_enough_data", |view, reason| {
        not_enough_data(view.data_ready_at, reason, view.now)
    }),
    ("at_least", |view, reason| {
        let rule = view.policy.policy.at_least.as_ref();
        at_least(view.slot, rule, reason, view.now)
    }),
    ("min_interval", |view, reason| {
        min_interval(view.slot, view.policy, reason, view.now)
    }),
    ("back_off", |view, reason| {
        back_off(view.slot, view.policy.policy.back_off, reason, view.now)
    }),
    ("budget", |view, reason| {
        budget(view.slot, view.policy, reason, view.now)
    }),
    ("blackout", |view, reason| {
        blackout(view.blackout_until, reason)
    }),
    ("misconfigured", |view, _| {
        misconfigured(view.slot, view.policy)
    }),
    ("no_capacity", |view, _| no_capacity(view.slot, view.now)),
    ("queued", |view, _| queued(view.may_start, view.now)),
];

impl Guard {
    /// All guards in their order, each with what keeps the reason, if it does.
    pub(crate) fn all(
        view: View<'_>,
        reason: &Reason,
    ) -> impl Iterator<Item = (&'static str, Option<Self>)> {
        CHAIN
            .iter()
            .map(move |(name, check)| (*name, check(&view, reason)))
    }

    /// The first guard that bites, if any.
    pub(crate) fn first(view: View<'_>, reason: &Reason) -> Option<Self> {
        Self::all(view, reason).find_map(|(_, guard)| guard)
    }

    /// When it clears by itself, if it does.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::MinInterval { until, .. }
            | Self::BackOff { until, .. }
            | Self::Budget { until, .. }
            | Self::Blackout { until }
            | Self::AtLeast { until, .. }
            | Self::Queued { until }
            | Self::NoCapacity { until, .. } => Some(*until),
            Self::NotEnoughData { until } => *until,
            Self::ControllerPaused { .. }
            | Self::ModelPaused { .. }
            | Self::BreakerOpen { .. }
            | Self::InFlight { .. }
            | Self::ForeignRun { .. }
            | Self::Promotion { .. }
            | Self::NotPromoted { .. }
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
            Self::Promotion { .. } => "promotion",
            Self::NotPromoted { .. } => "not_promoted",
            Self::NotEnoughData { .. } => "not_enough_data",
            Self::AtLeast { .. } => "at_least",
            Self::MinInterval { .. } => "min_interval",
            Self::BackOff { .. } => "back_off",
            Self::Budget { .. } => "budget",
            Self::Blackout { .. } => "blackout",
            Self::Misconfigured { .. } => "misconfigured",
            Self::NoCapacity { .. } => "no_capacity",
            Self::Queued { .. } => "queued",
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
            Self::Promotion { environment } => {
                write!(f, "a person promotes packages to {environment}")
            }
            Self::NotPromoted { environment } => {
                write!(
                    f,
                    "the environment before {environment} has not run the package, and nobody forces it"
                )
            }
            Self::AtLeast {
                agree,
                kinds,
                until,
            } => {
                write!(f, "{} of {kinds} kinds of signals agree (", agree.len())?;
                for (at, kind) in agree.iter().enumerate() {
                    write!(f, "{}{kind}", if at == 0 { "" } else { ", " })?;
                }
                write!(f, "), waiting for others until {until}")
            }
            Self::NotEnoughData { until: Some(until) } => {
                write!(
                    f,
                    "the training data is enough at {until}, if no more comes"
                )
            }
            Self::NotEnoughData { until: None } => {
                f.write_str("the training data is not enough any more")
            }
            Self::Queued { until } => {
                write!(f, "other models start first, next look at {until}")
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

fn promotion(policy: &PolicyInForce, reason: &Reason) -> Option<Guard> {
    let environment = policy.environment()?;
    let waits = match &reason.cause {
        Cause::Deployment { because, .. } => because.waits_for_promotion(),
        _ => false,
    };
    (waits && environment.promotion == Promotion::Person).then(|| Guard::Promotion {
        environment: environment.name.clone(),
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
fn budget(slot: &Slot, policy: &PolicyInForce, reason: &Reason, now: Timestamp) -> Option<Guard> {
    let budget = policy.policy.budget;
    let Budget { starts, window } = budget.filter(|_| !reason.cause.is_forced())?;
    let allowed = usize::try_from(starts).ok()?;
    let mut spent: Vec<Timestamp> = slot.starts.iter().map(|start| start.at).collect();
    if policy.policy.mode == Mode::Observe {
        spent.extend(&slot.observed_starts);
        spent.sort_unstable();
    }
    let oldest = spent.len().checked_sub(allowed)?;
    let until = later(*spent.get(oldest)?, window.duration());
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
    slot.phase.claim().map(|claim| Guard::InFlight {
        claim: claim.number,
    })
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
        .observed_starts
        .last()
        .copied()
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
        .filter(|known| known.policy_digest == policy.digest())
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

/// Whether data is enough is asked anew when it may start: meanwhile a batch may have
/// begun to arrive, or an overwrite may have taken rows away. What a failed run has
/// given back was enough, and is tried again as it is.
fn not_enough_data(ready_at: Option<Timestamp>, reason: &Reason, now: Timestamp) -> Option<Guard> {
    let is_enough = ready_at.is_some_and(|at| at <= now);
    (reason.is_data() && reason.failures == 0 && !is_enough)
        .then_some(Guard::NotEnoughData { until: ready_at })
}

fn at_least(slot: &Slot, rule: Option<&AtLeast>, reason: &Reason, now: Timestamp) -> Option<Guard> {
    let rule = rule.filter(|rule| is_alone(rule, reason))?;
    Some(Guard::AtLeast {
        agree: agreeing(&slot.held, rule, now),
        kinds: rule.kinds,
        until: later(reason.last_at, rule.within.duration()),
    })
}

/// Whether a cause of this kind still needs others to agree.
pub(crate) fn is_alone(rule: &AtLeast, reason: &Reason) -> bool {
    let signal = Signal::of(&reason.cause);
    !reason.confirmed && signal.is_some_and(|signal| rule.of.contains(&signal))
}

/// The kinds of signals that have asked within the rule's window.
pub(crate) fn agreeing(held: &Reasons, rule: &AtLeast, now: Timestamp) -> BTreeSet<Signal> {
    held.iter()
        .filter(|reason| later(reason.last_at, rule.within.duration()) > now)
        .filter_map(|reason| Signal::of(&reason.cause))
        .filter(|signal| rule.of.contains(signal))
        .collect()
}

/// How long a model waits whose turn to start has not come.
const QUEUED_FOR: SignedDuration = SignedDuration::from_mins(1);

fn queued(may_start: bool, now: Timestamp) -> Option<Guard> {
    (!may_start).then(|| Guard::Queued {
        until: later(now, QUEUED_FOR),
    })
}

/// `initial` doubled `times` times, at most `cap`.
pub(crate) fn doubled(initial: SignedDuration, times: u32, cap: SignedDuration) -> SignedDuration {
    2_i32
        .checked_pow(times)
        .and_then(|factor| initial.checked_mul(factor))
        .map_or(cap, |wait| wait.min(cap))
}

/// `at` minus `ago`, or the beginning of time.
pub(crate) fn earlier(at: Timestamp, ago: SignedDuration) -> Timestamp {
    let at = at.as_duration().saturating_sub(ago);
    Timestamp::from_duration(at).unwrap_or(Timestamp::MIN)
}

/// `at` plus `wait`, or the end of time.
pub(crate) fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    let at = at.as_duration().saturating_add(wait);
    Timestamp::from_duration(at).unwrap_or(Timestamp::MAX)
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
