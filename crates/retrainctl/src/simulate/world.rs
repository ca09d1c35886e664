//! The controller under one set of policies, on a virtual clock.
//!
//! Every decision is the core's. What is simulated is the world around it: the table
//! in memory, executions that end when it is assumed, and look-ups that find
//! something.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use jiff::Timestamp;
use retrain_core::decision::Decision;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus, StartAnswer};
use retrain_core::facts::{ControllerState, Facts, FactsNeeded, Lookup, Lookups, Timing};
use retrain_core::names::AlarmArn;
use retrain_core::order::Order;
use retrain_core::policy::PolicyInForce;
use retrain_core::step::{Command, Step, step};
use retrain_core::token::Epoch;
use retrain_core::trigger::{Cause, DedupeKey, Trigger};

use super::assumptions::Assumptions;
use super::model::{MARKER_LIFE, Model};
use super::routes::{Heard, Routes};
use super::runs::Runs;
use super::tally::Tally;
use crate::events::{Recorded, Recording, What};

/// How many events are looked at together, and how many such batches before the clock
/// reaches them.
const BATCH: usize = 512;
const AHEAD: usize = 4;

/// The controller under one set of policies.
pub(crate) struct World<'a> {
    recording: &'a Recording,
    assumptions: &'a Assumptions,
    models: Vec<Model<'a>>,
    controller: ControllerState,
    /// Which orders to the whole controller are remembered, until when.
    switched: BTreeMap<DedupeKey, Timestamp>,
    timing: Timing,
    runs: Runs<'a>,
    /// When slots are due.
    due: BTreeSet<(Timestamp, usize)>,
    /// When the reconciler ran last.
    reconciled_at: Timestamp,
    /// Alarms by their last transition.
    in_alarm: BTreeMap<AlarmArn, (Timestamp, bool)>,
    nothing: BTreeMap<&'static str, u64>,
    log: Option<Vec<Logged>>,
}

/// Something that happened, and what was decided then.
#[derive(Clone, Debug)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// What.
    pub happened: Happened,
    /// The decisions, with what followed from them.
    pub decisions: Vec<Decision>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The recorded event with this number came.
    Event(usize),
    /// The reconciler ran.
    Reconciled,
    /// An execution ended, and its service told.
    Ended(Box<ExecutionReport>),
}

/// What came of a whole recording.
pub(crate) struct Played {
    pub(crate) tallies: Vec<Tally>,
    /// What was nothing to decide about under these policies, by reason.
    pub(crate) nothing: BTreeMap<&'static str, u64>,
    pub(crate) log: Vec<Logged>,
}

impl<'a> World<'a> {
    /// The models of these policies, about which nothing is known yet.
    pub(crate) fn new(routes: &Routes<'a>, recording: &'a Recording, of: &'a Assumptions) -> Self {
        let models = routes.models().map(Model::new);
        Self {
            recording,
            assumptions: of,
            models: models.collect(),
            controller: ControllerState {
                epoch: Epoch::derive(&["a backtest"]),
                paused: None,
            },
            switched: BTreeMap::new(),
            timing: Timing::default(),
            runs: Runs::new(of),
            due: BTreeSet::new(),
            reconciled_at: Timestamp::MIN,
            in_alarm: BTreeMap::new(),
            nothing: BTreeMap::new(),
            log: None,
        }
    }

    /// Keeps everything that happens and is decided.
    pub(crate) fn logged(mut self) -> Self {
        self.log = Some(Vec::new());
        self
    }

    /// Plays the recording up to a moment. What each event concerns is found out ahead of
    /// the clock, by a thread of its own.
    pub(crate) fn play(mut self, mut routes: Routes<'_>, until: Timestamp) -> Played {
        let events = &self.recording.events;
        let played = events.partition_point(|event| event.at <= until);
        let events = events.get(..played).unwrap_or_default();
        thread::scope(|scope| {
            let (send, receive) = sync_channel(AHEAD);
            let ahead = scope.spawn(move || {
                for batch in events.chunks(BATCH) {
                    let heard: Vec<Heard> = batch.iter().map(|event| routes.heard(event)).collect();
                    // Fails only when nobody plays any more.
                    if send.send(heard).is_err() {
                        return;
                    }
                }
            });
            let heard = receive.into_iter().flatten();
            for ((number, event), heard) in events.iter().enumerate().zip(heard) {
                self.advance(event.at);
                self.log(event.at, Happened::Event(number));
                self.hear(event, heard);
            }
            if let Err(panic) = ahead.join() {
                resume_unwind(panic);
            }
        });
        self.advance(until);
        for model in &mut self.models {
            model.tally.runs = self.runs.of(&model.policy.model);
            model.tally.still_held = model.slot.held.len() as u64;
        }
        Played {
            tallies: self.models.into_iter().map(|model| model.tally).collect(),
            nothing: self.nothing,
            log: self.log.unwrap_or_default(),
        }
    }

