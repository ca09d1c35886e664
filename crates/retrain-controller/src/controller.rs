//! Load, step, commit, perform.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use jiff::Timestamp;
use retrain_core::data::ObjectId;
use retrain_core::decision::{Decision, Outcome, Unchanged};
use retrain_core::event::Event;
use retrain_core::facts::{Facts, Lookups, Timing};
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::policy::PolicyInForce;
use retrain_core::step::{Command, Step, step};
use tokio::time::Instant;

use crate::error::{ControllerError, PortError};
use crate::perform::Performed;
use crate::ports::{
    Alarms, Clock, Committed, Executions, Loaded, Manifests, Monitoring, Observer, Packages,
    Parameters, Registry, Reports, SlotStore, Wanted,
};

/// How often a lost race is run again before the event is delivered anew.
const MAX_RACES: u32 = 16;

/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Drives slots against the ports.
#[derive(Clone, Debug)]
pub struct Controller<S, E, R, P, A, M> {
    /// Where slots are kept.
    pub store: S,
    /// What starts executions.
    pub executions: E,
    /// The model registry, and the schedules that monitor its models.
    pub registry: R,
    /// The team's parameters.
    pub parameters: P,
    /// CloudWatch's alarms.
    pub alarms: A,
    /// What writes manifests and reads reports.
    pub documents: M,
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
    may_start: bool,
    clock: &'a C,
    observer: &'a O,
}

/// The model's policy in a lane; nothing where the model has no such lane.
fn in_lane<'a>(policy: &'a PolicyInForce, lane: &Lane) -> Option<Cow<'a, PolicyInForce>> {
    if *lane == policy.lane {
        return Some(Cow::Borrowed(policy));
    }
    policy.in_lane(lane).map(Cow::Owned)
}

/// What is still to be done, and what this worker knows.
#[derive(Default)]
struct Work {
    commands: VecDeque<(Lane, Command, Timestamp)>,
    stored: BTreeMap<Lane, Loaded>,
}

