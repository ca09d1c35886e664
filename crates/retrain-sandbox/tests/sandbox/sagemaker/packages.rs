use aws_sdk_sagemaker::types::{ModelApprovalStatus, ModelPackageStatus};
use jiff::SignedDuration;
use retrain_sandbox::sagemaker::{
    ApprovalStatus, Baseline, ControlError, NewPackage, PackageStatus, Report, Source,
};
use serde_json::json;

use super::{code, sandbox};

pub(super) const UNKNOWN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/9";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A package with every report, every baseline and more.
pub(super) fn described() -> NewPackage {
    let file = |name: &str| Source::json(&format!("s3://models/{name}.json"));
    NewPackage::new("churn")
        .report(
            Report::ModelQualityStatistics,
            file("quality").digest(DIGEST),
        )
        .report(Report::Bias, file("bias"))
        .report(Report::BiasPreTraining, file("pre"))
        .report(Report::BiasPostTraining, file("post"))
        .report(Report::Explainability, file("shap"))
        .baseline(Baseline::BiasConfigFile, file("bias-config"))
        .baseline(
            Baseline::BiasPreTrainingConstraints,
            file("pre-constraints"),
        )
        .baseline(
            Baseline::BiasPostTrainingConstraints,
            file("post-constraints"),
        )
        .baseline(
            Baseline::ExplainabilityConstraints,
            file("shap-constraints"),
        )
        .baseline(Baseline::ExplainabilityConfigFile, file("shap-config"))
        .baseline(Baseline::ModelQualityStatistics, file("quality-statistics"))
        .baseline(
            Baseline::ModelQualityConstraints,
            file("quality-constraints"),
        )
        .baseline(
            Baseline::ModelDataQualityStatistics,
            file("data-statistics"),
        )
        .baseline(
            Baseline::ModelDataQualityConstraints,
            file("data-constraints"),
        )
        .customer_metadata("team", "retention")
        .metadata(
            "GeneratedBy",
            "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn/execution/1",
        )
        .metadata("CommitId", "abc")
        .metadata("Repository", "https://git/churn")
        .metadata("ProjectId", "p-1")
        .container("registry/churn:1", Some(DIGEST), "s3://models/churn.tar.gz")
        .member("ApprovalDescription", json!("by hand"))
        .member("SourceUri", json!("https://git/churn"))
        .member(
            "ModelLifeCycle",
            json!({"Stage": "Development", "StageStatus": "Draft"}),
        )
        .member("CreatedBy", json!({"UserProfileName": "ada"}))
}

#[tokio::test]
async fn a_description_has_all_that_a_package_was_registered_with() {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox.sagemaker().register(described()).unwrap();
    let package = client
        .describe_model_package()
        .model_package_name("churn/1")
        .send()
        .await
        .unwrap();

    assert_eq!(package.model_package_arn(), Some(arn.as_str()));
    assert_eq!(package.model_package_name(), Some("churn/1"));
    assert_eq!(package.model_package_group_name(), Some("churn"));
    assert_eq!(package.model_package_version(), Some(1));
    assert_eq!(
        package.model_package_status(),
        Some(&ModelPackageStatus::Completed)
    );
    assert_eq!(
        package.model_approval_status(),
        Some(&ModelApprovalStatus::PendingManualApproval)
    );
    assert_eq!(
        package.creation_time().unwrap().secs(),
        sandbox.clock().now().as_second()
    );
    assert_eq!(package.last_modified_time(), None);
    assert_eq!(package.approval_description(), Some("by hand"));
    assert_eq!(package.source_uri(), Some("https://git/churn"));
    assert_eq!(
        package.customer_metadata_properties().unwrap()["team"],
        "retention"
    );
    assert_eq!(
        package.created_by().unwrap().user_profile_name(),
        Some("ada")
    );
    assert_eq!(
        package.model_life_cycle().unwrap().stage(),
        Some("Development")
    );

    let metadata = package.metadata_properties().unwrap();
    assert!(metadata.generated_by().unwrap().ends_with("execution/1"));
    assert_eq!(metadata.commit_id(), Some("abc"));
    assert_eq!(metadata.repository(), Some("https://git/churn"));
    assert_eq!(metadata.project_id(), Some("p-1"));
    let container = &package.inference_specification().unwrap().containers()[0];
    assert_eq!(container.image(), Some("registry/churn:1"));
    assert_eq!(container.image_digest(), Some(DIGEST));
    assert_eq!(container.model_data_url(), Some("s3://models/churn.tar.gz"));
}

