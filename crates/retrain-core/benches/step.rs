//! How many decisions a core makes a second: `cargo bench -p retrain-core`.
//!
//! Each is one call of `step` with everything that a function would have read, from an
//! alarm that is held behind a run to the claim of a start. What `step` returns is dropped
//! outside the measured time.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod cases;

use divan::Bencher;
use divan::counter::ItemsCount;

use self::cases::{Case, Kind};

fn main() {
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, kind: Kind) {
    let case = Case::of(kind);
    let facts = case.facts();
    let bencher = bencher.counter(ItemsCount::new(1_u32));
    bencher.bench(|| case.step(&facts));
}

#[divan::bench]
fn duplicate(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::Duplicate);
}

#[divan::bench]
fn looked_at(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::LookedAt);
}

#[divan::bench]
fn held(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::Held);
}

#[divan::bench]
fn counted(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::Counted);
}

#[divan::bench]
fn claimed(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::Claimed);
}

#[divan::bench]
fn ended(bencher: Bencher<'_, '_>) {
    bench(bencher, Kind::Ended);
}
