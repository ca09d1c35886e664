//! Many models in one deployment, under the worst weather, for months.
//!
//! All five functions run against the sandbox while calls fail in every way, events are
//! doubled, late, lost and disordered, processes die, freeze and disagree about the time,
//! and people do what they like. What fails is delivered again as Lambda and SQS do, and
//! ends in a dead-letter queue. In the end the oracle looks for broken promises, and every
//! event must be accounted for.
//!
//! One thread, one call at a time: `CHAOS_SEED=N` plays a history again. `make soak` plays
//! a hundred months.

mod account;
mod calm;
mod delivery;
mod line;
mod model;
mod post;
mod process;
mod release;
mod town;
mod weather;
mod world;

use std::sync::Mutex;

use jiff::SignedDuration;

use self::account::Account;
pub(crate) use self::line::refused;
use self::town::{Size, Town};
use crate::dice::setting;
use crate::seeds::Seeds;

/// What can differ at most, as the functions are told.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Far more, and still so little that AWS takes the signatures.
const FAR_BEYOND: SignedDuration = SignedDuration::from_mins(8);

fn size(skew: SignedDuration) -> Size {
    let setting = |name, short, long| {
        let default = if is_soak() { long } else { short };
        setting(name).unwrap_or(default)
    };
    Size {
        models: usize::try_from(setting("CHAOS_MODELS", 8, 200)).unwrap(),
        days: setting("CHAOS_DAYS", 4, 30).cast_signed(),
        skew,
        gated: if is_soak() { 20 } else { 3 },
        pace: if is_soak() { 1 } else { 5 },
        // Every lane that has deployed is looked at each hour.
        reconcile: setting("CHAOS_RECONCILE", 45, 180).cast_signed(),
    }
}

fn is_soak() -> bool {
    setting(SEEDS.many).is_some()
}

async fn play(seed: u64, size: Size) -> Account {
    let mut town = Box::pin(Town::found(seed, size)).await;
    town.begin();
    let end = town.now() + SignedDuration::from_hours(24 * size.days);
    Box::pin(town.play_until(end)).await;
    Box::pin(town.calm_down()).await
}

const SEEDS: Seeds = Seeds {
    one: "CHAOS_SEED",
    first: "CHAOS_FIRST",
    many: "CHAOS_MONTHS",
};

/// Plays one town, on one thread.
fn played(seed: u64, size: Size) -> Option<Account> {
    SEEDS.play(seed, move || play(seed, size))
}

/// Plays the seeds; what they came to.
#[expect(clippy::print_stdout, reason = "a soak says what it came to")]
fn all_play(seeds: u64, size: Size) -> Account {
    let whole = Mutex::new(Account::default());
    SEEDS.play_all(seeds, |seed| {
        let account = played(seed, size);
        if let Some(account) = &account {
            println!("{}={seed}: {account}", SEEDS.one);
            whole.lock().unwrap().add(account);
        }
        account.is_some()
    });
    let whole = whole.into_inner().unwrap();
    println!("all: {whole}");
    whole
}

#[test]
fn chaos_keeps_the_promises_and_every_event_is_accounted_for() {
    let account = all_play(2, size(MAX_SKEW));
    let is_one = setting(SEEDS.one).is_some();
    assert!(is_one || (account.starts > 50 && account.letters > 0));
}

/// Only intervals, budgets and leases are matters of time.
#[test]
fn beyond_the_skew_only_the_timing_promises_bend() {
    all_play(1, size(FAR_BEYOND));
}

#[test]
fn a_seed_repeats() {
    let size = Size {
        models: 6,
        days: 2,
        skew: MAX_SKEW,
        gated: 3,
        pace: 6,
        reconcile: 60,
    };
    let digest = |seed| played(seed, size).unwrap().digest;
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}
