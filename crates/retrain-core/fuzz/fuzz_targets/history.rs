//! Any order of events for one model: whatever comes when, nothing panics, each write is
//! the next version, and nothing grows without end.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use retrain_core::data::{Arrivals, KnownObjects, ObjectVersion};
use retrain_core::drift::DriftKind;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus, Refusal, StartAnswer, Steps};
use retrain_core::execution::Execution;
use retrain_core::facts::{ControllerState, Facts, Lookup, Lookups, Timing};
use retrain_core::names::{AlarmArn, ModelName};
use retrain_core::order::{Order, OrderKind};
use retrain_core::policy::{Policy, PolicyInForce};
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::Slot;
use retrain_core::step::{Step, step};
use retrain_core::token::Epoch;
use retrain_core::trigger::{Cause, Trigger};

const POLICY: &str = r#"{
    "pipeline": {"name": "training"},
    "parameters": {"ControllerToken": "{token}"},
    "drift": {"alarms": [{"alarm_name": "drift-*"}]},
    "data": {"objects": [{"bucket": "data", "prefix": "train/"}], "min_rows": 100},
    "budget": {"starts": 5, "window": "1d"},
    "min_interval": "1h"
}"#;

static MODEL: LazyLock<PolicyInForce> = LazyLock::new(|| {
    let name = ModelName::parse("model").expect("it is a name");
    PolicyInForce::new(name, 1, Policy::parse(POLICY).expect("it is a policy"))
});

fuzz_target!(|moves: Vec<(u8, u8, u16)>| {
    let controller = ControllerState {
        epoch: Epoch::derive(&["fuzz"]),
        paused: None,
    };
    let lookups = Lookups {
        in_alarm: Lookup::Found(BTreeSet::new()),
        ..Lookups::default()
    };
    let mut slot = Slot::new();
    let mut objects = KnownObjects::new();
    let mut now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000);
    for (what, which, seconds) in moves {
        now += SignedDuration::from_secs(i64::from(seconds));
        let event = event(what, which, &slot, now);
        let facts = Facts {
            lookups: Some(&lookups),
            objects: &objects,
            may_start: which % 7 != 0,
            ..Facts::new(&controller, Timing::default())
        };
        let Ok(Step::Commit(commit)) = step(&slot, &event, &facts, &MODEL, now) else {
            continue;
        };
        assert_eq!(commit.slot.version, slot.version + 1);
        assert!(commit.slot.claims >= slot.claims);
        slot = *commit.slot;
        for write in commit.objects {
            objects.insert(write.record.version.id(), write.record);
        }
        assert!(slot.held.iter().count() <= 200, "causes are bounded");
        assert!(slot.starts.len() <= 1_000, "starts are bounded");
    }
});

fn event(what: u8, which: u8, slot: &Slot, now: Timestamp) -> Event {
    let ago = SignedDuration::from_secs(i64::from(which));
    match what % 12 {
        0 | 1 => Event::Trigger(Trigger {
            cause: Cause::Drift {
                alarm: alarm(which % 4),
                drift: DriftKind::DataQuality,
                evidence: None,
            },
            at: now - ago,
        }),
        2 => Event::AlarmCleared {
            alarm: alarm(which % 4),
            at: now - ago,
        },
        3 => Event::StartAnswered {
            claim: slot.claims.saturating_sub(u64::from(which % 2)),
            attempt: 1 + u32::from(which % 3),
            answer: answer(which, slot.claims, now),
        },
        4 | 5 => Event::Status(ExecutionReport {
            execution: execution(slot.claims.saturating_sub(u64::from(which % 3))),
            display_name: None,
            status: status(which),
            failure: (which % 5 == 0).then(|| "it failed".to_owned()),
            started_at: Some(now - ago),
            steps: Steps::default(),
        }),
        6 | 7 => Event::Data(Arrivals {
            objects: vec![object(which)],
            ..Arrivals::default()
        }),
        8 => Event::Order(Order::new(OrderKind::Pause, "ana", "to look")),
        9 => Event::Order(Order::new(OrderKind::Resume, "ana", "seen")),
        _ => Event::Tick,
    }
}

fn answer(which: u8, claim: u64, now: Timestamp) -> StartAnswer {
    match which % 4 {
        0 => StartAnswer::Absent,
        1 => StartAnswer::Refused {
            refusal: Refusal::NoCapacity {
                what: "ResourceLimitExceeded".to_owned(),
            },
            looked: which > 127,
        },
        _ => StartAnswer::Accepted {
            execution: execution(claim),
            started_at: now,
            adopted: which > 127,
        },
    }
}

fn status(which: u8) -> ExecutionStatus {
    match which % 5 {
        0 => ExecutionStatus::Failed,
        1 => ExecutionStatus::Stopped,
        2 => ExecutionStatus::InFlight,
        3 => ExecutionStatus::Gone,
        _ => ExecutionStatus::Succeeded,
    }
}

fn object(which: u8) -> ObjectVersion {
    ObjectVersion {
        bucket: "data".to_owned(),
        key: format!("train/{}", which % 16),
        version_id: None,
        etag: None,
        sequencer: Sequencer::parse(&format!("{which:X}")).expect("it is hexadecimal"),
        rows: u64::from(which) * 3,
        bytes: 1,
        uncounted: (which % 11 == 0).then(|| "it is corrupt".to_owned()),
    }
}

fn alarm(number: u8) -> AlarmArn {
    let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:drift-{number}");
    AlarmArn::parse(&arn).expect("it is an ARN")
}

fn execution(claim: u64) -> Execution {
    let arn =
        format!("arn:aws:sagemaker:us-east-1:111122223333:pipeline/training/execution/e{claim}");
    Execution::parse(&arn).expect("it is an ARN")
}
