//! What a backtest comes to, rule by rule.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrain_core::event::ExecutionStatus;
use serde::Serialize;

use super::assumptions::Assumptions;
use super::tally::{Counts, Tally, seconds};
use crate::events::Recording;

/// What a backtest comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it begins: with the first event.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// What was read.
    pub events: Events,
    /// What was assumed.
    pub assumptions: Assumptions,
    /// The rules, in the order in which they are compared.
    pub rules: Vec<Rule>,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct Events {
    /// How many events.
    pub read: u64,
    /// How many of them cannot be read.
    pub unreadable: u64,
    /// What was nothing to decide about whatever the policies say, by reason.
    pub nothing: BTreeMap<&'static str, u64>,
}

/// What one rule has done.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What was nothing to decide about under it, by reason.
    pub nothing: BTreeMap<&'static str, u64>,
    /// All models together.
    pub total: Numbers,
    /// Each model.
    pub models: BTreeMap<String, Numbers>,
}

/// What a rule has done with one model, or with all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// How many runs have started.
    pub starts: u64,
    /// How many would have, had the policy not only observed.
    pub would_start: u64,
    /// How many of the runs were assumed to fail.
    pub failed: u64,
    /// The most runs of one model at one moment.
    pub most_at_once: u64,
    /// How long the runs took together, in hours.
    pub training_hours: f64,
    /// What they cost.
    pub cost: f64,
    /// How long causes have waited for their start.
    pub wait: Wait,
    /// The longest time that a model was without a successful run, in seconds.
    pub longest_without_success_seconds: u32,
    /// Which model that was.
    pub longest_without_success_model: String,
    /// How many causes were held, or dropped, by the guard that kept them.
    pub held: BTreeMap<&'static str, u64>,
    /// How many causes were dropped, by the guard that kept them.
    pub dropped: BTreeMap<&'static str, u64>,
    /// How many causes still wait at the end.
    pub still_held: u64,
    /// What was decided how often.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// How many events the core refused: they came before they had happened.
    pub impossible: u64,
}

/// How long causes have waited for their start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// How many causes have started.
    pub causes: u64,
    /// Half of them have waited at most so long.
    pub p50_seconds: u32,
    /// 95 of 100 have waited at most so long.
    pub p95_seconds: u32,
    /// The longest wait.
    pub worst_seconds: u32,
}

impl Wait {
    pub(crate) fn of(mut waits: Vec<u32>) -> Self {
        waits.sort_unstable();
        // The nearest rank: a wait that has happened.
        let rank = |percent: usize| (waits.len() * percent).div_ceil(100).saturating_sub(1);
        let at = |percent| waits.get(rank(percent)).copied().unwrap_or_default();
        Self {
            causes: waits.len() as u64,
            p50_seconds: at(50),
            p95_seconds: at(95),
            worst_seconds: at(100),
        }
    }
}

impl Events {
    pub(crate) fn of(recording: &Recording) -> Self {
        Self {
            read: recording.read,
            unreadable: recording.unreadable,
            nothing: recording.nothing.clone(),
        }
    }
}

/// A rule, and what it has done with each model.
pub(crate) struct Done {
    pub(crate) name: String,
    pub(crate) nothing: BTreeMap<&'static str, u64>,
    pub(crate) tallies: Vec<Tally>,
}

impl Report {
    pub(crate) fn of(
        recording: &Recording,
        assumptions: &Assumptions,
        (from, to): (Timestamp, Timestamp),
        done: &[Done],
    ) -> Self {
        let rule = |done: &Done| {
            let numbers = |tallies: &[Tally]| Numbers::of(tallies, assumptions, (from, to));
            Rule {
                name: done.name.clone(),
                nothing: done.nothing.clone(),
                total: numbers(&done.tallies),
                models: done
                    .tallies
                    .iter()
                    .map(|of| (of.model.to_string(), numbers(std::slice::from_ref(of))))
                    .collect(),
            }
        };
        Self {
            from,
            to,
            events: Events::of(recording),
            assumptions: assumptions.clone(),
            rules: done.iter().map(rule).collect(),
        }
    }
}

impl Numbers {
    fn of(tallies: &[Tally], assumed: &Assumptions, (from, to): (Timestamp, Timestamp)) -> Self {
        let mut sum = Self::default();
        let mut waits = Vec::new();
        for tally in tallies {
            let failed = |run: &&super::tally::Span| run.status == ExecutionStatus::Failed;
            sum.starts += tally.runs.len() as u64;
            sum.would_start += tally.would_start;
            sum.failed += tally.runs.iter().filter(failed).count() as u64;
            sum.most_at_once = sum.most_at_once.max(tally.most_at_once() as u64);
            let without = seconds(tally.longest_without_success(from, to));
            if without > sum.longest_without_success_seconds {
                sum.longest_without_success_seconds = without;
                sum.longest_without_success_model = tally.model.to_string();
            }
            sum.still_held += tally.still_held;
            sum.impossible += tally.impossible;
            add(&mut sum.held, &tally.held_by);
            add(&mut sum.dropped, &tally.dropped_by);
            add(&mut sum.outcomes, &tally.outcomes);
            waits.extend(&tally.waits);
        }
        sum.wait = Wait::of(waits);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let starts = sum.starts as f64;
        sum.training_hours = rounded(starts * assumed.run_time().as_secs_f64() / 3_600.0);
        sum.cost = rounded(sum.training_hours * assumed.price_per_hour);
        sum
    }
}

/// To a hundredth: nobody pays less.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn add(sum: &mut BTreeMap<&'static str, u64>, more: &Counts) {
    for (name, count) in more.iter() {
        *sum.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_wait_that_has_happened() {
        let wait = |waits| {
            let of = Wait::of(waits);
            (of.causes, of.p50_seconds, of.p95_seconds, of.worst_seconds)
        };
        assert_eq!(wait(vec![]), (0, 0, 0, 0));
        assert_eq!(wait(vec![7]), (1, 7, 7, 7));
        assert_eq!(wait((1..=100).rev().collect()), (100, 50, 95, 100));
        assert_eq!(wait(vec![1, 2, 3]), (3, 2, 3, 3));
    }
}