#[tokio::test]
async fn a_description_names_every_report_and_baseline() {
    let (sandbox, client) = sandbox().await;
    sandbox.sagemaker().register(described()).unwrap();
    let describe = client.describe_model_package();
    let package = describe.model_package_name("churn/1").send().await.unwrap();

    let metrics = package.model_metrics().unwrap();
    let quality = metrics.model_quality().unwrap().statistics().unwrap();
    assert_eq!(quality.s3_uri(), Some("s3://models/quality.json"));
    assert_eq!(quality.content_type(), Some("application/json"));
    assert_eq!(quality.content_digest(), Some(DIGEST));
    let bias = metrics.bias().unwrap();
    let reports = [
        bias.report(),
        bias.pre_training_report(),
        bias.post_training_report(),
    ];
    assert_eq!(
        reports.map(|report| report.unwrap().s3_uri().unwrap()),
        [
            "s3://models/bias.json",
            "s3://models/pre.json",
            "s3://models/post.json"
        ]
    );
    let report = metrics.explainability().unwrap().report().unwrap();
    assert_eq!(report.s3_uri(), Some("s3://models/shap.json"));

    let baselines = package.drift_check_baselines().unwrap();
    let bias = baselines.bias().unwrap();
    assert_eq!(
        bias.config_file().unwrap().s3_uri(),
        Some("s3://models/bias-config.json")
    );
    let shap = baselines.explainability().unwrap();
    assert_eq!(
        shap.config_file().unwrap().s3_uri(),
        Some("s3://models/shap-config.json")
    );
    let quality = baselines.model_quality().unwrap();
    let data = baselines.model_data_quality().unwrap();
    let files = [
        bias.pre_training_constraints(),
        bias.post_training_constraints(),
        shap.constraints(),
        quality.statistics(),
        quality.constraints(),
        data.statistics(),
        data.constraints(),
    ];
    assert_eq!(
        files.map(|file| file.unwrap().s3_uri().unwrap()),
        [
            "s3://models/pre-constraints.json",
            "s3://models/post-constraints.json",
            "s3://models/shap-constraints.json",
            "s3://models/quality-statistics.json",
            "s3://models/quality-constraints.json",
            "s3://models/data-statistics.json",
            "s3://models/data-constraints.json",
        ]
    );
}

#[tokio::test]
async fn what_aws_would_not_take_is_not_registered() {
    let (sandbox, _client) = sandbox().await;
    for (package, place) in [
        (
            NewPackage::new("a").customer_metadata("a,b", "c"),
            "customerMetadataProperties",
        ),
        (
            NewPackage::new("a").report(Report::Bias, Source::json("models/bias.json")),
            "modelMetrics.bias.report.s3Uri",
        ),
        (
            NewPackage::new("a").report(Report::Bias, Source::json("s3://b/k").digest("md5:0")),
            "modelMetrics.bias.report.contentDigest",
        ),
        (
            NewPackage::new("a").member("ModelMetric", json!({})),
            "ModelMetric",
        ),
        (
            NewPackage::new("a").member("ModelLifeCycle", json!({"Stage": "Production"})),
            "modelLifeCycle.stageStatus",
        ),
    ] {
        let Err(ControlError::Refused { message, .. }) = sandbox.sagemaker().register(package)
        else {
            panic!("{place} is refused");
        };
        assert!(message.contains(place), "{message}");
    }
    assert!(sandbox.sagemaker().packages().is_empty());
    assert!(sandbox.sagemaker().package_events().is_empty());
}

