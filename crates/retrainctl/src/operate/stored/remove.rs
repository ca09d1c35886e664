//! `retrainctl policy remove`: what waits and runs is settled, and then the policy goes.

use std::fmt::Write as _;
use std::io::Write;
use std::slice;

use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::event::Event;
use retrain_core::facts::Timing;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::ModelName;
use retrain_core::order::{Order, OrderKind};
use retrain_core::policy::{Policy, PolicyInForce};
use retrain_core::slot::{Phase, Slot};
use retrain_policies::PolicySet;
use serde::Serialize;

use super::super::ask::{by, settings};
use super::super::place::{Place, Seat, Waiting, worth_seeing};
use super::super::{Surroundings, in_time};
use crate::cli::stored::RemoveArgs;
use crate::exit::{Exit, Failure};
use crate::words::{self, one_line, several};

/// What is to be settled and removed, and what became of it.
#[derive(Serialize)]
struct Removal {
    dry_run: bool,
    model: ModelName,
    /// Nothing if there is no policy any more.
    policy_version: Option<u64>,
    lanes: Vec<Work>,
    /// What became of each lane.
    settled: Vec<Answer>,
    removed: bool,
}

/// What waits and runs in one lane.
#[derive(Serialize)]
struct Work {
    #[serde(skip)]
    key: SlotKey,
    #[serde(rename = "lane")]
    name: String,
    held: Vec<Waiting>,
    /// What else a person should know, in words.
    notes: Vec<String>,
    /// Whether a start may be under way.
    is_starting: bool,
}

impl Work {
    /// Whether anything waits or runs.
    const fn is_some(&self) -> bool {
        !self.held.is_empty() || !self.notes.is_empty()
    }
}

/// What stands for a policy that is gone: nothing starts under it.
const NO_POLICY: &str =
    r#"{"pipeline": {"name": "none"}, "min_interval": "1h", "mode": "observe"}"#;

/// Who removes a policy, and whose.
struct Remover<'a, C> {
    args: &'a RemoveArgs,
    around: &'a Surroundings<'a, C>,
    place: Place,
}

/// The policies, and the version of the model's own; nothing if it has none.
struct Known {
    policies: PolicySet,
    version: Option<u64>,
}

pub(super) async fn run(
    args: &RemoveArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    by(&args.ask, around)?;
    let remover = Remover {
        args,
        around,
        place: Place::of(&args.ask.place, around)?,
    };
    let known = remover.known().await?;
    let mut removal = Removal {
        dry_run: args.ask.dry_run,
        model: args.model.clone(),
        policy_version: known.version,
        lanes: remover.work(&known).await?,
        settled: Vec::new(),
        removed: false,
    };
    if known.version.is_none() && removal.lanes.is_empty() {
        return Err(remover.place.stored.none_of(&args.model));
    }
    if !args.ask.json {
        write!(out, "{}", text(&removal))?;
    }
    let exit = remover.go_on(&known, &mut removal, out, err).await?;
    if args.ask.json {
        words::json(&removal, out)?;
    }
    Ok(exit)
}

