//! How many decisions a core makes a second, built as `retrainctl` is:
//! `cargo bench --profile dist -p retrain-core`.
//!
//! Each is one call of `step` with everything that a function would have read, from an
//! alarm that is held behind a run to the claim of a start. To drop what `step` returns is a
//! part of it: whoever decides a million times does that, too.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod cases;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

use self::cases::{Case, Kind};

fn main() {
    // Many in a row: the question is how many a core makes in a second.
    divan::Divan::from_args()
        .sample_count(200)
        .sample_size(1_000)
        .main();
}

fn bench(bencher: Bencher<'_, '_>, kind: Kind) {
    let case = Case::of(kind);
    let facts = case.facts();
    let bencher = bencher.counter(ItemsCount::new(1_u32));
    bencher.bench(|| drop(black_box(case.step(black_box(&facts)))));
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
