//! Packages that an environment is given, and those that it shall not keep.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Step, Turn};
use crate::decision::{Outcome, Rollback, Stale, Unchanged};
use crate::deployment::{Deployed, is_later};
use crate::errand::Task;
use crate::event::{Event, Withdrawal};
use crate::facts::{FactsNeeded, Lookup};
use crate::guard::{Guard, later};
use crate::lane::Lane;
use crate::names::{EndpointName, ModelPackageArn, shortened};
use crate::package::{PackageApproval, PackageDescription, PackageStatus};
use crate::policy::{Environment, OnRejected};
use crate::reason::{Reason, Reasons};
use crate::slot::{Claim, Phase, Run};
use crate::trigger::{Cause, Deploys, Trigger};

/// How often the package that an environment runs is looked at: SageMaker may not tell
/// that it was rejected.
const LOOK_AT_CURRENT_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Turn<'_> {
    /// What asks for a package that the environment runs, or has run past, is out of
    /// date, unless a person or a rollback asks.
    pub(super) fn is_overtaken(&self, cause: &Cause) -> Option<Stale> {
        let Cause::Deployment { package, because } = cause else {
            return None;
        };
        let deployment = &self.slot.deployment;
        let overtaken = deployment.runs(package) || deployment.runs_later_than(package);
        let current = deployment.current.as_ref()?;
        (because.waits_for_promotion() && overtaken).then(|| Stale::RunsLater {
            package: current.package.clone(),
        })
    }

    /// A person may ask for what the environment before runs, or for what has run here;
    /// for anything else only with force.
    pub(super) fn is_not_promoted(&self, cause: &Cause) -> Option<Guard> {
        let environment = self.policy.environment()?;
        let Cause::Deployment {
            package,
            because: Deploys::Asked { force: false, .. },
        } = cause
        else {
            return None;
        };
        let is_held = |reason: &Reason| asks_for(reason, package);
        let may = self.policy.policy.is_first_environment(&environment.name)
            || self.slot.held.iter().any(is_held)
            || self.slot.deployment.has_run(package);
        (!may).then(|| Guard::NotPromoted {
            environment: environment.name.clone(),
        })
    }

    /// The cause that leads: in an environment the best of those that no guard keeps,
    /// because only one package can run.
    pub(super) fn best_of<'r>(
        &self,
        eligible: impl Iterator<Item = &'r Reason>,
    ) -> Option<&'r Reason> {
        let mut eligible = eligible;
        match self.policy.lane {
            Lane::Deploy(_) => eligible.max_by(|a, b| precedence(a, b)),
            Lane::Retrain | Lane::Package(_) => eligible.next(),
        }
    }

    /// The held causes that a claim takes: all of them, but of packages only what its
    /// package covers.
    pub(super) fn take_held(&mut self, leading: &Reason) -> Reasons {
        let Some(package) = leading.cause.package() else {
            return core::mem::take(&mut self.slot.held);
        };
        self.slot.held.take(|reason| {
            let own = reason.cause.package();
            own.is_some_and(|own| own.is_same(package) || is_later(package, own))
        })
    }

    /// The package of the deployment that is about to be claimed, or is claimed, as the
    /// registry describes it. It is asked for just before.
    pub(super) fn described(&self, package: &ModelPackageArn) -> Option<&PackageDescription> {
        let known = self.facts.lookups?.packages.found()?;
        known.iter().find(|known| known.package.is_same(package))
    }

    /// A package that is not approved, or not whole, is not deployed.
    pub(super) fn not_approved(&mut self, leading: &Reason) -> Option<Outcome> {
        let package = leading.cause.package()?;
        let lookups = self.facts.lookups?;
        if matches!(lookups.packages, Lookup::Unreadable(_)) {
            return None;
        }
        let (status, approval) = match self.described(package) {
            Some(described) if described.is_deployable() => return None,
            Some(described) => (described.status, described.approval),
            None => (
                PackageStatus::Deleting,
                PackageApproval::PendingManualApproval,
            ),
        };
        let package = package.clone();
        let dropped = self
            .slot
            .held
            .take(|reason| asks_for(reason, &package))
            .len();
        self.refresh_due();
        Some(Outcome::NotApproved {
            package,
            status,
            approval,
            dropped,
        })
    }

    /// Whether the claim's package was withdrawn, or the registry says just now that it
    /// is not approved: then the claim is not sent any more.
    pub(super) fn is_withdrawn(&self, claim: &Claim) -> bool {
        let Some(package) = &claim.package else {
            return false;
        };
        let marked = is_marked(claim, package);
        let asked = self
            .facts
            .lookups
            .is_some_and(|known| known.packages.found().is_some());
        let approved = self
            .described(package)
            .is_some_and(PackageDescription::is_deployable);
        marked || (asked && !approved)
    }

    /// The execution has deployed the package of its claim.
    pub(super) fn deployed(&mut self, run: &Run) {
        let (Some(environment), Some(package)) = (self.policy.environment(), &run.claim.package)
        else {
            return;
        };
        if self.slot.deployment.rolled_back == Some(run.claim.number) {
            return;
        }
        if is_rollback(&run.claim) {
            self.slot.deployment.throw_out();
        }
        self.slot.deployment.record(Deployed {
            package: package.clone(),
            claim: run.claim.number,
            execution: run.execution.clone(),
            at: self.now,
            look_at: later(self.now, LOOK_AT_CURRENT_EVERY),
            unwanted: false,
        });
        // What waits for an earlier version has nothing to wait for any more.
        let current = package.clone();
        let served = self.slot.held.take(|reason| match &reason.cause {
            Cause::Deployment {
                because: Deploys::RolledBack { from },
                ..
            } => !from.is_same(&current),
            Cause::Deployment { package, because } => {
                because.waits_for_promotion()
                    && (package.is_same(&current) || is_later(&current, package))
            }
            _ => false,
        });
        // What was asked for after it was rejected is held, and is not marked.
        let approved_again = served.iter().any(|reason| asks_for(reason, &current));
        if is_marked(&run.claim, package) && !approved_again {
            // It was rejected while it was deployed: what follows is decided now.
            let event = Event::Withdrawn {
                package: package.clone(),
                because: Withdrawal::Rejected,
                at: self.now,
            };
            self.tell(self.policy.lane.clone(), event, self.now);
            return;
        }
        if !is_rollback(&run.claim) {
            self.promote(environment, package);
        }
        // Whatever an earlier package was to be watched by is out of date.
        self.slot
            .errands
            .forget(|task| matches!(task, Task::RefreshBaseline { .. }));
        for schedule in &environment.monitoring_schedules {
            let task = Task::RefreshBaseline {
                schedule: schedule.clone(),
                package: package.clone(),
            };
            self.slot.errands.add(task, self.now);
        }
    }

    /// What runs here was approved again: the next environment may have dropped it.
    pub(super) fn promote_again(&mut self, cause: &Cause) -> Vec<Command> {
        let approved = match cause {
            Cause::Deployment {
                package,
                because: Deploys::Approved,
            } if self.slot.deployment.runs(package) => package,
            _ => return vec![],
        };
        if let Some(environment) = self.policy.environment() {
            self.promote(environment, approved);
        }
        self.refresh_due();
        self.run_errands()
    }

    /// The next environment is told of the package.
    fn promote(&mut self, environment: &Environment, package: &ModelPackageArn) {
        let Some(next) = self.policy.policy.environment_after(&environment.name) else {
            return;
        };
        let because = Deploys::Promoted {
            from: environment.name.clone(),
        };
        self.tell_to_deploy(next, package, because, self.now);
    }

    /// An environment is told, at this time, of a package that is to run there.
    pub(super) fn tell_to_deploy(
        &mut self,
        environment: &Environment,
        package: &ModelPackageArn,
        because: Deploys,
        at: Timestamp,
    ) {
        let trigger = Trigger {
            cause: Cause::Deployment {
                package: package.clone(),
                because,
            },
            at: self.now,
        };
        let lane = Lane::Deploy(environment.name.clone());
        self.tell(lane, Event::Trigger(trigger), at);
    }

    pub(super) fn tell(&mut self, lane: Lane, event: Event, at: Timestamp) {
        let event = event.into();
        self.slot.errands.add(Task::Tell { lane, event }, at);
    }

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
            asks_for(reason, package)
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

    /// When the package that runs here is to be looked at.
    pub(super) fn current_due_at(&self) -> Option<Timestamp> {
        self.policy.environment()?;
        let current = self.slot.deployment.current.as_ref()?;
        Some(current.look_at)
    }

    /// Has the package that runs here looked at, if it is time.
    pub(super) fn look_at_current(&mut self) {
        let now = self.now;
        let Some(current) = &mut self.slot.deployment.current else {
            return;
        };
        if now < current.look_at {
            return;
        }
        current.look_at = later(now, LOOK_AT_CURRENT_EVERY);
        let lane = Lane::Package(current.package.clone());
        self.tell(lane, Event::Tick, now);
    }
}

