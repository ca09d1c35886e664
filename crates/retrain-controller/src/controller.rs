//! Load, step, commit, perform.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use retrain_core::data::{ObjectId, Tally};
use retrain_core::decision::{Decision, Outcome, Unchanged};
use retrain_core::event::{Event, StartAnswer};
use retrain_core::facts::{Facts, FactsNeeded, Lookup, Lookups, ManifestWanted, Timing};
use retrain_core::lane::SlotKey;
use retrain_core::policy::PolicyInForce;
use retrain_core::slot::Claim;
use retrain_core::step::{Command, Look, Step, step};
use tokio::time::{Instant, sleep};

use crate::error::{Class, ControllerError, PortError, chain};
use crate::ports::{
    Alarms, Clock, Committed, Executions, Loaded, Manifests, Observer, Parameters, Registry,
    SlotStore, Started, Wanted,
};

/// How often a lost race is run again before the event is delivered anew.
const MAX_RACES: u32 = 16;

/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest that a start call may take.
const START_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// A start call with less time than this is not worth sending.
const MIN_START_TIMEOUT: SignedDuration = SignedDuration::from_secs(1);

/// Drives slots against the ports.
#[derive(Clone, Debug)]
pub struct Controller<S, E, R, P, A, M> {
    /// Where slots are kept.
    pub store: S,
    /// What starts executions.
    pub executions: E,
    /// The model registry.
    pub registry: R,
    /// The team's parameters.
    pub parameters: P,
    /// CloudWatch's alarms.
    pub alarms: A,
    /// What writes manifests.
    pub manifests: M,
    /// The controller's timing.
    pub timing: Timing,
}

/// What came of an event: its outcome, and those of the answers that followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// What the event itself led to.
    pub outcome: Outcome,
    /// Everything that was recorded on the way, in order.
    pub decisions: Vec<Decision>,
    /// Set when a claim was left for the reconciler because there was no time
    /// left to start it.
    pub left_unsent: Option<u64>,
}

/// What stays the same while an event is handled.
struct Turn<'a, C, O> {
    slot: &'a SlotKey,
    policy: &'a PolicyInForce,
    may_start: bool,
    clock: &'a C,
    observer: &'a O,
}

/// One decision that is committed, or needed no commit.
struct Decided {
    outcome: Option<Outcome>,
    decision: Option<Decision>,
    commands: Vec<Command>,
    /// The time on which the decision, and so any lease in it, is based.
    at: Timestamp,
    /// What the store holds now, as far as this worker knows.
    stored: Loaded,
}

