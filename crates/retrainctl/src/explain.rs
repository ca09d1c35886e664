//! `retrainctl explain`: what an event would lead to, and what every guard says.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use retrain_core::data::KnownObjects;
use retrain_core::event::Event;
use retrain_core::facts::{ControllerState, Facts, Lookups, Seen, Timing};
use retrain_core::guard::Verdict;
use retrain_core::policy::PolicyInForce;
use retrain_core::reason::Reason;
use retrain_core::slot::Slot;
use retrain_core::step::{Command, Step, StepError, step, verdicts};
use retrain_core::token::Epoch;
use serde::Serialize;

use crate::cli::ExplainArgs;
use crate::events::{Statuses, read};
use crate::exit::{Exit, Failure};
use crate::policies;
use crate::simulate::{Assumptions, Heard, Routes, Rows, looked_up};
use crate::words::{moment, moment_if_any};

/// What an event would lead to for one model.
#[derive(Debug, Serialize)]
struct Explained {
    model: String,
    event: String,
    now: Timestamp,
    /// What asks, with what every guard says about it.
    causes: Vec<Cause>,
    outcome: String,
    reason: String,
    /// What would be done then.
    then: Vec<String>,
    /// The parameters of a start.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
    /// When the slot would be looked at again.
    due_at: Option<Timestamp>,
    /// What was assumed, because it would be looked up.
    assumed: Vec<String>,
}

/// Something that asks for retraining.
#[derive(Debug, Serialize)]
struct Cause {
    cause: String,
    guards: Vec<Verdict>,
}

/// An event for one model.
pub(crate) struct Happening {
    pub(crate) policy: PolicyInForce,
    pub(crate) event: Event,
    now: Timestamp,
}

/// What is known of a slot.
pub(crate) struct State {
    pub(crate) slot: Slot,
    pub(crate) controller: ControllerState,
    pub(crate) seen: Option<Seen>,
    pub(crate) objects: KnownObjects,
}

impl State {
    /// That of a slot of which nothing else is known.
    pub(crate) fn of(slot: Slot) -> Self {
        Self {
            slot,
            controller: ControllerState {
                epoch: Epoch::derive(&["explain"]),
                paused: None,
            },
            seen: None,
            objects: KnownObjects::new(),
        }
    }
}

pub(crate) fn run(
    args: &ExplainArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let slot = match &args.state {
        Some(path) => {
            let text = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
            let slot = serde_json::from_slice(&text);
            slot.map_err(|error| Failure::Invalid(format!("{}: {error}", path.display())))?
        }
        None => Slot::new(),
    };
    let heard = Told::by(args, err)?;
    let states = { heard.happenings.iter() }.map(|_| State::of(slot.clone()));
    let states: Vec<State> = states.collect();
    heard.explain(&states, args.json, out, err)
}

/// What a file of events tells.
pub(crate) struct Told {
    pub(crate) happenings: Vec<Happening>,
    /// Why others tell nothing.
    nothing: Vec<&'static str>,
    is_readable: bool,
}

impl Told {
    pub(crate) fn by(args: &ExplainArgs, err: &mut dyn Write) -> Result<Self, Failure> {
        let policies = policies::valid(&args.policies)?;
        let recording = read(std::slice::from_ref(&args.event), Statuses::All, true)?;
        for unreadable in &recording.shown {
            writeln!(err, "retrainctl: {}: {}", unreadable.file, unreadable.why)?;
        }
        let assumptions = Assumptions {
            rows: Rows::PerBytes(args.bytes_per_row),
            ..Assumptions::default()
        };
        let mut routes = Routes::new(&recording, &policies, &assumptions);
        let models: Vec<&PolicyInForce> = routes.models().collect();
        let mut told = Self {
            happenings: Vec::new(),
            nothing: recording.nothing.keys().copied().collect(),
            is_readable: recording.unreadable == 0,
        };
        for event in &recording.events {
            let now = args.now.unwrap_or(event.at);
            match routes.heard(event) {
                Heard::Models(happenings) => {
                    for (number, happens) in happenings {
                        if let Some(policy) = models.get(number) {
                            told.happenings.push(Happening {
                                policy: (*policy).clone(),
                                event: happens,
                                now,
                            });
                        }
                    }
                }
                Heard::Nothing(why) => told.nothing.push(why),
                Heard::Switch(order) => told.nothing.push(match order.kind.pauses() {
                    Some(true) => "the whole controller is paused",
                    Some(false) => "the whole controller is resumed",
                    None => "no_such_order",
                }),
            }
        }
        Ok(told)
    }

    /// Shows what each would lead to in its state.
    pub(crate) fn explain(
        self,
        states: &[State],
        json: bool,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let happenings = self.happenings.iter().zip(states);
        let explained = happenings.map(|(happening, state)| explain(state, happening));
        let explained = explained.collect::<Result<Vec<_>, _>>()?;
        if json {
            crate::words::json(&explained, out)?;
        } else {
            for (at, one) in explained.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                print(one, out)?;
            }
        }
        for why in self.nothing {
            writeln!(err, "ignored: {why}")?;
        }
        Ok(if self.is_readable {
            Exit::Done
        } else {
            Exit::No
        })
    }
}

