//! `retrainctl policy apply`: from files to Parameter Store, or into a bundle.

use std::collections::BTreeMap;
use std::io::Write;

use retrain_aws::Answer;
use retrain_controller::Clock;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::ModelName;
use retrain_core::policy::PolicyInForce;
use retrain_policies::{Known, PolicyParameters, PolicyPlace, S3Bundle, Source, Written};
use serde::Serialize;

use super::super::Surroundings;
use super::super::ask::{by, sentence, settings};
use super::super::place::{Place, lanes};
use super::plan::Plan;
use super::present::{self, Present};
use crate::cli::stored::ApplyArgs;
use crate::exit::{Exit, Failure};
use crate::policies::files;
use crate::policy::check::refusals;
use crate::policy::diff::Changes;
use crate::words::{self, several};

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
    /// The versions that somebody else has put at the same time, and that are not in force.
    overwritten: BTreeMap<ModelName, u64>,
    /// What became of the triggers for alarms.
    held: Vec<Answer>,
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
    let (documents, known) = match &place.stored.source {
        Source::Path(parameters) => (parameters.documents().await?, Known::default()),
        Source::Bundle(bundle) => {
            let known = bundle.known().await?;
            (known.bundle.clone().into_documents().collect(), known)
        }
    };
    let plan = Plan::of(given, documents)?;
    // What is not changed may have alarms, too, of which nobody has told.
    let watched = if args.hold_alarms {
        &plan.same[..]
    } else {
        &[]
    };
    let watched = [&plan.policies[..], watched].concat();
    let alarms = present::present(&watched, &place, around).await?;
    let json = args.ask.json;
    if !json {
        plan.print(out)?;
        present::print(&alarms, around.clock.now(), out)?;
    }
    let mut applied = Applied {
        dry_run: args.ask.dry_run,
        changes: plan.changes.clone(),
        mended: plan.mended.clone(),
        unchanged: plan.unchanged.clone(),
        alarms,
        versions: BTreeMap::new(),
        overwritten: BTreeMap::new(),
        held: Vec::new(),
    };
    let run = Run {
        args,
        around,
        place,
        known,
        note,
    };
    let exit = run.go_on(&plan, watched, &mut applied, out, err).await?;
    if json {
        words::json(&applied, out)?;
    }
    Ok(exit)
}

/// Who applies policies, and where.
struct Run<'a, C> {
    args: &'a ApplyArgs,
    around: &'a Surroundings<'a, C>,
    place: Place,
    /// The bundle, if that is where the policies are.
    known: Known,
    /// Who, and why.
    note: String,
}