/// Whether the cause asks for this package.
pub(super) fn asks_for(reason: &Reason, package: &ModelPackageArn) -> bool {
    let own = reason.cause.package();
    own.is_some_and(|own| own.is_same(package))
}

/// Whether the errand promotes this package to another environment.
fn promotes(task: &Task, package: &ModelPackageArn) -> bool {
    let Task::Tell { event, .. } = task else {
        return false;
    };
    let Event::Trigger(trigger) = event.as_ref() else {
        return false;
    };
    let own = trigger.cause.package();
    own.is_some_and(|own| own.is_same(package))
}

/// Whether what asked for the claim's package went away after the claim took it.
fn is_marked(claim: &Claim, package: &ModelPackageArn) -> bool {
    claim
        .reasons
        .iter()
        .any(|reason| reason.withdrawn && asks_for(reason, package))
}

/// Whether the claim only goes back to what ran before.
fn is_rollback(claim: &Claim) -> bool {
    let mut reasons = claim.reasons.iter();
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

/// Which cause a deployment serves first: what a person asked for last, else the latest
/// version.
fn precedence(a: &Reason, b: &Reason) -> Ordering {
    let asked = |reason: &Reason| reason.cause.is_asked().then_some(reason.last_at);
    asked(a)
        .cmp(&asked(b))
        .then_with(|| match (a.cause.package(), b.cause.package()) {
            (Some(a), Some(b)) if is_later(a, b) => Ordering::Greater,
            (Some(a), Some(b)) if is_later(b, a) => Ordering::Less,
            _ => a.first_at.cmp(&b.first_at),
        })
}
