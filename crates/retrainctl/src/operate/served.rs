//! Which packages an environment has served, by the decisions about its deployments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrain_core::decision::{Decision, Outcome};
use retrain_core::execution::Execution;
use retrain_core::names::ModelPackageArn;
use serde::Serialize;

/// From a moment on, an environment serves this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Served {
    pub(super) since: Timestamp,
    /// Nothing, or nothing that the controller knows: the endpoint has gone back by itself.
    pub(super) package: Option<ModelPackageArn>,
    pub(super) execution: Option<Execution>,
}

/// Whether these decisions, the newest of all, tell what was served at a time: older ones
/// would not tell otherwise.
pub(super) fn is_told(decisions: &[Decision], at: Timestamp) -> bool {
    let claim = |decision: &Decision| match &decision.outcome {
        Outcome::Claimed { claim } => Some(claim.number),
        _ => None,
    };
    let is_claimed = |number: u64| decisions.iter().filter_map(claim).any(|it| it == number);
    let is_whole = decisions.iter().all(|decision| match &decision.outcome {
        Outcome::Reopened { claim, .. } => is_claimed(*claim),
        _ => true,
    });
    let served = served(decisions.iter());
    let then = served.iter().rfind(|served| served.since <= at);
    is_whole
        && then.is_some_and(|then| match (&then.package, &then.execution) {
            (Some(_), _) => true,
            (None, Some(_)) => false,
            // What was in flight then must be known.
            (None, None) => { decisions.iter() }
                .any(|decision| decision.at <= then.since && claim(decision).is_some()),
        })
}

/// What an environment has served, the oldest first.
pub(super) fn served<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Vec<Served> {
    let mut all: Vec<&Decision> = decisions.collect();
    all.sort_by_key(|decision| decision.number);
    let mut packages: BTreeMap<u64, &ModelPackageArn> = BTreeMap::new();
    let mut in_flight = None;
    let mut went_back = None;
    let mut served: Vec<Served> = Vec::new();
    for decision in all {
        match &decision.outcome {
            Outcome::Claimed { claim } | Outcome::Resumed { claim } => {
                if let Some(package) = &claim.package {
                    packages.insert(claim.number, package);
                }
                in_flight = Some(claim.number);
            }
            Outcome::Succeeded {
                claim, execution, ..
            } => {
                in_flight = None;
                // Its endpoint has gone back while it ran: what ran before runs again.
                if went_back != Some(*claim) {
                    served.push(Served {
                        since: decision.at,
                        package: packages.get(claim).copied().cloned(),
                        execution: Some(execution.clone()),
                    });
                }
            }
            Outcome::RolledBack { package, .. } => {
                let own =
                    in_flight.filter(|claim| packages.get(claim).copied() == package.as_ref());
                if own.is_some() {
                    went_back = own;
                } else if package.is_some() {
                    served.push(Served {
                        since: decision.at,
                        package: None,
                        execution: None,
                    });
                }
            }
            Outcome::Reopened { claim, .. } => in_flight = Some(*claim),
            Outcome::Failed { .. }
            | Outcome::Stopped { .. }
            | Outcome::Interrupted { .. }
            | Outcome::NoImprovement { .. }
            | Outcome::NotStarted { .. }
            | Outcome::NotSent { .. }
            | Outcome::Yielded { .. }
            | Outcome::Abandoned { .. }
            | Outcome::Retired { .. } => in_flight = None,
            _ => {}
        }
    }
    served
}
