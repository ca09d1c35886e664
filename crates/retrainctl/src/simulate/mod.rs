//! `retrainctl simulate`: a recording of events, played under several rules.

mod assumptions;
mod baseline;
mod html;
mod model;
mod picture;
mod report;
mod routes;
mod runs;
mod signals;
mod tally;
mod text;
mod world;

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use retrain_core::decision::Decision;
use retrain_core::period::Period;
use retrain_policies::PolicySet;

pub use self::assumptions::{Assumptions, Rows};
use self::baseline::Baseline;
use self::html::Html;
use self::report::Done;
pub use self::report::{Events, Numbers, Report, Rule, Wait};
pub(crate) use self::routes::{Heard, Routes};
use self::text::Text;
use self::world::World;
pub(crate) use self::world::looked_up;
pub use self::world::{Happened, Logged};
use crate::cli::SimulateArgs;
use crate::events::{Recording, read};
use crate::exit::{Exit, Failure};
use crate::policies;

/// The policies of one rule.
struct Named {
    name: String,
    policies: PolicySet,
}

/// Plays recorded events under several rules, and says what would have come of it.
pub(crate) fn run(
    args: &SimulateArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let sets = named(&args.policies)?;
    let Some(first) = sets.first() else {
        return Err(Failure::Usage("no policies are given".to_owned()));
    };
    let assumptions = args.assumptions();
    let recording = read(&args.events, assumptions.statuses(), args.quiet)?;
    warn(&recording, err)?;
    let Some((from, to)) = span(&recording, args.after) else {
        return Err(Failure::Invalid(
            "there is no event among the input that tells anything".to_owned(),
        ));
    };
    let baselines = [Baseline::EveryAlarm, Baseline::Every(args.schedule)];
    let baselines = baselines.iter().filter(|_| !args.no_baselines);
    let baselines = baselines.map(|baseline| {
        let routes = Routes::new(&recording, &first.policies, &assumptions);
        let (recording, assumptions) = (&recording, &assumptions);
        move || Done {
            name: baseline.to_string(),
            nothing: BTreeMap::new(),
            tallies: baseline.play(routes, recording, assumptions, (from, to)),
        }
    });
    let worlds = sets.iter().map(|set| {
        let routes = Routes::new(&recording, &set.policies, &assumptions);
        let world = World::new(&routes, &recording, &assumptions);
        move || {
            let played = world.play(routes, to);
            Done {
                name: set.name.clone(),
                nothing: played.nothing,
                tallies: played.tallies,
            }
        }
    });
    let done: Vec<Done> = thread::scope(|scope| {
        let mut rules: Vec<_> = baselines.map(|rule| scope.spawn(rule)).collect();
        rules.extend(worlds.map(|rule| scope.spawn(rule)));
        let done = rules.into_iter().map(thread::ScopedJoinHandle::join);
        done.map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    let report = Report::of(&recording, &assumptions, (from, to), &done);
    if let Some(path) = &args.html {
        let routes = Routes::new(&recording, &first.policies, &assumptions);
        let (signals, left_out) = signals::busiest(routes, &recording, args.html_models);
        let html = Html {
            report: &report,
            done: &done,
            signals: &signals,
            left_out,
        };
        std::fs::write(path, html.to_string()).map_err(|error| Failure::file(path, error))?;
        writeln!(err, "The report is in {}.", path.display())?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
        writeln!(out, "{json}")?;
    } else {
        let by_model = args.by_model;
        let report = &report;
        write!(out, "{}", Text { report, by_model })?;
    }
    Ok(if args.strict && recording.unreadable > 0 {
        Exit::No
    } else {
        Exit::Done
    })
}

/// The sets of policies by name: `NAME=PATH`, or the last part of the path.
fn named(policies: &[String]) -> Result<Vec<Named>, Failure> {
    let mut sets: Vec<Named> = Vec::new();
    for given in policies {
        let (name, path) = if let Some((name, path)) = given.split_once('=') {
            (name.to_owned(), Path::new(path))
        } else {
            let path = Path::new(given);
            let name = path.file_stem().unwrap_or(path.as_os_str());
            (name.to_string_lossy().into_owned(), path)
        };
        if sets.iter().any(|set| set.name == name) {
            return Err(Failure::Usage(format!(
                "two sets of policies are named {name:?}: name them, as in --policies {name}2={}",
                path.display()
            )));
        }
        let policies = policies::valid(path)?;
        sets.push(Named { name, policies });
    }
    Ok(sets)
}

/// Says on standard error what cannot be read.
fn warn(recording: &Recording, err: &mut dyn Write) -> std::io::Result<()> {
    for unreadable in &recording.shown {
        let (file, number, why) = (&unreadable.file, unreadable.number, &unreadable.why);
        writeln!(err, "warning: {file}:{number}: {why}")?;
    }
    let more = recording.unreadable - recording.shown.len() as u64;
    if more > 0 {
        writeln!(err, "warning: and {more} more that cannot be read")?;
    }
    Ok(())
}

/// From the first event to some time after the last.
fn span(recording: &Recording, after: Period) -> Option<(Timestamp, Timestamp)> {
    let first = recording.events.first()?.at;
    let last = recording.events.last()?.at;
    let to = last.checked_add(after.duration()).unwrap_or(Timestamp::MAX);
    Some((first, to))
}

/// Plays the events in these files under these policies, and keeps everything that
/// happens: for whoever wants to compare it with what the functions do.
pub fn logged(
    events: &[PathBuf],
    policies: &Path,
    assumptions: &Assumptions,
    after: SignedDuration,
) -> Result<Vec<Logged>, Failure> {
    let policies = policies::valid(policies)?;
    let recording = read(events, assumptions.statuses(), true)?;
    let last = recording
        .events
        .last()
        .map_or(Timestamp::MIN, |event| event.at);
    let to = last.checked_add(after).unwrap_or(Timestamp::MAX);
    let routes = Routes::new(&recording, &policies, assumptions);
    let world = World::new(&routes, &recording, assumptions).logged();
    Ok(world.play(routes, to).log)
}

/// All decisions of a log.
pub fn decisions(log: &[Logged]) -> impl Iterator<Item = &Decision> {
    log.iter().flat_map(|logged| &logged.decisions)
}