impl<S, E, R, P, A, M> Controller<S, E, R, P, A, M>
where
    S: SlotStore,
    E: Executions,
    R: Registry,
    P: Parameters,
    A: Alarms,
    M: Manifests,
{
    /// Handles one event for one model, up to and including the answer of AWS.
    ///
    /// An error means that the event should be delivered again (or belongs in a
    /// dead-letter queue, see [`ControllerError::class`]); whatever was committed
    /// before the error stays and is found again.
    ///
    /// `may_start` is false where no further execution should be started now; what
    /// would start is held for a moment.
    pub async fn handle(
        &self,
        event: &Event,
        policy: &PolicyInForce,
        may_start: bool,
        clock: &impl Clock,
        observer: &impl Observer,
    ) -> Result<Handled, ControllerError> {
        let slot = SlotKey::retrain(policy.model.clone());
        let turn = Turn {
            slot: &slot,
            policy,
            may_start,
            clock,
            observer,
        };
        let first = self.decide(&turn, event, None).await?;
        let mut stored = first.stored;
        let mut handled = Handled {
            // A write without a decision only moved the time of the next look.
            outcome: first.outcome.unwrap_or(Outcome::Unchanged {
                because: Unchanged::Looked,
            }),
            decisions: first.decision.into_iter().collect(),
            left_unsent: None,
        };
        let mut commands: VecDeque<(Command, Timestamp)> = first
            .commands
            .into_iter()
            .map(|command| (command, first.at))
            .collect();
        while let Some((command, at)) = commands.pop_front() {
            let Some(answer) = self.perform(&command, at, clock).await? else {
                handled.left_unsent = unsent(&command);
                continue;
            };
            let next = self.decide(&turn, &answer, Some(stored)).await?;
            stored = next.stored;
            handled.decisions.extend(next.decision);
            commands.extend(next.commands.into_iter().map(|command| (command, next.at)));
        }
        Ok(handled)
    }

    /// Loads, steps and commits until the step is committed or needs no commit.
    ///
    /// A worker that has just written the slot need not read it again: it knows
    /// what it wrote, and the fence tells if that has changed.
    async fn decide(
        &self,
        turn: &Turn<'_, impl Clock, impl Observer>,
        event: &Event,
        known: Option<Loaded>,
    ) -> Result<Decided, ControllerError> {
        let Turn { slot, clock, .. } = *turn;
        let marker = match event {
            Event::Trigger(trigger) => Some(trigger.dedupe_key()),
            _ => None,
        };
        let objects: Vec<ObjectId> = match event {
            Event::Data(arrivals) => arrivals.ids().into_iter().collect(),
            _ => Vec::new(),
        };
        let wanted = Wanted {
            slot,
            marker: marker.as_ref(),
            objects: &objects,
        };
        let mut known = known;
        for race in 0..MAX_RACES {
            let began = Instant::now();
            let mut loaded = match known.take() {
                Some(known) => known,
                None => self.store.load(wanted, clock.now()).await?,
            };
            let at = clock.now();
            let mut next = self.step(turn, &loaded, event, None, at)?;
            if let Step::NeedFacts(needed) = next {
                let found = self.look_up(slot, &needed, at).await?;
                // What is found belongs to this state of the slot: after a lost race it
                // is looked up anew.
                next = self.step(turn, &loaded, event, Some(&found), at)?;
            }
            match next {
                Step::Settled(outcome) => {
                    return Ok(Decided {
                        outcome: Some(outcome),
                        decision: None,
                        commands: Vec::new(),
                        at,
                        stored: loaded,
                    });
                }
                Step::Commit(commit) => match self.store.commit(slot, &commit, at).await? {
                    Committed::Written => {
                        commit
                            .decision
                            .iter()
                            .for_each(|decision| turn.observer.decided(decision));
                        loaded.slot = commit.slot;
                        return Ok(Decided {
                            outcome: commit
                                .decision
                                .as_ref()
                                .map(|decision| decision.outcome.clone()),
                            decision: commit.decision,
                            commands: commit.commands,
                            at,
                            stored: loaded,
                        });
                    }
                    Committed::LostRace => pause(race, began.elapsed()).await,
                },
                Step::NeedFacts(_) => {
                    let source = "it asks for facts that it was given";
                    return Err(PortError::terminal("decide", source).into());
                }
            }
        }
        Err(ControllerError::Contended {
            slot: slot.clone(),
            races: MAX_RACES,
        })
    }

    fn step(
        &self,
        turn: &Turn<'_, impl Clock, impl Observer>,
        loaded: &Loaded,
        event: &Event,
        lookups: Option<&Lookups>,
        now: Timestamp,
    ) -> Result<Step, ControllerError> {
        let facts = Facts {
            seen: loaded.seen.as_ref(),
            lookups,
            objects: &loaded.objects,
            may_start: turn.may_start,
            ..Facts::new(&loaded.controller, self.timing)
        };
        step(&loaded.slot, event, &facts, turn.policy, now).map_err(|source| {
            ControllerError::Refused {
                slot: turn.slot.clone(),
                source,
            }
        })
    }

    async fn look_up(
        &self,
        slot: &SlotKey,
        needed: &FactsNeeded,
        now: Timestamp,
    ) -> Result<Lookups, PortError> {
        let uri = async {
            match &needed.training_data_uri {
                Some(name) => found(self.parameters.parameter(name, now).await),
                None => Ok(Lookup::Absent),
            }
        };
        let baseline = async {
            match &needed.baseline {
                Some(group) => found(self.registry.newest_approved(group).await),
                None => Ok(Lookup::Absent),
            }
        };
        let manifest = async {
            match &needed.manifest {
                Some(wanted) => found(self.manifest(slot, wanted).await.map(Some)),
                None => Ok(Lookup::Absent),
            }
        };
        let in_alarm = async {
            match needed.alarms.as_slice() {
                [] => Ok(Lookup::Absent),
                alarms => found(self.alarms.in_alarm(alarms).await.map(Some)),
            }
        };
        let (training_data_uri, baseline, manifest_uri, in_alarm) =
            tokio::try_join!(uri, baseline, manifest, in_alarm)?;
        Ok(Lookups {
            training_data_uri,
            baseline,
            manifest_uri,
            in_alarm,
        })
    }

    /// Writes the manifest of the data that a claim is about to take. The claim is
    /// refused if the slot has changed since, so what is listed is what is taken.
    async fn manifest(&self, slot: &SlotKey, wanted: &ManifestWanted) -> Result<String, PortError> {
        let mut objects = self.store.objects(slot, wanted.generations).await?;
        let listed = objects.iter().fold(Tally::default(), |sum, object| {
            sum.plus(object.version.tally())
        });
        if listed != wanted.tally {
            let source = format!("the index shows {listed}, the slot has {}", wanted.tally);
            return Err(PortError::retryable("list the objects of a start", source));
        }
        objects.retain(|object| object.version.uncounted.is_none());
        objects.sort_by(|a, b| {
            (&a.version.bucket, &a.version.key).cmp(&(&b.version.bucket, &b.version.key))
        });
        self.manifests.write(wanted, &objects).await
    }

    /// Does what a commit commands; gives the event that its answer is, if there
    /// is one.
    async fn perform(
        &self,
        command: &Command,
        decided_at: Timestamp,
        clock: &impl Clock,
    ) -> Result<Option<Event>, ControllerError> {
        match command {
            Command::EnsureStarted { claim, look } => {
                let answer = self.ensure_started(claim, *look, decided_at, clock).await;
                Ok(answer.map(|answer| Event::StartAnswered {
                    claim: claim.number,
                    attempt: claim.attempt,
                    answer,
                }))
            }
            Command::FindPackage { group, after } => {
                let found = self.registry.newest_since(group, *after).await?;
                Ok(Some(Event::Registered { found }))
            }
            Command::Describe { execution } => {
                let report = self.executions.describe(execution).await?;
                Ok(Some(Event::Status(report)))
            }
        }
    }

    async fn ensure_started(
        &self,
        claim: &Claim,
        look: Look,
        decided_at: Timestamp,
        clock: &impl Clock,
    ) -> Option<StartAnswer> {
        if look != Look::No {
            let earliest = self.timing.earliest_start(claim.claimed_at);
            match self.executions.find(claim, earliest).await {
                Ok(Some(found)) => {
                    return Some(StartAnswer::Accepted {
                        execution: found.execution,
                        started_at: found.started_at,
                        adopted: true,
                    });
                }
                Ok(None) if look == Look::Only => {
                    return Some(StartAnswer::Unknown {
                        what: "not found, and nothing may be sent now".to_owned(),
                    });
                }
                Ok(None) => {}
                // Without having looked, nothing may be sent.
                Err(error) => {
                    return Some(StartAnswer::Unknown {
                        what: format!("could not look for the execution: {}", chain(&error)),
                    });
                }
            }
        }
        let timeout = self.time_to_send(decided_at, clock)?;
        Some(match self.executions.start(claim, timeout).await {
            Started::Accepted(execution) => StartAnswer::Accepted {
                execution,
                // Later than the true start, if at all: intervals are never cut short.
                started_at: clock.now(),
                adopted: false,
            },
            Started::Refused(refusal) => StartAnswer::Refused {
                refusal,
                looked: look == Look::First,
            },
            Started::Unknown(what) => StartAnswer::Unknown { what },
        })
    }

    /// How long a start call may take that is sent now; nothing when the lease
    /// that was taken at `decided_at` leaves no time for one.
    ///
    /// The fence in the store protects the slot from a worker that was frozen
    /// between its claim and its call. This protects AWS from it.
    fn time_to_send(&self, decided_at: Timestamp, clock: &impl Clock) -> Option<Duration> {
        let elapsed = clock.now().duration_since(decided_at);
        let left = self.timing.send_within() - elapsed;
        let timeout = left.min(START_TIMEOUT);
        (timeout >= MIN_START_TIMEOUT && !elapsed.is_negative()).then(|| timeout.unsigned_abs())
    }
}

