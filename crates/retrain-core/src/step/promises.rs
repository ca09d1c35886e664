//! The promises of the design, checked over random histories.
//!
//! A small world surrounds the shipped [`step`]: an AWS that forgets tokens as
//! early as it is allowed to and shows new executions in its lists as late, a
//! store that remembers markers, and workers that crash, freeze and thaw.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::event::{ExecutionReport, ExecutionStatus, Refusal, StartAnswer};
use crate::facts::{ControllerState, Timing};
use crate::names::{ModelName, PipelineParameterName};
use crate::policy::Policy;
use crate::token::{ClientRequestToken, Epoch};
use crate::trigger::Reasons;
use crate::trigger::tests::{alarm, at, drift};

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "parameters": {"Token": "{token}", "Alarm": "{alarm_name}", "End": "{training_window_end}"},
    "training_window": "1d",
    "drift": {"alarms": [{"alarm_name": "a-*"}]},
    "min_interval": "1h",
    "back_off": {"initial": "10m", "cap": "1h", "max_failures": 3},
    "budget": {"starts": 6, "window": "12h"},
    "breaker_after_failures": 4
}"#;

/// One thing that happens. Indices are taken modulo what there is.
#[derive(Clone, Debug)]
enum Op {
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
    /// The reconciler looks.
    Tick,
    /// An execution ends.
    End {
        execution: u8,
        status: ExecutionStatus,
    },
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
enum Fate {
    Accepted,
    LostBefore,
    LostAfter,
    NoCapacity,
    Refused,
}

struct Worker {
    claim: Claim,
    look: Look,
    began: Timestamp,
    answer: Option<StartAnswer>,
}

struct Execution {
    arn: PipelineExecutionArn,
    /// None for an execution that was started by hand.
    token: Option<ClientRequestToken>,
    parameters: BTreeMap<PipelineParameterName, String>,
    name: String,
    started: Timestamp,
    status: ExecutionStatus,
}

struct World {
    now: Timestamp,
    slot: Slot,
    policy: PolicyInForce,
    controller: ControllerState,
    timing: Timing,
    markers: BTreeMap<DedupeKey, Seen>,
    delivered: Vec<Event>,
    workers: Vec<Worker>,
    executions: Vec<Execution>,
    /// Causes that were taken in and are neither served nor rightly gone.
    open: BTreeMap<String, Timestamp>,
    /// Keys of triggers that were decided.
    decided: BTreeSet<DedupeKey>,
}

impl World {
    fn new() -> Self {
        Self {
            now: at(0),
            slot: Slot::new(),
            policy: PolicyInForce {
                model: ModelName::parse("fraud").unwrap(),
                version: 1,
                policy: Policy::parse(POLICY).unwrap(),
            },
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
            decided: BTreeSet::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Alarm { name, ago } => self.deliver(&Event::Trigger(crate::trigger::Trigger {
                at: self.now - SignedDuration::from_secs(i64::from(*ago)),
                ..drift(&format!("a-{}", name % 3), 0)
            })),
            Op::Clear { name, ago } => self.deliver(&Event::AlarmCleared {
                alarm: alarm(&format!("a-{}", name % 3)),
                at: self.now - SignedDuration::from_secs(i64::from(*ago)),
            }),
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
            Op::Tick => self.take(&Event::Tick),
            Op::End { execution, status } => self.end(*execution, *status),
            Op::Report { execution, named } => self.report(*execution, *named),
            Op::Pause => self.take(&Event::Pause {
                by: "p".into(),
                why: "w".into(),
            }),
            Op::ByHand => self.by_hand(),
            Op::Reset => self.take(&Event::ResetBreaker {
                by: "p".into(),
                why: "w".into(),
            }),
            Op::Unpause => self.take(&Event::Unpause {
                by: "p".into(),
                why: "w".into(),
            }),
        }
        self.check();
    }

    fn deliver(&mut self, event: &Event) {
        self.delivered.push(event.clone());
        self.take(event);
    }

    fn take(&mut self, event: &Event) {
        let key = match event {
            Event::Trigger(trigger) => Some(trigger.dedupe_key()),
            _ => None,
        };
        let facts = Facts {
            controller: &self.controller,
            seen: key.as_ref().and_then(|key| self.markers.get(key)),
            lookups: None,
            timing: self.timing,
        };
        let commit = match step(&self.slot, event, &facts, &self.policy, self.now).unwrap() {
            Step::NeedFacts(needed) => panic!("{needed:?}"),
            Step::Settled(_) => return,
            Step::Commit(commit) => *commit,
        };
        if let Some((key, seen)) = commit.marker {
            assert!(
                self.markers.insert(key, seen).is_none(),
                "a marker is written once"
            );
        }
        if let Some(decision) = &commit.decision {
            self.account(event, &decision.outcome);
        }
        self.slot = commit.slot;
        for command in commit.commands {
            if let Command::EnsureStarted { claim, look } = command {
                let free = self.slot.foreign.is_empty() && self.slot.paused.is_none();
                assert!(
                    free || look == Look::Only,
                    "promise 1: a start beside a foreign run"
                );
                self.workers.push(Worker {
                    claim: *claim,
                    look,
                    began: self.now,
                    answer: None,
                });
            }
        }
    }

