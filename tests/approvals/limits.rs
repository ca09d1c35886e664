//! What SageMaker, CodePipeline and the controller take at most.

use retrain_sandbox::sagemaker::ApprovalStatus::{self, Approved, PendingManualApproval, Rejected};
use serde_json::json;

use super::{GROUP, MINUTE, Release, policy};

/// How large a report may be.
const REPORT: usize = 1024 * 1024;

fn sized(bytes: usize) -> String {
    let mut report = r#"{"binary_classification_metrics": {"auc": {"value": 0.95}}}"#.to_owned();
    report.push_str(&" ".repeat(bytes - report.len()));
    report
}

#[tokio::test]
async fn a_report_of_a_mebibyte_is_read_and_a_larger_one_waits_for_a_person() {
    for (bytes, expected) in [(REPORT, Approved), (REPORT + 1, PendingManualApproval)] {
        let release = Release::start().await;
        let package = release.package_of(sized(bytes));
        let sagemaker = release.bench.deployment.sandbox.sagemaker();
        let package = sagemaker.register(package).unwrap();
        release.deliver_all().await;
        assert_eq!(release.approval(&package).0, expected, "{bytes}");
        if expected == PendingManualApproval {
            assert_eq!(release.of_package(&package).await[0], "awaits_person");
        }
    }
}

#[tokio::test]
async fn what_is_written_of_many_conditions_fits_the_description() {
    let conditions: Vec<_> = (0..40)
        .map(|n| json!({"metric": "auc", "at_least": 0.9 + f64::from(n) / 1_000.0}))
        .collect();
    let conditions = serde_json::to_string(&conditions).unwrap();
    let release = Release::with(&policy(&[("/gate/conditions", &conditions)])).await;
    let package = release.register("0.7");
    release.deliver_all().await;
    let (approval, description) = release.approval(&package);
    assert_eq!(approval, Rejected);
    let length = description.unwrap().chars().count();
    assert!((200..=1_024).contains(&length), "{length}");
}

#[tokio::test]
async fn a_persons_long_reason_fits_the_description() {
    let release = Release::start().await;
    let package = release.register("0.905");
    release.deliver_all().await;
    let asked = json!({
        "request": "approve", "model": GROUP, "package_version": 2,
        "by": "ana", "why": "ä".repeat(2_000),
    });
    // A request that is too long is refused with its field; any other is cut.
    match release.ask(asked).await {
        Ok(outcome) => {
            assert_eq!(outcome, "writing");
            let (approval, description) = release.approval(&package);
            assert_eq!(approval, Approved);
            let length = description.unwrap().chars().count();
            assert!((200..=1_024).contains(&length), "{length}");
        }
        Err(failure) => assert_eq!(failure.error_type(), "Terminal.InvalidField"),
    }
}

/// The stamps go where there is room, and a package without room is deployed, too.
#[tokio::test]
async fn stamps_take_the_room_that_is_left() {
    for (taken, stamped) in [(48, true), (49, true), (50, false)] {
        let release = Release::start().await;
        let mut package = release.package("0.905");
        for n in 0..taken {
            let key = format!("{n:0>128}");
            package = package.customer_metadata(&key, &"v".repeat(256));
        }
        let sagemaker = release.bench.deployment.sandbox.sagemaker();
        let package = sagemaker.register(package).unwrap();
        release.deliver_all().await;
        release.decide(&package, Approved);
        release.deliver_all().await;
        release.settle().await;
        let shown = sagemaker.package(&package).unwrap();
        let metadata = shown.details["CustomerMetadataProperties"]
            .as_object()
            .unwrap();
        assert!(metadata.len() <= 50, "{taken}");
        assert_eq!(
            metadata.contains_key("ContainerImageDigest"),
            stamped,
            "{taken}"
        );
        assert_eq!(release.versions("staging"), [2], "{taken}");
    }
}

/// A variable that is too long is told with its name and its limit. Nothing starts, and
/// nothing is lost: a better policy starts it.
#[tokio::test]
async fn a_variable_that_is_too_long_waits_for_a_better_policy() {
    let place = "/environments/0/variables/ENVIRONMENT";
    let long = format!("\"{}\"", "{model_package_arn}".repeat(20));
    let release = Release::with(&policy(&[(place, &long)])).await;
    let package = release.register("0.905");
    release.deliver_all().await;
    release.decide(&package, Approved);
    release.deliver_all().await;
    assert!(release.deployments("staging").is_empty());
    assert_eq!(release.of_environment("staging").await, ["held"]);
    let slot = release.environment("staging").await;
    let what = slot.misconfigured.unwrap().what;
    assert!(
        what.contains("ENVIRONMENT") && what.contains("1000"),
        "{what}"
    );
    // Time alone changes nothing.
    release.bench.wait(MINUTE * 600);
    release.bench.reconcile().await;
    assert!(release.deployments("staging").is_empty());
    let better = policy(&[(place, "\"{environment}\"")]);
    release.bench.deployment.put_policy(GROUP, &better).unwrap();
    for _ in 0..8 {
        release.bench.wait(MINUTE * 10);
        release.bench.reconcile().await;
    }
    assert_eq!(release.versions("staging"), [2]);
    assert_eq!(status(&release, &package), Approved);
}

fn status(release: &Release, package: &str) -> ApprovalStatus {
    release.approval(package).0
}
