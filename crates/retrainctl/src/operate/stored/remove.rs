//! `retrainctl policy remove`: what waits and runs is settled, and then the policy goes.

use std::fmt::Write as _;
use std::io::Write;

use jiff::Timestamp;
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::decision::Unchanged;
use retrain_core::event::Event;
use retrain_core::lane::Lane;
use retrain_core::names::ModelName;
use retrain_core::policy::PolicyInForce;
use retrain_core::slot::{Phase, Slot};
use retrain_policies::PolicySet;
use serde::Serialize;

use super::super::ask::{by, settings};
use super::super::place::{Place, Seat, Waiting, worth_seeing};
use super::super::{Surroundings, in_time};
use crate::cli::stored::RemoveArgs;
use crate::exit::{Exit, Failure};
use crate::words::{one_line, several};

/// What is to be settled and removed, and what became of it.
#[derive(Serialize)]
struct Removal {
    dry_run: bool,
    model: ModelName,
    policy_version: u64,
    lanes: Vec<Work>,
    /// What became of each lane.
    settled: Vec<Answer>,
    removed: bool,
}

/// What waits and runs in one lane.
#[derive(Serialize)]
struct Work {
    #[serde(skip)]
    lane: Lane,
    #[serde(rename = "lane")]
    name: String,
    held: Vec<Waiting>,
    /// What else a person should know, in words.
    notes: Vec<String>,
    /// Whether a worker may be starting or writing something just now.
    is_busy: bool,
}

impl Work {
    /// Whether anything waits or runs.
    const fn is_some(&self) -> bool {
        !self.held.is_empty() || !self.notes.is_empty()
    }
}

pub(super) async fn run(
    args: &RemoveArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let (model, now) = (&args.model, around.clock.now());
    by(&args.ask, around)?;
    let place = Place::of(&args.ask.place, around)?;
    let documents = place.stored.parameters.documents().await?;
    let document = documents.iter().find(|of| of.name == model.as_str());
    let version = document.ok_or_else(|| place.stored.none_of(model))?.version;
    let policies = PolicySet::parse(documents);
    let lanes = work(model, &policies, &place, now).await?;
    let mut removal = Removal {
        dry_run: args.ask.dry_run,
        model: model.clone(),
        policy_version: version,
        lanes,
        settled: Vec::new(),
        removed: false,
    };
    if !args.ask.json {
        write!(out, "{}", text(&removal))?;
    }
    let policy = policies.of(model);
    if policy.is_none() && removal.lanes.iter().any(Work::is_some) {
        return Err(Failure::Invalid(format!(
            "the policy of {model} is invalid, so nothing can be settled under it: apply a valid one first"
        )));
    }
    if let Some(busy) = removal.lanes.iter().find(|work| work.is_busy) {
        writeln!(err, "{}", under_way(&busy.name))?;
        return Ok(Exit::No);
    }
    if !args.ask.dry_run {
        let question = format!("Remove {}/{model}?", place.stored.path);
        if !args.ask.yes && !around.goes_on(&question, err)? {
            writeln!(err, "nothing was done")?;
            return Ok(Exit::No);
        }
        if let Some(policy) = policy {
            settle(args, policy, &mut removal, around, out).await?;
            let live = Unchanged::LeaseIsLive.to_string();
            if let Some(busy) = removal.settled.iter().find(|one| one.reason == live) {
                writeln!(err, "{}", under_way(&busy.subject))?;
                return Ok(Exit::No);
            }
        }
        removal.removed = place.stored.parameters.remove(model).await?;
        writeln!(err, "removed {}/{model}", place.stored.path)?;
    }
    if args.ask.json {
        let removal = serde_json::to_string_pretty(&removal).map_err(std::io::Error::from)?;
        writeln!(out, "{removal}")?;
    }
    Ok(Exit::Done)
}

fn under_way(lane: &str) -> String {
    format!("the policy stays: something is being started in {lane}; try again in a minute")
}

/// What waits and runs in the lanes of a model. Those that were never used are settled,
/// too: nothing shall start there.
async fn work(
    model: &ModelName,
    policies: &PolicySet,
    place: &Place,
    now: Timestamp,
) -> Result<Vec<Work>, Failure> {
    let (due, _) = place.due(Timestamp::MAX).await?;
    let keys = worth_seeing(policies, &due, Some(model));
    let seen = place.store.look(&keys).await?;
    let seats = keys.into_iter().map(|key| Seat::of(key, policies, &seen));
    let work = seats.map(|seat| Work {
        lane: seat.key.lane.clone(),
        name: seat.key.to_string(),
        held: seat.held(&seen, now),
        notes: seat.slot.map(notes).unwrap_or_default(),
        is_busy: seat.slot.is_some_and(|slot| is_busy(slot, now)),
    });
    Ok(work.collect())
}

/// Whether a worker may be starting or writing something just now.
fn is_busy(slot: &Slot, now: Timestamp) -> bool {
    let write = slot.review.as_deref().and_then(|it| it.write.as_deref());
    let writes = write.and_then(|write| write.resume_at);
    let starts = match &slot.phase {
        Phase::Starting(claim) => Some(claim.lease_until),
        Phase::Idle | Phase::Running(_) => None,
    };
    writes.into_iter().chain(starts).any(|until| now < until)
}

/// What a person should know before the policy goes, but for what is held.
fn notes(slot: &Slot) -> Vec<String> {
    let mut notes = Vec::new();
    match &slot.phase {
        Phase::Idle => {}
        Phase::Starting(claim) => notes.push(format!(
            "claim {} is given up: {}",
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
    let (model, version) = (&removal.model, removal.policy_version);
    let _ = writeln!(text, "the policy of {model}, version {version}, goes");
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

/// Settles all lanes, each with a record. What is asked first asks nothing of what is
/// asked later: packages tell environments, and never the other way around.
async fn settle(
    args: &RemoveArgs,
    policy: &PolicyInForce,
    removal: &mut Removal,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = settings(&args.ask, around)?;
    let controller = AwsController::new(&settings, around.aws);
    let event = Event::Retire {
        by: by(&args.ask, around)?,
        why: args.ask.why.clone(),
    };
    removal
        .lanes
        .sort_by_key(|work| !matches!(work.lane, Lane::Package(_)));
    for work in &removal.lanes {
        let settled = controller.handle_in(&work.lane, &work.name, &event, policy, around.clock);
        let answer = Box::pin(in_time(settings.timing, settled)).await?;
        if !args.ask.json {
            writeln!(
                out,
                "{}: {}: {}",
                work.name,
                answer.outcome,
                one_line(&answer.reason)
            )?;
        }
        removal.settled.push(answer);
    }
    Ok(())
}
