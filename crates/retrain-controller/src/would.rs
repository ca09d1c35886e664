//! What an event would lead to, for a person who asks before it happens.

use retrain_core::decision::{Outcome, Unchanged};
use retrain_core::event::Event;
use retrain_core::facts::{FactsNeeded, Lookup};
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::policy::PolicyInForce;
use retrain_core::step::Step;

use crate::controller::{Controller, asked_again};
use crate::error::ControllerError;
use crate::ports::{
    Alarms, Clock, Executions, Manifests, Monitoring, Packages, Parameters, Registry, Reports,
    SlotStore, Wanted,
};

impl<S, E, R, P, A, M> Controller<S, E, R, P, A, M>
where
    S: SlotStore,
    E: Executions,
    R: Registry + Packages + Monitoring,
    P: Parameters,
    A: Alarms,
    M: Manifests + Reports,
{
    /// What the last of these events would lead to, if they happened to a lane of a model
    /// now, one after the other. Everything is read that a decision would read; nothing is
    /// written, but what the store makes for the first who reads a new table, and nothing
    /// is started or told.
    pub async fn would(
        &self,
        events: &[Event],
        policy: &PolicyInForce,
        lane: &Lane,
        clock: &impl Clock,
    ) -> Result<Outcome, ControllerError> {
        let slot = SlotKey::new(policy.model.clone(), lane.clone());
        let policy = policy
            .in_lane(lane)
            .ok_or_else(|| ControllerError::NoLane { slot: slot.clone() })?;
        let marker = events.iter().find_map(Event::dedupe_key);
        let wanted = Wanted {
            marker: marker.as_ref(),
            ..Wanted::slot(&slot)
        };
        let now = clock.now();
        let mut loaded = self.store.load(wanted, now).await?;
        let mut outcome = Outcome::Unchanged {
            because: Unchanged::Looked,
        };
        for event in events {
            let mut next = self.step(true, &policy, &loaded, event, None, now)?;
            if let Step::NeedFacts(needed) = next {
                // A manifest is not read but written: only its name is known before.
                let manifest = needed.manifest.as_ref().map(|wanted| {
                    let (bucket, key) = (&wanted.to.bucket, wanted.key());
                    format!("s3://{bucket}/{key}")
                });
                let read = FactsNeeded {
                    manifest: None,
                    ..needed
                };
                let mut lookups = self.look_up(&slot, &read, now).await?;
                lookups.manifest_uri = Lookup::from(manifest);
                next = self.step(true, &policy, &loaded, event, Some(&lookups), now)?;
            }
            match next {
                Step::Settled(settled) => outcome = settled,
                Step::Commit(commit) => {
                    if let Some(decision) = commit.decision {
                        outcome = decision.outcome;
                    }
                    loaded.slot = *commit.slot;
                }
                Step::NeedFacts(_) => return Err(asked_again()),
            }
        }
        Ok(outcome)
    }
}