    /// Keeps the books on what was taken in, from the outside.
    fn account(&mut self, event: &Event, outcome: &Outcome) {
        match (event, outcome) {
            (Event::Trigger(trigger), Outcome::Held { .. } | Outcome::Claimed { .. }) => {
                assert!(
                    self.decided.insert(trigger.dedupe_key()),
                    "promise 4: decided twice: {trigger:?}"
                );
                let newest = self
                    .open
                    .entry(trigger.cause.id().to_string())
                    .or_insert(trigger.at);
                *newest = trigger.at.max(*newest);
            }
            (Event::Trigger(trigger), Outcome::Stale { .. }) => {
                assert!(
                    self.decided.insert(trigger.dedupe_key()),
                    "promise 4: decided twice: {trigger:?}"
                );
            }
            (Event::AlarmCleared { alarm, at }, Outcome::AlarmCleared { .. })
                if self
                    .open
                    .get(alarm.as_str())
                    .is_some_and(|asked| asked < at) =>
            {
                self.open.remove(alarm.as_str());
            }
            (_, Outcome::Succeeded { .. } | Outcome::Stopped { .. } | Outcome::Failed { .. }) => {
                let Phase::Running(run) = &self.slot.phase else {
                    let Phase::Starting(claim) = &self.slot.phase else {
                        panic!("{outcome:?} while idle")
                    };
                    let reasons = claim.reasons.clone();
                    return self.settle(&reasons, outcome);
                };
                let reasons = run.claim.reasons.clone();
                self.settle(&reasons, outcome);
            }
            _ => {}
        }
    }

    /// A run has ended: what it carried is served, discarded, or given up.
    fn settle(&mut self, reasons: &Reasons, outcome: &Outcome) {
        let held: BTreeSet<&str> = self
            .slot
            .held
            .iter()
            .map(|reason| reason.cause.id())
            .collect();
        for reason in reasons.iter() {
            let over = match outcome {
                Outcome::Failed { .. } => reason.failures + 1 >= 3,
                _ => true,
            };
            if over && !held.contains(reason.cause.id()) {
                self.open.remove(reason.cause.id());
            }
        }
    }

    fn send(&mut self, worker: u8, fate: Fate) {
        let now = self.now;
        let Some(at) = waiting(&self.workers, worker) else {
            return;
        };
        let Some(worker) = self.workers.get(at) else {
            return;
        };
        let claim = worker.claim.clone();
        let look = worker.look;
        // Promise 8: the shell checks this just before it sends.
        if now - self.timing.send_within() > worker.began {
            self.workers.remove(at);
            return;
        }
        let found = (look != Look::No).then(|| self.find(&claim)).flatten();
        let answer = match (found, fate) {
            (Some(answer), _) => answer,
            (None, _) if look == Look::Only => StartAnswer::Unknown {
                what: "forbidden".into(),
            },
            (None, Fate::Accepted) => self.start(&claim),
            (None, Fate::LostAfter) => {
                self.start(&claim);
                StartAnswer::Unknown {
                    what: "lost".into(),
                }
            }
            (None, Fate::LostBefore) => StartAnswer::Unknown {
                what: "lost".into(),
            },
            (None, Fate::NoCapacity) => StartAnswer::Refused {
                refusal: Refusal::NoCapacity {
                    what: "busy".into(),
                },
                looked: look != Look::No,
            },
            (None, Fate::Refused) => StartAnswer::Refused {
                refusal: Refusal::Misconfigured { what: "no".into() },
                looked: look != Look::No,
            },
        };
        if let Some(worker) = self.workers.get_mut(at) {
            worker.answer = Some(answer);
        }
    }

    /// The list lags by as much as `settle` allows.
    fn find(&self, claim: &Claim) -> Option<StartAnswer> {
        self.executions
            .iter()
            .find(|execution| {
                execution.name == claim.token.display_name()
                    && execution.started + self.timing.settle() <= self.now
                    && execution.started >= self.timing.earliest_start(claim.claimed_at)
            })
            .map(|execution| StartAnswer::Accepted {
                execution: execution.arn.clone(),
                started_at: execution.started,
                adopted: true,
            })
    }

