//! `retrainctl policy apply`: from files to Parameter Store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use retrain_aws::Answer;
use retrain_controller::Clock;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::ModelName;
use retrain_core::policy::PolicyInForce;
use retrain_policies::{Document, PolicySet};
use serde::Serialize;

use super::super::Surroundings;
use super::super::ask::{by, sentence, settings};
use super::super::place::{Place, lanes};
use super::present::{self, Present};
use crate::cli::stored::ApplyArgs;
use crate::exit::{Exit, Failure};
use crate::policies::{PolicyFile, files};
use crate::policy::check::refusals;
use crate::policy::diff::{self, Changes, compared};
use crate::words::several;

/// What is to be done, and what was.
#[derive(Serialize)]
struct Applied {
    dry_run: bool,
    changes: Changes,
    /// Models whose stored policy is invalid, and is replaced.
    mended: Vec<String>,
    /// Models whose stored policy means the same.
    unchanged: Vec<String>,
    alarms: Vec<Present>,
    /// The versions that were put.
    versions: BTreeMap<ModelName, u64>,
    /// What became of the triggers for alarms.
    held: Vec<Answer>,
}

/// The given policies among the stored ones.
struct Plan {
    files: Vec<PolicyFile>,
    /// The versions that are stored.
    stored: BTreeMap<String, u64>,
    changes: Changes,
    mended: Vec<String>,
    unchanged: Vec<String>,
    /// What will be in force of the models that change; each has the version that it
    /// will have.
    policies: Vec<PolicyInForce>,
}

pub(super) async fn run(
    args: &ApplyArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let note = format!("{}: {}", by(&args.ask, around)?, args.ask.why);
    let mut given = Vec::new();
    for path in &args.paths {
        given.extend(files(path)?);
    }
    let wrong = refusals(&given);
    for line in &wrong {
        writeln!(err, "{line}")?;
    }
    if !wrong.is_empty() {
        let errors = several(wrong.len() as u64, "error");
        return Err(Failure::Invalid(format!("nothing was applied: {errors}")));
    }
    let place = Place::of(&args.ask.place, around)?;
    let plan = Plan::of(given, place.stored.parameters.documents().await?)?;
    let alarms = present::present(&plan.policies, &place, around).await?;
    let json = args.ask.json;
    if !json {
        plan.print(out)?;
        present::print(&alarms, around.clock.now(), out)?;
    }
    let mut applied = Applied {
        dry_run: args.ask.dry_run,
        changes: plan.changes,
        mended: plan.mended,
        unchanged: plan.unchanged,
        alarms,
        versions: BTreeMap::new(),
        held: Vec::new(),
    };
    let many = several(plan.policies.len() as u64, "policy");
    let many = many.replace("policys", "policies");
    if plan.policies.is_empty() {
        writeln!(err, "every policy is stored as it is: nothing to do")?;
    } else if args.ask.dry_run {
        writeln!(err, "{many} would be put under {}", place.stored.path)?;
    } else {
        if args.hold_alarms && applied.alarms.iter().any(|one| !one.is_known) {
            // Better now than when the policies are put already.
            settings(&args.ask, around)?;
        }
        let question = format!("Put {many} under {}?", place.stored.path);
        if !args.ask.yes && !around.goes_on(&question, err)? {
            writeln!(err, "nothing was done")?;
            return Ok(Exit::No);
        }
        for policy in &plan.policies {
            let version = put(policy, &plan.files, &plan.stored, &note, &place, err).await;
            let version = version.map_err(|failure| told_before(failure, &applied.versions))?;
            if !json {
                writeln!(out, "{}: version {version}", policy.model)?;
            }
            applied.versions.insert(policy.model.clone(), version);
        }
        tell_of_pauses(&plan.policies, &place, err).await?;
        hold(args, &plan.policies, &mut applied, around, out, err).await?;
    }
    if json {
        let applied = serde_json::to_string_pretty(&applied).map_err(std::io::Error::from)?;
        writeln!(out, "{applied}")?;
    }
    Ok(Exit::Done)
}

impl Plan {
    fn of(files: Vec<PolicyFile>, documents: Vec<Document>) -> Result<Self, Failure> {
        let stored: BTreeMap<String, u64> = documents
            .iter()
            .map(|of| (of.name.clone(), of.version))
            .collect();
        let before = PolicySet::parse(documents.iter().cloned());
        let after = together(&files, documents, &before)?;
        let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
        let mut mended = Vec::new();
        for file in &files {
            let Some(policy) = policy_of(&after, &file.model) else {
                continue;
            };
            match policy_of(&before, &file.model) {
                None if stored.contains_key(&file.model) => mended.push(file.model.clone()),
                known => {
                    if let Some(known) = known {
                        old.insert(file.model.clone(), diff::value(&known.policy)?);
                    }
                    new.insert(file.model.clone(), diff::value(&policy.policy)?);
                }
            }
        }
        let changes = compared(&old, &new);
        let changing: BTreeSet<&String> = { changes.added.iter() }
            .chain(changes.changed.keys())
            .chain(&mended)
            .collect();
        let policies = changing.iter().filter_map(|model| policy_of(&after, model));
        let policies = policies.cloned().collect();
        let same = files.iter().filter(|file| !changing.contains(&file.model));
        let unchanged = same.map(|file| file.model.clone()).collect();
        Ok(Self {
            files,
            stored,
            changes,
            mended,
            unchanged,
            policies,
        })
    }

    fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        diff::print(&self.changes, out)?;
        for model in &self.mended {
            writeln!(out, "{model}: replaces a policy that is invalid")?;
        }
        Ok(())
    }
}

/// The policies that will be in force. No model may lose its policy by what another one
/// is given.
fn together(
    files: &[PolicyFile],
    documents: Vec<Document>,
    before: &PolicySet,
) -> Result<PolicySet, Failure> {
    let mut all: BTreeMap<String, Document> = documents
        .into_iter()
        .map(|of| (of.name.clone(), of))
        .collect();
    for file in files {
        let version = all.get(&file.model).map_or(0, |known| known.version);
        let document = Document {
            name: file.model.clone(),
            version: version + 1,
            text: file.text.clone(),
        };
        all.insert(file.model.clone(), document);
    }
    let after = PolicySet::parse(all.into_values());
    let known = |name: &str| before.invalid().iter().any(|of| of.name == name);
    let given = |name: &str| files.iter().any(|file| file.model == name);
    let broken = after.invalid().iter();
    let mut broken = broken.filter(|of| given(&of.name) || !known(&of.name));
    match broken.next() {
        None => Ok(after),
        Some(broken) => Err(Failure::Invalid(format!(
            "nothing was applied: together with what is stored, the policy of {} is invalid: {}",
            broken.name, broken.error
        ))),
    }
}

fn policy_of<'a>(set: &'a PolicySet, model: &str) -> Option<&'a PolicyInForce> {
    set.of(&ModelName::parse(model).ok()?)
}

/// Puts one policy, and says whether somebody else has put one at the same time.
async fn put(
    policy: &PolicyInForce,
    files: &[PolicyFile],
    stored: &BTreeMap<String, u64>,
    note: &str,
    place: &Place,
    err: &mut dyn Write,
) -> Result<u64, Failure> {
    let model = &policy.model;
    let file = files.iter().find(|file| file.model == model.as_str());
    let text = file.map_or("", |file| file.text.trim_end());
    let replaces = stored.get(model.as_str()).copied();
    let version = place
        .stored
        .parameters
        .put(model, text, replaces, note)
        .await?;
    if version != policy.version {
        writeln!(
            err,
            "retrainctl: the policy of {model} is version {version} now, not {}: somebody else has put one at the same time, and it is overwritten",
            policy.version
        )?;
    }
    Ok(version)
}

/// Says which of the models start nothing although they have a policy now: one that was
/// removed before has left its model paused.
async fn tell_of_pauses(
    policies: &[PolicyInForce],
    place: &Place,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let keys: Vec<SlotKey> = policies.iter().flat_map(lanes).collect();
    let seen = place.store.look(&keys).await?;
    for (key, slot) in &seen.slots {
        if let Some(pause) = &slot.paused {
            writeln!(
                err,
                "{key} is paused by {:?}: {:?}; `retrainctl resume {}{}` lets it start",
                pause.by,
                pause.why,
                key.model,
                environment(&key.lane)
            )?;
        }
    }
    Ok(())
}

fn environment(lane: &Lane) -> String {
    match lane {
        Lane::Deploy(environment) => format!(" -e {environment}"),
        Lane::Retrain | Lane::Package(_) => String::new(),
    }
}

/// A failure, with what was put before it.
fn told_before(failure: Failure, versions: &BTreeMap<ModelName, u64>) -> Failure {
    if versions.is_empty() {
        return failure;
    }
    let models: Vec<&str> = versions.keys().map(ModelName::as_str).collect();
    Failure::Aws(format!("{failure}; put before that: {}", models.join(", ")))
}

/// Holds a trigger for each alarm of which the controller does not know, if that is wanted.
async fn hold(
    args: &ApplyArgs,
    policies: &[PolicyInForce],
    applied: &mut Applied,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let unknown = applied.alarms.iter().filter(|one| !one.is_known);
    let unknown: Vec<&Present> = unknown.collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let many = several(unknown.len() as u64, "alarm");
    if !args.hold_alarms {
        if args.ask.yes {
            writeln!(
                err,
                "no trigger is held for {many}: --hold-alarms does that"
            )?;
            return Ok(());
        }
        if !around.goes_on(&format!("Hold a trigger for {many}?"), err)? {
            return Ok(());
        }
    }
    for one in unknown {
        let Some(policy) = policies.iter().find(|policy| policy.model == one.model) else {
            continue;
        };
        let version = applied.versions.get(&one.model).copied();
        let policy = PolicyInForce {
            version: version.unwrap_or(policy.version),
            ..policy.clone()
        };
        let answer = present::hold(one, &policy, &args.ask, around).await?;
        if !args.ask.json {
            writeln!(out, "{}", sentence(&answer, false))?;
        }
        applied.held.push(answer);
    }
    Ok(())
}
