//! Writing to a package: written down first, described just before, never over a
//! decision that shows.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;

use jiff::Timestamp;

use super::super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::Told;
use crate::facts::{FactsNeeded, ReviewNeeded, Timing};
use crate::gate::{ApprovalDescription, MetadataKey, MetadataValue};
use crate::guard::{doubled, later};
use crate::names::shortened;
use crate::package::{
    ApprovalUpdate, PackageApproval, PackageDescription, PackageUpdate, UpdateAnswer,
};
use crate::pins;
use crate::policy::Mode;
use crate::review::{Contested, Review, Write};

/// The wait between attempts whose answers nobody knows.
const ATTEMPT_WAIT: (jiff::SignedDuration, jiff::SignedDuration) = (
    jiff::SignedDuration::from_secs(30),
    jiff::SignedDuration::from_mins(30),
);

/// Where the package comes from has not been looked up.
pub(super) struct OriginUnknown;

impl Step {
    /// What a package was made of cannot be said before it is known where it comes from.
    pub(super) fn needs_origin(described: &PackageDescription) -> Self {
        Self::NeedFacts(FactsNeeded {
            review: Some(Box::new(ReviewNeeded {
                package: described.clone(),
                champion_of: None,
                origin: true,
            })),
            ..FactsNeeded::default()
        })
    }
}

/// When a write is thought of again that a policy which only observes has kept.
const WHILE_OBSERVED: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

impl Turn<'_> {
    /// The intent to decide about the package, with its pins. Those that are being
    /// written already are taken along.
    pub(super) fn decide(
        &self,
        review: &mut Review,
        approval: PackageApproval,
        description: ApprovalDescription,
        metadata: BTreeMap<MetadataKey, MetadataValue>,
    ) -> Command {
        let mut metadata = metadata;
        if let Some(open) = review.open_write() {
            metadata.extend(open.update.metadata.clone());
        }
        let over = review.approval;
        let approval = Some(ApprovalUpdate {
            approval,
            over,
            description,
        });
        self.intend(review, approval, metadata)
    }

    fn intend(
        &self,
        review: &mut Review,
        approval: Option<ApprovalUpdate>,
        metadata: BTreeMap<MetadataKey, MetadataValue>,
    ) -> Command {
        review.writes = review.writes.saturating_add(1);
        let write = Box::new(Write {
            number: review.writes,
            update: PackageUpdate {
                package: review.package.clone(),
                approval,
                metadata,
            },
            attempt: 1,
            resume_at: Some(self.write_resumes_at(1)),
            read_at: None,
            written_at: None,
            crossed: None,
        });
        review.write = Some(write.clone());
        Command::UpdatePackage(write)
    }

    fn write_resumes_at(&self, attempt: u32) -> Timestamp {
        let (initial, cap) = ATTEMPT_WAIT;
        let wait = doubled(initial, attempt.saturating_sub(1), cap);
        let timing = self.facts.timing;
        later(later(self.now, timing.lease() + timing.settle()), wait)
    }

    /// What the package lacks of what it was made of; asks where it comes from first.
    pub(super) fn missing_pins(
        &self,
        review: &Review,
        described: &PackageDescription,
    ) -> Result<BTreeMap<MetadataKey, MetadataValue>, OriginUnknown> {
        if review.pinned || self.policy.policy.mode == Mode::Observe {
            return Ok(BTreeMap::new());
        }
        let origin = self.facts.lookups.and_then(|known| known.origin.as_ref());
        origin
            .map(|origin| pins::missing(described, origin))
            .ok_or(OriginUnknown)
    }

    /// The write that pins what the package was made of, if anything is missing.
    pub(super) fn pins(
        &self,
        review: &mut Review,
        described: &PackageDescription,
    ) -> Result<Option<Command>, OriginUnknown> {
        let missing = self.missing_pins(review, described)?;
        if review.open_write().is_some() {
            return Ok(None);
        }
        if missing.is_empty() {
            review.pinned = true;
            return Ok(None);
        }
        Ok(Some(self.intend(review, None, missing)))
    }

    /// Takes up a write that its worker left unfinished, if it is time.
    pub(super) fn take_up_write(&mut self) -> Option<Command> {
        let now = self.now;
        let review = self.slot.review.as_deref()?;
        let open = review
            .open_write()
            .filter(|write| write.resume_at <= Some(now))?;
        let mut write = Box::new(open.clone());
        if self.policy.policy.mode == Mode::Observe {
            write.resume_at = Some(later(now, WHILE_OBSERVED));
            self.slot.review.as_mut()?.write = Some(write);
            return None;
        }
        write.attempt = write.attempt.saturating_add(1);
        write.resume_at = Some(self.write_resumes_at(write.attempt));
        self.slot.review.as_mut()?.write = Some(write.clone());
        Some(Command::UpdatePackage(write))
    }

    /// A write was answered, or was not.
    pub(super) fn written(mut self, number: u64, attempt: u32, answer: &UpdateAnswer) -> Step {
        let Some(mut review) = self.slot.review.as_deref().cloned() else {
            return Step::unchanged(Unchanged::Superseded);
        };
        let look = Command::DescribePackage {
            package: review.package.clone(),
        };
        let Some(write) = review
            .write
            .as_mut()
            .filter(|write| write.number == number && write.resume_at.is_some())
        else {
            return Step::unchanged(Unchanged::Superseded);
        };
        match answer {
            UpdateAnswer::Written {
                read_at,
                written_at,
            } => {
                write.read_at = Some(write.read_at.map_or(*read_at, |known| known.min(*read_at)));
                write.written_at = Some(*written_at);
                write.resume_at = None;
                let decides = write.update.approval.is_some();
                let crossed = write.crossed.is_some();
                review.pinned |= !write.update.metadata.is_empty();
                if crossed {
                    let at = self.facts.timing.settled(*written_at);
                    review.look_at = Some(at.max(self.now));
                }
                if decides {
                    let settled = self.facts.timing.settled(*written_at);
                    self.slot.errands.hurry(settled);
                    // What it is now is what the registry says.
                    return self.keep(review, Outcome::Wrote { number }, vec![look]);
                }
                self.go_ahead(review, Outcome::Wrote { number })
            }
            UpdateAnswer::Overtaken { approval } => {
                write.resume_at = None;
                write.crossed = None;
                let why = alloc::format!("the package is {approval} meanwhile");
                self.slot.errands.hurry(self.now);
                self.keep(review, Outcome::NotWritten { number, why }, vec![look])
            }
            UpdateAnswer::Refused { what } => {
                write.resume_at = None;
                let decides = write.update.approval.is_some();
                let why = shortened(what, 500);
                let outcome = Outcome::NotWritten {
                    number,
                    why: why.clone(),
                };
                if decides {
                    let why = alloc::format!("SageMaker refuses the decision: {why}");
                    review.wait(&why, self.policy, self.now);
                    return self.keep(review, outcome, vec![]);
                }
                // A package without pins is still a package.
                review.pinned = true;
                self.go_ahead(review, outcome)
            }
            UpdateAnswer::Unknown { read_at, what } => {
                if write.attempt != attempt {
                    return Step::unchanged(Unchanged::Superseded);
                }
                write.read_at = match (write.read_at, *read_at) {
                    (Some(known), Some(read)) => Some(known.min(read)),
                    (known, read) => known.or(read),
                };
                let resume_at = write.resume_at.unwrap_or(self.now);
                let outcome = Outcome::WriteUnknown {
                    number,
                    what: shortened(what, 500),
                    resume_at,
                };
                self.keep(review, outcome, vec![])
            }
        }
    }

    /// Nothing keeps the environments from being told any more, unless it is the
    /// controller's own approval that waits for a person's word.
    fn go_ahead(mut self, review: Review, outcome: Outcome) -> Step {
        if !review.wrote(PackageApproval::Approved) {
            self.slot.errands.hurry(self.now);
        }
        self.keep(review, outcome, vec![])
    }

    /// Whether the event tells of a person's decision that the controller's has covered
    /// up: it fell between the controller's look and its write.
    pub(super) fn covered_up(&self, review: &Review, told: Option<Told>) -> Option<Contested> {
        let write = review.write.as_deref()?;
        let decision = write.update.approval.as_ref()?;
        let ours = decision.approval;
        let written_at = write.written_at.filter(|_| review.approval == ours)?;
        if review.contested.is_some() {
            return None;
        }
        if let Some(theirs) = write.crossed {
            let at = review.changed_at;
            return Some(Contested { theirs, ours, at });
        }
        let Told { approval, at } = told?;
        let theirs = approval.filter(|theirs| *theirs != ours)?;
        let timing = self.facts.timing;
        let slack = timing.settle() + timing.max_skew();
        let from = write.read_at.map(|read| later(read, -slack));
        let until = later(written_at, timing.max_skew());
        // What it was written over was seen.
        let is_news = ![PackageApproval::PendingManualApproval, decision.over].contains(&theirs);
        let is_within = from.is_none_or(|from| from <= at) && at <= until;
        (is_news && is_within).then_some(Contested { theirs, ours, at })
    }
}