    /// The token's window outlasts the list's lag, and not by a second more.
    fn start(&mut self, claim: &Claim) -> StartAnswer {
        let window = self.timing.settle();
        let known = self.executions.iter().find(|execution| {
            execution.token.as_ref() == Some(&claim.token) && execution.started + window >= self.now
        });
        if let Some(known) = known {
            assert_eq!(
                known.parameters, claim.parameters,
                "promise 5: same token, other parameters"
            );
            return StartAnswer::Accepted {
                execution: known.arn.clone(),
                started_at: known.started,
                adopted: false,
            };
        }
        let arn = self.next_arn();
        self.executions.push(Execution {
            arn: arn.clone(),
            token: Some(claim.token.clone()),
            parameters: claim.parameters.clone(),
            name: claim.token.display_name(),
            started: self.now,
            status: ExecutionStatus::InFlight,
        });
        StartAnswer::Accepted {
            execution: arn,
            started_at: self.now,
            adopted: false,
        }
    }

    fn next_arn(&self) -> PipelineExecutionArn {
        let id = self.executions.len();
        let arn = format!(
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e{id}"
        );
        PipelineExecutionArn::parse(arn).unwrap()
    }

    fn by_hand(&mut self) {
        let n = self.executions.len();
        self.executions.push(Execution {
            arn: self.next_arn(),
            token: None,
            parameters: BTreeMap::new(),
            name: format!("by-hand-{n}"),
            started: self.now,
            status: ExecutionStatus::InFlight,
        });
        self.report(u8::try_from(n).unwrap(), true);
    }

    /// The executions that the controller started.
    fn ours(&self) -> impl Iterator<Item = &Execution> {
        self.executions
            .iter()
            .filter(|execution| execution.token.is_some())
    }

    fn answer(&mut self, worker: u8) {
        let answered: Vec<usize> = self
            .workers
            .iter()
            .enumerate()
            .filter(|(_, worker)| worker.answer.is_some())
            .map(|(at, _)| at)
            .collect();
        let Some(at) = pick(&answered, worker).copied() else {
            return;
        };
        let worker = self.workers.remove(at);
        if let Some(answer) = worker.answer {
            self.take(&Event::StartAnswered {
                claim: worker.claim.number,
                attempt: worker.claim.attempt,
                answer,
            });
        }
    }

    fn end(&mut self, execution: u8, status: ExecutionStatus) {
        let index = usize::from(execution) % self.executions.len().max(1);
        if let Some(execution) = self.executions.get_mut(index)
            && execution.status == ExecutionStatus::InFlight
        {
            execution.status = status;
        }
    }

    fn report(&mut self, execution: u8, named: bool) {
        let Some(execution) = pick(&self.executions, execution) else {
            return;
        };
        let report = ExecutionReport {
            execution: execution.arn.clone(),
            display_name: named.then(|| execution.name.clone()),
            status: execution.status,
            failure: None,
            started_at: Some(execution.started),
        };
        self.take(&Event::Status(report));
    }

    /// The promises that hold after every single thing that happens.
    fn check(&self) {
        let running = |execution: &&Execution| execution.status == ExecutionStatus::InFlight;
        assert!(
            self.ours().filter(running).count() <= 1,
            "promise 1: two executions in flight"
        );

        let mut starts: Vec<Timestamp> = self.ours().map(|execution| execution.started).collect();
        starts.sort();
        for pair in starts.windows(2) {
            assert!(
                pair[1] - SignedDuration::from_hours(1) >= pair[0],
                "promise 2: {pair:?} are too close"
            );
        }

        let tokens: BTreeSet<&str> = self
            .ours()
            .filter_map(|execution| execution.token.as_ref())
            .map(ClientRequestToken::as_str)
            .collect();
        assert_eq!(
            tokens.len(),
            self.ours().count(),
            "promise 5: two executions with one token"
        );

        let carried = match &self.slot.phase {
            Phase::Idle => None,
            Phase::Starting(claim) => Some(&claim.reasons),
            Phase::Running(run) => Some(&run.claim.reasons),
        };
        let known: BTreeSet<&str> = self
            .slot
            .held
            .iter()
            .chain(carried.into_iter().flat_map(Reasons::iter))
            .map(|reason| reason.cause.id())
            .collect();
        for cause in self.open.keys() {
            assert!(known.contains(cause.as_str()), "promise 3: {cause} is lost");
        }

        for window in starts.windows(7) {
            assert!(
                window[6] - SignedDuration::from_hours(12) >= window[0],
                "promise 9: {window:?} are over the budget"
            );
        }

        let waits_for_a_person = self.slot.paused.is_some() || self.slot.breaker_open.is_some();
        let has_work = !self.slot.held.is_empty() || self.slot.phase != Phase::Idle;
        assert!(
            !has_work || waits_for_a_person || self.slot.due_at.is_some(),
            "promise 3: nobody will look again: {:?}",
            self.slot
        );
    }

