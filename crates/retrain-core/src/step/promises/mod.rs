//! The promises of the design, checked over random histories.

mod aws;
mod books;
mod oracle;
mod release;
mod world;

use proptest::prelude::*;

use self::world::{Fate, Op, World};
use alloc::vec;
use alloc::vec::Vec;

use jiff::Timestamp;

use crate::event::ExecutionStatus;
use crate::policy::Mode;

fn op() -> impl Strategy<Value = Op> {
    let fate = prop_oneof![
        4 => Just(Fate::Accepted),
        1 => Just(Fate::LostBefore),
        2 => Just(Fate::LostAfter),
        1 => Just(Fate::NoCapacity),
        1 => Just(Fate::Refused),
    ];
    let status = prop_oneof![
        Just(ExecutionStatus::Succeeded),
        Just(ExecutionStatus::Failed),
        Just(ExecutionStatus::Failed),
        Just(ExecutionStatus::Stopped),
        Just(ExecutionStatus::Superseded),
    ];
    let mode = prop_oneof![1 => Just(Mode::Observe), 2 => Just(Mode::Act)];
    prop_oneof![
        3 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Alarm { name, ago }),
        2 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Clear { name, ago }),
        2 => any::<u8>().prop_map(Op::Redeliver),
        2 => (0..60_u16).prop_map(Op::Wait),
        2 => (60..5_000_u16).prop_map(Op::Wait),
        4 => (any::<u8>(), fate).prop_map(|(worker, fate)| Op::Send { worker, fate }),
        4 => any::<u8>().prop_map(Op::Answer),
        1 => any::<u8>().prop_map(Op::Crash),
        3 => any::<bool>().prop_map(|may_start| Op::Tick { may_start }),
        2 => (any::<u8>(), status, any::<bool>()).prop_map(|(execution, status, not_better)| Op::End { execution, status, not_better }),
        1 => any::<u8>().prop_map(Op::Retry),
        1 => any::<u8>().prop_map(Op::Ring),
        1 => mode.prop_map(Op::Mode),
        3 => data_op(),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(execution, named)| Op::Report { execution, named }),
        1 => Just(Op::Pause),
        1 => Just(Op::Unpause),
        1 => Just(Op::ByHand),
        1 => Just(Op::Reset),
    ]
}

fn data_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (any::<u8>(), 0..120_u8, 0..8_u8).prop_map(|(key, rows, n)| Op::Put {
            key,
            rows,
            countable: n > 0
        }),
        prop::collection::vec(any::<u8>(), 1..5).prop_map(Op::Arrive),
    ]
}

/// What happens to the last few executions, in the order in which it usually does.
fn life_op() -> impl Strategy<Value = Op> {
    let status = prop_oneof![
        Just(ExecutionStatus::Succeeded),
        Just(ExecutionStatus::Failed),
        Just(ExecutionStatus::Stopped),
        Just(ExecutionStatus::Superseded),
    ];
    prop_oneof![
        1 => (any::<u8>(), 0..60_u16).prop_map(|(name, ago)| Op::Alarm { name, ago }),
        3 => (300..4_000_u16).prop_map(Op::Wait),
        4 => Just(Op::Tick { may_start: true }),
        4 => Just(Op::Send { worker: 0, fate: Fate::Accepted }),
        4 => Just(Op::Answer(0)),
        3 => (any::<u8>(), status, any::<bool>()).prop_map(|(execution, status, not_better)| Op::End { execution, status, not_better }),
        2 => any::<u8>().prop_map(Op::Retry),
        5 => any::<u8>().prop_map(|execution| Op::Report { execution, named: true }),
        1 => Just(Op::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promises 1 to 6, 8 and 9, whatever happens in whatever order.
    #[test]
    fn the_promises_hold_over_any_history(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.drain();
    }

    /// Promise 6, with more data and more runs that end and are retried.
    #[test]
    fn every_version_is_counted_once_and_consumed_once(
        ops in prop::collection::vec(prop_oneof![2 => data_op(), 3 => life_op(), 1 => op()], 1..150),
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.drain();
    }

    /// Promise 4: delivering again, at once or later, leads to the same starts.
    #[test]
    fn duplicates_change_nothing(
        alarms in prop::collection::vec((0..3_u8, 0..2_000_u16, 0..120_u8), 1..12),
        again in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let history = |duplicates: &[u8]| {
            let mut world = World::new();
            let mut duplicates = duplicates.iter();
            for (name, wait, rows) in &alarms {
                world.apply(&Op::Alarm { name: *name, ago: 0 });
                world.apply(&Op::Put { key: *name, rows: *rows, countable: true });
                world.apply(&Op::Arrive(vec![*rows]));
                for n in duplicates.by_ref().take(3) {
                    world.apply(&Op::Redeliver(*n));
                }
                world.apply(&Op::Send { worker: 0, fate: Fate::Accepted });
                world.apply(&Op::Answer(0));
                world.apply(&Op::Wait(*wait));
            }
            let starts: Vec<Timestamp> = world.executions.iter().map(|execution| execution.started).collect();
            (starts, world.slot.held, world.slot.data)
        };
        prop_assert_eq!(history(&again), history(&[]));
    }
}