/// Steps as the functions would, without writing or doing anything.
fn explain(state: &State, happening: &Happening) -> Result<Explained, Failure> {
    let Happening { policy, event, now } = happening;
    let (slot, now) = (&state.slot, *now);
    let facts = Facts {
        seen: state.seen.as_ref(),
        objects: &state.objects,
        ..Facts::new(&state.controller, Timing::default())
    };
    let refused = |error: StepError| Failure::Invalid(format!("{event}: {error}"));
    let mut explained = Explained {
        model: policy.model.to_string(),
        event: event.to_string(),
        now,
        causes: causes(slot, event, &facts, policy, now).map_err(refused)?,
        outcome: String::new(),
        reason: String::new(),
        then: Vec::new(),
        parameters: BTreeMap::new(),
        due_at: slot.due_at,
        assumed: Vec::new(),
    };
    let mut next = step(slot, event, &facts, policy, now).map_err(refused)?;
    if let Step::NeedFacts(needed) = &next {
        let lookups = looked_up(needed, &BTreeMap::new(), None);
        explained.assumed = assumed(&lookups);
        let facts = Facts {
            lookups: Some(&lookups),
            ..facts.clone()
        };
        next = step(slot, event, &facts, policy, now).map_err(refused)?;
    }
    match next {
        Step::Settled(outcome) => {
            outcome.name().clone_into(&mut explained.outcome);
            explained.reason = outcome.to_string();
        }
        Step::Commit(commit) => {
            explained.due_at = commit.slot.due_at;
            if let Some(decision) = &commit.decision {
                decision.outcome.name().clone_into(&mut explained.outcome);
                explained.reason = decision.outcome.to_string();
            }
            for command in &commit.commands {
                explained.then.push(done(command));
                if let Command::EnsureStarted { claim, .. } = command {
                    let parameters = claim.parameters.iter();
                    explained.parameters = parameters
                        .map(|(name, value)| (name.to_string(), value.clone()))
                        .collect();
                }
            }
        }
        // Facts that were given are not asked for again.
        Step::NeedFacts(_) => {}
    }
    Ok(explained)
}

/// All causes that would be held, if nothing might start: each of them goes through
/// the guards. So does one that would be dropped.
fn causes(
    slot: &Slot,
    event: &Event,
    facts: &Facts<'_>,
    policy: &PolicyInForce,
    now: Timestamp,
) -> Result<Vec<Cause>, StepError> {
    let nothing_starts = Facts {
        may_start: false,
        ..facts.clone()
    };
    let held = match step(slot, event, &nothing_starts, policy, now)? {
        Step::Commit(commit) => commit.slot,
        Step::Settled(_) | Step::NeedFacts(_) => return Ok(Vec::new()),
    };
    let mut reasons: Vec<Reason> = held.held.iter().cloned().collect();
    if let Event::Trigger(trigger) = event {
        let own = |reason: &Reason| reason.cause.id() == trigger.cause.id();
        if !reasons.iter().any(own) {
            reasons.push(Reason::of(trigger));
        }
    }
    let cause = |reason: &Reason| Cause {
        cause: reason.cause.to_string(),
        guards: verdicts(&held, reason, facts, policy, now),
    };
    Ok(reasons.iter().map(cause).collect())
}

fn assumed(lookups: &Lookups) -> Vec<String> {
    let uri = lookups.training_data_uri.found();
    let baseline = lookups.baseline.found().map(ToString::to_string);
    let manifest = lookups.manifest_uri.found();
    let all = [
        ("the training data URI", uri.cloned()),
        ("the baseline", baseline),
        ("the manifest", manifest.cloned()),
    ];
    all.into_iter()
        .filter_map(|(what, value)| Some(format!("{what} is {}", value?)))
        .collect()
}

fn done(command: &Command) -> String {
    match command {
        Command::EnsureStarted { claim, .. } => format!("start {}", claim.target),
        Command::Describe { execution } => format!("describe {execution}"),
        Command::FindPackage { group, .. } => format!("look for the newest package of {group}"),
        Command::DescribePackage { package } => format!("describe {package}"),
        Command::UpdatePackage(_) => "write to the package".to_owned(),
        Command::Errand(_) => "do something elsewhere".to_owned(),
        Command::Look => "look at the slot again".to_owned(),
    }
}

fn print(of: &Explained, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "model    {}", of.model)?;
    writeln!(out, "event    {}", of.event)?;
    writeln!(out, "at       {}", moment(of.now))?;
    for cause in &of.causes {
        writeln!(out, "cause    {}", cause.cause)?;
        for verdict in &cause.guards {
            let says = verdict.bites.as_ref().map_or_else(
                || "lets it pass".to_owned(),
                |guard| format!("HOLDS IT: {guard}"),
            );
            writeln!(out, "  {:<18} {says}", verdict.guard)?;
        }
    }
    writeln!(out, "outcome  {}: {}", of.outcome, of.reason)?;
    for then in &of.then {
        writeln!(out, "then     {then}")?;
    }
    for (name, value) in &of.parameters {
        writeln!(out, "  {name} = {value}")?;
    }
    writeln!(out, "due      {}", moment_if_any(of.due_at))?;
    for assumed in &of.assumed {
        writeln!(out, "assumed  {assumed}")?;
    }
    Ok(())
}
