//! How much memory a decision allocates: a guard that needs no clock.
//!
//! The bounds are recorded, not chosen. One more copy of a slot is 2 KB and more; whoever makes
//! it knowingly records the new bound, and whoever saves one lowers it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/cases/mod.rs"]
mod cases;

use std::alloc::System;

use cap::Cap;

use self::cases::{Case, Kind};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The most bytes that one call of `step` may allocate.
const BOUNDS: [(Kind, usize); 6] = [
    (Kind::Duplicate, 1_900),
    (Kind::LookedAt, 1_900),
    (Kind::Held, 3_200),
    (Kind::Counted, 6_600),
    (Kind::Claimed, 4_300),
    (Kind::Ended, 2_800),
];

/// The bytes of one decision; the least of some, because the process has other threads.
fn bytes_of(kind: Kind) -> usize {
    let case = Case::of(kind);
    let facts = case.facts();
    let once = || {
        let before = ALLOCATOR.total_allocated();
        let step = case.step(&facts);
        let after = ALLOCATOR.total_allocated();
        drop(step);
        after - before
    };
    (0..5).map(|_| once()).min().unwrap()
}

#[test]
fn a_decision_allocates_no_more_than_is_recorded() {
    let found = BOUNDS.map(|(kind, bound)| (kind, bytes_of(kind), bound));
    let exceeded: Vec<_> = found
        .iter()
        .filter(|(_, bytes, bound)| bytes > bound)
        .collect();
    assert!(exceeded.is_empty(), "{exceeded:?}");
    // A bound that is far above what is needed guards nothing.
    let loose = found
        .iter()
        .filter(|(_, bytes, bound)| bytes + bytes / 4 < *bound);
    assert_eq!(loose.count(), 0, "{found:?}");
}
