//! Where every event has ended, and what the promises say in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use retrain_core::decision::{Decision, Outcome};
use retrain_core::lane::Lane;
use retrain_core::slot::{Claim, Phase};

use super::model::MIN_ROWS;
use super::post::{Ended, Event, Told};
use super::town::Town;
use crate::oracle::deployments::{recorded, version, versions};
use crate::oracle::runs::Runs;

/// More decisions than a lane can have.
const ALL: usize = 100_000;

/// What a town came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) events: u64,
    pub(crate) invocations: u64,
    pub(crate) starts: u64,
    pub(crate) deployments: u64,
    /// How many dead letters there have been.
    pub(crate) letters: u64,
    /// How many events ended as what.
    pub(crate) ends: BTreeMap<String, u64>,
    /// How many attempts failed, by error.
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) digest: u64,
}

impl Account {
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.invocations += other.invocations;
        self.starts += other.starts;
        self.deployments += other.deployments;
        self.letters += other.letters;
        for (all, more) in [
            (&mut self.ends, &other.ends),
            (&mut self.failures, &other.failures),
        ] {
            for (name, count) in more {
                *all.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} invocations, {} executions, {} deployments; ended as {:?}; {} dead \
             letters; attempts that failed {:?}",
            self.events,
            self.invocations,
            self.starts,
            self.deployments,
            self.ends,
            self.letters,
            self.failures,
        )
    }
}

/// How an event ended: one of these. `record` is the outcome that the table has for it.
fn end(event: &Event, record: Option<&str>) -> String {
    let outcomes = event.ended.iter().filter_map(|ended| match ended {
        Ended::Understood(outcomes) => Some(outcomes),
        Ended::Dead(_) => None,
    });
    let outcomes: BTreeSet<&str> = outcomes.flatten().map(String::as_str).collect();
    let changed = outcomes
        .iter()
        .find(|outcome| !["duplicate", "unchanged", "ignored"].contains(outcome));
    let dead = event.ended.iter().find_map(|ended| match ended {
        Ended::Dead(error) => Some(error.split(':').next().unwrap_or_default()),
        Ended::Understood(_) => None,
    });
    match (record, changed, outcomes.first(), dead) {
        (Some(record), ..) => format!("decided: {record}"),
        (None, Some(changed), ..) => format!("decided: {changed}"),
        (None, None, Some(nothing), _) => (*nothing).to_owned(),
        (None, None, None, Some(error)) => format!("dead letter: {error}"),
        (None, None, None, None) if event.lost => "lost by AWS".to_owned(),
        (None, None, None, None) => panic!("unaccounted for: {event:?}"),
    }
}

/// The outcome that is recorded for each trigger. Promise 4: at most one, but for claims
/// that a trigger told again has taken up again.
fn by_key(decisions: &[Decision]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let takes_up = |decision: &&Decision| matches!(decision.outcome, Outcome::Resumed { .. });
    for decision in decisions.iter().filter(|decision| !takes_up(decision)) {
        let Some(key) = decision.event.dedupe_key() else {
            continue;
        };
        let outcome = decision.outcome.name().to_owned();
        let before = found.insert(key.to_string(), outcome);
        assert_eq!(before, None, "promise 4: {key} was decided twice");
    }
    found
}

/// The claims that were written, by token.
fn claims(decisions: &[Decision]) -> BTreeMap<&str, &Claim> {
    let claims = decisions
        .iter()
        .filter_map(|decision| match &decision.outcome {
            Outcome::Claimed { claim } => Some((claim.token.as_str(), &**claim)),
            _ => None,
        });
    claims.collect()
}

impl Town {
    async fn decisions(&self, model: usize, lane: Lane) -> Vec<Decision> {
        let key = self.key(model, lane);
        let mut decisions = self.deployment.store().decisions(&key, ALL).await.unwrap();
        decisions.reverse();
        decisions
    }

    fn events_of(&self, model: usize) -> impl Iterator<Item = &Event> {
        let events = self.post.events.iter();
        events.filter(move |event| event.model == model)
    }

    /// The key that an event is remembered by.
    fn key_of(&self, event: &Event) -> Option<String> {
        match &event.told {
            Told::Alarm { alarm, at } => {
                let arn = self.deployment.sandbox.cloudwatch().arn(alarm);
                Some(format!("drift|{arn}|{}", at.as_millisecond()))
            }
            Told::Wish { key, .. } => Some(key.clone()),
            _ => None,
        }
    }

    /// Every event has ended as one thing.
    pub(crate) async fn account(&mut self) -> Account {
        let mut ends: BTreeMap<String, u64> = BTreeMap::new();
        let mut keys = Vec::new();
        for model in 0..self.models.len() {
            keys.push(by_key(&self.decisions(model, Lane::Retrain).await));
            self.judge_repairs(model).await;
        }
        for event in &self.post.events {
            assert_eq!(event.under_way, 0, "still under way: {event:?}");
            let key = self.key_of(event);
            let record = key.as_ref().and_then(|key| keys[event.model].get(key));
            let end = end(event, record.map(String::as_str));
            let is_understood = !end.starts_with("dead letter") && end != "lost by AWS";
            assert!(
                key.is_none() || record.is_some() || !is_understood,
                "promise 7: no record of {event:?}"
            );
            let kind = format!("{:?}", event.told);
            let kind = kind.split([' ', '{']).next().unwrap_or_default().to_owned();
            *ends.entry(format!("{kind} {end}")).or_default() += 1;
        }
        self.judge_letters();
        Account {
            events: self.post.events.len() as u64,
            invocations: self.invocations,
            letters: self.post.letters,
            ends,
            failures: self.post.failures.clone(),
            digest: self.digest,
            ..Account::default()
        }
    }