    /// From here on everything works, and the reconciler looks when it is due.
    fn drain(&mut self) {
        self.workers.clear();
        self.apply(&Op::Unpause);
        self.apply(&Op::Reset);
        for _ in 0..60 {
            for execution in 0..self.executions.len() {
                let n = u8::try_from(execution).unwrap();
                self.apply(&Op::End {
                    execution: n,
                    status: ExecutionStatus::Succeeded,
                });
                self.apply(&Op::Report {
                    execution: n,
                    named: true,
                });
            }
            if let Some(due_at) = self.slot.due_at {
                self.now = self.now.max(due_at);
            }
            self.apply(&Op::Tick);
            self.apply(&Op::Send {
                worker: 0,
                fate: Fate::Accepted,
            });
            self.apply(&Op::Answer(0));
        }
        assert_eq!(self.slot.phase, Phase::Idle, "promise 3: a run never ends");
        assert!(
            self.slot.held.is_empty(),
            "promise 3: held for ever: {:?}",
            self.slot
        );
        assert!(
            self.open.is_empty(),
            "promise 3: never served: {:?}",
            self.open
        );
    }
}

fn pick<T>(items: &[T], n: u8) -> Option<&T> {
    items.get(usize::from(n) % items.len().max(1))
}

fn waiting(workers: &[Worker], n: u8) -> Option<usize> {
    let open: Vec<usize> = workers
        .iter()
        .enumerate()
        .filter(|(_, worker)| worker.answer.is_none())
        .map(|(at, _)| at)
        .collect();
    pick(&open, n).copied()
}

fn op() -> impl Strategy<Value = Op> {
    let fate = prop_oneof![
        4 => Just(Fate::Accepted),
        1 => Just(Fate::LostBefore),
        2 => Just(Fate::LostAfter),
        1 => Just(Fate::NoCapacity),
        1 => Just(Fate::Refused),
    ];
    let status = prop_oneof![
        Just(ExecutionStatus::Succeeded),
        Just(ExecutionStatus::Failed),
        Just(ExecutionStatus::Stopped),
    ];
    prop_oneof![
        3 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Alarm { name, ago }),
        2 => (any::<u8>(), 0..300_u16).prop_map(|(name, ago)| Op::Clear { name, ago }),
        2 => any::<u8>().prop_map(Op::Redeliver),
        2 => (0..60_u16).prop_map(Op::Wait),
        2 => (60..5_000_u16).prop_map(Op::Wait),
        4 => (any::<u8>(), fate).prop_map(|(worker, fate)| Op::Send { worker, fate }),
        4 => any::<u8>().prop_map(Op::Answer),
        1 => any::<u8>().prop_map(Op::Crash),
        3 => Just(Op::Tick),
        2 => (any::<u8>(), status).prop_map(|(execution, status)| Op::End { execution, status }),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(execution, named)| Op::Report { execution, named }),
        1 => Just(Op::Pause),
        1 => Just(Op::Unpause),
        1 => Just(Op::ByHand),
        1 => Just(Op::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promises 1 to 5, 8 and 9, whatever happens in whatever order.
    #[test]
    fn the_promises_hold_over_any_history(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.drain();
    }

    /// Promise 4: delivering again, at once or later, leads to the same starts.
    #[test]
    fn duplicates_change_nothing(
        alarms in prop::collection::vec((0..3_u8, 0..2_000_u16), 1..12),
        again in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let history = |duplicates: &[u8]| {
            let mut world = World::new();
            let mut duplicates = duplicates.iter();
            for (name, wait) in &alarms {
                world.apply(&Op::Alarm { name: *name, ago: 0 });
                for n in duplicates.by_ref().take(3) {
                    world.apply(&Op::Redeliver(*n));
                }
                world.apply(&Op::Send { worker: 0, fate: Fate::Accepted });
                world.apply(&Op::Answer(0));
                world.apply(&Op::Wait(*wait));
            }
            let starts: Vec<Timestamp> = world.executions.iter().map(|execution| execution.started).collect();
            (starts, world.slot.held)
        };
        prop_assert_eq!(history(&again), history(&[]));
    }
}
