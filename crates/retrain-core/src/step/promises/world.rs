//! A small world around the shipped `step`: an AWS that forgets tokens as early as it
//! is allowed to and shows new executions in its lists as late, a store that remembers
//! markers, and workers that crash, freeze and thaw.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;

use super::aws::pick;
use super::books::Books;
use crate::data::{KnownObjects, ObjectVersion};
use crate::event::{ExecutionStatus, StartAnswer};
use crate::facts::{ControllerState, Lookup, Lookups, Timing};
use crate::names::{AlarmArn, ModelName, PipelineParameterName};
use crate::order::{Order, OrderKind};
use crate::policy::{Mode, Policy};
use crate::step::*;
use crate::token::{ClientRequestToken, Epoch};
use crate::trigger::tests::{alarm, at, drift};
use jiff::SignedDuration;

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "parameters": {"Token": "{token}", "Alarm": "{alarm_name}", "End": "{training_window_end}"},
    "training_window": "1d",
    "drift": {"alarms": [{"alarm_name": "a-*"}]},
    "data": {
        "objects": [{"bucket": "fraud-data", "prefix": "in/"}],
        "min_rows": 100, "quiet_period": "5m", "max_wait": "2h"
    },
    "no_improvement": {"steps": ["NotBetter"], "max_times": 3},
    "min_interval": "1h",
    "back_off": {"initial": "10m", "cap": "1h", "max_failures": 3},
    "budget": {"starts": 2, "window": "12h"},
    "breaker_after_failures": 4
}"#;

/// One thing that happens. Indices are taken modulo what there is.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// An alarm goes off, the given number of seconds ago.
    Alarm {
        name: u8,
        ago: u16,
    },
    /// An alarm clears, the given number of seconds ago.
    Clear {
        name: u8,
        ago: u16,
    },
    /// A version of an object is written, with rows that can be counted or not. Nobody
    /// tells yet.
    Put {
        key: u8,
        rows: u8,
        countable: bool,
    },
    /// S3 tells about some of the versions that were written, in this order, perhaps
    /// again.
    Arrive(Vec<u8>),
    /// An event that was delivered before is delivered again.
    Redeliver(u8),
    /// Time passes.
    Wait(u16),
    /// A worker makes its call; this is what becomes of it.
    Send {
        worker: u8,
        fate: Fate,
    },
    /// A worker that has an answer commits it.
    Answer(u8),
    /// A worker dies.
    Crash(u8),
    /// The reconciler looks; perhaps other models start first.
    Tick {
        may_start: bool,
    },
    /// An execution ends, perhaps in the step that finds no improvement.
    End {
        execution: u8,
        status: ExecutionStatus,
        not_better: bool,
    },
    /// A person retries an execution that has not succeeded.
    Retry(u8),
    /// These alarms are in ALARM now, as their bits say.
    Ring(u8),
    /// The policy observes or acts.
    Mode(Mode),
    /// AWS tells about an execution, perhaps again, perhaps with its name.
    Report {
        execution: u8,
        named: bool,
    },
    Pause,
    Unpause,
    /// A person starts the pipeline by hand, and SageMaker tells.
    ByHand,
    /// A person closes the breaker.
    Reset,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Accepted,
    LostBefore,
    LostAfter,
    NoCapacity,
    Refused,
}

pub(super) struct Worker {
    pub(super) claim: Claim,
    pub(super) look: Look,
    pub(super) began: Timestamp,
    /// What happened when it was told to, counted.
    pub(super) decided: usize,
    pub(super) answer: Option<StartAnswer>,
}

pub(super) struct Ran {
    pub(super) arn: Execution,
    /// None for an execution that was started by hand.
    pub(super) token: Option<ClientRequestToken>,
    /// The claim's number.
    pub(super) claim: u64,
    /// What happened when it was decided, counted.
    pub(super) decided: usize,
    pub(super) parameters: BTreeMap<PipelineParameterName, String>,
    pub(super) name: String,
    pub(super) started: Timestamp,
    pub(super) status: ExecutionStatus,
    pub(super) not_better: bool,
    /// What happened when a person started it anew, counted.
    pub(super) retried: Option<usize>,
}

