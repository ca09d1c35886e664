//! Deciding about one model package.
//!
//! The registry is asked what a package is; events are the reason to ask. What an event
//! says matters once: it may be all that is left of a person's decision that ours has
//! covered up.

mod gate;
mod people;
mod write;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};

use self::write::OriginUnknown;
use super::{Command, Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::event::{Event, Told, Withdrawal};
use crate::guard::later;
use crate::lane::Lane;
use crate::names::ModelPackageArn;
use crate::order::OrderKind;
use crate::package::{PackageApproval, PackageDescription, PackageStatus};
use crate::policy::PolicyInForce;
use crate::review::{Contested, Review, Waits};
use crate::trigger::Deploys;

/// How often a package that nobody has decided about is looked at.
const LOOK_AT_PENDING_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What an approval or a rejection means for the environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Undecided,
    Approved,
    Rejected,
}

impl Standing {
    fn of(status: PackageStatus, approval: PackageApproval) -> Self {
        match (status, approval) {
            (PackageStatus::Completed, PackageApproval::Approved) => Self::Approved,
            (_, PackageApproval::Rejected) => Self::Rejected,
            _ => Self::Undecided,
        }
    }
}

impl Turn<'_> {
    /// What happens to a package.
    pub(super) fn review(self, package: &ModelPackageArn) -> Step {
        match self.event {
            Event::Package { description, told } => self.package_described(description, *told),
            Event::SignOff(signoff) => self.signed_off(package, signoff),
            Event::Order(order) if order.kind == OrderKind::Retire => self.retire_package(),
            Event::Order(order) => self.decided_by_person(package, order),
            Event::PackageWritten {
                number,
                attempt,
                answer,
            } => self.written(*number, *attempt, answer),
            Event::ErrandDone { number, baseline } => self.errand_done(*number, baseline.as_ref()),
            Event::Tick => self.look_at_package(package),
            _ => Step::unchanged(Unchanged::SamePackage),
        }
    }

    /// Time to look: errands, a write that was left unfinished, the registry itself.
    fn look_at_package(mut self, package: &ModelPackageArn) -> Step {
        let mut commands = self.run_errands();
        let review = self.known(package);
        // Whoever looks because an environment runs the package wants to know now.
        let look_at = later(self.now, LOOK_AT_PENDING_EVERY);
        if let Some(command) = self.take_up_write() {
            commands.push(command);
        } else {
            self.slot.review.get_or_insert(review.into()).look_at = Some(look_at);
            commands.push(Command::DescribePackage {
                package: package.clone(),
            });
        }
        self.commit_package_silently(commands)
    }

    /// What is known of the package so far.
    fn known(&self, package: &ModelPackageArn) -> Review {
        let known = self.slot.review.as_deref().cloned();
        known.unwrap_or_else(|| Review::new(package.clone(), self.now))
    }

    fn package_described(mut self, described: &PackageDescription, told: Option<Told>) -> Step {
        let is_new = self.slot.review.is_none();
        let mut review = self.known(&described.package);
        review.acknowledge(described, self.now);
        if review.is_overruled(described.approval, self.now, self.facts.timing) {
            review.write = None;
            self.slot.errands.hurry(self.now);
        }
        let before = (review.status, review.approval);
        review.status = described.status;
        review.approval = described.approval;
        let changed = is_new || before != (review.status, review.approval);
        if changed {
            review.changed_at = self.now;
        }
        if matches!(
            review.status,
            PackageStatus::Failed | PackageStatus::Deleting
        ) {
            // There is nothing to decide about any more.
            review.waits = None;
        }
        if let Some(contested) = self.covered_up(&review, told) {
            return self.contested(review, contested);
        }
        let was = Standing::of(before.0, before.1);
        let is = Standing::of(review.status, review.approval);
        match is {
            Standing::Approved if is != was => self.approved(review, described),
            Standing::Rejected if is != was => self.rejected(review, described),
            Standing::Undecided if was != Standing::Undecided => self.undecided(review, described),
            Standing::Undecided if review.status == PackageStatus::Completed => {
                self.pending(review, described, changed)
            }
            Standing::Approved => self.staged(review, described),
            Standing::Undecided | Standing::Rejected if changed => {
                let outcome = Outcome::PackageNoted {
                    status: review.status,
                    approval: review.approval,
                };
                self.keep(review, outcome, vec![])
            }
            Standing::Undecided | Standing::Rejected => self.same(review, false),
        }
    }

    /// Nothing has changed that matters.
    fn same(mut self, mut review: Review, worth_writing: bool) -> Step {
        review.schedule(self.now);
        let known = self.slot.review.as_deref();
        let moved = known.is_none_or(|known| known.look_at != review.look_at);
        let reminder = self.reminder(&mut review);
        if let Some(outcome) = reminder {
            return self.keep(review, outcome, vec![]);
        }
        if !moved && !worth_writing {
            return Step::unchanged(Unchanged::SamePackage);
        }
        self.slot.review = Some(review.into());
        self.commit_package_silently(vec![])
    }

    /// The package may be deployed: the first environment is told, once the package
    /// says what it was made of.
    fn approved(mut self, mut review: Review, described: &PackageDescription) -> Step {
        review.waits = None;
        review.contested = None;
        let by_controller = review.wrote(PackageApproval::Approved);
        let pins = match self.pins(&mut review, described) {
            Ok(pins) => pins,
            Err(OriginUnknown) => return Step::needs_origin(described),
        };
        let at = self.tells_at(&review, by_controller || pins.is_some());
        let told = self.tell_approved(&described.package, at);
        let mut commands: Vec<Command> = pins.into_iter().collect();
        if review.life_cycle != described.life_cycle {
            // The same update may have brought it to a stage.
            commands.push(Command::DescribePackage {
                package: described.package.clone(),
            });
        }
        let outcome = Outcome::Approved {
            by_controller,
            told,
        };
        self.keep(review, outcome, commands)
    }

    /// The first environment is told of an approval. Says how many were told.
    fn tell_approved(&mut self, package: &ModelPackageArn, at: Timestamp) -> usize {
        let Some(first) = self.policy.policy.environments.first() else {
            return 0;
        };
        self.tell_to_deploy(first, package, Deploys::Approved, at);
        1
    }

    /// When an environment may be told of an approval.
    ///
    /// What the controller has just approved waits a moment: a person's word that the
    /// write has covered up may be on its way. What a person approves while the
    /// controller's decision is being written waits until that is settled.
    fn tells_at(&self, review: &Review, waits: bool) -> Timestamp {
        let timing = self.facts.timing;
        match review.open_decision() {
            Some(write) => timing.settled(write.resume_at.unwrap_or(self.now)),
            None if waits => timing.settled(self.now),
            None => self.now,
        }
    }

    /// The package must not run anywhere.
    fn rejected(mut self, mut review: Review, described: &PackageDescription) -> Step {
        review.waits = None;
        review.contested = None;
        let by_controller = review.wrote(PackageApproval::Rejected);
        let told = self.withdraw(&described.package, Withdrawal::Rejected);
        let outcome = Outcome::Rejected {
            by_controller,
            told,
        };
        self.keep(review, outcome, vec![])
    }

    /// Somebody has set the package back, or deletes it. The gate does not look twice.
    fn undecided(mut self, mut review: Review, described: &PackageDescription) -> Step {
        review.contested = None;
        let told = self.withdraw(&described.package, Withdrawal::NotApproved);
        let status = review.status;
        if status == PackageStatus::Completed {
            review.wait(
                "somebody has set it back to PendingManualApproval",
                self.policy,
                self.now,
            );
        }
        self.keep(review, Outcome::Undecided { status, told }, vec![])
    }

    /// Tells every environment that the package shall not run. Says how many.
    fn withdraw(&mut self, package: &ModelPackageArn, because: Withdrawal) -> usize {
        // Whoever was to be told that it is approved need not be told any more.
        self.slot.errands.forget(|_| true);
        let environments = self.policy.policy.environments.iter();
        let lanes: Vec<Lane> = environments
            .map(|environment| Lane::Deploy(environment.name.clone()))
            .collect();
        let told = lanes.len();
        for lane in lanes {
            let event = Event::Withdrawn {
                package: package.clone(),
                because,
                at: self.now,
            };
            self.tell(lane, event, self.now);
        }
        told
    }

    /// An approved package is in a new stage of people's process: one that is named like
    /// an environment and says `Approved` promotes it there.
    fn staged(mut self, mut review: Review, described: &PackageDescription) -> Step {
        let before = review.life_cycle.take();
        review.life_cycle.clone_from(&described.life_cycle);
        let pins = match self.pins(&mut review, described) {
            Ok(pins) => pins,
            Err(OriginUnknown) => return Step::needs_origin(described),
        };
        let stage = described.life_cycle.as_ref();
        let news = stage.filter(|stage| Some(*stage) != before.as_ref());
        let environment = news
            .filter(|stage| stage.status.eq_ignore_ascii_case("approved"))
            .filter(|_| review.contested.is_none())
            .and_then(|stage| {
                let environments = self.policy.policy.environments.iter();
                { environments }.find(|one| stage.stage.eq_ignore_ascii_case(one.name.as_str()))
            });
        let (Some(stage), Some(environment)) = (news, environment) else {
            let worth_writing = news.is_some() || pins.is_some();
            return match pins {
                Some(command) => {
                    let outcome = review.writing(None);
                    self.keep_or_same(review, outcome, command)
                }
                None => self.same(review, worth_writing),
            };
        };
        let why = stage.description.clone();
        let key = alloc::format!(
            "ModelLifeCycle|{}|{}|{}",
            described.package,
            stage.stage,
            described.modified_at.unwrap_or(self.now)
        );
        let because = Deploys::Asked {
            key,
            by: "ModelLifeCycle".to_string(),
            why: why.unwrap_or_else(|| stage.stage.clone()),
            force: false,
        };
        let at = self.tells_at(&review, false);
        self.tell_to_deploy(environment, &described.package, because, at);
        let outcome = Outcome::Approved {
            by_controller: false,
            told: 1,
        };
        self.keep(review, outcome, pins.into_iter().collect())
    }

    fn keep_or_same(self, review: Review, outcome: Option<Outcome>, command: Command) -> Step {
        match outcome {
            Some(outcome) => self.keep(review, outcome, vec![command]),
            None => self.same(review, true),
        }
    }

    /// The controller has covered up a person's decision.
    fn contested(mut self, mut review: Review, contested: Contested) -> Step {
        review.contested = Some(contested);
        review.wait("a person's decision was covered up", self.policy, self.now);
        let package = review.package.clone();
        let told = self.withdraw(&package, Withdrawal::Contested);
        self.keep(review, Outcome::Contested { contested, told }, vec![])
    }

    /// Reminds of a package that waits for a person, if it is time.
    fn reminder(&self, review: &mut Review) -> Option<Outcome> {
        let every = self.remind_every();
        let waits = review
            .waits
            .as_mut()
            .filter(|waits| waits.remind_at <= self.now)?;
        let outcome = Outcome::Reminded {
            since: waits.since,
            why: waits.why.clone(),
            reminders: waits.reminders,
        };
        waits.reminders = waits.reminders.saturating_add(1);
        waits.remind_at = later(self.now, every);
        Some(outcome)
    }

    /// Writes down what is known now, with a decision.
    fn keep(mut self, mut review: Review, outcome: Outcome, commands: Vec<Command>) -> Step {
        review.schedule(self.now);
        self.slot.review = Some(review.into());
        let mut commands = commands;
        commands.extend(self.run_errands());
        self.refresh_due();
        self.commit(outcome, commands)
    }

    fn commit_package_silently(mut self, commands: Vec<Command>) -> Step {
        self.refresh_due();
        self.commit_silently(commands)
    }

    /// When somebody must look at the package again.
    pub(super) fn review_due_at(&self) -> Option<Timestamp> {
        let review = self.slot.review.as_deref();
        let times = [
            review.and_then(|review| review.look_at),
            review.and_then(|review| review.open_write()?.resume_at),
            review.and_then(|review| Some(review.waits.as_ref()?.remind_at)),
        ];
        times.into_iter().flatten().min()
    }
}

