//! What environments run, one after the other.

use retrain_sandbox::codepipeline::ExecutionStatus::{Failed, Succeeded};
use retrain_sandbox::sagemaker::ApprovalStatus;

use super::{MINUTE, Release};

/// A release whose second package, approved by a person, runs in staging.
async fn staged() -> (Release, String) {
    let release = Release::start().await;
    let package = release.register("0.905");
    release.deliver_all().await;
    release.decide(&package, ApprovalStatus::Approved);
    release.deliver_all().await;
    assert_eq!(release.versions("staging"), [2]);
    assert_eq!(release.end("staging", Succeeded).await, "succeeded");
    (release, package)
}

#[tokio::test]
async fn a_person_promotes_what_staging_runs_and_its_baselines_follow() {
    let (release, package) = staged().await;
    let production = release.of_environment("production").await;
    assert_eq!(production, ["held"]);
    assert!(release.deployments("production").is_empty());
    assert_eq!(release.promote(2, "1").await, "claimed");
    assert_eq!(release.promote(2, "1").await, "duplicate");
    assert_eq!(release.versions("production"), [2]);
    assert_eq!(release.end("production", Succeeded).await, "succeeded");
    let sagemaker = release.bench.deployment.sandbox.sagemaker();
    let definition = sagemaker.scheduled_definition(super::SCHEDULE).unwrap();
    assert!(definition.constraints().unwrap().ends_with(".constraints"));
    assert_eq!(
        release.of_environment("production").await,
        [
            "held",
            "claimed",
            "started",
            "succeeded",
            "baseline_refreshed"
        ]
    );
    let slot = release.environment("production").await;
    assert_eq!(slot.deployment.current.unwrap().package.as_str(), package);
    assert!(slot.errands.open().is_empty());
}

#[tokio::test]
async fn what_staging_has_not_run_is_not_promoted_without_force() {
    let release = Release::start().await;
    let package = release.register("0.905");
    release.deliver_all().await;
    release.decide(&package, ApprovalStatus::Approved);
    assert_eq!(release.promote(2, "1").await, "dropped");
    assert!(release.deployments("production").is_empty());
}

#[tokio::test]
async fn a_failed_deployment_is_recorded_and_promotes_nothing() {
    let release = Release::start().await;
    let package = release.register("0.905");
    release.deliver_all().await;
    release.decide(&package, ApprovalStatus::Approved);
    release.deliver_all().await;
    assert_eq!(release.end("staging", Failed).await, "failed");
    release.bench.wait(MINUTE * 120);
    release.bench.reconcile().await;
    assert_eq!(release.versions("staging"), [2]);
    let slot = release.environment("staging").await;
    assert!(slot.deployment.current.is_none() && slot.held.is_empty());
    assert!(release.of_environment("production").await.is_empty());
}

#[tokio::test]
async fn a_rejected_package_is_rolled_back_to_the_one_before() {
    let (release, _) = staged().await;
    release.bench.wait(MINUTE);
    let newer = release.register("0.906");
    release.deliver_all().await;
    release.decide(&newer, ApprovalStatus::Approved);
    release.deliver_all().await;
    assert_eq!(release.end("staging", Succeeded).await, "succeeded");
    assert_eq!(release.versions("staging"), [2, 3]);
    release.decide(&newer, ApprovalStatus::Rejected);
    release.deliver_all().await;
    assert_eq!(release.versions("staging"), [2, 3, 2]);
    assert_eq!(release.end("staging", Succeeded).await, "succeeded");
    let slot = release.environment("staging").await;
    assert_eq!(slot.deployment.current.unwrap().package.version(), 2);
}

#[tokio::test]
async fn an_older_approval_that_comes_late_is_recorded_and_not_deployed() {
    let release = Release::start().await;
    let older = release.register("0.905");
    release.bench.wait(MINUTE);
    let newer = release.register("0.905");
    release.deliver_all().await;
    release.decide(&newer, ApprovalStatus::Approved);
    release.deliver_all().await;
    release.end("staging", Succeeded).await;
    release.decide(&older, ApprovalStatus::Approved);
    release.deliver_all().await;
    assert_eq!(release.versions("staging"), [3]);
    assert!(
        release
            .of_environment("staging")
            .await
            .contains(&"stale".to_owned())
    );
}
