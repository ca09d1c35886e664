//! What was deployed, judged by the registry, CodePipeline and the records.

use std::collections::{BTreeMap, BTreeSet};

use retrain_core::decision::Decision;
use retrain_core::event::Event;
use retrain_core::names::ModelPackageArn;
use retrain_sandbox::codepipeline::{Execution, ExecutionStatus};

/// The version of a package, by its ARN.
pub(crate) fn version(package: &str) -> u64 {
    package.rsplit_once('/').unwrap().1.parse().unwrap()
}

/// The versions that were sent to an environment, whose pipeline takes the package as this
/// variable, oldest first.
pub(crate) fn versions(deployments: &[Execution]) -> Vec<u64> {
    let package = |execution: &Execution| {
        let arn = execution.variables["MODEL_PACKAGE_ARN"].clone();
        ModelPackageArn::parse(arn).unwrap().version()
    };
    deployments.iter().map(package).collect()
}

/// The deployments that are under way: never two.
pub(crate) fn under_way(deployments: &[Execution]) -> Vec<String> {
    let running = deployments
        .iter()
        .filter(|execution| execution.status == ExecutionStatus::InProgress);
    let running: Vec<String> = running.map(|execution| execution.id.clone()).collect();
    assert!(running.len() <= 1, "promise 1: two deployments at once");
    running
}

/// Every decision about a package that an environment was asked to run, by version: the
/// names of the outcomes.
pub(crate) fn recorded(decisions: &[Decision]) -> BTreeMap<u64, BTreeSet<&'static str>> {
    let mut recorded: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for decision in decisions {
        let Event::Trigger(trigger) = &decision.event else {
            continue;
        };
        let version = trigger.cause.package().unwrap().version();
        let outcome = decision.outcome.name();
        recorded.entry(version).or_default().insert(outcome);
    }
    recorded
}