impl Review {
    /// Sets when the registry is asked again: until a person or the gate has decided,
    /// an event about it may be lost.
    fn schedule(&mut self, now: Timestamp) {
        let undecided = matches!(
            self.status,
            PackageStatus::InProgress | PackageStatus::Completed
        ) && (self.approval == PackageApproval::PendingManualApproval
            || self.status == PackageStatus::InProgress);
        let open = undecided || self.is_crossed();
        let next = later(now, LOOK_AT_PENDING_EVERY);
        self.look_at = match self.look_at {
            _ if !open => None,
            Some(at) if at > now => Some(at),
            _ => Some(next),
        };
    }

    /// From now on a person is waited for.
    fn wait(&mut self, why: &str, policy: &PolicyInForce, now: Timestamp) {
        let since = self.waits.as_ref().map_or(now, |waits| waits.since);
        self.waits = Some(Waits {
            since,
            why: String::from(why),
            remind_at: later(now, remind_every(policy)),
            reminders: 0,
        });
    }
}

/// How often people are reminded of a package that waits for them.
fn remind_every(policy: &PolicyInForce) -> SignedDuration {
    let gate = policy.policy.gate.as_ref();
    gate.map_or(SignedDuration::from_hours(24), |gate| {
        gate.remind_every.duration()
    })
}

impl Turn<'_> {
    fn remind_every(&self) -> SignedDuration {
        remind_every(self.policy)
    }
}