impl Work {
    fn add(&mut self, lane: &Lane, stored: Loaded, commands: Vec<Command>, at: Timestamp) {
        self.stored.insert(lane.clone(), stored);
        let commands = commands.into_iter();
        self.commands
            .extend(commands.map(|command| (lane.clone(), command, at)));
    }
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
    R: Registry + Packages + Monitoring,
    P: Parameters,
    A: Alarms,
    M: Manifests + Reports,
{
    /// Handles one event for one lane of a model, up to and including the answer of AWS,
    /// and what other lanes are to be told.
    ///
    /// `policy` is that of the model's retraining; the lane's is taken from it. An error
    /// means that the event should be delivered again (or belongs in a dead-letter
    /// queue, see [`ControllerError::class`]); whatever was committed before the error
    /// stays and is found again.
    ///
    /// `may_start` is false where no further execution should be started now; what
    /// would start is held for a moment.
    pub async fn handle(
        &self,
        event: &Event,
        policy: &PolicyInForce,
        lane: &Lane,
        may_start: bool,
        clock: &impl Clock,
        observer: &impl Observer,
    ) -> Result<Handled, ControllerError> {
        let turn = Turn {
            may_start,
            clock,
            observer,
        };
        let own = in_lane(policy, lane).ok_or_else(|| ControllerError::NoLane {
            slot: SlotKey::new(policy.model.clone(), lane.clone()),
        })?;
        let first = self.decide(&turn, &own, event, None).await?;
        let mut work = Work::default();
        work.add(lane, first.stored, first.commands, first.at);
        let mut handled = Handled {
            // A write without a decision only moved the time of the next look.
            outcome: first.outcome.unwrap_or(Outcome::Unchanged {
                because: Unchanged::Looked,
            }),
            decisions: first.decision.into_iter().collect(),
            left_unsent: None,
        };
        // An errand that fails keeps no other from being run. It stays on record.
        let mut failed = None;
        while let Some((lane, command, at)) = work.commands.pop_front() {
            let told = match self.perform(&command, at, clock).await {
                Ok(Performed::Answered(event)) => (lane, event),
                Ok(Performed::Unsent) => {
                    handled.left_unsent = unsent(&command);
                    continue;
                }
                Ok(Performed::Told {
                    lane: other,
                    event,
                    number,
                }) => {
                    match in_lane(policy, &other) {
                        Some(policy) => match self.decide(&turn, &policy, &event, None).await {
                            Ok(next) => {
                                handled.decisions.extend(next.decision);
                                work.add(&other, next.stored, next.commands, next.at);
                            }
                            Err(error) => {
                                failed.get_or_insert(error);
                                continue;
                            }
                        },
                        // The policy may have the environment again: the errand stays on
                        // record, and is run later.
                        None if matches!(other, Lane::Deploy(_)) => continue,
                        // Nobody decides about the group any more.
                        None => {}
                    }
                    let baseline = None;
                    (lane, Event::ErrandDone { number, baseline })
                }
                Err(error) if matches!(command, Command::Errand(_)) => {
                    failed.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (lane, event) = told;
            let Some(policy) = in_lane(policy, &lane) else {
                continue;
            };
            let known = work.stored.remove(&lane);
            let next = self.decide(&turn, &policy, &event, known).await?;
            handled.decisions.extend(next.decision);
            work.add(&lane, next.stored, next.commands, next.at);
        }
        failed.map_or(Ok(handled), Err)
    }

    /// Loads, steps and commits until the step is committed or needs no commit.
    ///
    /// A worker that has just written the slot need not read it again: it knows
    /// what it wrote, and the fence tells if that has changed.
    async fn decide(
        &self,
        turn: &Turn<'_, impl Clock, impl Observer>,
        policy: &PolicyInForce,
        event: &Event,
        known: Option<Loaded>,
    ) -> Result<Decided, ControllerError> {
        let clock = turn.clock;
        let slot = &policy.slot();
        let marker = event.dedupe_key();
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
        let mut event = Cow::Borrowed(event);
        for race in 0..MAX_RACES {
            let began = Instant::now();
            let is_known = known.is_some();
            let mut loaded = match known.take() {
                Some(known) => known,
                None => self.store.load(wanted, clock.now()).await?,
            };
            let mut at = clock.now();
            let mut next = self.step(turn.may_start, policy, &loaded, &event, None, at)?;
            if !is_known
                && !matches!(next, Step::Settled(_))
                && let Some(anew) = self.described_anew(&event, &loaded, at).await?
            {
                event = Cow::Owned(anew);
                at = clock.now();
                next = self.step(turn.may_start, policy, &loaded, &event, None, at)?;
            }
            if let Step::NeedFacts(needed) = next {
                let found = self.look_up(slot, &needed, at).await?;
                // What is found belongs to this state of the slot: after a lost race it
                // is looked up anew.
                next = self.step(turn.may_start, policy, &loaded, &event, Some(&found), at)?;
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
                        loaded.slot = *commit.slot;
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
                    Committed::LostRace => {
                        clock.pause(pause_after(race, began.elapsed())).await;
                    }
                },
                Step::NeedFacts(_) => return Err(asked_again()),
            }
        }
        Err(ControllerError::Contended {
            slot: slot.clone(),
            races: MAX_RACES,
        })
    }

    /// The event with what the package is now, where another worker may have written the
    /// slot since the package was described: an older description would undo what a newer
    /// one has led to.
    ///
    /// Whoever describes a package ends within the function's time, and so within a lease.
    async fn described_anew(
        &self,
        event: &Event,
        loaded: &Loaded,
        now: Timestamp,
    ) -> Result<Option<Event>, PortError> {
        let Event::Package { description, told } = event else {
            return Ok(None);
        };
        let unwritten_for = now.duration_since(loaded.slot.updated_at);
        if unwritten_for > self.timing.lease() {
            return Ok(None);
        }
        Ok(Some(Event::Package {
            description: Box::new(self.description(&description.package).await?),
            told: *told,
        }))
    }

    pub(crate) fn step(
        &self,
        may_start: bool,
        policy: &PolicyInForce,
        loaded: &Loaded,
        event: &Event,
        lookups: Option<&Lookups>,
        now: Timestamp,
    ) -> Result<Step, ControllerError> {
        let facts = Facts {
            seen: loaded.seen.as_ref(),
            lookups,
            objects: &loaded.objects,
            may_start,
            ..Facts::new(&loaded.controller, self.timing)
        };
        step(&loaded.slot, event, &facts, policy, now).map_err(|source| ControllerError::Refused {
            slot: policy.slot(),
            source,
        })
    }
}

/// A step that asks for the facts that it was given would ask for ever.
pub(crate) fn asked_again() -> ControllerError {
    PortError::terminal("decide", "it asks for facts that it was given").into()
}

/// How long to let the others go first: after a lost race for longer than the lost attempt
/// took, and longer after every further one, however slow the store is today. DynamoDB may
/// refuse both sides of a conflict, and pauses of one length would let them meet again; so
/// half of each is random.
fn pause_after(race: u32, attempt: Duration) -> Duration {
    let longest = attempt.saturating_mul(4 << race.min(3)).min(LONGEST_PAUSE);
    // The keys of a hasher are random, also for workers that lost at the same moment.
    let share = u32::try_from(RandomState::new().hash_one(race) % 1_000).unwrap_or_default();
    longest / 2 + longest * share / 2_000
}

fn unsent(command: &Command) -> Option<u64> {
    match command {
        Command::EnsureStarted { claim, .. } => Some(claim.number),
        Command::Describe { .. }
        | Command::FindPackage { .. }
        | Command::DescribePackage { .. }
        | Command::UpdatePackage(_)
        | Command::Errand(_)
        | Command::Look => None,
    }
}