impl<C: Clock> Remover<'_, C> {
    /// Asks, settles and removes, if that is wanted and possible.
    async fn go_on(
        &self,
        known: &Known,
        removal: &mut Removal,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let (args, stored, model) = (self.args, &self.place.stored, &self.args.model);
        let own = self.policy(known)?;
        if own.is_none() && removal.lanes.iter().any(Work::is_some) {
            return Err(Failure::Invalid(format!(
                "the policy of {model} is invalid, so nothing can be settled under it: apply a valid one first"
            )));
        }
        if args.ask.dry_run {
            return Ok(Exit::Done);
        }
        let question = match known.version {
            Some(_) => format!("Remove {}?", stored.name_of(model)),
            None => format!("Settle what is left of {model}?"),
        };
        if !args.ask.yes && !self.around.goes_on(&question, out, err)? {
            writeln!(err, "nothing was done")?;
            return Ok(Exit::No);
        }
        // A person may have thought for long.
        if let Some(moved) = stored.moved(model, known.version).await? {
            writeln!(err, "nothing was done: {moved}")?;
            return Ok(Exit::No);
        }
        if let Some(own) = &own {
            removal.lanes = self.work(known).await?;
            if let Some(busy) = self.settle(own, removal, out).await? {
                writeln!(err, "{}", under_way(&busy, removal))?;
                return Ok(Exit::No);
            }
        }
        if known.version.is_none() {
            return Ok(Exit::Done);
        }
        let note = format!("{}: {}", by(&args.ask, self.around)?, args.ask.why);
        removal.removed = match stored.remove(model, known.version, &note).await? {
            Ok(removed) => removed,
            Err(why) => {
                writeln!(err, "the policy stays: {why}")?;
                return Ok(Exit::No);
            }
        };
        let name = stored.name_of(model);
        if removal.removed {
            writeln!(err, "removed {name}")?;
        } else {
            writeln!(err, "{name} was gone already")?;
        }
        if own.is_some_and(|own| own.policy.model_package_group.is_some()) {
            writeln!(
                err,
                "functions know the policy for up to RETRAIN_POLICY_TTL: the same command, once more after that, settles what has come of packages meanwhile"
            )?;
        }
        Ok(Exit::Done)
    }

    async fn known(&self) -> Result<Known, Failure> {
        let documents = self.place.stored.documents().await?;
        let mut own = documents.iter();
        let own = own.find(|of| of.name == self.args.model.as_str());
        Ok(Known {
            version: own.map(|own| own.version),
            policies: PolicySet::parse(documents),
        })
    }

    /// The policy under which is settled. Where there is none any more nothing can start,
    /// and so any will do. Nothing if there is one, and it is invalid.
    fn policy(&self, known: &Known) -> Result<Option<PolicyInForce>, Failure> {
        if known.version.is_some() {
            return Ok(known.policies.of(&self.args.model).cloned());
        }
        let none = Policy::parse(NO_POLICY).map_err(|error| Failure::Invalid(error.to_string()))?;
        Ok(Some(PolicyInForce::new(self.args.model.clone(), 0, none)))
    }

    /// What waits and runs in the lanes of the model. Those that were never used are
    /// settled, too: nothing shall start there.
    async fn work(&self, known: &Known) -> Result<Vec<Work>, Failure> {
        let now = self.around.clock.now();
        let due = self.place.all_due().await?;
        let keys = worth_seeing(&known.policies, &due, Some(&self.args.model));
        let seen = self.place.store.look(&keys).await?;
        let seats = keys.into_iter();
        let seats = seats.map(|key| Seat::of(key, &known.policies, &seen));
        let mut work: Vec<Work> = seats
            .map(|seat| Work {
                name: seat.key.to_string(),
                held: seat.held(&seen, now),
                notes: seat.slot.map(notes).unwrap_or_default(),
                is_starting: seat.slot.is_some_and(is_starting),
                key: seat.key,
            })
            .collect();
        // What is asked first asks nothing of what is asked later: packages tell
        // environments, and never the other way around.
        work.sort_by_key(|work| !matches!(work.key.lane, Lane::Package(_)));
        Ok(work)
    }

    /// Settles all lanes, each with a record, up to the first in which something is under
    /// way; which one that is.
    async fn settle(
        &self,
        policy: &PolicyInForce,
        removal: &mut Removal,
        out: &mut dyn Write,
    ) -> Result<Option<String>, Failure> {
        let settings = settings(&self.args.ask, self.around)?;
        let controller = AwsController::new(&settings, self.around.aws);
        // What a start has come to is found out before anything is settled.
        for work in removal.lanes.iter().filter(|work| work.is_starting) {
            self.happens(
                work,
                &Event::Tick,
                policy,
                (&controller, settings.timing),
                out,
            )
            .await?;
            if self
                .slot(work)
                .await?
                .is_some_and(|slot| is_starting(&slot))
            {
                return Ok(Some(work.name.clone()));
            }
        }
        let by = by(&self.args.ask, self.around)?;
        let why = self.args.ask.why.as_str();
        let retire = Event::Order(Order::new(OrderKind::Retire, by, why));
        for work in &removal.lanes {
            let answer = self
                .happens(work, &retire, policy, (&controller, settings.timing), out)
                .await?;
            if !self.slot(work).await?.is_none_or(|slot| is_settled(&slot)) {
                return Ok(Some(work.name.clone()));
            }
            removal.settled.push(answer);
        }
        Ok(None)
    }

    /// Lets something happen in a lane, and shows what comes of it.
    async fn happens(
        &self,
        work: &Work,
        event: &Event,
        policy: &PolicyInForce,
        (controller, timing): (&AwsController, Timing),
        out: &mut dyn Write,
    ) -> Result<Answer, Failure> {
        let lane = &work.key.lane;
        let abandoned = (!policy.has_lane(lane)).then(|| policy.in_abandoned_lane(lane));
        let policy = abandoned.as_ref().unwrap_or(policy);
        let handled = controller.handle_in(lane, &work.name, event, policy, self.around.clock);
        let answer = Box::pin(in_time(timing, handled)).await?;
        if !self.args.ask.json {
            let (outcome, reason) = (&answer.outcome, one_line(&answer.reason));
            writeln!(out, "{}: {outcome}: {reason}", work.name)?;
            for then in &answer.then {
                writeln!(out, "  then {}: {}", then.outcome, one_line(&then.reason))?;
            }
        }
        Ok(answer)
    }

    /// The lane's slot as it is now.
    async fn slot(&self, work: &Work) -> Result<Option<Slot>, Failure> {
        let mut seen = self.place.store.look(slice::from_ref(&work.key)).await?;
        Ok(seen.slots.remove(&work.key))
    }
}