    /// Each dead letter says why. Nothing that was sent is wrong, so each is about AWS, the
    /// process, or, with clocks that are wrong, the time.
    fn judge_letters(&self) {
        let is_bent = self.size.rules(self.models[0].rules).is_none();
        for event in &self.post.events {
            for ended in &event.ended {
                let Ended::Dead(error) = ended else { continue };
                let (name, why) = error.split_once(": ").unwrap();
                let is_expected = name.starts_with("Retryable.")
                    || name.starts_with("Function.")
                    || name.starts_with("Batch.")
                    || (is_bent && name == "Terminal.EventFromTheFuture");
                assert!(is_expected && !why.is_empty(), "{error}");
            }
        }
    }

    /// Promise 11: hours after the storm no slot takes an execution for running that has
    /// ended, whether AWS has told of its end or not.
    async fn judge_repairs(&self, model: usize) {
        let slot = self.slot(model, Lane::Retrain).await;
        if let Phase::Running(run) = &slot.phase {
            let arn = run.execution.to_string();
            let executions = self.executions(model);
            let execution = executions.iter().find(|one| one.arn == arn).unwrap();
            assert!(!execution.status.is_terminal(), "promise 11: {slot:?}");
        }
    }

    /// What holds when all has come to rest.
    pub(crate) async fn judge_the_end(&self, account: &mut Account) {
        for model in 0..self.models.len() {
            let decisions = self.decisions(model, Lane::Retrain).await;
            let keys = by_key(&decisions);
            for event in self.events_of(model) {
                let key = self.key_of(event);
                assert!(
                    key.is_none_or(|key| keys.contains_key(&key)),
                    "promise 3: {event:?}"
                );
            }
            account.starts += self.judge_runs(model, &decisions).await;
            if self.models[model].is_gated {
                for environment in ["staging", "production"] {
                    account.deployments += self.judge_environment(model, environment).await;
                }
            }
        }
    }

    /// Promises 3, 5, 6 and 7 for the executions of a model.
    async fn judge_runs(&self, number: usize, decisions: &[Decision]) -> u64 {
        let model = &self.models[number];
        let executions = self.executions(number);
        let runs = Runs::new(&executions, &model.retried);
        let claims = claims(decisions);
        for run in runs.ours() {
            let claim = claims.get(run.token.as_deref().unwrap());
            let claim = claim.unwrap_or_else(|| panic!("promise 7: nobody has decided {run:?}"));
            for (name, value) in &claim.parameters {
                assert_eq!(run.parameters.get(name.as_str()), Some(value), "promise 5");
            }
        }
        for (alarm, since) in &model.alarmed {
            assert!(
                runs.have_served(*since),
                "promise 3: {} alarm {alarm} since {since} was never served",
                model.name
            );
        }
        let mut rows = 0;
        for event in self
            .post
            .events
            .iter()
            .filter(|event| event.model == number)
        {
            match &event.told {
                Told::Object { rows: more } => rows += more,
                Told::Wish { at, .. } => {
                    assert!(runs.have_served(*at), "promise 3: {event:?}");
                }
                _ => {}
            }
        }
        let waiting = self.slot(number, Lane::Retrain).await.data.tally.rows;
        assert!(
            waiting < MIN_ROWS,
            "promise 3: {waiting} rows start nothing"
        );
        assert_eq!(
            runs.consumed("Rows") + waiting,
            rows,
            "promise 6: {}: what was consumed or waits is not what arrived",
            model.name
        );
        runs.ours().len() as u64
    }

    /// Promises 7 and 10 for the deployments of a model, and that what is approved was
    /// deployed.
    async fn judge_environment(&self, number: usize, environment: &str) -> u64 {
        let lanes = self.lanes(number);
        let lane = lanes[if environment == "staging" { 1 } else { 2 }].clone();
        let deployments = self.deployments(number, environment);
        let decisions = self.decisions(number, lane).await;
        by_key(&decisions);
        let claims = claims(&decisions);
        for deployment in &deployments {
            let token = deployment.token.as_deref().unwrap();
            assert!(claims.contains_key(token), "promise 7: {deployment:?}");
        }
        if environment == "staging" {
            let recorded = recorded(&decisions);
            let newest = versions(&deployments).into_iter().max().unwrap_or_default();
            for (package, approvals) in &self.models[number].approvals {
                let (_, status) = approvals.last().unwrap();
                let version = version(package);
                if status == "Approved" {
                    assert!(recorded.contains_key(&version), "promise 7: {package}");
                    assert!(version <= newest, "promise 3: {package} was never deployed");
                }
            }
        }
        deployments.len() as u64
    }
}
