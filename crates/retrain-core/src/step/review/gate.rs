//! What the gate says about a package, and what follows.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::super::{Command, Step, Turn};
use super::write::OriginUnknown;
use crate::decision::Outcome;
use crate::facts::{FactsNeeded, ReviewNeeded};
use crate::gate::{self, ApprovalDescription, Standing, Verdict, evaluate};
use crate::names::PipelineExecutionArn;
use crate::package::{PackageApproval, PackageDescription};
use crate::policy::Mode;
use crate::review::Review;

impl Turn<'_> {
    /// Nobody has decided about the package, which is whole.
    pub(super) fn pending(
        self,
        mut review: Review,
        described: &PackageDescription,
        changed: bool,
    ) -> Step {
        let Some(gate) = &self.policy.policy.gate else {
            return self.without_gate(review, described, changed);
        };
        let observes = self.policy.policy.mode == Mode::Observe;
        let known = review.verdict.clone();
        let is_settled = known.is_some() && (observes || review.has_decision());
        if is_settled || review.waits.is_some() || review.open_decision().is_some() {
            return self.same(review, changed);
        }
        if let Some(verdict) = known {
            // It was judged while the policy only observed.
            return self.judged(review, described, verdict);
        }
        let evidence = self
            .facts
            .lookups
            .and_then(|known| known.evidence.as_deref());
        let Some(evidence) = evidence else {
            return Step::NeedFacts(FactsNeeded {
                review: Some(Box::new(ReviewNeeded {
                    package: described.clone(),
                    champion_of: self.policy.policy.model_package_group.clone(),
                    origin: true,
                })),
                ..FactsNeeded::default()
            });
        };
        let verdict = Box::new(evaluate(
            gate,
            &evidence.candidate,
            evidence.champion.as_ref(),
        ));
        review.verdict = Some(verdict.clone());
        if observes {
            let outcome = Outcome::WouldDecide { verdict };
            return self.keep(review, outcome, vec![]);
        }
        self.judged(review, described, verdict)
    }

    /// The gate has judged the package: the decision is written, or a person is asked.
    fn judged(
        self,
        mut review: Review,
        described: &PackageDescription,
        verdict: Box<Verdict>,
    ) -> Step {
        let metadata = match self.missing_pins(&review, described) {
            Ok(missing) => missing,
            Err(OriginUnknown) => return Step::needs_origin(described),
        };
        match self.decision(&review) {
            Ok((approval, description)) => {
                let command = self.decide(&mut review, approval, description, metadata);
                let outcome = review.writing(Some(verdict));
                self.keep_or_same(review, outcome, command)
            }
            Err(why) => {
                review.wait(&why, self.policy, self.now);
                let outcome = Outcome::AwaitsPerson {
                    why,
                    verdict: Some(verdict),
                    reports: described.reports.clone(),
                    lineage_url: described
                        .generated_by
                        .as_ref()
                        .map(PipelineExecutionArn::console_url),
                };
                let pins = self.pins(&mut review, described);
                let commands = match pins {
                    Ok(pins) => pins.into_iter().collect(),
                    Err(OriginUnknown) => return Step::needs_origin(described),
                };
                self.keep(review, outcome, commands)
            }
        }
    }

    /// What the gate and the sign-offs decide together, or why they do not.
    pub(super) fn decision(
        &self,
        review: &Review,
    ) -> Result<(PackageApproval, ApprovalDescription), String> {
        let gate = self.policy.policy.gate.as_ref();
        let (Some(gate), Some(verdict)) = (gate, review.verdict.as_deref()) else {
            return Err("the gate has not looked yet".into());
        };
        let standing = review.signoffs.standing(&gate.required_signoffs);
        let approve = || {
            let description = ApprovalDescription::new(&summary(verdict, &standing));
            Ok((PackageApproval::Approved, description))
        };
        match (&standing, verdict.outcome) {
            (Standing::Rejected(signoff), _) => Ok((
                PackageApproval::Rejected,
                ApprovalDescription::new(&alloc::format!("{signoff}")),
            )),
            (_, gate::Outcome::Reject) => {
                Ok((PackageApproval::Rejected, verdict.approval_description()))
            }
            (Standing::NoneRequired, gate::Outcome::Approve) | (Standing::Complete, _) => approve(),
            (Standing::NoneRequired, gate::Outcome::AskPerson) => Err("a person decides".into()),
            (Standing::Waiting(_), _) => Err(alloc::format!("{standing}")),
        }
    }

    fn without_gate(
        self,
        mut review: Review,
        described: &PackageDescription,
        changed: bool,
    ) -> Step {
        if !changed {
            return self.same(review, false);
        }
        let commands: Vec<Command> = match self.pins(&mut review, described) {
            Ok(pins) => pins.into_iter().collect(),
            Err(OriginUnknown) => return Step::needs_origin(described),
        };
        let outcome = Outcome::PackageNoted {
            status: review.status,
            approval: review.approval,
        };
        self.keep(review, outcome, commands)
    }
}

impl Review {
    /// The record of the write that has just been intended.
    pub(super) fn writing(&self, verdict: Option<Box<Verdict>>) -> Option<Outcome> {
        let write = self.write.clone()?;
        Some(Outcome::Writing { write, verdict })
    }
}

fn summary(verdict: &Verdict, standing: &Standing<'_>) -> String {
    match standing {
        Standing::Complete => alloc::format!("{standing}. {}", verdict.summary),
        Standing::NoneRequired | Standing::Waiting(_) | Standing::Rejected(_) => {
            verdict.summary.clone()
        }
    }
}
