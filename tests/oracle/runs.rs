//! The executions of one model's pipeline, judged by what SageMaker has seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use retrain_sandbox::sagemaker::{Execution, ExecutionStatus as Status};

/// What a policy allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Between two starts, by AWS's clock.
    pub(crate) min_interval: SignedDuration,
    /// So many starts in the window.
    pub(crate) budget: usize,
    /// By AWS's clock.
    pub(crate) window: SignedDuration,
}

/// All executions of one pipeline, oldest first.
pub(crate) struct Runs<'a> {
    executions: &'a [Execution],
    /// How many executions there were when a person retried one last.
    retried: &'a BTreeMap<String, usize>,
}

impl<'a> Runs<'a> {
    pub(crate) const fn new(
        executions: &'a [Execution],
        retried: &'a BTreeMap<String, usize>,
    ) -> Self {
        Self {
            executions,
            retried,
        }
    }

    /// Those that the controller has started.
    pub(crate) fn ours(&self) -> Vec<&'a Execution> {
        let ours = self.executions.iter();
        ours.filter(|execution| !execution.started_by_hand)
            .collect()
    }

    /// The executions that the controller answers for: it started them, and no person
    /// has retried them after a later one of its own had started. That nobody can forbid,
    /// and the later one has the rows.
    pub(crate) fn accountable(&self) -> Vec<&'a Execution> {
        let ours = |execution: &&Execution| !execution.started_by_hand;
        let is_late = |place: usize, arn: &str| {
            let before = self.retried.get(arn).copied().unwrap_or_default();
            let mut later = self.executions.iter().take(before).skip(place + 1);
            later.any(|execution| ours(&execution))
        };
        let executions = self.executions.iter().enumerate();
        let accountable = executions.filter(|(place, run)| ours(run) && !is_late(*place, &run.arn));
        accountable.map(|(_, run)| run).collect()
    }

    fn succeeded(&self) -> Vec<&'a Execution> {
        let mut runs = self.accountable();
        runs.retain(|run| run.status == Status::Succeeded);
        runs
    }

    /// Promises 1 and 5: one in flight, and each for a claim of its own.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let in_flight = running(self.accountable()).len();
        if in_flight > 1 {
            return Err(format!("promise 1: {in_flight} executions in flight"));
        }
        let ours = self.ours();
        let tokens: BTreeSet<_> = ours.iter().map(|execution| &execution.token).collect();
        if tokens.len() != ours.len() {
            return Err(format!("promise 5: a token was used twice: {ours:#?}"));
        }
        Ok(())
    }

    /// Promises 2 and 9.
    pub(crate) fn judge_times(&self, rules: Rules) -> Result<(), String> {
        let ours = self.ours();
        for pair in ours.windows(2) {
            let gap = pair[1].start_time.duration_since(pair[0].start_time);
            if gap < rules.min_interval {
                return Err(format!("promise 2: {gap:?} after {}", pair[0].start_time));
            }
        }
        for window in ours.windows(rules.budget + 1) {
            let span = window[rules.budget]
                .start_time
                .duration_since(window[0].start_time);
            if span < rules.window {
                return Err(format!("promise 9: {} starts in {span:?}", window.len()));
            }
        }
        Ok(())
    }

    /// Promise 3, in the end: whether a run that began no earlier has succeeded.
    pub(crate) fn have_served(&self, since: Timestamp) -> bool {
        let mut runs = self.succeeded().into_iter();
        runs.any(|run| run.start_time >= since)
    }

    /// Promise 6, in the end: the rows that successful runs were started with, which
    /// the policy writes into this parameter.
    pub(crate) fn consumed(&self, parameter: &str) -> u64 {
        let rows = |run: &Execution| run.parameters[parameter].parse::<u64>().unwrap();
        self.succeeded().into_iter().map(rows).sum()
    }
}

/// Those that run.
pub(crate) fn running<'a>(runs: impl IntoIterator<Item = &'a Execution>) -> Vec<Execution> {
    let runs = runs.into_iter();
    runs.filter(|run| run.status == Status::Executing)
        .cloned()
        .collect()
}
