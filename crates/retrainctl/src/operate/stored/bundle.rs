//! `retrainctl policy bundle`: from Parameter Store into a bundle.

use std::collections::BTreeMap;
use std::io::Write;

use retrain_controller::Clock;
use retrain_core::names::ParameterName;
use retrain_policies::{BundleUri, PolicyParameters, S3Bundle, Written};
use serde::Serialize;

use super::super::Surroundings;
use super::super::ask::by;
use super::super::place::policy_path;
use super::apply::overtaken;
use crate::cli::stored::BundleArgs;
use crate::exit::{Exit, Failure};
use crate::words::{self, several};

/// What is to be copied, or was.
#[derive(Serialize)]
struct Copied {
    dry_run: bool,
    from: ParameterName,
    to: String,
    /// The versions in the bundle of what is copied into it.
    versions: BTreeMap<String, u64>,
    /// How many are in it as they are.
    unchanged: usize,
}

pub(super) async fn run(
    args: &BundleArgs,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let ask = &args.ask;
    let note = format!("{}: {}", by(ask, around)?, ask.why);
    let uri = BundleUri::parse(&args.to).map_err(|error| Failure::Usage(error.to_string()))?;
    let path = policy_path(&ask.place.policies, around)?;
    let ssm = aws_sdk_ssm::Client::new(around.aws);
    let documents = PolicyParameters::new(ssm, path.clone()).documents().await?;
    let bundle = S3Bundle::new(aws_sdk_s3::Client::new(around.aws), uri);
    let known = bundle.known().await?;
    let names: Vec<String> = documents.iter().map(|of| of.name.clone()).collect();
    let next = known.bundle.taking(documents, &note);
    let next = next.unwrap_or_else(|| known.bundle.clone());
    let is_new = |name: &&String| next.version_of(name) != known.bundle.version_of(name);
    let versions = names.iter().filter(is_new).map(|name| {
        let version = next.version_of(name).unwrap_or_default();
        (name.clone(), version)
    });
    let versions: BTreeMap<String, u64> = versions.collect();
    let copied = Copied {
        dry_run: ask.dry_run,
        from: path,
        to: bundle.uri().to_string(),
        unchanged: names.len() - versions.len(),
        versions,
    };
    let exit = go_on(args, around, &copied, out, err)?;
    if exit == Exit::Done && !ask.dry_run && next != known.bundle {
        if bundle.put_over(&known, &next).await? == Written::Overtaken {
            return Err(overtaken(&bundle));
        }
        let (many, to) = (several(copied.versions.len() as u64, "model"), &copied.to);
        writeln!(
            err,
            "{many} copied into {to}: nothing reads it before the functions are told to"
        )?;
    }
    if ask.json {
        words::json(&copied, out)?;
    }
    Ok(exit)
}

/// Shows what is to be copied, and asks.
fn go_on(
    args: &BundleArgs,
    around: &Surroundings<'_, impl Clock>,
    copied: &Copied,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let ask = &args.ask;
    if !ask.json {
        for (model, version) in &copied.versions {
            writeln!(out, "{model}: version {version}")?;
        }
    }
    if copied.versions.is_empty() {
        let (from, to) = (&copied.from, &copied.to);
        writeln!(
            err,
            "{to} holds every policy under {from} as it is: nothing to do"
        )?;
        return Ok(Exit::Done);
    }
    if ask.dry_run || ask.yes {
        return Ok(Exit::Done);
    }
    let (many, to) = (several(copied.versions.len() as u64, "model"), &copied.to);
    if around.goes_on(&format!("Copy {many} into {to}?"), out, err)? {
        return Ok(Exit::Done);
    }
    writeln!(err, "nothing was done")?;
    Ok(Exit::No)
}
