//! What must be true, judged by what the registry and CodePipeline have seen.

use jiff::SignedDuration;

use super::registry::{Decision, Deployment, Who};
use super::world::{World, claimed};
use crate::decision::Outcome;
use crate::event::{Event, ExecutionStatus};
use crate::facts::{Lookups, Timing};
use crate::lane::Lane;
use crate::names::ModelPackageArn;
use crate::order::OrderKind;
use crate::package::{ApprovalUpdate, PackageApproval};
use crate::slot::{Phase, Slot};
use crate::trigger::{Cause, Deploys};

impl World {
    /// What is decided now.
    pub(super) fn check(
        &mut self,
        lane: &Lane,
        before: &Slot,
        outcome: &Outcome,
        event: &Event,
        lookups: &Lookups,
    ) {
        if let Some(claim) = claimed(outcome) {
            let package = claim.package.as_ref().unwrap();
            let described = lookups.packages.found().unwrap();
            let described = described.iter().find(|one| one.package.is_same(package));
            assert!(
                described.unwrap().is_deployable(),
                "{lane} claims what was not approved when it was described: {claim:?}"
            );
        }
        if let Event::Package { description, .. } = event {
            let version = description.package.version();
            if description.approval != self.registry.packages[&version] {
                self.outdated.insert(version);
            }
        }
        let dropped = match (outcome, &before.phase) {
            (Outcome::NotApproved { package, .. }, _) => Some(package),
            (Outcome::NotSent { .. }, Phase::Starting(claim)) => claim.package.as_ref(),
            _ => None,
        };
        self.dropped.extend(dropped.map(ModelPackageArn::version));
        if let (Lane::Package(package), Outcome::Approved { .. }) = (lane, outcome) {
            let deployments = self.registry.deployments.len();
            self.approved.insert(package.version(), deployments);
        }
        // A person confirms what stands.
        if let (Lane::Package(package), Event::Order(order)) = (lane, event)
            && order.kind == OrderKind::Approve
            && matches!(outcome, Outcome::Approved { .. })
        {
            assert!(before.review.as_ref().unwrap().contested.is_some());
            let decisions = self.registry.decisions.len();
            self.confirmed.push((package.version(), decisions));
        }
    }

    /// A write of the controller's has just had its effect.
    pub(super) fn check_write(&self, update: &ApprovalUpdate) {
        let decision = self.registry.decisions.last().unwrap();
        let Who::Controller { saw, by_request } = decision.who else {
            panic!("{decision:?}")
        };
        assert_eq!(saw, update.over, "it writes over a decision that it saw");
        assert!(
            by_request || saw == PackageApproval::PendingManualApproval,
            "the gate decides what is decided: {decision:?}"
        );
    }

    /// A deployment starts.
    pub(super) fn check_start(&self, deployment: &Deployment) {
        let environment = &deployment.environment;
        let version = deployment.claim.package.as_ref().unwrap().version();
        let in_flight = self.registry.deployments.iter().filter(|known| {
            known.environment == *environment && known.status == ExecutionStatus::InFlight
        });
        assert_eq!(in_flight.count(), 0, "{environment} has one already");
        let started = self.started(environment, version) + 1;
        let allowed = if environment == "staging" {
            self.approvals(version)
        } else {
            let succeeded = self.registry.deployments.iter().filter(|known| {
                known.environment == "staging"
                    && known.status == ExecutionStatus::Succeeded
                    && known.claim.package == deployment.claim.package
            });
            succeeded.count()
        };
        if !is_rollback(deployment) {
            assert!(
                started <= allowed,
                "{environment} deploys package {version} {started} times after {allowed} approvals"
            );
        }
        self.check_contest(version);
    }