#[tokio::test]
async fn people_decide_and_creations_end_once() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    let new = |status| {
        sagemaker
            .register(NewPackage::new("churn").status(status))
            .unwrap()
    };
    let (good, bad) = (new(PackageStatus::InProgress), new(PackageStatus::Pending));
    sagemaker.complete_package(&good).unwrap();
    sagemaker.fail_package(&bad, "no such image").unwrap();
    assert_eq!(
        sagemaker.complete_package(&good),
        Err(ControlError::Created(good.clone()))
    );
    assert!(matches!(
        sagemaker.complete_package(UNKNOWN),
        Err(ControlError::Unknown(_))
    ));
    sagemaker
        .decide(&good, ApprovalStatus::Approved, "looks right")
        .unwrap();
    let long = "x".repeat(1025);
    let refused = sagemaker.decide(&good, ApprovalStatus::Rejected, &long);
    assert!(matches!(refused, Err(ControlError::Refused { .. })));

    let describe = |arn: &str| {
        client
            .describe_model_package()
            .model_package_name(arn)
            .send()
    };
    let package = describe(&good).await.unwrap();
    assert_eq!(
        package.model_package_status(),
        Some(&ModelPackageStatus::Completed)
    );
    assert_eq!(
        package.model_approval_status(),
        Some(&ModelApprovalStatus::Approved)
    );
    assert_eq!(package.approval_description(), Some("looks right"));
    let person = package.last_modified_by().unwrap();
    assert_eq!(person.user_profile_name(), Some("reviewer"));
    let package = describe(&bad).await.unwrap();
    assert_eq!(
        package.model_package_status(),
        Some(&ModelPackageStatus::Failed)
    );
    let details = package.model_package_status_details().unwrap();
    let reason = details.validation_statuses()[0].failure_reason();
    assert_eq!(reason, Some("no such image"));

    sagemaker.delete_package(&bad).unwrap();
    assert_eq!(code(&describe(&bad).await), "ValidationException");
    assert!(
        new(PackageStatus::Completed).ends_with("/3"),
        "a number is given once"
    );
}

#[tokio::test]
async fn lists_tell_of_the_life_cycle_and_filter_by_name_and_time() {
    let (sandbox, client) = sandbox().await;
    let sagemaker = sandbox.sagemaker();
    let first = sagemaker.register(NewPackage::new("churn")).unwrap();
    let cycle = json!({"ModelLifeCycle": {"Stage": "Production", "StageStatus": "Live"}});
    sagemaker.edit_package(&first, &cycle).unwrap();
    sandbox.clock().advance(SignedDuration::from_mins(1));
    let second = sagemaker.register(NewPackage::new("churn")).unwrap();
    let list = || {
        client
            .list_model_packages()
            .model_package_group_name("churn")
    };
    let all = list().send().await.unwrap();
    let stage = all.model_package_summary_list()[0]
        .model_life_cycle()
        .unwrap()
        .stage();
    assert_eq!(stage, Some("Production"));
    assert!(
        all.model_package_summary_list()[1]
            .model_life_cycle()
            .is_none()
    );
    let begin =
        aws_sdk_sagemaker::primitives::DateTime::from_secs(sandbox.clock().now().as_second() - 60);
    let later = list().creation_time_after(begin).send().await.unwrap();
    let arns = |list: &[aws_sdk_sagemaker::types::ModelPackageSummary]| -> Vec<String> {
        list.iter()
            .filter_map(|item| item.model_package_arn.clone())
            .collect()
    };
    assert_eq!(arns(later.model_package_summary_list()), [second]);
    let none = list().name_contains("fraud").send().await.unwrap();
    assert!(none.model_package_summary_list().is_empty());
    let some = list().name_contains("hur").send().await.unwrap();
    assert_eq!(some.model_package_summary_list().len(), 2);
}
