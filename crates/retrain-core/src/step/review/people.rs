//! What people say about a package through the controller.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;

use super::super::{Step, Turn};
use crate::decision::{Outcome, Unchanged};
use crate::gate::{ApprovalDescription, Recorded, Signoff};
use crate::names::ModelPackageArn;
use crate::order::{Order, OrderKind};
use crate::package::{PackageApproval, PackageStatus};
use crate::policy::Mode;
use crate::review::Review;

impl Turn<'_> {
    /// A role has spoken. When all have, the decision is written.
    pub(super) fn signed_off(self, package: &ModelPackageArn, signoff: &Signoff) -> Step {
        let Some(gate) = &self.policy.policy.gate else {
            return not_taken("the model has no gate that asks for sign-offs");
        };
        let mut review = self.known(package);
        if review.approval != PackageApproval::PendingManualApproval {
            return not_taken(&alloc::format!("the package is {}", review.approval));
        }
        if review.open_decision().is_some() {
            return not_taken("another decision is being written");
        }
        let recorded = review
            .signoffs
            .record(signoff.clone(), &gate.required_signoffs);
        match recorded {
            Recorded::NotRequired => return not_taken("the gate does not ask this role"),
            Recorded::AlreadySaid => return not_taken("the role has spoken, and its word stays"),
            Recorded::New | Recorded::Withdrawn => {}
        }
        let standing = review
            .signoffs
            .standing(&gate.required_signoffs)
            .to_string();
        let decided = self.decision(&review).ok();
        let can_write = self.policy.policy.mode == Mode::Act;
        let commands = match decided {
            Some((approval, description)) if can_write => {
                vec![self.decide(&mut review, approval, description, BTreeMap::new())]
            }
            Some(_) | None => vec![],
        };
        self.keep(review, Outcome::SignedOff { standing }, commands)
    }

    /// A person approves or rejects the package through the controller: it is written as
    /// the gate's decision is, but over whatever the person has seen.
    pub(super) fn decided_by_person(self, package: &ModelPackageArn, order: &Order) -> Step {
        let mut review = self.known(package);
        let signoffs = self.policy.policy.gate.as_ref();
        let asks_roles = signoffs.is_some_and(|gate| !gate.required_signoffs.is_empty());
        let (wanted, decided) = match order.kind {
            OrderKind::Approve => (PackageApproval::Approved, "approved"),
            OrderKind::Reject => (PackageApproval::Rejected, "rejected"),
            _ => return Step::unchanged(Unchanged::SamePackage),
        };
        if self.policy.policy.mode == Mode::Observe {
            return not_taken("the policy only observes");
        }
        if asks_roles && wanted == PackageApproval::Approved {
            return not_taken("the gate asks for sign-offs, one role after the other");
        }
        if review.status != PackageStatus::Completed {
            return not_taken(&alloc::format!("the package is {}", review.status));
        }
        if review.open_decision().is_some() {
            return not_taken("another decision is being written");
        }
        if review.approval == wanted {
            if review.contested.take().is_none() {
                return not_taken("the package is so already");
            }
            review.waits = None;
            // A person has the last word about it.
            review.write = None;
            return self.confirmed(review, wanted);
        }
        review.contested = None;
        let text = alloc::format!("{} {decided}: {}", order.by, order.why);
        let description = ApprovalDescription::new(&text);
        let command = self.decide(&mut review, wanted, description, BTreeMap::new());
        let outcome = review.writing(None);
        self.keep_or_same(review, outcome, command)
    }

    /// A person confirms what had covered up another decision.
    fn confirmed(mut self, review: Review, wanted: PackageApproval) -> Step {
        if wanted == PackageApproval::Rejected {
            let outcome = Outcome::Rejected {
                by_controller: false,
                told: 0,
            };
            return self.keep(review, outcome, vec![]);
        }
        let told = self.tell_approved(&review.package, self.now);
        let outcome = Outcome::Approved {
            by_controller: false,
            told,
        };
        self.keep(review, outcome, vec![])
    }
}

fn not_taken(why: &str) -> Step {
    let why = String::from(why);
    Step::Settled(Outcome::NotTaken { why })
}
