//! What policies and people make of releases.

use retrain_core::slot::Phase;
use retrain_sandbox::codepipeline::ExecutionStatus::{Succeeded, Superseded};
use retrain_sandbox::sagemaker::ApprovalStatus::{Approved, PendingManualApproval};
use serde_json::json;

use super::{GROUP, MINUTE, Release, policy};

const SIGNOFFS: &[(&str, &str)] = &[("/gate/required_signoffs", r#"["fairness", "compliance"]"#)];
const ONE_ENVIRONMENT: &[(&str, &str)] = &[("/environments/1", "null")];

/// The policy without its production.
fn without_production() -> String {
    let mut policy: serde_json::Value = serde_json::from_str(&policy(ONE_ENVIRONMENT)).unwrap();
    policy["environments"].as_array_mut().unwrap().truncate(1);
    policy.to_string()
}

/// A package that a person has approved and that runs in staging.
async fn staged(policy: &str) -> (Release, String) {
    let release = Release::with(policy).await;
    let package = release.register("0.905");
    release.deliver_all().await;
    release.decide(&package, Approved);
    release.deliver_all().await;
    assert_eq!(release.end("staging", Succeeded).await, "succeeded");
    (release, package)
}

fn sign_off(role: &str, opinion: &str) -> serde_json::Value {
    json!({
        "request": "sign_off", "model": GROUP, "package_version": 2,
        "role": role, "opinion": opinion, "by": "ana", "why": "looked at it",
    })
}

#[tokio::test]
async fn sign_offs_come_one_by_one_and_the_last_one_decides() {
    let release = Release::with(&policy(SIGNOFFS)).await;
    let package = release.register("0.95");
    release.deliver_all().await;
    assert_eq!(release.of_package(&package).await[0], "awaits_person");
    assert_eq!(
        release.ask(sign_off("fairness", "approves")).await.unwrap(),
        "signed_off"
    );
    assert_eq!(
        release.ask(sign_off("fairness", "approves")).await.unwrap(),
        "not_taken"
    );
    assert_eq!(
        release
            .ask(sign_off("technical", "approves"))
            .await
            .unwrap(),
        "not_taken"
    );
    let approve = json!({
        "request": "approve", "model": GROUP, "package_version": 2, "by": "bob", "why": "now",
    });
    assert_eq!(release.ask(approve).await.unwrap(), "not_taken");
    release.deliver_all().await;
    assert_eq!(release.approval(&package).0, PendingManualApproval);
    assert_eq!(
        release
            .ask(sign_off("compliance", "approves"))
            .await
            .unwrap(),
        "signed_off"
    );
    assert_eq!(release.approval(&package).0, Approved);
    release.deliver_all().await;
    release.settle().await;
    assert_eq!(release.versions("staging"), [2]);
}

#[tokio::test]
async fn a_stage_of_the_life_cycle_promotes() {
    let (release, package) = staged(&policy(&[])).await;
    let sagemaker = release.bench.deployment.sandbox.sagemaker();
    let stage =
        |status: &str| json!({"ModelLifeCycle": {"Stage": "Production", "StageStatus": status}});
    sagemaker
        .edit_package(&package, &stage("PendingApproval"))
        .unwrap();
    release.deliver_all().await;
    assert!(release.deployments("production").is_empty());
    sagemaker
        .edit_package(&package, &stage("Approved"))
        .unwrap();
    release.deliver_all().await;
    assert_eq!(release.versions("production"), [2]);
    // Metadata that repeats the stage is no news.
    let ticket = json!({"CustomerMetadataProperties": {"ticket": "1"}});
    sagemaker.edit_package(&package, &ticket).unwrap();
    release.deliver_all().await;
    release.end("production", Succeeded).await;
    release.bench.wait(MINUTE * 70);
    release.bench.reconcile().await;
    assert_eq!(release.versions("production"), [2]);
}

/// CodePipeline's mode `SUPERSEDED` lets a newer run overtake: the policy says whether the
/// package gets another run.
#[tokio::test]
async fn a_superseded_deployment_is_tried_again_as_the_policy_says() {
    let back_off = r#"{"initial": "10m", "cap": "1h", "max_failures": 3}"#;
    for (changes, versions) in [
        (vec![], vec![2]),
        (vec![("/environments/0/back_off", back_off)], vec![2, 2]),
    ] {
        let release = Release::with(&policy(&changes)).await;
        let package = release.register("0.905");
        release.deliver_all().await;
        release.decide(&package, Approved);
        release.deliver_all().await;
        assert_eq!(release.end("staging", Superseded).await, "superseded");
        for _ in 0..4 {
            release.bench.wait(MINUTE * 10);
            release.bench.reconcile().await;
        }
        assert_eq!(release.versions("staging"), versions);
    }
}

#[tokio::test]
async fn who_only_observes_writes_and_deploys_nothing() {
    let release = Release::with(&policy(&[("/mode", "\"observe\"")])).await;
    let package = release.register("0.95");
    release.deliver_all().await;
    assert_eq!(release.of_package(&package).await, ["would_decide"]);
    assert_eq!(release.approval(&package).0, PendingManualApproval);
    release.decide(&package, Approved);
    release.deliver_all().await;
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
    let staging = release.of_environment("staging").await;
    assert_eq!(staging, ["would_start"]);
    let sagemaker = release.bench.deployment.sandbox.sagemaker();
    let shown = sagemaker.package(&package).unwrap();
    assert!(!shown.details.contains_key("CustomerMetadataProperties"));
}

#[tokio::test]
async fn a_broken_policy_is_named_and_its_package_is_decided_about_later() {
    let release = Release::start().await;
    let deployment = &release.bench.deployment;
    let broken = policy(&[("/environments/0/pipeline", "7")]);
    deployment.put_policy(GROUP, &broken).unwrap();
    let package = release.register("0.95");
    let event = release.mail().remove(0).eventbridge();
    let failure = release.hear(&event).await.unwrap_err();
    assert_eq!(failure.error_type(), "Terminal.InvalidPolicy");
    let told = failure.to_string();
    assert!(
        told.contains("environments[0].pipeline") && told.contains(GROUP),
        "{told}"
    );
    // Nor is the rollback of an endpoint lost that the policy deploys to.
    let rolled_back = retrain_local::sample("model-approval/endpoint-rolling-back").unwrap();
    let failure = release.hear(rolled_back.event()).await.unwrap_err();
    assert_eq!(failure.error_type(), "Terminal.InvalidPolicy");
    deployment.put_policy(GROUP, &policy(&[])).unwrap();
    // From the dead-letter queue.
    assert_eq!(release.hear(&event).await.unwrap().outcome, "writing");
    assert_eq!(release.approval(&package).0, Approved);
}

#[tokio::test]
async fn a_group_of_no_policy_is_ignored() {
    let release = Release::start().await;
    let sagemaker = release.bench.deployment.sandbox.sagemaker();
    let package = retrain_sandbox::sagemaker::NewPackage::new("churn");
    sagemaker.register(package).unwrap();
    assert_eq!(release.deliver_all().await, ["ignored"]);
}

/// The listed account's package is asked for where its ARN says; it is not there, so that
/// nothing is deployed.
#[tokio::test]
async fn a_package_of_a_listed_account_is_looked_at() {
    let listed = policy(&[("/model_package_accounts", r#"["444455556666"]"#)]);
    let release = Release::with(&listed).await;
    let event = retrain_local::sample("model-approval/other-account").unwrap();
    let answer = release.hear(event.event()).await.unwrap();
    assert_ne!(answer.outcome, "ignored", "{answer:?}");
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
}

/// The environment is taken out of the policy while a deployment to it runs. What it
/// came to is found out when it is back.
#[tokio::test]
async fn an_environment_that_is_gone_for_a_while_loses_nothing() {
    let (release, _) = staged(&policy(&[])).await;
    assert_eq!(release.promote(2, "1").await, "claimed");
    let deployment = &release.bench.deployment;
    deployment.put_policy(GROUP, &without_production()).unwrap();
    release.bench.wait(MINUTE * 5);
    let event = release.ended("production", Succeeded);
    let function = deployment.execution_status();
    let told = Box::pin(function.handle_at(&event, &deployment.clock())).await;
    assert_eq!(told.unwrap().outcome, "ignored");
    for _ in 0..3 {
        release.bench.wait(MINUTE * 20);
        release.bench.reconcile().await;
    }
    let slot = release.environment("production").await;
    assert!(matches!(slot.phase, Phase::Running(_)), "{slot:?}");
    deployment.put_policy(GROUP, &policy(&[])).unwrap();
    for _ in 0..5 {
        release.bench.wait(MINUTE * 20);
        release.bench.reconcile().await;
    }
    let slot = release.environment("production").await;
    assert_eq!(slot.deployment.current.unwrap().package.version(), 2);
    let outcomes = release.of_environment("production").await;
    assert!(
        outcomes.contains(&"baseline_refreshed".to_owned()),
        "{outcomes:?}"
    );
}

/// The first environment is taken out of the policy before it is told of an approval, and
/// comes back.
#[tokio::test]
async fn an_approval_waits_for_an_environment_that_is_gone_for_a_while() {
    let release = Release::start().await;
    release.register("0.95");
    release.deliver_all().await;
    let mut gone: serde_json::Value = serde_json::from_str(&policy(&[])).unwrap();
    gone["environments"].as_array_mut().unwrap().remove(0);
    let deployment = &release.bench.deployment;
    deployment.put_policy(GROUP, &gone.to_string()).unwrap();
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
    deployment.put_policy(GROUP, &policy(&[])).unwrap();
    for _ in 0..8 {
        release.bench.wait(MINUTE * 10);
        release.bench.reconcile().await;
    }
    assert_eq!(release.versions("staging"), [2]);
}
