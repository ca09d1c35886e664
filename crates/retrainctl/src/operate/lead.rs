//! `retrainctl lead-times`: from a cause to what it has led to being deployed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrain_core::decision::{Decision, Outcome};
use retrain_core::lane::SlotKey;
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use serde::Serialize;

use super::Page;
use super::deployed::deployments;
use super::place::Place;
use super::served::{is_told, served};
use crate::cli::operate::LeadTimesArgs;
use crate::exit::Failure;
use crate::simulate::Wait;
use crate::words::{Table, lasting};

/// The lead times of one environment of a model.
#[derive(Serialize)]
struct LeadTimes {
    model: ModelName,
    environment: EnvironmentName,
    /// How long the deployed packages took whose cause is known.
    times: Times,
    /// How many packages were deployed whose cause is not known.
    without_cause: usize,
    deployments: Vec<Deployment>,
}

/// How long deployments took.
#[derive(Serialize)]
struct Times {
    /// How many there were.
    deployments: u64,
    /// Half of them took at most so long.
    p50_seconds: u32,
    /// 95 of 100 took at most so long.
    p95_seconds: u32,
    /// The longest.
    worst_seconds: u32,
}

impl Times {
    fn of(seconds: Vec<u32>) -> Self {
        let wait = Wait::of(seconds);
        Self {
            deployments: wait.causes,
            p50_seconds: wait.p50_seconds,
            p95_seconds: wait.p95_seconds,
            worst_seconds: wait.worst_seconds,
        }
    }
}

