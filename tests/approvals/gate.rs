//! The gate decides, or asks.

use retrain_sandbox::sagemaker::ApprovalStatus;
use serde_json::{Value, json};

use super::Release;

#[tokio::test]
async fn a_good_package_is_approved_and_deployed_once_it_has_settled() {
    let release = Release::start().await;
    let package = release.register("0.95");
    let outcomes = release.deliver_all().await;
    assert_eq!(outcomes[0], "writing", "{outcomes:?}");
    let (approval, description) = release.approval(&package);
    assert_eq!(approval, ApprovalStatus::Approved);
    let description = description.unwrap();
    assert!(
        description.starts_with("the gate approves"),
        "{description}"
    );
    // Our own echo, and what follows from it, deploys nothing before it is due.
    assert!(release.deployments("staging").is_empty());
    release.settle().await;
    let [execution] = release.deployments("staging").try_into().unwrap();
    assert_eq!(execution.variables["MODEL_PACKAGE_ARN"], package);
    assert_eq!(execution.variables["MODEL_PACKAGE_VERSION"], "2");
    assert_eq!(execution.variables["ENVIRONMENT"], "staging");
    assert!(execution.variables["IMAGE_DIGEST"].starts_with("sha256:0123"));
    assert_eq!(
        release.of_package(&package).await,
        ["writing", "wrote", "approved"]
    );
}

#[tokio::test]
async fn a_bad_package_is_rejected_and_never_deployed() {
    let release = Release::start().await;
    let package = release.register("0.7");
    release.deliver_all().await;
    let (approval, description) = release.approval(&package);
    assert_eq!(approval, ApprovalStatus::Rejected);
    assert!(description.unwrap().starts_with("the gate rejects"));
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
}

#[tokio::test]
async fn what_the_gate_cannot_decide_waits_for_a_person_who_is_reminded() {
    for auc in ["0.905", "\"NaN\"", "NaN", "null"] {
        let release = Release::start().await;
        let package = release.register(auc);
        release.deliver_all().await;
        assert_eq!(
            release.approval(&package).0,
            ApprovalStatus::PendingManualApproval,
            "{auc}"
        );
        assert_eq!(
            release.of_package(&package).await[0],
            "awaits_person",
            "{auc}"
        );
        // Age never decides, but people are reminded.
        for _ in 0..26 {
            release.bench.wait(super::MINUTE * 60);
            release.bench.reconcile().await;
        }
        assert!(
            release
                .of_package(&package)
                .await
                .contains(&"reminded".to_owned())
        );
        let asked = json!({
            "request": "approve", "model": "fraud-detection", "package_version": 2,
            "by": "ana", "why": "the report is fine",
        });
        assert_eq!(release.ask(asked).await.unwrap(), "writing");
        release.deliver_all().await;
        release.settle().await;
        assert_eq!(release.versions("staging"), [2], "{auc}");
    }
}

/// What a person asks about the registered package.
fn asked(request: &str, key: &str) -> Value {
    json!({
        "request": request, "model": "fraud-detection", "package_version": 2,
        "key": key, "by": "ana", "why": "the report",
    })
}

/// Promise 4: the first request is delivered again after the second one.
#[tokio::test]
async fn the_later_of_two_people_is_not_overruled_by_a_redelivery() {
    let release = Release::start().await;
    let package = release.register("0.905");
    release.deliver_all().await;
    let approve = asked("approve", "ticket-12");
    assert_eq!(release.ask(approve.clone()).await.unwrap(), "writing");
    release.deliver_all().await;
    // The same ticket: a key is one of its kind of request.
    let reject = asked("reject", "ticket-12");
    assert_eq!(release.ask(reject).await.unwrap(), "writing");
    release.deliver_all().await;
    assert_eq!(release.ask(approve).await.unwrap(), "duplicate");
    release.deliver_all().await;
    assert_eq!(release.approval(&package).0, ApprovalStatus::Rejected);
}

/// Promise 4: the request had come to nothing, because the gate had been faster.
#[tokio::test]
async fn what_was_not_taken_is_not_taken_later() {
    let release = Release::start().await;
    let package = release.register("0.95");
    release.deliver_all().await;
    assert_eq!(release.approval(&package).0, ApprovalStatus::Approved);
    let approve = asked("approve", "ticket-12");
    assert_eq!(release.ask(approve.clone()).await.unwrap(), "not_taken");
    assert_eq!(release.ask(asked("reject", "t")).await.unwrap(), "writing");
    release.deliver_all().await;
    assert_eq!(release.ask(approve).await.unwrap(), "duplicate");
    release.deliver_all().await;
    assert_eq!(release.approval(&package).0, ApprovalStatus::Rejected);
}

#[tokio::test]
async fn a_person_who_was_faster_is_not_overruled() {
    let release = Release::start().await;
    let package = release.register("0.95");
    let mail = release.mail();
    release.decide(&package, ApprovalStatus::Rejected);
    for event in mail {
        release.hear(&event.eventbridge()).await.unwrap();
    }
    release.deliver_all().await;
    assert_eq!(release.approval(&package).0, ApprovalStatus::Rejected);
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
}
