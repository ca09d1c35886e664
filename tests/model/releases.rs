//! The lanes of packages and environments.

use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::order::{Order, OrderKind};
use retrain_core::package::PackageApproval;

use crate::retraining::limits;
use crate::setup::{Ends, Jump, Limits, News, Setup};

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "model_package_group": "fraud",
    "gate": {"conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]},
    "environments": [
        {"name": "staging", "pipeline": "fraud-staging", "variables": {}, "on_rejected": "roll_back"}
    ],
    "min_interval": "6h"
}"#;

const TWO: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "model_package_group": "fraud",
    "environments": [
        {"name": "staging", "pipeline": "fraud-staging", "variables": {}},
        {"name": "production", "pipeline": "fraud-production", "variables": {}}
    ],
    "min_interval": "6h"
}"#;

const SUCCEEDED: Ends = Ends::As(ExecutionStatus::Succeeded);
const FAILED: Ends = Ends::As(ExecutionStatus::Failed);

/// The gate approves a package, and a person rejects it at any moment.
pub(crate) fn gate(deep: bool) -> Setup {
    Setup {
        workers: 1,
        jumps: &[Jump::Due],
        limits: limits(
            deep,
            Limits {
                lost_answers: 1,
                jumps: 2,
                ..Limits::default()
            },
            |more| more.crashes = 1,
        ),
        ..Setup::new(POLICY)
    }
    .releasing(&["0.95"])
    .once(registered(0))
    .once(decides(0, PackageApproval::Rejected))
}

/// A person approves a package that the gate leaves to them, and rejects it, in any order.
pub(crate) fn rejection(_: bool) -> Setup {
    Setup {
        workers: 2,
        ..Setup::new(POLICY)
    }
    .releasing(&["0.9"])
    .once(registered(0))
    .once(decides(0, PackageApproval::Approved))
    .once(decides(0, PackageApproval::Rejected))
}

/// A package goes through two environments, and somebody edits its metadata.
pub(crate) fn promotion(_: bool) -> Setup {
    Setup {
        workers: 1,
        jumps: &[Jump::Due],
        ends: &[SUCCEEDED, FAILED],
        limits: Limits {
            jumps: 1,
            ends: 1,
            ..Limits::default()
        },
        ..Setup::new(TWO)
    }
    .releasing(&["0.9"])
    .once(registered(0))
    .once(decides(0, PackageApproval::Approved))
    .once(News::Edit(0))
}

/// A person approves a package through the controller, and another rejects it.
pub(crate) fn requests(_: bool) -> Setup {
    let mut setup = Setup {
        workers: 2,
        limits: Limits {
            crashes: 1,
            ..Limits::default()
        },
        ..Setup::new(POLICY)
    }
    .releasing(&["0.9"])
    .once(registered(0));
    let lane = setup.lane_of_package(0);
    for kind in [OrderKind::Approve, OrderKind::Reject] {
        let event = Event::Order(Order::new(kind, "ana", "because"));
        setup = setup.once(News::Event { lane, event });
    }
    setup
}

/// The event of a new package, which whoever looks for it repeats.
const fn registered(package: usize) -> News {
    News::Package {
        package,
        told: None,
        at: 0,
    }
}

const fn decides(package: usize, approval: PackageApproval) -> News {
    News::Decide { package, approval }
}
