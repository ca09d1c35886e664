//! Packages that an environment is given.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Turn};
use crate::decision::{Outcome, Stale};
use crate::deployment::{Deployed, is_later};
use crate::errand::Task;
use crate::event::{Event, Withdrawal};
use crate::facts::Lookup;
use crate::guard::{Guard, later};
use crate::lane::Lane;
use crate::names::ModelPackageArn;
use crate::package::{PackageApproval, PackageDescription, PackageStatus};
use crate::policy::Environment;
use crate::reason::{Reason, Reasons};
use crate::slot::{Claim, Run};
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
        let is_held = |reason: &Reason| reason.cause.asks_for(package);
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
            .take(|reason| reason.cause.asks_for(&package))
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
        let approved_again = served.iter().any(|reason| reason.cause.asks_for(&current));
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

/// Whether what asked for the claim's package went away after the claim took it.
fn is_marked(claim: &Claim, package: &ModelPackageArn) -> bool {
    claim
        .reasons
        .iter()
        .any(|reason| reason.withdrawn && reason.cause.asks_for(package))
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
