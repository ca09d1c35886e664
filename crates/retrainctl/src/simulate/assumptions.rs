//! What a backtest assumes of the world that was not recorded.

use jiff::SignedDuration;
use retrain_core::event::ExecutionStatus;
use retrain_core::names::ModelName;
use retrain_core::period::Period;
use retrain_core::token::digest;
use serde::Serialize;

use crate::events::Statuses;

/// What a backtest assumes of the world that was not recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumptions {
    /// How long a run takes.
    pub run_time: Period,
    /// The share of runs that fail, from 0 to 1.
    pub failure_share: f64,
    /// Which runs they are: another seed, other runs.
    pub seed: u64,
    /// What an hour of a run costs.
    pub price_per_hour: f64,
    /// How many rows an object has.
    pub rows: Rows,
    /// How often the reconciler runs.
    pub reconcile_every: Period,
    /// How many models one run of the reconciler starts at most.
    pub max_starts: usize,
    /// Whether recorded executions that no controller has named run in the backtest
    /// too, as executions that people started by hand.
    pub recorded_runs: bool,
}

/// How many rows an object has: events do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// One for each so many bytes, at least one.
    PerBytes(u64),
    /// So many in each object.
    PerObject(u64),
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            run_time: Period::from_hours(1),
            failure_share: 0.0,
            seed: 1,
            price_per_hour: 1.0,
            rows: Rows::PerBytes(100),
            reconcile_every: Period::from_mins(5),
            max_starts: 10,
            recorded_runs: false,
        }
    }
}

impl Assumptions {
    /// How the `nth` run of a model ends: the same under every rule, so that no rule
    /// is luckier than another.
    pub(crate) fn outcome(&self, model: &ModelName, nth: usize) -> ExecutionStatus {
        let digest = digest(&format!("{}|{model}|{nth}", self.seed));
        let drawn = digest.get(..8).map(|head| u32::from_str_radix(head, 16));
        let drawn = drawn.and_then(Result::ok).unwrap_or_default();
        if f64::from(drawn) / f64::from(u32::MAX) < self.failure_share {
            ExecutionStatus::Failed
        } else {
            ExecutionStatus::Succeeded
        }
    }

    /// The rows of an object of this size.
    pub(crate) fn rows(&self, bytes: u64) -> u64 {
        match self.rows {
            Rows::PerBytes(per) => (bytes / per.max(1)).max(u64::from(bytes > 0)),
            Rows::PerObject(rows) => rows,
        }
    }

    /// Which statuses of recorded executions the backtest hears of.
    pub(crate) const fn statuses(&self) -> Statuses {
        if self.recorded_runs {
            Statuses::Foreign
        } else {
            Statuses::None
        }
    }

    /// How long a run takes.
    pub(crate) fn run_time(&self) -> SignedDuration {
        self.run_time.duration()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_which_runs_fail_and_the_share_how_many() {
        let model = ModelName::parse("fraud-detection").unwrap();
        let assumed = |failure_share, seed| Assumptions {
            failure_share,
            seed,
            ..Assumptions::default()
        };
        let failed = |of: &Assumptions| -> Vec<usize> {
            let failed = |nth: &usize| of.outcome(&model, *nth) == ExecutionStatus::Failed;
            (0..1_000).filter(failed).collect()
        };
        assert_eq!(failed(&assumed(0.0, 1)).len(), 0);
        assert_eq!(failed(&assumed(1.0, 1)).len(), 1_000);
        let some = failed(&assumed(0.2, 1));
        assert!((150..250).contains(&some.len()), "{}", some.len());
        assert_eq!(some, failed(&assumed(0.2, 1)));
        assert_ne!(some, failed(&assumed(0.2, 2)));
    }

    #[test]
    fn rows_follow_the_size_or_not() {
        let mut assumed = Assumptions::default();
        assert_eq!(
            (assumed.rows(0), assumed.rows(1), assumed.rows(1_050)),
            (0, 1, 10)
        );
        assumed.rows = Rows::PerObject(7);
        assert_eq!(assumed.rows(0), 7);
    }
}
