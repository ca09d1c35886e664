//! What a wrong protocol leaves in the table.

use retrain_core::data::Tally;
use retrain_core::decision::Outcome;
use retrain_core::errand::Errands;
use retrain_core::reason::{Reason, Reasons};
use retrain_core::slot::Slot;
use retrain_core::step::Commit;

use crate::mutant::Mutant;
use crate::print::Shared;
use crate::world::World;

impl World {
    /// The slot as the mutant writes it.
    pub(crate) fn spoiled(&self, commit: &Commit, slot: Shared<Slot>) -> Shared<Slot> {
        let (Some(mutant), Some(decision)) = (self.setup.mutant, &commit.decision) else {
            return slot;
        };
        match (mutant, &decision.outcome) {
            (Mutant::LeaseIgnored, Outcome::Claimed { .. } | Outcome::Resumed { .. }) => {
                slot.with(|slot| {
                    let now = slot.updated_at;
                    slot.due_at = Some(now);
                    if let Some(claim) = slot.phase.claim_mut() {
                        claim.resume_at = now;
                    }
                })
            }
            (Mutant::NeverDue, Outcome::Claimed { .. }) => slot.with(|slot| slot.due_at = None),
            (Mutant::CausesDroppedOnFailure, Outcome::Failed { .. }) => {
                slot.with(|slot| slot.held = Reasons::default())
            }
            (Mutant::RowsDroppedOnFailure, Outcome::Failed { .. }) => {
                slot.with(|slot| slot.data.tally = Tally::default())
            }
            (Mutant::WithdrawalNotMarked, Outcome::AlarmCleared { .. }) => slot.with(|slot| {
                if let Some(claim) = slot.phase.claim_mut() {
                    claim.reasons = unmarked(&claim.reasons);
                }
            }),
            (Mutant::StartsForgotten, Outcome::Started { .. }) => {
                slot.with(|slot| slot.starts.clear())
            }
            (Mutant::ForeignRunsForgotten, Outcome::ForeignRunSeen { .. }) => {
                slot.with(|slot| slot.foreign.clear())
            }
            (Mutant::ErrandsForgotten, Outcome::Approved { .. }) => {
                slot.with(|slot| slot.errands = Errands::default())
            }
            (Mutant::NeverLookedAt, Outcome::AwaitsPerson { .. }) => slot.with(|slot| {
                slot.due_at = None;
                if let Some(review) = &mut slot.review {
                    review.look_at = None;
                    review.waits = None;
                }
            }),
            _ => slot,
        }
    }
}

fn unmarked(reasons: &Reasons) -> Reasons {
    let mut unmarked = Reasons::default();
    for reason in reasons.iter() {
        unmarked.add(Reason {
            withdrawn: false,
            ..reason.clone()
        });
    }
    unmarked
}