/// Lets the others go first: after a lost race for longer than the lost attempt took, and
/// longer after every further one, however slow the store is today. DynamoDB may refuse
/// both sides of a conflict, and pauses of one length would let them meet again; so half
/// of each is random.
async fn pause(race: u32, attempt: Duration) {
    let longest = attempt.saturating_mul(4 << race.min(3)).min(LONGEST_PAUSE);
    // The keys of a hasher are random, also for workers that lost at the same moment.
    let share = u32::try_from(RandomState::new().hash_one(race) % 1_000).unwrap_or_default();
    sleep(longest / 2 + longest * share / 2_000).await;
}

const fn unsent(command: &Command) -> Option<u64> {
    match command {
        Command::EnsureStarted { claim, .. } => Some(claim.number),
        Command::Describe { .. } | Command::FindPackage { .. } => None,
    }
}

/// What a look-up found. One that can never work is an answer too: the trigger is
/// held as misconfigured, which a dead-letter queue would not do for it.
fn found<T>(answer: Result<Option<T>, PortError>) -> Result<Lookup<T>, PortError> {
    match answer {
        Ok(value) => Ok(value.into()),
        Err(error) if error.class() == Class::Terminal => Ok(Lookup::Unreadable(chain(&error))),
        Err(error) => Err(error),
    }
}
