//! What is true, whoever knows of it: the registry's packages and CodePipeline's
//! executions.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;

use crate::event::ExecutionStatus;
use crate::names::ModelPackageArn;
use crate::package::{PackageApproval, PackageDescription, PackageStatus};
use crate::slot::Claim;

/// Who has set a package's approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Person,
    /// The controller, for itself or on a person's request.
    Controller {
        /// What the package was when it was looked at just before.
        saw: PackageApproval,
        by_request: bool,
    },
}

/// An approval that was set, in the order of the registry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) version: u64,
    pub(super) approval: PackageApproval,
    pub(super) who: Who,
    pub(super) at: Timestamp,
    /// What it was before.
    pub(super) over: PackageApproval,
    /// When its event was heard, if it was.
    pub(super) heard: Option<Timestamp>,
}

/// An execution of an environment's pipeline.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) environment: String,
    pub(super) claim: Claim,
    pub(super) status: ExecutionStatus,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) packages: BTreeMap<u64, PackageApproval>,
    pub(super) decisions: Vec<Decision>,
    pub(super) deployments: Vec<Deployment>,
}

pub(super) fn package(version: u64) -> ModelPackageArn {
    let head = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud";
    ModelPackageArn::parse(alloc::format!("{head}/{version}")).unwrap()
}

impl Registry {
    pub(super) fn describe(&self, version: u64) -> PackageDescription {
        PackageDescription {
            status: PackageStatus::Completed,
            approval: self.packages[&version],
            ..PackageDescription::gone(package(version))
        }
    }

    pub(super) fn describe_all(&self) -> Vec<PackageDescription> {
        self.packages
            .keys()
            .map(|version| self.describe(*version))
            .collect()
    }

    /// Sets a package's approval. Says which decision that is, if it is one.
    pub(super) fn decide(
        &mut self,
        version: u64,
        approval: PackageApproval,
        who: Who,
        at: Timestamp,
    ) -> Option<usize> {
        let known = self.packages.get_mut(&version).unwrap();
        let over = core::mem::replace(known, approval);
        if over == approval && who == Who::Person {
            return None;
        }
        self.decisions.push(Decision {
            version,
            approval,
            who,
            at,
            over,
            heard: None,
        });
        Some(self.decisions.len() - 1)
    }

    /// The execution that carries this token.
    pub(super) fn find(&self, claim: &Claim) -> Option<usize> {
        self.deployments
            .iter()
            .position(|known| known.claim.token == claim.token)
    }
}
