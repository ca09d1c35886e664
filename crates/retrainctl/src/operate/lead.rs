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
use super::served::served;
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
    times: Wait,
    /// How many packages were deployed whose cause is not known.
    without_cause: usize,
    deployments: Vec<Deployment>,
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

pub(super) async fn page(
    args: &LeadTimesArgs,
    place: &Place,
    now: Timestamp,
) -> Result<Page, Failure> {
    let (model, environment) = (args.model.as_ref(), args.environment.as_ref());
    let lanes = deployments(place, model, environment, now).await?;
    let mut known: BTreeMap<ModelName, Vec<(ModelPackageArn, Origin)>> = BTreeMap::new();
    let mut all = Vec::new();
    for (key, environment) in lanes {
        let model = key.model.clone();
        if !known.contains_key(&model) {
            let retrain = SlotKey::retrain(model.clone());
            let decisions = place.store.decisions(&retrain, usize::MAX).await?;
            known.insert(model.clone(), origins(decisions));
        }
        let decisions = place.store.decisions(&key, usize::MAX).await?;
        let origins = known.get(&model).map_or(&[][..], Vec::as_slice);
        let deployments = first_deployments(&decisions, origins, args.since);
        let times = deployments.iter().filter_map(Deployment::seconds).collect();
        all.push(LeadTimes {
            model,
            environment,
            times: Wait::of(times),
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
        let time = |seconds| match times.causes {
            0 => "-".to_owned(),
            _ => lasting(seconds),
        };
        table.row([
            one.model.to_string(),
            one.environment.to_string(),
            times.causes.to_string(),
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

/// When each package was first deployed, the oldest first.
fn first_deployments(
    decisions: &[Decision],
    origins: &[(ModelPackageArn, Origin)],
    since: Option<Timestamp>,
) -> Vec<Deployment> {
    let mut first: Vec<Deployment> = Vec::new();
    for served in served(decisions.iter()) {
        let Some(package) = served.package else {
            continue;
        };
        if first.iter().any(|known| known.package.is_same(&package)) {
            continue;
        }
        let mut own = origins.iter().filter(|(of, _)| of.is_same(&package));
        first.push(Deployment {
            origin: own.next().map(|(_, origin)| origin.clone()),
            package,
            deployed_at: served.since,
        });
    }
    first.retain(|one| since.is_none_or(|since| one.deployed_at >= since));
    first
}

/// Which packages the runs of a model have registered, and what had asked for them.
fn origins(decisions: Vec<Decision>) -> Vec<(ModelPackageArn, Origin)> {
    let mut claims = BTreeMap::new();
    let mut ends = BTreeMap::new();
    let mut packages = Vec::new();
    for decision in decisions {
        match decision.outcome {
            Outcome::Claimed { claim } => {
                let first = claim.reasons.iter().min_by_key(|reason| reason.first_at);
                if let Some(first) = first {
                    let asked = (first.cause.to_string(), first.first_at);
                    claims.insert(claim.number, (asked, claim.claimed_at));
                }
            }
            Outcome::Succeeded { claim, .. } => {
                ends.insert(claim, decision.at);
            }
            Outcome::PackageSeen { claim, found } => packages.push((claim, found.package)),
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