impl<C: Clock> Run<'_, C> {
    /// Asks, puts and holds, if that is wanted.
    async fn go_on(
        &self,
        plan: &Plan,
        watched: Vec<PolicyInForce>,
        applied: &mut Applied,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let ask = &self.args.ask;
        let many = match plan.policies.len() {
            1 => "1 policy".to_owned(),
            many => format!("{many} policies"),
        };
        let to = match &self.place.stored.place {
            PolicyPlace::Path(path) => format!("under {path}"),
            PolicyPlace::Bundle(uri) => format!("into {uri}"),
        };
        if plan.policies.is_empty() {
            writeln!(err, "every policy is stored as it is: nothing to do")?;
        }
        if ask.dry_run {
            if !plan.policies.is_empty() {
                writeln!(err, "{many} would be put {to}")?;
            }
            return Ok(Exit::Done);
        }
        let may_hold = self.args.hold_alarms || !ask.yes;
        if may_hold && applied.alarms.iter().any(|one| !one.is_known) {
            // Better now than when the policies are put already.
            settings(ask, self.around)?;
        }
        if !plan.policies.is_empty() {
            let question = format!("Put {many} {to}?");
            if !ask.yes && !self.around.goes_on(&question, out, err)? {
                writeln!(err, "nothing was done")?;
                return Ok(Exit::No);
            }
            self.put_all(plan, applied, out, err).await?;
            tell_of_pauses(&plan.policies, &self.place, err).await?;
            if { plan.policies.iter() }.any(|one| !one.policy.drift.is_empty()) {
                writeln!(
                    err,
                    "functions know the old policies for up to RETRAIN_POLICY_TTL: an alarm that goes off meanwhile may be missed; the same command with --hold-alarms finds it after that"
                )?;
            }
        }
        self.hold(watched, applied, out, err).await?;
        Ok(if applied.overwritten.is_empty() {
            Exit::Done
        } else {
            Exit::No
        })
    }

    async fn put_all(
        &self,
        plan: &Plan,
        applied: &mut Applied,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(), Failure> {
        let parameters = match &self.place.stored.source {
            Source::Path(parameters) => parameters,
            Source::Bundle(bundle) => return self.put_into(bundle, plan, applied, out).await,
        };
        for policy in &plan.policies {
            let version = self.put(parameters, policy, plan).await;
            let version = version.map_err(|failure| told_before(failure, &applied.versions))?;
            let model = &policy.model;
            if version > policy.version {
                let (lost, path) = (version - 1, parameters.path());
                writeln!(
                    err,
                    "retrainctl: the policy of {model} is version {version} now, not {}: somebody else has put version {lost} at the same time, and it is overwritten; `aws ssm get-parameter --name {path}/{model}:{lost}` shows it",
                    policy.version
                )?;
                applied.overwritten.insert(model.clone(), lost);
            }
            self.has_put(model, version, applied, out)?;
        }
        Ok(())
    }

    /// Puts one policy over what was read, and over nothing else that is there.
    async fn put(
        &self,
        parameters: &PolicyParameters,
        policy: &PolicyInForce,
        plan: &Plan,
    ) -> Result<u64, Failure> {
        let model = &policy.model;
        let replaces = plan.stored.get(model.as_str()).copied();
        if let Some(moved) = self.place.stored.moved(model, replaces).await? {
            return Err(Failure::Invalid(format!(
                "nothing was put over it: {moved}"
            )));
        }
        let put = parameters.put(model, plan.text_of(model), replaces, &self.note);
        Ok(put.await?)
    }

    /// Puts all policies at once over what was read, and over nothing else that is there.
    async fn put_into(
        &self,
        bundle: &S3Bundle,
        plan: &Plan,
        applied: &mut Applied,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let texts = plan.policies.iter().map(|policy| {
            let text = plan.text_of(&policy.model).to_owned();
            (policy.model.to_string(), Some(text))
        });
        let next = self.known.bundle.with(texts.collect(), &self.note);
        let Some(next) = next else {
            return Ok(());
        };
        if bundle.put_over(&self.known, &next).await? == Written::Overtaken {
            return Err(overtaken(bundle));
        }
        for policy in &plan.policies {
            let version = next.version_of(policy.model.as_str()).unwrap_or_default();
            self.has_put(&policy.model, version, applied, out)?;
        }
        Ok(())
    }

    fn has_put(
        &self,
        model: &ModelName,
        version: u64,
        applied: &mut Applied,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if !self.args.ask.json {
            writeln!(out, "{model}: version {version}")?;
        }
        applied.versions.insert(model.clone(), version);
        Ok(())
    }

    /// Holds a trigger for each alarm of which the controller does not know, if that is
    /// wanted.
    async fn hold(
        &self,
        mut policies: Vec<PolicyInForce>,
        applied: &mut Applied,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(), Failure> {
        let ask = &self.args.ask;
        let unknown = { applied.alarms.iter() }
            .filter(|one| !one.is_known)
            .count();
        let many = several(unknown as u64, "alarm");
        if !self.args.hold_alarms {
            if unknown == 0 {
                return Ok(());
            }
            if ask.yes {
                writeln!(
                    err,
                    "no trigger is held for {many}: the same command with --hold-alarms does that"
                )?;
                return Ok(());
            }
            let question = format!("Hold a trigger for {many}?");
            if !self.around.goes_on(&question, out, err)? {
                return Ok(());
            }
        }
        for policy in &mut policies {
            if let Some(version) = applied.versions.get(&policy.model) {
                policy.version = *version;
            }
        }
        // An alarm may be over by now, or its event may have come.
        let listed = std::mem::take(&mut applied.alarms);
        applied.alarms = present::present(&policies, &self.place, self.around).await?;
        for gone in listed.iter().filter(|one| !one.is_known) {
            if !applied.alarms.iter().any(|now| now.is_same(gone)) {
                let name = gone.alarm.alarm_name();
                writeln!(err, "the alarm {name:?} is over: nothing is held for it")?;
            }
        }
        let is_meant = |one: &&Present| {
            !one.is_known && (self.args.hold_alarms || listed.iter().any(|of| of.is_same(one)))
        };
        for one in applied.alarms.iter().filter(is_meant) {
            let Some(policy) = policies.iter().find(|policy| policy.model == one.model) else {
                continue;
            };
            let answer = present::hold(one, policy, ask, self.around).await?;
            if !ask.json {
                writeln!(out, "{}", sentence(&answer, false))?;
            }
            applied.held.push(answer);
        }
        Ok(())
    }
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

/// Others have written a bundle since it was read.
pub(super) fn overtaken(bundle: &S3Bundle) -> Failure {
    let uri = bundle.uri();
    Failure::Invalid(format!(
        "nothing was put: somebody else has changed {uri} at the same time; the same command, once more, begins with what they have put"
    ))
}

/// A failure, with what was put before it.
fn told_before(failure: Failure, versions: &BTreeMap<ModelName, u64>) -> Failure {
    if versions.is_empty() {
        return failure;
    }
    let models: Vec<&str> = versions.keys().map(ModelName::as_str).collect();
    let told = format!("{failure}; put before that: {}", models.join(", "));
    match failure {
        Failure::Invalid(_) => Failure::Invalid(told),
        _ => Failure::Aws(told),
    }
}