    fn log(&mut self, at: Timestamp, happened: Happened) {
        if let Some(log) = &mut self.log {
            log.push(Logged {
                at,
                happened,
                decisions: Vec::new(),
            });
        }
    }

    /// Lets time pass: executions end, and the reconciler runs when something is due.
    fn advance(&mut self, to: Timestamp) {
        loop {
            let due = self.due.first().map(|(due_at, _)| self.next_run(*due_at));
            let end = self.runs.next_end();
            match (end, due) {
                (Some(end), due) if end <= to && due.is_none_or(|due| end <= due) => self.end(end),
                (_, Some(due)) if due <= to => self.reconcile(due),
                _ => return,
            }
        }
    }

    /// The reconciler's first run at or after a moment.
    fn next_run(&self, due_at: Timestamp) -> Timestamp {
        let every = self.assumptions.reconcile_every.duration().as_secs().max(1);
        let second = |at: Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        let earliest = second(due_at).max(self.reconciled_at.as_second() + 1);
        let run = earliest.div_euclid(every) + i64::from(earliest.rem_euclid(every) > 0);
        Timestamp::from_second(run * every).unwrap_or(Timestamp::MAX)
    }

    /// One run of the reconciler: it looks at everything that is due.
    fn reconcile(&mut self, now: Timestamp) {
        self.reconciled_at = now;
        self.log(now, Happened::Reconciled);
        let due = self.due.iter().take_while(|(due_at, _)| *due_at <= now);
        let due: Vec<usize> = due.map(|(_, model)| *model).collect();
        let mut starts = 0;
        for model in due {
            let may_start = starts < self.assumptions.max_starts;
            let outcome = self.happen(model, Event::Tick, may_start, now);
            starts += usize::from(outcome == Some("claimed"));
        }
    }

    /// An execution ends, and its service tells.
    fn end(&mut self, now: Timestamp) {
        let Some((model, report)) = self.runs.end_first() else {
            return;
        };
        self.log(now, Happened::Ended(Box::new(report.clone())));
        self.happen(model, Event::Status(report), true, now);
    }

    fn hear(&mut self, event: &Recorded, heard: Heard) {
        match heard {
            Heard::Nothing(why) => *self.nothing.entry(why).or_default() += 1,
            Heard::Switch(order) => self.switch(&order, event.at),
            Heard::Models(models) => {
                if let What::Status(report) = &event.what {
                    self.runs.told(report);
                }
                for (model, happens) in models {
                    self.note_alarm(&happens);
                    self.happen(model, happens, true, event.at);
                }
            }
        }
    }

    /// The whole controller is paused, or resumed; with a key, once.
    fn switch(&mut self, order: &Order, now: Timestamp) {
        if let Some(key) = order.dedupe_key() {
            if self.switched.get(&key).is_some_and(|until| now <= *until) {
                return;
            }
            self.switched.insert(key, now + MARKER_LIFE);
        }
        if let Some(pause) = order.kind.pauses()
            && self.controller.paused.is_some() != pause
        {
            self.controller.paused = pause.then(|| order.pause(now));
        }
    }

    /// What CloudWatch would say of the alarm from now on.
    fn note_alarm(&mut self, event: &Event) {
        let (alarm, at, is_alarm) = match event {
            Event::Trigger(Trigger {
                cause: Cause::Drift { alarm, .. },
                at,
            }) => (alarm, *at, true),
            Event::AlarmCleared { alarm, at } => (alarm, *at, false),
            _ => return,
        };
        let known = self.in_alarm.get(alarm);
        if known.is_none_or(|(known, _)| *known <= at) {
            self.in_alarm.insert(alarm.clone(), (at, is_alarm));
        }
    }

