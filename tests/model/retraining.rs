//! The lane of retraining.

use retrain_core::data::{Arrivals, ObjectVersion};
use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::order::{Order, OrderKind};
use retrain_core::sequencer::Sequencer;

use crate::setup::{Ends, Jump, Limits, News, Setup, cleared, drift};

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "parameters": {"Token": "{token}", "Alarm": "{alarm_name}", "End": "{training_window_end}"},
    "training_window": "1d",
    "drift": {"alarms": [{"alarm_name": "a-*"}]},
    "data": {
        "objects": [{"bucket": "fraud-data", "prefix": "in/"}],
        "min_rows": 100, "quiet_period": "5m", "max_wait": "2h"
    },
    "no_improvement": {"steps": ["NotBetter"], "max_times": 2},
    "min_interval": "1h",
    "back_off": {"initial": "10m", "cap": "1h", "max_failures": 2},
    "budget": {"starts": 2, "window": "12h"},
    "breaker_after_failures": 2
}"#;

const FAILED: Ends = Ends::As(ExecutionStatus::Failed);
const SUCCEEDED: Ends = Ends::As(ExecutionStatus::Succeeded);
const STOPPED: Ends = Ends::As(ExecutionStatus::Stopped);

/// Two alarms, one of them told twice, two workers that die or do not hear AWS's answer.
pub(crate) fn crashes(deep: bool) -> Setup {
    Setup {
        workers: 2,
        jumps: &[Jump::Due],
        limits: limits(
            deep,
            Limits {
                crashes: 1,
                lost_answers: 1,
                jumps: 2,
                ..Limits::default()
            },
            |more| more.lost_calls = 1,
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 1, drift("a-0", 0))
    .event(0, 0, drift("a-1", 0))
}

/// One alarm, and start calls that are lost, late, or unanswered; clocks that differ, and
/// workers that are frozen.
pub(crate) fn leases(deep: bool) -> Setup {
    Setup {
        workers: 2,
        skews: &[-5, 5],
        jumps: if deep {
            &[Jump::By(35), Jump::By(110), Jump::Due]
        } else {
            &[Jump::By(110), Jump::Due]
        },
        limits: limits(
            deep,
            Limits {
                crashes: 1,
                lost_calls: 1,
                late_calls: 1,
                jumps: 2,
                ..Limits::default()
            },
            |more| {
                more.early_looks = 1;
                more.jumps = 3;
            },
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 0, drift("a-0", 0))
}

/// AWS refuses, before and after calls that were not answered.
pub(crate) fn refusals(deep: bool) -> Setup {
    Setup {
        workers: 2,
        jumps: &[Jump::Due],
        limits: limits(
            deep,
            Limits {
                lost_answers: 1,
                no_capacity: 1,
                misconfigured: 1,
                jumps: 2,
                ..Limits::default()
            },
            |more| more.crashes = 1,
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 1, drift("a-0", 0))
    .event(0, 0, ordered(OrderKind::Resume))
}

/// An alarm goes off, is over, and goes off again, in any order; runs end in each way, and
/// AWS may not tell.
pub(crate) fn ends(deep: bool) -> Setup {
    Setup {
        workers: 2,
        jumps: &[Jump::Due],
        ends: &[SUCCEEDED, FAILED, STOPPED, Ends::NotBetter],
        limits: limits(
            deep,
            Limits {
                crashes: 1,
                jumps: 1,
                ends: 1,
                ..Limits::default()
            },
            |more| more.crashes = 2,
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 0, drift("a-0", -20))
    .event(0, 0, cleared("a-0", -10))
    .event(0, 0, drift("a-0", 0))
}

/// People pause, go on, give up a claim and start a run by hand.
pub(crate) fn people(deep: bool) -> Setup {
    Setup {
        workers: 2,
        jumps: &[Jump::Due],
        ends: &[SUCCEEDED],
        limits: limits(
            deep,
            Limits {
                lost_answers: 1,
                jumps: 1,
                ..Limits::default()
            },
            |more| more.ends = 1,
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 0, drift("a-0", 0))
    .event(0, 0, ordered(OrderKind::Pause))
    .event(0, 0, ordered(OrderKind::Resume))
    .event(100, 0, ordered(OrderKind::Abandon))
    .once(News::StartByHand)
}

/// Objects arrive, twice and in any order, while runs that carry them fail.
pub(crate) fn data(deep: bool) -> Setup {
    Setup {
        workers: 2,
        jumps: &[Jump::Due],
        ends: &[FAILED, SUCCEEDED],
        limits: limits(
            deep,
            Limits {
                jumps: 2,
                ends: 1,
                ..Limits::default()
            },
            |more| {
                more.crashes = 1;
                more.jumps = 3;
            },
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 1, arrived("1", 60))
    .event(0, 0, arrived("2", 70))
}

/// People demand starts against interval and budget.
pub(crate) fn demands(deep: bool) -> Setup {
    Setup {
        workers: 1,
        jumps: &[Jump::By(1_800), Jump::Due],
        ends: &[FAILED, SUCCEEDED],
        limits: limits(
            deep,
            Limits {
                jumps: 2,
                ends: 2,
                ..Limits::default()
            },
            |more| more.lost_answers = 1,
        ),
        ..Setup::new(POLICY)
    }
    .event(0, 0, drift("a-0", 0))
    .event(0, 0, drift("a-1", 0))
    .event(0, 0, drift("a-2", 0))
}

/// What may happen in a run of seconds, and what is more in one of minutes.
pub(crate) fn limits(deep: bool, mut limits: Limits, more: impl FnOnce(&mut Limits)) -> Limits {
    if deep {
        more(&mut limits);
    }
    limits
}

fn ordered(kind: OrderKind) -> Event {
    Event::Order(Order::new(kind, "ana", "holidays"))
}

/// An object with so many rows.
fn arrived(key: &str, rows: u64) -> Event {
    Event::Data(Arrivals {
        objects: vec![ObjectVersion {
            bucket: "fraud-data".to_owned(),
            key: format!("in/{key}"),
            version_id: None,
            etag: None,
            sequencer: Sequencer::parse("01").expect("a sequencer"),
            rows,
            bytes: rows,
            uncounted: None,
        }],
        ..Arrivals::default()
    })
}
