//! What runs in an environment.

use alloc::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::execution::Execution;
use crate::names::ModelPackageArn;
use crate::omitted::is_default;

/// What runs in an environment, and what ran there before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// What was deployed last, by an execution that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Deployed>,
    /// The packages that ran before it, each once, the newest last; at most
    /// [`MAX_EARLIER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Deployed>,
    /// The claim whose endpoint has rolled back by itself while its execution ran:
    /// whatever the execution says, its package does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<u64>,
}

/// A package that an execution has deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The package.
    pub package: ModelPackageArn,
    /// The claim of the execution.
    pub claim: u64,
    /// The execution.
    pub execution: Execution,
    /// When it had succeeded, at the latest.
    pub at: Timestamp,
    /// When the registry is asked again whether it is still approved.
    pub look_at: Timestamp,
    /// Set when it was thrown out: nobody goes back to it by himself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unwanted: bool,
}

/// How many packages that ran before are remembered.
pub const MAX_EARLIER: usize = 10;

impl Deployment {
    /// Whether nothing was ever deployed.
    pub const fn is_empty(&self) -> bool {
        self.current.is_none() && self.earlier.is_empty() && self.rolled_back.is_none()
    }

    /// Whether the environment runs this package.
    pub fn runs(&self, package: &ModelPackageArn) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.package.is_same(package))
    }

    /// Whether the environment runs this package or has run it.
    pub fn has_run(&self, package: &ModelPackageArn) -> bool {
        let earlier = self.earlier.iter();
        self.runs(package) || { earlier }.any(|deployed| deployed.package.is_same(package))
    }

    /// Whether the environment runs a later version of the package's group.
    pub fn runs_later_than(&self, package: &ModelPackageArn) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| is_later(&current.package, package))
    }

    /// A deployment has succeeded.
    pub(crate) fn record(&mut self, deployed: Deployed) {
        self.leave();
        self.earlier
            .retain(|earlier| !earlier.package.is_same(&deployed.package));
        self.current = Some(deployed);
    }

    /// The current package shall not, or does not, run any more: nobody goes back to it.
    pub(crate) fn throw_out(&mut self) {
        if let Some(current) = &mut self.current {
            current.unwanted = true;
        }
    }

    /// The current package does not run any more.
    pub(crate) fn leave(&mut self) {
        let Some(left) = self.current.take() else {
            return;
        };
        self.earlier
            .retain(|earlier| !earlier.package.is_same(&left.package));
        self.earlier.push(left);
        let excess = self.earlier.len().saturating_sub(MAX_EARLIER);
        self.earlier.drain(..excess);
    }
}

/// Whether one package is a later version than another of the same group. Of packages
/// of different groups neither is.
pub fn is_later(one: &ModelPackageArn, other: &ModelPackageArn) -> bool {
    one.account() == other.account()
        && one.group_name().eq_ignore_ascii_case(other.group_name())
        && one.version() > other.version()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn package(version: u64) -> ModelPackageArn {
        let head = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud";
        ModelPackageArn::parse(format!("{head}/{version}")).unwrap()
    }

    fn deployed(version: u64) -> Deployed {
        let id = "0b1a2c3d-0000-4000-8000-00000000cafe";
        Deployed {
            package: package(version),
            claim: version,
            execution: Execution::parse(&format!("codepipeline/deploy/{id}")).unwrap(),
            at: Timestamp::UNIX_EPOCH,
            look_at: Timestamp::UNIX_EPOCH,
            unwanted: false,
        }
    }

    #[test]
    fn each_package_is_remembered_once_and_not_for_ever() {
        let mut deployment = Deployment::default();
        for version in [1, 2, 1, 3] {
            deployment.record(deployed(version));
        }
        let earlier = |deployment: &Deployment| -> Vec<u64> {
            let earlier = deployment.earlier.iter();
            earlier.map(|one| one.package.version()).collect()
        };
        assert!(deployment.runs(&package(3)) && deployment.has_run(&package(2)));
        assert_eq!(earlier(&deployment), [2, 1]);
        for version in 4..=20 {
            deployment.record(deployed(version));
        }
        assert_eq!(earlier(&deployment), (10..20).collect::<Vec<_>>());
        assert!(!deployment.has_run(&package(2)));
        deployment.throw_out();
        deployment.leave();
        assert!(!deployment.runs(&package(20)) && deployment.has_run(&package(20)));
        assert!(deployment.earlier.last().unwrap().unwanted);
    }

    #[test]
    fn versions_of_different_groups_are_not_compared() {
        let other = "arn:aws:sagemaker:us-east-1:444455556666:model-package/fraud/9";
        let other = ModelPackageArn::parse(other).unwrap();
        assert!(is_later(&package(10), &package(9)));
        assert!(!is_later(&package(9), &package(9)));
        assert!(!is_later(&other, &package(1)) && !is_later(&package(10), &other));
    }
}