    /// Nothing of a package is deployed while a person's decision is covered up, as far
    /// as that was told in time.
    fn check_contest(&self, version: u64) {
        let decisions = &self.registry.decisions;
        let of = |decision: &&Decision| decision.version == version;
        let Some(last) = decisions.iter().rfind(of) else {
            return;
        };
        let Who::Controller {
            saw,
            by_request: false,
        } = last.who
        else {
            return;
        };
        let is_confirmed = self.confirmed.iter().any(|(confirmed, after)| {
            *confirmed == version
                && decisions[*after..]
                    .iter()
                    .all(|later| later.version != version)
        });
        let before = decisions.iter().filter(of).rev().nth(1);
        let covered_up = before.filter(|before| {
            last.over != saw && last.over != last.approval && before.approval == last.over
        });
        let in_time = |decision: &Decision| {
            let until = last.at + Timing::default().settle() - SignedDuration::from_secs(1);
            decision.heard.is_some_and(|heard| heard <= until)
        };
        if let Some(covered_up) = covered_up.filter(|before| in_time(before)) {
            assert!(
                is_confirmed,
                "{version} is deployed, but {last:?} has covered up {covered_up:?}: {}",
                self.trail.concat()
            );
        }
    }

    /// How often the environment has started a deployment of the package for its own sake.
    fn started(&self, environment: &str, version: u64) -> usize {
        let deployments = self.registry.deployments.iter();
        deployments
            .filter(|known| known.environment == environment && !is_rollback(known))
            .filter(|known| known.claim.package.as_ref().unwrap().version() == version)
            .count()
    }

    /// How often the package was approved.
    fn approvals(&self, version: u64) -> usize {
        let approved = self.registry.decisions.iter().filter(|decision| {
            let is_new = decision.over != PackageApproval::Approved;
            decision.version == version && decision.approval == PackageApproval::Approved && is_new
        });
        let confirmed = self.confirmed.iter().filter(|(known, _)| *known == version);
        approved.count() + confirmed.count()
    }

    /// Everything has come to rest.
    pub(super) fn check_end(&self) {
        for (lane, slot) in &self.slots {
            assert_eq!(slot.phase, Phase::Idle, "{lane}");
            assert!(slot.errands.open().is_empty(), "{lane}: {slot:?}");
            assert!(slot.held.is_empty(), "{lane}: {slot:?}");
            if let (Lane::Package(package), Some(review)) = (lane, &slot.review) {
                assert!(review.open_write().is_none(), "{lane}: {review:?}");
                let truth = self.registry.packages[&package.version()];
                let is_excused = self.outdated.contains(&package.version());
                assert!(
                    review.approval == truth || is_excused,
                    "{lane} is {truth}: {}",
                    self.trail.concat()
                );
                if truth == review.approval
                    && truth == PackageApproval::Approved
                    && review.contested.is_none()
                {
                    self.check_served(package.version());
                }
            }
        }
    }

    /// A package that is approved in the end runs in staging, or was overtaken, or its
    /// deployment has been tried since and has ended otherwise. Or it was rejected for a
    /// moment that only the environment has seen, which has recorded what it dropped.
    /// An approval that undoes a rejection before anybody has seen that is no news.
    fn check_served(&self, version: u64) {
        let staging = Lane::Deploy(crate::names::EnvironmentName::parse("staging").unwrap());
        let slot = self.slots.get(&staging).unwrap();
        let is_overtaken = { self.deployed("staging") }.any(|deployed| deployed > version);
        let since = self.approved[&version];
        let tried = self.registry.deployments[since..]
            .iter()
            .any(|known| known.claim.package.as_ref().unwrap().version() == version);
        let runs = slot.deployment.current.as_ref();
        let runs = runs.is_some_and(|current| current.package.version() == version);
        assert!(
            runs || tried || is_overtaken || self.dropped.contains(&version),
            "package {version} was approved and never deployed: {}",
            self.trail.concat()
        );
    }
}

fn is_rollback(deployment: &Deployment) -> bool {
    let mut reasons = deployment.claim.reasons.iter();
    reasons.any(|reason| {
        matches!(
            reason.cause,
            Cause::Deployment {
                because: Deploys::RolledBack { .. },
                ..
            }
        )
    })
}
