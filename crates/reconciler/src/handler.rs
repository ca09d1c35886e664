//! One look at everything that is due.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::SdkConfig;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::event::Event;
use retrain_debounce::{DUE_SHARDS, Due};
use retrain_events::{InvalidEvent, code_job, request};
use retrain_lambda::{Failure, Handle, InvocationClock, Settings, oldest_due};
use retrain_policies::PolicySet;
use serde::Serialize;
use serde_json::Value;

use crate::jobs;

/// How many slots of a shard one run takes. Every look moves a slot's due time, so
/// the next run takes the next ones.
const PER_SHARD: u16 = 100;

/// When to look again at a slot whose look failed, or whose policy is broken.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(5);

/// When to look again at a slot whose model has no policy.
const WITHOUT_POLICY: SignedDuration = SignedDuration::from_hours(1);

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: AwsController,
    table: String,
    max_starts: usize,
}

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What became of the slots that were due.
    pub answers: Vec<Answer>,
    /// How many of the slots that were read are left for the next run, because time
    /// was short.
    pub left: usize,
}

impl Summary {
    fn of(answer: Answer) -> Self {
        Self {
            answers: vec![answer],
            left: 0,
        }
    }
}

/// What the shards of one run share.
struct Run<'a> {
    policies: &'a PolicySet,
    /// When no further look begins.
    until: Timestamp,
    /// How many models this run has started. Shards that look at the same moment may
    /// exceed the limit by one each; AWS has the last word.
    starts: AtomicUsize,
}

/// What became of one shard.
#[derive(Default)]
struct Part {
    summary: Summary,
    failures: Vec<Failure>,
    /// Since when its first slot is due.
    oldest: Option<Timestamp>,
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        Self {
            controller: AwsController::new(settings, aws),
            table: settings.table.clone(),
            max_starts: settings.max_starts,
        }
    }

    /// Does what the event requests, or looks at everything that is due.
    pub async fn handle_at(&self, event: &Value, clock: &impl Clock) -> Result<Summary, Failure> {
        let unreadable = |error: InvalidEvent| Failure::terminal(error.name(), &error);
        if let Some(job) = code_job(event).map_err(unreadable)? {
            return jobs::look(&self.controller, &job, clock)
                .await
                .map(Summary::of);
        }
        match request(event).map_err(unreadable)? {
            None => self.run(clock).await,
            Some(request) => self.controller.ask(request, clock).await.map(Summary::of),
        }
    }

    /// Looks at everything that is due. A slot that fails harms no other; if any
    /// did, the run fails afterwards, so that somebody notices.
    pub async fn run(&self, clock: &impl Clock) -> Result<Summary, Failure> {
        let began = clock.now();
        let policies = self.controller.policies(clock).await?;
        let run = Run {
            policies: &policies,
            until: began + self.budget(),
            starts: AtomicUsize::new(0),
        };
        let shards = (0..DUE_SHARDS).map(|shard| self.shard(shard, &run, clock));
        let mut whole = Part::default();
        let mut all_read = true;
        for shard in join_all(shards).await {
            match shard {
                Ok(part) => {
                    whole.summary.answers.extend(part.summary.answers);
                    whole.summary.left += part.summary.left;
                    whole.failures.extend(part.failures);
                    whole.oldest = whole.oldest.into_iter().chain(part.oldest).min();
                }
                Err(failure) => {
                    all_read = false;
                    whole.failures.push(failure);
                }
            }
        }
        // Of what could not be read nobody knows how old it is.
        if all_read {
            oldest_due(began, &self.table, age(whole.oldest, began));
        }
        Failure::all(whole.failures).map_or(Ok(whole.summary), Err)
    }

    /// Half of the function's time: a look that begins at its end may still take
    /// as long as a start.
    fn budget(&self) -> SignedDuration {
        self.controller.timing().send_within() / 2
    }

    async fn shard(&self, shard: u8, run: &Run<'_>, clock: &impl Clock) -> Result<Part, Failure> {
        let store = self.controller.store();
        let due = store.due(shard, clock.now(), PER_SHARD).await?;
        let mut part = Part {
            oldest: due.first().and_then(Due::since),
            ..Part::default()
        };
        for (taken, due_slot) in due.iter().enumerate() {
            if clock.now() >= run.until {
                part.summary.left = due.len() - taken;
                break;
            }
            match self.look(due_slot, run, clock).await {
                Ok(answer) => part.summary.answers.push(answer),
                Err(failure) => {
                    part.failures.push(failure);
                    let until = clock.now() + AFTER_FAILURE;
                    if let Err(error) = store.postpone(due_slot, until).await {
                        part.failures.push(error.into());
                    }
                }
            }
        }
        Ok(part)
    }

    async fn look(&self, due: &Due, run: &Run<'_>, clock: &impl Clock) -> Result<Answer, Failure> {
        let subject = due.slot.to_string();
        let policy = run.policies.of(&due.slot.model);
        if let Some(policy) = policy.filter(|policy| policy.has_lane(&due.slot.lane)) {
            let may_start = run.starts.load(Ordering::Relaxed) < self.max_starts;
            let answer = self
                .controller
                .handle_limited(
                    &due.slot.lane,
                    &subject,
                    &Event::Tick,
                    policy,
                    may_start,
                    clock,
                )
                .await?;
            if answer.outcome == "claimed" {
                run.starts.fetch_add(1, Ordering::Relaxed);
            }
            return Ok(answer);
        }
        let (wait, why) = match run.policies.broken_of(&due.slot.model) {
            Some(_) => (AFTER_FAILURE, "the model's policy is invalid"),
            None if policy.is_some() => (WITHOUT_POLICY, "the policy has no such lane"),
            None => (WITHOUT_POLICY, "the model has no policy"),
        };
        let store = self.controller.store();
        store.postpone(due, clock.now() + wait).await?;
        Ok(AwsController::ignore(&subject, &why, clock))
    }
}

/// For how long the oldest due slot has waited for this run; not at all, if none is due.
fn age(oldest: Option<Timestamp>, began: Timestamp) -> SignedDuration {
    oldest.map_or(SignedDuration::ZERO, |since| {
        began.duration_since(since).max(SignedDuration::ZERO)
    })
}

impl Handle for Handler {
    type Answer = Summary;

    async fn handle(&self, event: &Value, clock: &InvocationClock) -> Result<Summary, Failure> {
        self.handle_at(event, clock).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_waits_from_when_it_is_due_until_the_run_begins() {
        let began = Timestamp::constant(1_767_592_800, 0);
        let before = |seconds| Some(began - SignedDuration::from_secs(seconds));
        assert_eq!(age(before(90), began), SignedDuration::from_secs(90));
        // It became due while the shards were read.
        assert_eq!(age(before(-1), began), SignedDuration::ZERO);
        assert_eq!(age(None, began), SignedDuration::ZERO);
    }
}