fn under_way(busy: &str, removal: &Removal) -> String {
    let mut text = format!(
        "the policy stays: something is being started or written in {busy}; try again in a minute, or give a start up with `retrainctl cancel`"
    );
    let paused = { removal.lanes.iter() }
        .filter(|work| !matches!(work.key.lane, Lane::Package(_)))
        .filter(|work| removal.settled.iter().any(|of| of.subject == work.name));
    let paused: Vec<&str> = paused.map(|work| work.name.as_str()).collect();
    if !paused.is_empty() {
        let _ = write!(text, "; settled and paused already: {}", paused.join(", "));
    }
    text
}

/// Whether a start may be under way: its execution may exist, and is not known.
const fn is_starting(slot: &Slot) -> bool {
    matches!(slot.phase, Phase::Starting(_))
}

/// Whether nothing is in flight, and nobody shall ever look again.
fn is_settled(slot: &Slot) -> bool {
    slot.phase == Phase::Idle && slot.due_at.is_none()
}

/// What a person should know before the policy goes, but for what is held.
fn notes(slot: &Slot) -> Vec<String> {
    let mut notes = Vec::new();
    match &slot.phase {
        Phase::Idle => {}
        Phase::Starting(claim) => notes.push(format!(
            "claim {} is under way, and its execution is made sure of first: {}",
            claim.number, claim.reasons
        )),
        Phase::Running(run) => {
            notes.push(format!(
                "{} goes on, but nobody waits for it: {}",
                run.execution, run.claim.reasons
            ));
        }
    }
    if slot.awaited.is_some() {
        notes.push("the package of its last run is not waited for".to_owned());
    }
    let review = slot.review.as_deref();
    if let Some(waits) = review.and_then(|review| review.waits.as_ref()) {
        notes.push(format!("nobody is reminded any more: {}", waits.why));
    }
    if let Some(current) = &slot.deployment.current {
        notes.push(format!("{} stays deployed", current.package));
    }
    notes
}

fn text(removal: &Removal) -> String {
    let mut text = String::new();
    let model = &removal.model;
    let _ = match removal.policy_version {
        Some(version) => writeln!(text, "the policy of {model}, version {version}, goes"),
        None => writeln!(text, "{model} has no policy, but left something behind"),
    };
    for work in removal.lanes.iter().filter(|work| work.is_some()) {
        let held = several(work.held.len() as u64, "held cause");
        let _ = writeln!(text, "{}: {held}", work.name);
        for held in &work.held {
            let _ = writeln!(text, "  discarded: {}", one_line(&held.cause));
        }
        for note in &work.notes {
            let _ = writeln!(text, "  {}", one_line(note));
        }
    }
    text
}