pub(super) struct World {
    /// How many things have happened.
    pub(super) ops: usize,
    pub(super) now: Timestamp,
    pub(super) slot: Slot,
    pub(super) policy: PolicyInForce,
    pub(super) controller: ControllerState,
    pub(super) timing: Timing,
    pub(super) markers: BTreeMap<DedupeKey, Seen>,
    pub(super) delivered: Vec<Event>,
    pub(super) workers: Vec<Worker>,
    pub(super) executions: Vec<Ran>,
    /// Causes that were taken in and are neither served nor rightly gone.
    pub(super) open: BTreeMap<String, Timestamp>,
    /// The alarms in ALARM, as bits.
    pub(super) ringing: u8,
    /// When a retry of the last run was told.
    pub(super) reopened_at: Option<Timestamp>,
    /// What the store remembers of objects.
    pub(super) store: KnownObjects,
    /// Every version that was ever written.
    pub(super) puts: Vec<ObjectVersion>,
    pub(super) books: Books,
    /// Keys of triggers that were decided.
    pub(super) decided: BTreeSet<DedupeKey>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            ops: 0,
            now: at(0),
            slot: Slot::new(),
            policy: PolicyInForce::new(
                ModelName::parse("fraud").unwrap(),
                1,
                Policy::parse(POLICY).unwrap(),
            ),
            controller: ControllerState {
                epoch: Epoch::derive(&["t"]),
                paused: None,
            },
            timing: Timing::default(),
            markers: BTreeMap::new(),
            delivered: Vec::new(),
            workers: Vec::new(),
            executions: Vec::new(),
            open: BTreeMap::new(),
            ringing: 0,
            reopened_at: None,
            store: KnownObjects::new(),
            puts: Vec::new(),
            books: Books::default(),
            decided: BTreeSet::new(),
        }
    }

    pub(super) fn apply(&mut self, op: &Op) {
        self.ops += 1;
        match op {
            Op::Alarm { name, ago } => self.deliver(&Event::Trigger(crate::trigger::Trigger {
                at: self.now - SignedDuration::from_secs(i64::from(*ago)),
                ..drift(&format!("a-{}", name % 3), 0)
            })),
            Op::Clear { name, ago } => self.deliver(&Event::AlarmCleared {
                alarm: alarm(&format!("a-{}", name % 3)),
                at: self.now - SignedDuration::from_secs(i64::from(*ago)),
            }),
            Op::Put {
                key,
                rows,
                countable,
            } => self.put(*key, *rows, *countable),
            Op::Arrive(picks) => self.arrive(picks),
            Op::Redeliver(n) => {
                if let Some(event) = pick(&self.delivered, *n) {
                    let event = event.clone();
                    self.take(&event);
                }
            }
            Op::Wait(seconds) => self.now += SignedDuration::from_secs(i64::from(*seconds)),
            Op::Send { worker, fate } => self.send(*worker, *fate),
            Op::Answer(worker) => self.answer(*worker),
            Op::Crash(worker) => {
                if !self.workers.is_empty() {
                    let at = usize::from(*worker) % self.workers.len();
                    self.workers.remove(at);
                }
            }
            Op::Tick { may_start } => self.take_if(&Event::Tick, *may_start),
            Op::End {
                execution,
                status,
                not_better,
            } => self.end(*execution, *status, *not_better),
            Op::Retry(execution) => self.retry(*execution),
            Op::Ring(alarms) => self.ringing = *alarms,
            Op::Mode(mode) => self.policy.policy.mode = *mode,
            Op::Report { execution, named } => self.report(*execution, *named),
            Op::Pause => self.take(&Event::Order(Order::new(OrderKind::Pause, "p", "w"))),
            Op::ByHand => self.by_hand(),
            Op::Reset => self.take(&Event::Order(Order::new(OrderKind::ResetBreaker, "p", "w"))),
            Op::Unpause => self.take(&Event::Order(Order::new(OrderKind::Resume, "p", "w"))),
        }
        self.check();
    }

    pub(super) fn deliver(&mut self, event: &Event) {
        self.delivered.push(event.clone());
        self.take(event);
    }

    pub(super) fn take(&mut self, event: &Event) {
        self.take_if(event, true);
    }

    fn take_if(&mut self, event: &Event, may_start: bool) {
        let commit = match self.step(event, may_start) {
            Step::NeedFacts(needed) => panic!("{needed:?}"),
            Step::Settled(_) => return self.books.is_known(event),
            Step::Commit(commit) => *commit,
        };
        if let Some((key, seen)) = commit.marker {
            assert!(
                self.markers.insert(key, seen).is_none(),
                "a marker is written once"
            );
        }
        for write in commit.objects {
            let id = write.record.version.id();
            let stored = self.store.get(&id).map(|known| &known.version.sequencer);
            assert_eq!(stored, write.expected.as_ref(), "the store refuses it");
            self.store.insert(id, write.record);
        }
        if let Some(decision) = &commit.decision {
            self.account(event, &decision.outcome, &commit.slot);
            self.books.account(event, &decision.outcome);
        }
        self.slot = *commit.slot;
        for command in commit.commands {
            self.perform(command);
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::EnsureStarted { claim, look } => {
                let free = self.slot.foreign.is_empty() && self.slot.paused.is_none();
                assert!(
                    free || look == Look::Only,
                    "promise 1: a start beside a foreign run"
                );
                self.workers.push(Worker {
                    claim: Claim::clone(&claim),
                    look,
                    began: self.now,
                    decided: self.ops,
                    answer: None,
                });
            }
            // Every other worker dies before it has asked.
            Command::Describe { execution } if self.ops.is_multiple_of(2) => {
                let ran = self.executions.iter();
                let ran = ran.enumerate().find(|(_, ran)| ran.arn == execution);
                if let Some((n, _)) = ran {
                    self.report(u8::try_from(n).unwrap(), true);
                }
            }
            _ => {}
        }
    }

    /// Steps, and looks up what is asked for.
    fn step(&self, event: &Event, may_start: bool) -> Step {
        let key = event.dedupe_key();
        let mut facts = Facts {
            seen: key.as_ref().and_then(|key| self.markers.get(key)),
            objects: &self.store,
            may_start,
            ..Facts::new(&self.controller, self.timing)
        };
        let first = step(&self.slot, event, &facts, &self.policy, self.now).unwrap();
        let Step::NeedFacts(needed) = first else {
            return first;
        };
        let rings = |alarm: &AlarmArn| self.rings(alarm.as_str());
        let in_alarm = needed.alarms.into_iter().filter(rings).collect();
        let mut executions = self.executions.iter();
        let last_run = executions.find(|ran| Some(&ran.arn) == needed.last_run.as_ref());
        let lookups = Lookups {
            in_alarm: Lookup::Found(in_alarm),
            last_run: last_run.map(|ran| ran.status).into(),
            ..Lookups::default()
        };
        facts.lookups = Some(&lookups);
        step(&self.slot, event, &facts, &self.policy, self.now).unwrap()
    }

    pub(super) fn rings(&self, cause: &str) -> bool {
        let bit = (0..3).find(|n| alarm(&format!("a-{n}")).as_str() == cause);
        bit.is_some_and(|n| self.ringing & (1 << n) != 0)
    }
}
