//! The promises of the design, checked over random histories.

mod aws;
mod oracle;
mod world;

use proptest::prelude::*;

use self::world::{Fate, Op, World};
use alloc::vec;
use alloc::vec::Vec;

use jiff::Timestamp;

use crate::event::ExecutionStatus;

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
        Just(ExecutionStatus::Stopped),
    ];
    prop_oneof![
        3 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Alarm { name, ago }),
        2 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Clear { name, ago }),
        2 => any::<u8>().prop_map(Op::Redeliver),
        2 => (0..60_u16).prop_map(Op::Wait),
        2 => (60..5_000_u16).prop_map(Op::Wait),
        4 => (any::<u8>(), fate).prop_map(|(worker, fate)| Op::Send { worker, fate }),
        4 => any::<u8>().prop_map(Op::Answer),
        1 => any::<u8>().prop_map(Op::Crash),
        3 => Just(Op::Tick),
        2 => (any::<u8>(), status).prop_map(|(execution, status)| Op::End { execution, status }),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(execution, named)| Op::Report { execution, named }),
        1 => Just(Op::Pause),
        1 => Just(Op::Unpause),
        1 => Just(Op::ByHand),
        1 => Just(Op::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promises 1 to 5, 8 and 9, whatever happens in whatever order.
    #[test]
    fn the_promises_hold_over_any_history(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.drain();
    }

    /// Promise 4: delivering again, at once or later, leads to the same starts.
    #[test]
    fn duplicates_change_nothing(
        alarms in prop::collection::vec((0..3_u8, 0..2_000_u16), 1..12),
        again in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let history = |duplicates: &[u8]| {
            let mut world = World::new();
            let mut duplicates = duplicates.iter();
            for (name, wait) in &alarms {
                world.apply(&Op::Alarm { name: *name, ago: 0 });
                for n in duplicates.by_ref().take(3) {
                    world.apply(&Op::Redeliver(*n));
                }
                world.apply(&Op::Send { worker: 0, fate: Fate::Accepted });
                world.apply(&Op::Answer(0));
                world.apply(&Op::Wait(*wait));
            }
            let starts: Vec<Timestamp> = world.executions.iter().map(|execution| execution.started).collect();
            (starts, world.slot.held)
        };
        prop_assert_eq!(history(&again), history(&[]));
    }
}