impl Review {
    /// The registry shows what an unanswered write wanted: it was written.
    pub(super) fn acknowledge(&mut self, described: &PackageDescription, now: Timestamp) {
        let Some(write) = self
            .write
            .as_mut()
            .filter(|write| write.resume_at.is_some())
        else {
            return;
        };
        let Some(decision) = &write.update.approval else {
            return;
        };
        if decision.approval == described.approval {
            // A person may have decided the same; then the pins are still missing.
            self.pinned |= !write.update.metadata.is_empty() && write.update.is_shown_by(described);
            write.written_at = Some(now);
            write.resume_at = None;
        } else if decision.over != described.approval {
            // A person was faster, and the write may still land on top of it.
            write.crossed = Some(described.approval);
        }
    }

    /// Whether nobody knows yet which is on top: a person's decision, or the
    /// controller's that was under way at the time.
    pub(super) fn is_crossed(&self) -> bool {
        self.write.as_deref().is_some_and(|write| {
            let is_settled = write.resume_at.is_none() && write.written_at.is_some();
            is_settled && write.crossed.is_some()
        })
    }

    /// Whether the registry shows another decision long enough after the controller's:
    /// a person was the last to write, and nothing is covered up.
    pub(super) fn is_overruled(
        &self,
        described: PackageApproval,
        now: Timestamp,
        timing: Timing,
    ) -> bool {
        let settled = self.write.as_deref();
        settled
            .filter(|write| write.resume_at.is_none())
            .and_then(|write| Some((write.update.approval.as_ref()?, write.written_at?)))
            .is_some_and(|(ours, written_at)| {
                ours.approval != described && timing.settled(written_at) <= now
            })
    }

    /// Whether the controller's last decision about the package is this one.
    pub(super) fn wrote(&self, approval: PackageApproval) -> bool {
        self.write.as_deref().is_some_and(|write| {
            let decision = write.update.approval.as_ref();
            write.written_at.is_some()
                && decision.is_some_and(|decision| decision.approval == approval)
        })
    }
}
