//! The package that a run of a gated model should have registered.
//!
//! SageMaker tells about packages too, but may not: until one is seen, somebody looks.

use jiff::{SignedDuration, Timestamp};

use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::Event;
use crate::guard::later;
use crate::lane::Lane;
use crate::package::RegisteredPackage;
use crate::slot::{AwaitedPackage, Run};

/// How long a package is looked for. A pipeline registers it before its run ends.
const LOOK_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Turn<'_> {
    /// From now on the run's package is looked for, if the model has a gate.
    pub(super) fn await_package(&mut self, run: &Run) {
        let policy = &self.policy.policy;
        let is_followed = policy.gate.is_some() || !policy.environments.is_empty();
        if !is_followed || policy.model_package_group.is_none() || self.policy.lane != Lane::Retrain
        {
            return;
        }
        self.slot.awaited = Some(AwaitedPackage {
            claim: run.claim.number,
            token: Some(run.claim.token),
            policy_version: Some(run.claim.policy_version),
            started_at: run.started_at,
            ended_at: self.now,
            look_at: self.now,
        });
    }

    /// When to look for the awaited package next.
    pub(super) fn package_due_at(&self) -> Option<Timestamp> {
        // Without a group there is nowhere to look.
        self.policy.policy.model_package_group.as_ref()?;
        Some(self.slot.awaited.as_ref()?.look_at)
    }

    /// Looks for the awaited package, if it is time.
    pub(super) fn find_package(&mut self) -> Option<Command> {
        let group = self.policy.policy.model_package_group.as_ref()?;
        let timing = self.facts.timing;
        let awaited = self.slot.awaited.as_mut()?;
        if self.now < awaited.look_at {
            return None;
        }
        awaited.look_at = later(self.now, timing.describe_every());
        Some(Command::FindPackage {
            group: group.clone(),
            after: timing.since(awaited.started_at),
        })
    }

    /// The registry was searched.
    pub(super) fn registered(mut self, found: Option<&RegisteredPackage>) -> Step {
        let Some(awaited) = self.slot.awaited.take() else {
            return Step::unchanged(Unchanged::Superseded);
        };
        let claim = awaited.claim;
        let outcome = match found {
            Some(found) => {
                // SageMaker may never tell about it: whoever decides about it looks now.
                self.tell(Lane::Package(found.package.clone()), Event::Tick, self.now);
                Outcome::PackageSeen {
                    claim,
                    found: found.clone(),
                }
            }
            None if self.now < later(awaited.ended_at, LOOK_FOR) => {
                return Step::unchanged(Unchanged::Looked);
            }
            None => Outcome::NoPackage { claim },
        };
        let errands = self.run_errands();
        self.refresh_due();
        self.commit(outcome, errands)
    }
}
