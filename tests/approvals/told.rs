//! The release in which a sample event happens.

use retrain_sandbox::codepipeline::ExecutionStatus::Succeeded;
use retrain_sandbox::sagemaker::{ApprovalStatus, PackageStatus};
use serde_json::{Value, json};

use super::{MINUTE, POLICY, Release, policy};
use crate::bench::Bench;

/// The package that the samples are about.
const VERSION: usize = 7;

/// Between the metrics' limit and what the gate decides alone.
const BORDERLINE: &str = "0.905";

/// A gate that a person must sign off.
const ASKS_FAIRNESS: &[(&str, &str)] = &[("/gate/required_signoffs", r#"["fairness"]"#)];

impl Release {
    /// Registers packages until the next one is the version of the samples; a person
    /// has rejected them.
    fn up_to_the_samples(&self) {
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        while sagemaker.packages().len() + 1 < VERSION {
            let old = self.package(BORDERLINE).approval(ApprovalStatus::Rejected);
            sagemaker.register(old).unwrap();
        }
        self.mail();
    }

    /// Registers the package, has it approved by a person, and deploys it to staging.
    async fn stage(&self) {
        let package = self.register(BORDERLINE);
        self.deliver_all().await;
        self.decide(&package, ApprovalStatus::Approved);
        self.deliver_all().await;
        assert_eq!(self.end("staging", Succeeded).await, "succeeded");
        self.bench.wait(MINUTE);
    }

    /// Deploys what staging runs to production.
    async fn produce(&self, version: u64) {
        let key = version.to_string();
        assert_eq!(self.promote(version, &key).await, "claimed");
        assert_eq!(self.end("production", Succeeded).await, "succeeded");
        self.bench.wait(MINUTE);
    }
}

/// What the sample finds, as its table in events/README.md tells it. If packages, endpoints
/// and environments are no matter to it, the bench as it was.
pub(crate) async fn bench_before(event: &Value, bench: Bench) -> Bench {
    if concerns_releases(event) {
        release_before(event, bench).await.bench
    } else {
        bench
    }
}

fn concerns_releases(event: &Value) -> bool {
    event.get("request").is_none()
        || ["environment", "package", "package_version"]
            .iter()
            .any(|field| event.get(field).is_some())
}

async fn release_before(event: &Value, bench: Bench) -> Release {
    let detail = match &event["detail"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        detail => detail.clone(),
    };
    if let Some(kind) = event["request"].as_str() {
        let release = match kind {
            "sign_off" => Release::of(bench, &policy(ASKS_FAIRNESS)),
            _ => Release::of(bench, POLICY),
        };
        match kind {
            "deploy" => {
                release.up_to_the_samples();
                release.stage().await;
            }
            "rollback" => {
                for version in [2, 3] {
                    release.stage().await;
                    release.produce(version).await;
                }
            }
            _ => {
                release.up_to_the_samples();
                release.register(BORDERLINE);
            }
        }
        return release;
    }
    let release = Release::of(bench, POLICY);
    release.up_to_the_samples();
    let is_of_endpoint = detail.get("EndpointStatus").is_some();
    if is_of_endpoint {
        release.stage().await;
        release.produce(7).await;
        return release;
    }
    let approval = match detail["ModelApprovalStatus"].as_str() {
        Some("Rejected") => ApprovalStatus::Rejected,
        Some("Approved") => ApprovalStatus::Approved,
        _ => ApprovalStatus::PendingManualApproval,
    };
    let status = match detail["ModelPackageStatus"].as_str() {
        Some("Pending") => PackageStatus::Pending,
        _ => PackageStatus::Completed,
    };
    let package = release
        .package(BORDERLINE)
        .approval(approval)
        .status(status);
    let sagemaker = release.bench.deployment.sandbox.sagemaker();
    sagemaker.register(package).unwrap();
    release
}

/// What the answer to a sample says, when no other came before.
async fn why(sample: &str) -> String {
    let event = retrain_local::sample(sample).unwrap();
    let release = release_before(event.event(), Bench::start().await).await;
    let answer = release.hear(event.event()).await.unwrap();
    serde_json::to_string(&answer).unwrap()
}

#[tokio::test]
async fn what_repeats_an_approval_deploys_nothing_more() {
    let approved = retrain_local::sample("model-approval/approved").unwrap();
    let release = release_before(approved.event(), Bench::start().await).await;
    assert_eq!(
        release.hear(approved.event()).await.unwrap().outcome,
        "approved"
    );
    assert_eq!(release.versions("staging"), [7]);
    for repeats in [
        "approved-other-id",
        "metadata-edit",
        "own-stamp",
        "life-cycle-edit",
        "no-updated-fields",
        "replayed",
    ] {
        let sample = retrain_local::sample(&format!("model-approval/{repeats}")).unwrap();
        let answer = release.hear(sample.event()).await.unwrap();
        assert_eq!(answer.outcome, "unchanged", "{repeats}: {answer:?}");
    }
    assert_eq!(release.versions("staging"), [7]);
}

#[tokio::test]
async fn a_package_of_elsewhere_is_ignored_with_the_reason() {
    for (sample, reason) in [
        ("other-account", "is not listed"),
        ("gov-partition", "is not listed"),
        ("china-partition", "is not listed"),
        ("endpoint-updating", "the endpoint is Updating"),
        (
            "endpoint-deployment-state-change",
            "the endpoint is Updating",
        ),
        ("endpoint-in-service", "the endpoint is InService"),
    ] {
        let answer = why(&format!("model-approval/{sample}")).await;
        assert!(answer.contains(reason), "{sample}: {answer}");
    }
}

/// Whoever can send events cannot approve: the registry is asked.
#[tokio::test]
async fn an_event_that_lies_deploys_nothing() {
    let release = Release::start().await;
    release.register("0.905");
    let mut event = release.mail().remove(0).eventbridge();
    event["detail"]["ModelApprovalStatus"] = json!("Approved");
    event["detail"]["UpdatedModelPackageFields"] = json!(["ModelApprovalStatus"]);
    assert_eq!(release.hear(&event).await.unwrap().outcome, "awaits_person");
    release.settle().await;
    assert!(release.deployments("staging").is_empty());
}
