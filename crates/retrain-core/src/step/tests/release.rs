//! What the tests of packages and their deployments share.

use super::*;
use crate::event::{Told, Withdrawal};
use crate::facts::GateEvidence;
use crate::gate::{Evidence, Report};
use crate::lane::Lane;
use crate::names::EnvironmentName;
use crate::package::{Origin, PackageApproval, PackageDescription, PackageStatus, UpdateAnswer};
use crate::trigger::Deploys;

pub(super) use crate::package::PackageApproval::{
    Approved, PendingManualApproval as Pending, Rejected,
};

/// A model with a gate that is deployed to staging by itself, and to production when a
/// person says so.
pub(super) const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "model_package_group": "fraud",
    "gate": {"conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]},
    "environments": [
        {
            "name": "staging",
            "pipeline": "fraud-staging",
            "variables": {
                "ARN": "{model_package_arn}",
                "VERSION": "{model_package_version}",
                "ENVIRONMENT": "{environment}",
                "COMMIT": "{commit_id|none}"
            },
            "on_rejected": "roll_back"
        },
        {
            "name": "production",
            "pipeline": "fraud-production",
            "variables": {"ARN": "{model_package_arn}"},
            "promotion": "person",
            "endpoint": "fraud-prod",
            "monitoring_schedules": ["fraud-data", "fraud-bias"]
        }
    ],
    "min_interval": "6h"
}"#;

pub(super) fn package(version: u64) -> ModelPackageArn {
    let head = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud";
    ModelPackageArn::parse(alloc::format!("{head}/{version}")).unwrap()
}

pub(super) fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).unwrap()
}

pub(super) fn deploys(name: &str) -> Lane {
    Lane::Deploy(environment(name))
}

/// A whole package of this version, and what was decided about it.
pub(super) fn described(version: u64, approval: PackageApproval) -> PackageDescription {
    PackageDescription {
        status: PackageStatus::Completed,
        approval,
        ..PackageDescription::gone(package(version))
    }
}

/// A cause that asks for a package.
pub(super) fn deploy(version: u64, because: Deploys, seconds: i64) -> Event {
    let package = package(version);
    asked(Cause::Deployment { package, because }, seconds)
}

pub(super) fn approved(version: u64, seconds: i64) -> Event {
    deploy(version, Deploys::Approved, seconds)
}

pub(super) fn promoted(version: u64, seconds: i64) -> Event {
    let from = environment("staging");
    deploy(version, Deploys::Promoted { from }, seconds)
}

pub(super) fn wanted(version: u64, key: &str, force: bool, seconds: i64) -> Event {
    let because = Deploys::Asked {
        key: key.into(),
        by: "ana".into(),
        why: "audit".into(),
        force,
    };
    deploy(version, because, seconds)
}

pub(super) fn withdrawn(version: u64, because: Withdrawal, seconds: i64) -> Event {
    Event::Withdrawn {
        package: package(version),
        because,
        at: at(seconds),
    }
}

pub(super) fn rejected(version: u64, seconds: i64) -> Event {
    withdrawn(version, Withdrawal::Rejected, seconds)
}

pub(super) fn roll_back(key: &str) -> Event {
    Event::Order(Order {
        key: Some(key.into()),
        ..Order::new(OrderKind::RollBack, "ana", "customers complain")
    })
}

/// How long the controller's own approval waits before an environment is told.
pub(super) const MOMENT: i64 = 65;

