//! What a rule has done with one model.

use jiff::{SignedDuration, Timestamp};
use retrain_core::decision::{Decision, Outcome};
use retrain_core::event::ExecutionStatus;
use retrain_core::names::ModelName;
use retrain_core::reason::Reasons;

/// What a rule has done with one model.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) model: ModelName,
    /// All runs, in the order of their starts.
    pub(crate) runs: Vec<Span>,
    /// How many runs would have started, had the policy not only observed.
    pub(crate) would_start: u64,
    /// What was decided how often.
    pub(crate) outcomes: Counts,
    /// Causes that were held, by guard.
    pub(crate) held_by: Counts,
    /// Causes that were dropped, by guard.
    pub(crate) dropped_by: Counts,
    /// How long each cause has waited for its first start, in seconds.
    pub(crate) waits: Vec<u32>,
    /// When runs have succeeded.
    pub(crate) successes: Vec<Timestamp>,
    /// When causes were held.
    pub(crate) holds: Vec<Hold>,
    /// How many causes are held at the end.
    pub(crate) still_held: u64,
    /// What cannot happen: an event from the future, say.
    pub(crate) impossible: u64,
}

/// How often each of a few names has come. They are found faster by looking at all than in
/// a tree, and most events count one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    fn add(&mut self, name: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.0.push((name, 1)),
        }
    }

    /// The names with their counts, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().copied()
    }
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) status: ExecutionStatus,
    /// Why it was started.
    pub(crate) why: String,
}

/// A time in which causes were held.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) from: Timestamp,
    /// The end, if it had one.
    pub(crate) to: Option<Timestamp>,
    /// What kept them first.
    pub(crate) guard: &'static str,
}

impl Tally {
    pub(crate) fn new(model: &ModelName) -> Self {
        Self {
            model: model.clone(),
            runs: Vec::new(),
            would_start: 0,
            outcomes: Counts::default(),
            held_by: Counts::default(),
            dropped_by: Counts::default(),
            waits: Vec::new(),
            successes: Vec::new(),
            holds: Vec::new(),
            still_held: 0,
            impossible: 0,
        }
    }

    /// Takes in a decision, after which this many causes are held.
    pub(crate) fn decided(&mut self, decision: &Decision, held: usize) {
        let guard = match &decision.outcome {
            Outcome::Held { guard }
            | Outcome::Counted {
                held_by: Some(guard),
                ..
            } => {
                self.held_by.add(guard.name());
                guard.name()
            }
            Outcome::Dropped { guard } => {
                self.dropped_by.add(guard.name());
                guard.name()
            }
            Outcome::Started { reasons, .. } => {
                self.waited(reasons, decision.at);
                "started"
            }
            Outcome::WouldStart { reasons, .. } => {
                self.would_start += 1;
                self.waited(reasons, decision.at);
                "would_start"
            }
            Outcome::Succeeded { .. } | Outcome::NoImprovement { .. } => {
                self.successes.push(decision.at);
                decision.outcome.name()
            }
            other => other.name(),
        };
        self.outcome(decision.outcome.name());
        match (self.holds.last_mut(), held) {
            (Some(last), 0) if last.to.is_none() => last.to = Some(decision.at),
            (Some(last), 1..) if last.to.is_none() => {}
            (_, 1..) => self.holds.push(Hold {
                from: decision.at,
                to: None,
                guard,
            }),
            _ => {}
        }
    }

    /// Counts an outcome.
    pub(crate) fn outcome(&mut self, name: &'static str) {
        self.outcomes.add(name);
    }

    /// A cause that a failed run has given back has waited before.
    fn waited(&mut self, reasons: &Reasons, started_at: Timestamp) {
        let first_time = reasons
            .iter()
            .filter(|reason| reason.failures == 0 && reason.no_improvements == 0);
        let waits = first_time.map(|reason| seconds(started_at.duration_since(reason.first_at)));
        self.waits.extend(waits);
    }

    /// The most runs at one moment.
    pub(crate) fn most_at_once(&self) -> usize {
        let starts = self.runs.iter().map(|run| (run.from, true));
        let ends = self.runs.iter().map(|run| (run.to, false));
        let mut changes: Vec<_> = starts.chain(ends).collect();
        // At one moment, what ends makes room for what starts.
        changes.sort_unstable();
        let (mut now, mut most) = (0_usize, 0);
        for (_, starts) in changes {
            now = if starts { now + 1 } else { now - 1 };
            most = most.max(now);
        }
        most
    }

    /// The longest time without a success.
    pub(crate) fn longest_without_success(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut longest = SignedDuration::ZERO;
        let mut last = from;
        let successes = self.successes.iter().copied();
        for at in successes.filter(|at| *at <= to).chain([to]) {
            longest = longest.max(at.duration_since(last));
            last = last.max(at);
        }
        longest
    }
}

/// Whole seconds; causes of a skewed clock have not waited.
pub(crate) fn seconds(time: SignedDuration) -> u32 {
    u32::try_from(time.as_secs().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    fn tally(runs: &[(i64, i64)]) -> Tally {
        let mut tally = Tally::new(&ModelName::parse("m").unwrap());
        tally.runs = runs
            .iter()
            .map(|(from, to)| Span {
                from: at(*from),
                to: at(*to),
                status: ExecutionStatus::Succeeded,
                why: String::new(),
            })
            .collect();
        tally.successes = tally.runs.iter().map(|run| run.to).collect();
        tally
    }

    #[test]
    fn runs_at_once_are_those_that_overlap() {
        assert_eq!(tally(&[]).most_at_once(), 0);
        assert_eq!(tally(&[(0, 2), (2, 4)]).most_at_once(), 1);
        assert_eq!(tally(&[(0, 3), (1, 4), (2, 5), (6, 7)]).most_at_once(), 3);
    }

    #[test]
    fn the_longest_time_without_success_may_be_at_either_end() {
        let hours = |runs, to| {
            tally(runs)
                .longest_without_success(at(0), at(to))
                .as_hours()
        };
        assert_eq!(hours(&[], 9), 9);
        assert_eq!(hours(&[(4, 5), (5, 6)], 9), 5);
        assert_eq!(hours(&[(1, 2), (7, 8)], 9), 6);
        assert_eq!(hours(&[(1, 2)], 9), 7);
        // What succeeds after the end does not count.
        assert_eq!(hours(&[(8, 10)], 9), 9);
    }
}
