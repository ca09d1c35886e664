//! The promises about packages and their deployments, checked over random histories: of
//! a registry in which people decide at any moment, of events that are lost, late, told
//! twice and out of order, and of workers that die between any two effects.

mod oracle;
mod registry;
mod world;

use alloc::vec::Vec;

use proptest::prelude::*;

use self::world::{Act, Op, World};
use crate::event::ExecutionStatus;
use crate::package::PackageApproval;

fn approval() -> impl Strategy<Value = PackageApproval> {
    prop_oneof![
        3 => Just(PackageApproval::Approved),
        2 => Just(PackageApproval::Rejected),
        1 => Just(PackageApproval::PendingManualApproval),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let act = prop_oneof![
        8 => Just(Act::Do),
        1 => Just(Act::Twice),
        1 => Just(Act::Lose),
    ];
    let status = prop_oneof![
        4 => Just(ExecutionStatus::Succeeded),
        1 => Just(ExecutionStatus::Failed),
        1 => Just(ExecutionStatus::Stopped),
        1 => Just(ExecutionStatus::Superseded),
    ];
    prop_oneof![
        20 => (any::<u8>(), act).prop_map(|(which, act)| Op::Work { which, act }),
        3 => (0..4_u8, approval()).prop_map(|(package, approval)| Op::Decide { package, approval }),
        1 => (0..4_u8).prop_map(Op::Edit),
        1 => (0..4_u8, any::<bool>()).prop_map(|(package, approve)| Op::Request { package, approve }),
        2 => (any::<u8>(), status).prop_map(|(which, status)| Op::End { which, status }),
        3 => Just(Op::Reconcile),
        3 => (0..20_u16).prop_map(Op::Wait),
        2 => (20..300_u16).prop_map(Op::Wait),
        1 => (300..8_000_u16).prop_map(Op::Wait),
    ]
}

/// One package, whose gate is being asked while people decide.
fn window_op() -> impl Strategy<Value = Op> {
    let act = prop_oneof![10 => Just(Act::Do), 1 => Just(Act::Twice), 1 => Just(Act::Lose)];
    prop_oneof![
        12 => (any::<u8>(), act).prop_map(|(which, act)| Op::Work { which, act }),
        2 => approval().prop_map(|approval| Op::Decide { package: 0, approval }),
        1 => any::<bool>().prop_map(|approve| Op::Request { package: 0, approve }),
        2 => Just(Op::Reconcile),
        3 => (0..10_u16).prop_map(Op::Wait),
        1 => (20..200_u16).prop_map(Op::Wait),
    ]
}

fn play(ops: &[Op]) {
    let mut world = World::new();
    for op in ops {
        world.apply(*op);
    }
    world.drain();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promises 1, 4, 5, 10 and 11, whatever happens in whatever order.
    #[test]
    fn only_real_approvals_are_deployed_and_each_is(ops in prop::collection::vec(op(), 1..150)) {
        play(&ops);
    }

    /// Promise 10, around the controller's look and its write.
    #[test]
    fn what_is_covered_up_is_not_deployed(ops in prop::collection::vec(window_op(), 1..60)) {
        play(&ops);
    }
}

/// The histories are worth something: a plain one ends as it should.
#[test]
fn a_quiet_history_deploys_what_the_gate_approves() {
    let mut world = World::new();
    world.drain();
    for environment in ["staging", "production"] {
        let deployed: Vec<u64> = world.deployed(environment).collect();
        assert_eq!(deployed, [1, 3], "{environment}");
    }
}