    /// Handles an event for a model, and what follows from it; says what came of the
    /// event itself.
    fn happen(
        &mut self,
        number: usize,
        event: Event,
        may_start: bool,
        now: Timestamp,
    ) -> Option<&'static str> {
        let model = self.models.get(number)?.policy;
        let mut first = None;
        let mut next = Some(event);
        let mut answers = VecDeque::new();
        while let Some(event) = next {
            let (outcome, commands) = self.decide(number, &event, may_start, now);
            first = first.or(outcome);
            for command in commands {
                answers.extend(self.perform(number, model, command, now));
            }
            next = answers.pop_front();
        }
        first
    }

    /// One step of the core, committed.
    fn decide(
        &mut self,
        number: usize,
        event: &Event,
        may_start: bool,
        now: Timestamp,
    ) -> (Option<&'static str>, Vec<Command>) {
        let Some(model) = self.models.get_mut(number) else {
            return (None, Vec::new());
        };
        let objects = model.known(event);
        let seen = event.dedupe_key().and_then(|key| model.seen.get(&key));
        let seen = seen.filter(|(_, expires_at)| now <= *expires_at);
        let mut facts = Facts {
            seen: seen.map(|(seen, _)| seen),
            objects: &objects,
            may_start,
            ..Facts::new(&self.controller, self.timing)
        };
        let mut next = step(&model.slot, event, &facts, model.policy, now);
        let lookups;
        if let Ok(Step::NeedFacts(needed)) = &next {
            let last_run = needed.last_run.as_ref();
            let last_run = last_run.map(|execution| self.runs.describe(execution).status);
            lookups = looked_up(needed, &self.in_alarm, last_run);
            facts.lookups = Some(&lookups);
            next = step(&model.slot, event, &facts, model.policy, now);
        }
        match next {
            Ok(Step::Settled(outcome)) => {
                if *event != Event::Tick {
                    model.tally.outcome(outcome.name());
                }
                (Some(outcome.name()), Vec::new())
            }
            Ok(Step::Commit(commit)) => {
                let due = (model.slot.due_at, commit.slot.due_at);
                let (decision, commands) = model.commit(*commit, now);
                if due.0 != due.1 {
                    due.0.map(|at| self.due.remove(&(at, number)));
                    due.1.map(|at| self.due.insert((at, number)));
                }
                let outcome = decision.as_ref().map(|decision| decision.outcome.name());
                if let Some((log, decision)) = self.log.as_mut().zip(decision) {
                    log.last_mut()
                        .into_iter()
                        .for_each(|last| last.decisions.push(decision.clone()));
                }
                (outcome, commands)
            }
            // Facts that were given are not asked for again.
            Ok(Step::NeedFacts(_)) | Err(_) => {
                model.tally.impossible += 1;
                (None, Vec::new())
            }
        }
    }

    /// Does what a commit commands, and gives the answer.
    fn perform(
        &mut self,
        number: usize,
        model: &'a PolicyInForce,
        command: Command,
        now: Timestamp,
    ) -> Option<Event> {
        match command {
            Command::EnsureStarted { claim, .. } => {
                let execution = self.runs.start(number, &model.model, &claim, now)?;
                Some(Event::StartAnswered {
                    claim: claim.number,
                    attempt: claim.attempt,
                    answer: StartAnswer::Accepted {
                        execution,
                        started_at: now,
                        adopted: false,
                    },
                })
            }
            Command::Describe { execution } => Some(Event::Status(self.runs.describe(&execution))),
            Command::FindPackage { group, .. } => Some(Event::Registered {
                found: self.runs.package(&model.model, &group),
            }),
            Command::Look => Some(Event::Tick),
            // Packages and deployments have slots of their own, which are not played.
            Command::DescribePackage { .. } | Command::UpdatePackage(_) | Command::Errand(_) => {
                None
            }
        }
    }
}

/// What is looked up is found: parameters, a baseline, a manifest that could be
/// written. Alarms are as they were recorded.
pub(crate) fn looked_up(
    needed: &FactsNeeded,
    in_alarm: &BTreeMap<AlarmArn, (Timestamp, bool)>,
    last_run: Option<ExecutionStatus>,
) -> Lookups {
    let uri = || "s3://assumed/training-data/".to_owned();
    let is_in_alarm = |alarm: &&AlarmArn| in_alarm.get(*alarm).is_some_and(|(_, is)| *is);
    let alarms = needed.alarms.iter().filter(is_in_alarm).cloned();
    Lookups {
        training_data_uri: needed.training_data_uri.as_ref().map(|_| uri()).into(),
        baseline: needed
            .baseline
            .as_ref()
            .and_then(|group| super::runs::package_arn(group.as_str(), 1))
            .into(),
        manifest_uri: needed
            .manifest
            .as_ref()
            .map(|wanted| format!("s3://{}/{}", wanted.to.bucket, wanted.key()))
            .into(),
        in_alarm: Lookup::Found(alarms.collect()),
        last_run: last_run.into(),
        // What packages need: this is about retraining only.
        ..Lookups::default()
    }
}