pub(super) fn auc(value: &str) -> Evidence {
    let report =
        alloc::format!(r#"{{"binary_classification_metrics": {{"auc": {{"value": {value}}}}}}}"#);
    Evidence {
        evaluation: Report::Read(report.into()),
        ..Evidence::default()
    }
}

/// The registry describes a whole package as this.
pub(super) fn seen(version: u64, approval: PackageApproval) -> Event {
    shown(described(version, approval))
}

pub(super) fn shown(description: PackageDescription) -> Event {
    Event::Package {
        description: Box::new(description),
        told: None,
    }
}

/// An event of `told_at` says so of the package; the registry says otherwise.
pub(super) fn heard(
    version: u64,
    now: PackageApproval,
    told: PackageApproval,
    told_at: i64,
) -> Event {
    Event::Package {
        description: Box::new(described(version, now)),
        told: Some(Told {
            approval: Some(told),
            at: at(told_at),
        }),
    }
}

/// A worker answers that it has looked and written at these moments.
pub(super) fn wrote(number: u64, attempt: u32, read: i64, written: i64) -> Event {
    let answer = UpdateAnswer::Written {
        read_at: at(read),
        written_at: at(written),
    };
    write_answered(number, attempt, answer)
}

pub(super) fn write_answered(number: u64, attempt: u32, answer: UpdateAnswer) -> Event {
    Event::PackageWritten {
        number,
        attempt,
        answer,
    }
}

pub(super) fn lane(version: u64) -> Lane {
    Lane::Package(package(version))
}

/// The lane of package 2, of which the evidence and the origin are known.
pub(super) fn review(candidate: &str) -> Model {
    looked_at(Model::in_lane(&lane(2)), candidate)
}

/// The execution of a claim has registered the package.
pub(super) fn with_origin(model: &mut Model) {
    model.lookups.as_mut().unwrap().origin = Some(Origin {
        token: Some("0123456789abcdef0123456789abcdef".into()),
        policy_version: Some(3),
        ..Origin::default()
    });
}

/// A person decides through the controller.
pub(super) fn decided(approve: bool) -> Event {
    let kind = if approve {
        OrderKind::Approve
    } else {
        OrderKind::Reject
    };
    Event::Order(Order::new(kind, "ana", "I have tried it"))
}

/// The gate can look: the candidate has this AUC, and nothing else is known.
pub(super) fn looked_at(mut model: Model, candidate: &str) -> Model {
    let lookups = model.lookups.as_mut().unwrap();
    lookups.evidence = Some(Box::new(GateEvidence {
        candidate: auc(candidate),
        champion: None,
    }));
    lookups.origin = Some(Origin::default());
    model
}

impl Model {
    /// A lane of the model of [`POLICY`]; the first nine packages are approved.
    pub(super) fn in_lane(lane: &Lane) -> Self {
        Self::of_policy(POLICY, lane)
    }

    pub(super) fn of_policy(policy: &str, lane: &Lane) -> Self {
        let mut model = Self::new();
        let policy = Policy::parse(policy).unwrap();
        let policy = PolicyInForce::new(ModelName::parse("fraud").unwrap(), 3, policy);
        model.policy = policy.in_lane(lane).unwrap();
        model.registry((1..10).map(|version| described(version, Approved)));
        model
    }

    pub(super) fn environment(name: &str) -> Self {
        Self::in_lane(&deploys(name))
    }

    /// What the registry says from now on when it is asked about packages.
    pub(super) fn registry(&mut self, packages: impl IntoIterator<Item = PackageDescription>) {
        self.lookups = Some(Lookups {
            packages: Lookup::Found(packages.into_iter().collect()),
            ..Lookups::default()
        });
    }

    /// From now on this package is so.
    pub(super) fn set(&mut self, version: u64, approval: PackageApproval) {
        let Lookup::Found(packages) = &mut self.lookups.as_mut().unwrap().packages else {
            panic!()
        };
        let one = packages
            .iter_mut()
            .find(|one| one.package == package(version));
        one.unwrap().approval = approval;
    }

    /// CodePipeline accepts the last claim.
    pub(super) fn accepted_there(&mut self, seconds: i64) {
        let claim = self.slot.claims;
        let answer = StartAnswer::Accepted {
            execution: deployment(&self.policy, claim),
            started_at: at(seconds),
            adopted: false,
        };
        let event = answered(claim, in_flight(self).attempt, answer);
        assert_eq!(self.outcome(&event, seconds), "started");
    }

    /// CodePipeline tells of the last claim's execution.
    pub(super) fn told_there(
        &mut self,
        status: ExecutionStatus,
        seconds: i64,
    ) -> (Outcome, Vec<Command>) {
        let execution = deployment(&self.policy, self.slot.claims);
        self.take(&status_of(execution, status), seconds)
    }

    /// The package is deployed, from claim to success.
    pub(super) fn deploy(&mut self, event: &Event, seconds: i64) -> Vec<Command> {
        assert_eq!(self.outcome(event, seconds), "claimed");
        self.accepted_there(seconds);
        let (outcome, commands) = self.told_there(ExecutionStatus::Succeeded, seconds + 60);
        assert_eq!(outcome.name(), "succeeded");
        commands
    }

    /// Whoever was to be told first has been told.
    pub(super) fn has_told(&mut self, seconds: i64) {
        let number = self.slot.errands.open()[0].number;
        let baseline = None;
        self.take(&Event::ErrandDone { number, baseline }, seconds);
    }

    /// The version that runs in the environment.
    pub(super) fn runs(&self) -> Option<u64> {
        let current = self.slot.deployment.current.as_ref()?;
        Some(current.package.version())
    }

    /// The versions that wait.
    pub(super) fn waiting(&self) -> Vec<u64> {
        let held = self.slot.held.iter();
        held.map(|reason| reason.cause.package().unwrap().version())
            .collect()
    }

    /// The version that is on its way.
    pub(super) fn on_its_way(&self) -> u64 {
        in_flight(self).package.as_ref().unwrap().version()
    }

    /// What is still to be told or done, in words.
    pub(super) fn errands(&self) -> Vec<String> {
        let open = self.slot.errands.open().iter();
        open.map(|errand| errand.task.to_string()).collect()
    }
}

pub(super) fn deployment(policy: &PolicyInForce, claim: u64) -> Execution {
    let name = policy.policy.target().to_string();
    let id = alloc::format!("0b1a2c3d-0000-4000-8000-{claim:012}");
    Execution::parse(&alloc::format!("{name}/{id}")).unwrap()
}

pub(super) fn status_of(execution: Execution, status: ExecutionStatus) -> Event {
    Event::Status(ExecutionReport {
        execution,
        display_name: None,
        status,
        failure: None,
        started_at: None,
        steps: Steps::default(),
    })
}
