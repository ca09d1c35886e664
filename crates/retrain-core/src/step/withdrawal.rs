//! Packages that an environment shall not run or keep, and what it goes back to.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use jiff::Timestamp;

use super::{Command, Step, Turn};
use crate::decision::{Outcome, Rollback, Unchanged};
use crate::errand::Task;
use crate::event::{Event, Withdrawal};
use crate::facts::FactsNeeded;
use crate::guard::later;
use crate::names::{EndpointName, ModelPackageArn, shortened};
use crate::package::PackageDescription;
use crate::policy::OnRejected;
use crate::reason::{Reason, Reasons};
use crate::slot::Phase;
use crate::trigger::{Cause, Deploys, Trigger};

impl Turn<'_> {
    /// A package shall not run: what asks for it is dropped, and where it runs, the
    /// policy says what follows.
    pub(super) fn withdrawn(
        mut self,
        package: &ModelPackageArn,
        because: Withdrawal,
        at: Timestamp,
    ) -> Step {
        let rolls_back = because == Withdrawal::Rejected
            && self.slot.deployment.runs(package)
            && self.wants_rollback()
            // It may be told twice.
            && !self.is_rolling_back(package);
        if rolls_back && let Some(needed) = self.needed_for_rollback(Some(package)) {
            return Step::NeedFacts(needed);
        }
        let described = self.described(package).filter(|_| rolls_back);
        if described.is_some_and(PackageDescription::is_deployable) {
            // It was approved again since, and goes on running.
            return Step::unchanged(Unchanged::SamePackage);
        }
        // It may be told late, or twice: an approval that has come since stands.
        let max_skew = self.facts.timing.max_skew();
        let asked_before = |reason: &Reason| {
            reason.cause.asks_for(package)
                && match &reason.cause {
                    // The same slot has told both, by one clock.
                    Cause::Deployment {
                        because: Deploys::Approved,
                        ..
                    } => reason.last_at <= at,
                    _ => reason.last_at <= later(at, max_skew),
                }
        };
        let dropped = self.slot.held.take(asked_before).len();
        self.slot.errands.forget(|task| promotes(task, package));
        let in_flight = self.slot.phase.claim_mut();
        let marked = in_flight.map_or(0, |claim| claim.reasons.mark(asked_before));
        if dropped == 0 && marked == 0 && !self.slot.deployment.runs(package) {
            return Step::unchanged(Unchanged::SamePackage);
        }
        if dropped == 0 && marked == 0 && self.is_rolling_back(package) {
            return Step::unchanged(Unchanged::SamePackage);
        }
        let rollback = self.slot.deployment.runs(package).then(|| {
            if rolls_back {
                self.roll_back(package, at)
            } else {
                Rollback::Reported
            }
        });
        let outcome = Outcome::Withdrawn {
            package: package.clone(),
            because,
            dropped,
            marked,
            rollback,
        };
        self.go_on(outcome)
    }

    /// A person wants what ran before.
    pub(super) fn asked_to_roll_back(mut self) -> Step {
        let Some(current) = self.slot.deployment.current.clone() else {
            let why = "nothing was deployed that could be rolled back".to_string();
            return Step::Settled(Outcome::NotTaken { why });
        };
        if let Some(needed) = self.needed_for_rollback(None) {
            return Step::NeedFacts(needed);
        }
        let rollback = self.roll_back(&current.package, self.now);
        if rollback == Rollback::Nothing {
            let why =
                "no package that ran before is still approved: there is nothing to go back to";
            return Step::Settled(Outcome::NotTaken { why: why.into() });
        }
        let outcome = Outcome::Withdrawn {
            package: current.package,
            because: Withdrawal::Unwanted,
            dropped: 0,
            marked: 0,
            rollback: Some(rollback),
        };
        self.go_on(outcome)
    }

    /// The endpoint has gone back by itself: the package does not run, whatever its
    /// pipeline says.
    pub(super) fn endpoint_rolled_back(
        mut self,
        endpoint: &EndpointName,
        what: &str,
        at: Timestamp,
    ) -> Step {
        let in_flight = self.slot.phase.claim();
        let skew = self.facts.timing.max_skew();
        let package =
            if let Some(claim) = in_flight.filter(|claim| claim.claimed_at <= later(at, skew)) {
                if self.slot.deployment.rolled_back == Some(claim.number) {
                    return Step::unchanged(Unchanged::SamePackage);
                }
                // What ran before runs again, and goes on being the current one.
                self.slot.deployment.rolled_back = Some(claim.number);
                claim.package.clone()
            } else {
                let current = self.slot.deployment.current.as_ref();
                let package = current
                    .filter(|current| current.at <= at)
                    .map(|current| current.package.clone());
                if package.is_some() {
                    self.slot.deployment.throw_out();
                    self.slot.deployment.leave();
                }
                package
            };
        let what = alloc::format!("endpoint {endpoint}: {}", shortened(what, 300));
        self.refresh_due();
        self.commit(Outcome::RolledBack { package, what }, vec![])
    }

    fn wants_rollback(&self) -> bool {
        let environment = self.policy.environment();
        environment.is_some_and(|environment| environment.on_rejected == OnRejected::RollBack)
    }

    /// Whether a rollback from this package waits or is on its way.
    fn is_rolling_back(&self, package: &ModelPackageArn) -> bool {
        let in_flight = self.slot.phase.claim().map(|claim| &claim.reasons);
        let mut reasons = in_flight
            .into_iter()
            .chain([&self.slot.held])
            .flat_map(Reasons::iter);
        reasons.any(|reason| {
            matches!(
                &reason.cause,
                Cause::Deployment {
                    because: Deploys::RolledBack { from },
                    ..
                } if from.is_same(package)
            )
        })
    }

    /// What must be known of the packages that ran before, and of the one that was
    /// withdrawn.
    fn needed_for_rollback(&self, withdrawn: Option<&ModelPackageArn>) -> Option<FactsNeeded> {
        let earlier = self.slot.deployment.earlier.iter();
        let packages: Vec<ModelPackageArn> = earlier
            .map(|deployed| &deployed.package)
            .chain(withdrawn)
            .cloned()
            .collect();
        (self.facts.lookups.is_none() && !packages.is_empty()).then(|| FactsNeeded {
            packages,
            ..FactsNeeded::default()
        })
    }

    /// Asks for the newest package that ran before and is still approved.
    fn roll_back(&mut self, from: &ModelPackageArn, at: Timestamp) -> Rollback {
        let earlier = self.slot.deployment.earlier.iter().rev();
        let to = earlier
            .filter(|deployed| !deployed.unwanted)
            .map(|deployed| &deployed.package)
            .filter(|package| !package.is_same(from))
            .find(|package| {
                self.described(package)
                    .is_some_and(PackageDescription::is_deployable)
            });
        let Some(package) = to.cloned() else {
            return Rollback::Nothing;
        };
        self.slot.held.add(Reason::of(&Trigger {
            cause: Cause::Deployment {
                package: package.clone(),
                because: Deploys::RolledBack { from: from.clone() },
            },
            at,
        }));
        Rollback::To { package }
    }

    /// Records the outcome; what is held is looked at at once.
    fn go_on(mut self, outcome: Outcome) -> Step {
        self.refresh_due();
        let is_due = self.slot.due_at.is_some_and(|at| at <= self.now);
        let look = (is_due && self.slot.phase == Phase::Idle).then_some(Command::Look);
        self.commit(outcome, look.into_iter().collect())
    }
}

/// Whether the errand promotes this package to another environment.
fn promotes(task: &Task, package: &ModelPackageArn) -> bool {
    let Task::Tell { event, .. } = task else {
        return false;
    };
    let Event::Trigger(trigger) = event.as_ref() else {
        return false;
    };
    trigger.cause.asks_for(package)
}