/// The first deployment of a package.
#[derive(Serialize)]
struct Deployment {
    package: ModelPackageArn,
    deployed_at: Timestamp,
    /// What has led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

/// What has led to a package.
#[derive(Clone, Serialize)]
struct Origin {
    /// What asked first.
    cause: String,
    asked_at: Timestamp,
    claimed_at: Timestamp,
    trained_at: Timestamp,
}

pub(super) async fn page(args: &LeadTimesArgs, place: &Place) -> Result<Page, Failure> {
    let (model, environment) = (args.model.as_ref(), args.environment.as_ref());
    let lanes = deployments(place, model, environment).await?;
    let mut all = Vec::new();
    for (key, environment) in lanes {
        let deployments = first_deployments(place, &key, args.since).await?;
        let times = deployments.iter().filter_map(Deployment::seconds).collect();
        all.push(LeadTimes {
            model: key.model,
            environment,
            times: Times::of(times),
            without_cause: { deployments.iter() }
                .filter(|one| one.origin.is_none())
                .count(),
            deployments,
        });
    }
    Page::new(table(&all), &all)
}

fn table(all: &[LeadTimes]) -> String {
    let columns = [
        "model",
        "environment",
        "deployed",
        "half within",
        "95 of 100 within",
        "the longest",
        "without a cause",
    ];
    let mut table = Table::new(2, columns.map(str::to_owned));
    for one in all {
        let times = &one.times;
        let time = |seconds| match times.deployments {
            0 => "-".to_owned(),
            _ => lasting(seconds),
        };
        table.row([
            one.model.to_string(),
            one.environment.to_string(),
            times.deployments.to_string(),
            time(times.p50_seconds),
            time(times.p95_seconds),
            time(times.worst_seconds),
            one.without_cause.to_string(),
        ]);
    }
    table.to_string()
}

impl Deployment {
    /// How long it took from the cause, if that is known.
    fn seconds(&self) -> Option<u32> {
        let asked_at = self.origin.as_ref()?.asked_at;
        let time = self.deployed_at.duration_since(asked_at).as_secs();
        Some(u32::try_from(time.max(0)).unwrap_or(u32::MAX))
    }
}

/// When each package was first deployed, the oldest first; only what was deployed from
/// `since` on. No more is read than that needs.
async fn first_deployments(
    place: &Place,
    key: &SlotKey,
    since: Option<Timestamp>,
) -> Result<Vec<Deployment>, Failure> {
    let since = since.unwrap_or(Timestamp::MIN);
    let mut first = deployed_since(place, key, since).await?;
    let mut own = { first.iter() }.filter(|one| one.deployed_at >= since);
    let packages: Vec<ModelPackageArn> = own.by_ref().map(|one| one.package.clone()).collect();
    let origins = origins(place, &key.model, &packages).await?;
    let of = |package: &ModelPackageArn| {
        let mut origins = origins.iter();
        let own = origins.find(|(of, _)| of.is_same(package));
        own.map(|(_, origin)| origin.clone())
    };
    // What was there before may have been deployed before.
    let trained = packages
        .iter()
        .filter_map(of)
        .map(|origin| origin.trained_at);
    if let Some(earliest) = trained.min().filter(|earliest| *earliest < since) {
        first = deployed_since(place, key, earliest).await?;
    }
    first.retain(|one| one.deployed_at >= since);
    for one in &mut first {
        one.origin = of(&one.package);
    }
    Ok(first)
}

/// The first deployment of each package, as far as the decisions since then tell.
async fn deployed_since(
    place: &Place,
    key: &SlotKey,
    since: Timestamp,
) -> Result<Vec<Deployment>, Failure> {
    let enough =
        |read: &[Decision]| is_read(read, since) && (read.is_empty() || is_told(read, since));
    let decisions = place.store.decisions_until(key, enough).await?;
    let mut first: Vec<Deployment> = Vec::new();
    for served in served(decisions.iter()) {
        let Some(package) = served.package else {
            continue;
        };
        if !first.iter().any(|known| known.package.is_same(&package)) {
            first.push(Deployment {
                package,
                deployed_at: served.since,
                origin: None,
            });
        }
    }
    Ok(first)
}

/// Whether everything since then is among these, the newest decisions of all.
fn is_read(decisions: &[Decision], since: Timestamp) -> bool {
    decisions.last().is_some_and(|oldest| oldest.at < since)
}

/// Which of the packages runs of the model have registered, and what had asked for them.
async fn origins(
    place: &Place,
    model: &ModelName,
    packages: &[ModelPackageArn],
) -> Result<Vec<(ModelPackageArn, Origin)>, Failure> {
    let retrain = SlotKey::retrain(model.clone());
    let is_found = |read: &[Decision]| {
        let found = origins_in(read);
        let mut packages = packages.iter();
        packages.all(|package| found.iter().any(|(of, _)| of.is_same(package)))
    };
    let decisions = place.store.decisions_until(&retrain, is_found).await?;
    Ok(origins_in(&decisions))
}

/// Which packages the runs of a model have registered, and what had asked for them.
fn origins_in(decisions: &[Decision]) -> Vec<(ModelPackageArn, Origin)> {
    let mut claims = BTreeMap::new();
    let mut ends = BTreeMap::new();
    let mut packages = Vec::new();
    for decision in decisions {
        match &decision.outcome {
            Outcome::Claimed { claim } => {
                let first = claim.reasons.iter().min_by_key(|reason| reason.first_at);
                if let Some(first) = first {
                    let asked = (first.cause.to_string(), first.first_at);
                    claims.insert(claim.number, (asked, claim.claimed_at));
                }
            }
            Outcome::Succeeded { claim, .. } => {
                ends.insert(*claim, decision.at);
            }
            Outcome::PackageSeen { claim, found } => {
                packages.push((*claim, found.package.clone()));
            }
            _ => {}
        }
    }
    let origin = |(claim, package): (u64, ModelPackageArn)| {
        let ((cause, asked_at), claimed_at) = claims.get(&claim)?.clone();
        let trained_at = ends.get(&claim).copied()?;
        let origin = Origin {
            cause,
            asked_at,
            claimed_at,
            trained_at,
        };
        Some((package, origin))
    };
    packages.into_iter().filter_map(origin).collect()
}
