//! Model packages.

use retrain_controller::{Packages, Updated};
use retrain_core::gate::{ApprovalDescription, MetadataKey, MetadataValue};
use retrain_core::names::ModelPackageArn;
use retrain_core::package::{
    ApprovalUpdate, Baselines, LifeCycle, PackageApproval, PackageDescription, PackageUpdate,
    ReportUris,
};
use retrain_sandbox::sagemaker::{Baseline, NewPackage, Report, Source};

use super::*;

const DESCRIBE: &str = "DescribeModelPackage";
const UPDATE: &str = "UpdateModelPackage";
const PARAMETERS: &str = "ListPipelineParametersForExecution";
const EXECUTION: &str =
    "arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/abc123";

fn register(bench: &Bench, package: NewPackage) -> ModelPackageArn {
    let arn = bench.sandbox.sagemaker().register(package).unwrap();
    ModelPackageArn::parse(arn).unwrap()
}

fn decision(package: &ModelPackageArn, approval: PackageApproval) -> PackageUpdate {
    PackageUpdate {
        package: package.clone(),
        approval: Some(ApprovalUpdate {
            approval,
            over: PackageApproval::PendingManualApproval,
            description: ApprovalDescription::new("gate: auc 0.94, at least 0.90"),
        }),
        metadata: BTreeMap::from([(
            MetadataKey::parse("RetrainPolicyVersion").unwrap(),
            MetadataValue::parse("7").unwrap(),
        )]),
    }
}

fn named(answer: &Updated) -> &'static str {
    match answer {
        Updated::Written => "written",
        Updated::Refused(_) => "refused",
        Updated::Unknown(_) => "unknown",
    }
}

#[tokio::test]
async fn a_description_is_all_that_the_registry_tells() {
    let bench = Bench::start().await;
    let digest = format!("sha256:{}", "a".repeat(64));
    let other = format!("sha256:{}", "b".repeat(64));
    let uri = |name: &str| format!("s3://reports/1/{name}.json");
    let source = |name: &str| Source::json(&uri(name));
    let package = NewPackage::new("fraud-detection")
        .approval(ApprovalStatus::Rejected)
        .report(Report::ModelQualityStatistics, source("evaluation"))
        .report(Report::Bias, source("bias"))
        .report(Report::BiasPreTraining, source("pre"))
        .report(Report::BiasPostTraining, source("post"))
        .report(Report::Explainability, source("shap"))
        .baseline(Baseline::ModelDataQualityStatistics, source("statistics"))
        .baseline(Baseline::ModelDataQualityConstraints, source("constraints"))
        .baseline(Baseline::ModelQualityConstraints, source("quality"))
        .baseline(Baseline::BiasPreTrainingConstraints, source("pre-bias"))
        .baseline(Baseline::BiasPostTrainingConstraints, source("post-bias"))
        .baseline(Baseline::ExplainabilityConstraints, source("explain"))
        .customer_metadata("latency_p95", "12.5")
        .metadata("GeneratedBy", EXECUTION)
        .metadata("CommitId", "0123abc")
        .container("image:1", Some(&digest), "s3://models/1.tar.gz")
        .container("image:2", Some(&other), "s3://models/2.tar.gz")
        .member(
            "ModelLifeCycle",
            json!({"Stage": "Staging", "StageStatus": "Review", "StageDescription": "soon"}),
        );
    let package = register(&bench, package);
    let described = bench.sagemaker.describe_package(&package).await.unwrap();
    assert_eq!(
        described,
        Some(PackageDescription {
            package: package.clone(),
            status: retrain_core::package::PackageStatus::Completed,
            approval: PackageApproval::Rejected,
            modified_at: Some("2026-01-05T00:00:00Z".parse().unwrap()),
            generated_by: Some(PipelineExecutionArn::parse(EXECUTION).unwrap()),
            commit_id: Some("0123abc".to_owned()),
            image_digest: Some(digest),
            life_cycle: Some(LifeCycle {
                stage: "Staging".to_owned(),
                status: "Review".to_owned(),
                description: Some("soon".to_owned()),
            }),
            metadata: BTreeMap::from([("latency_p95".to_owned(), "12.5".to_owned())]),
            reports: ReportUris {
                evaluation: Some(uri("evaluation")),
                bias: Some(uri("bias")),
                pre_training_bias: Some(uri("pre")),
                post_training_bias: Some(uri("post")),
                explainability: Some(uri("shap")),
            },
            baselines: Baselines {
                data_statistics: Some(uri("statistics")),
                data_constraints: Some(uri("constraints")),
                model_constraints: Some(uri("quality")),
                bias_constraints: Some(uri("post-bias")),
                explainability_constraints: Some(uri("explain")),
            },
        })
    );
    let call = bench.sandbox.calls().all().pop().unwrap();
    assert_eq!(
        call.request,
        json!({"ModelPackageName": package.as_str(), "IncludedData": "MetadataOnly"})
    );
}

#[tokio::test]
async fn what_a_package_does_not_have_is_left_out() {
    let bench = Bench::start().await;
    let digest = format!("sha256:{}", "b".repeat(64));
    let bare = register(&bench, NewPackage::new("fraud-detection"));
    let described = bench.sagemaker.describe_package(&bare).await.unwrap();
    let bare = described.unwrap();
    assert_eq!(bare.approval, PackageApproval::PendingManualApproval);
    assert_eq!((bare.image_digest, bare.life_cycle), (None, None));
    assert!(bare.baselines.is_empty() && bare.reports == ReportUris::default());

    let early = Source::json("s3://reports/early.json");
    let image = format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud@{digest}");
    let package = NewPackage::new("fraud-detection")
        .baseline(Baseline::BiasPreTrainingConstraints, early)
        // A person's notebook is no execution.
        .metadata("GeneratedBy", "notebook of Ana")
        .container(&image, None, "s3://models/1.tar.gz");
    let package = register(&bench, package);
    bench.sandbox.clock().advance(SignedDuration::from_secs(60));
    let update = decision(&package, PackageApproval::Approved);
    let answer = bench.sagemaker.update_package(&update, TIMEOUT).await;
    assert_eq!(answer, Updated::Written);
    let described = bench.sagemaker.describe_package(&package).await.unwrap();
    let described = described.unwrap();
    assert_eq!(described.image_digest, Some(digest));
    assert_eq!(described.generated_by, None);
    assert_eq!(
        described.baselines.bias_constraints.as_deref(),
        Some("s3://reports/early.json")
    );
    let modified: Timestamp = "2026-01-05T00:01:00Z".parse().unwrap();
    assert_eq!(described.modified_at, Some(modified));
    assert!(described.is_deployable());

    let tag = NewPackage::new("fraud-detection").container("fraud@v1", None, "s3://models/1");
    let tag = register(&bench, tag);
    let described = bench.sagemaker.describe_package(&tag).await.unwrap();
    assert_eq!(described.unwrap().image_digest, None);
}

#[tokio::test]
async fn only_a_package_that_is_not_there_is_none() {
    let bench = Bench::start().await;
    let package = register(&bench, NewPackage::new("fraud-detection"));
    for missing in ["fraud-detection/2", "no-such-group/1"] {
        let missing = package.as_str().replace("fraud-detection/1", missing);
        let missing = ModelPackageArn::parse(missing).unwrap();
        let described = bench.sagemaker.describe_package(&missing).await.unwrap();
        assert_eq!(described, None, "{missing}");
    }
    let table = [
        (refuse("ResourceNotFound", "Gone."), None),
        (
            refuse("ValidationException", "1 validation error detected: no"),
            Some(Class::Terminal),
        ),
        (
            refuse("ValidationException", "KmsKey k does not exist."),
            Some(Class::Terminal),
        ),
        (
            refuse("AccessDeniedException", "ModelPackage p does not exist"),
            Some(Class::Terminal),
        ),
        (FaultKind::Throttle, Some(Class::Retryable)),
        (FaultKind::ServerError, Some(Class::Retryable)),
        (FaultKind::DropBefore, Some(Class::Retryable)),
    ];
    for (kind, expected) in table {
        let shown = format!("{kind:?}");
        let fault = bench.fail_in(DESCRIBE, 3, kind);
        let class = match bench.sagemaker.describe_package(&package).await {
            Ok(described) => {
                assert_eq!(described, None, "{shown}");
                None
            }
            Err(error) => Some(error.class()),
        };
        assert_eq!(class, expected, "{shown}");
        fault.remove();
    }
    let described = bench.sagemaker.describe_package(&package).await.unwrap();
    assert_eq!(described.unwrap().package, package);
}

#[tokio::test]
async fn an_update_sends_exactly_what_it_says() {
    let bench = Bench::start().await;
    let package = register(&bench, NewPackage::new("fraud-detection"));
    let approve = decision(&package, PackageApproval::Approved);
    let request = async |update: &PackageUpdate| {
        let answer = bench.sagemaker.update_package(update, TIMEOUT).await;
        assert_eq!(answer, Updated::Written);
        bench.sandbox.calls().all().pop().unwrap().request
    };
    let first = request(&approve).await;
    let token = first["ClientToken"].as_str().unwrap();
    assert!(
        token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()),
        "{token}"
    );
    assert_eq!(
        first,
        json!({
            "ModelPackageArn": package.as_str(),
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": "gate: auc 0.94, at least 0.90",
            "CustomerMetadataProperties": {"RetrainPolicyVersion": "7"},
            "ClientToken": token,
        })
    );
    assert_eq!(
        request(&approve).await,
        first,
        "the same, with the same token"
    );

    let other = request(&decision(&package, PackageApproval::Rejected)).await;
    assert_ne!(other["ClientToken"], first["ClientToken"]);
    let stamp = PackageUpdate {
        approval: None,
        ..approve.clone()
    };
    let mut stamped = request(&stamp).await;
    stamped.as_object_mut().unwrap().remove("ClientToken");
    assert_eq!(
        stamped,
        json!({
            "ModelPackageArn": package.as_str(),
            "CustomerMetadataProperties": {"RetrainPolicyVersion": "7"},
        })
    );
    let bare = PackageUpdate {
        metadata: BTreeMap::new(),
        ..approve
    };
    assert!(
        request(&bare)
            .await
            .get("CustomerMetadataProperties")
            .is_none()
    );
}

#[tokio::test]
async fn only_a_definite_refusal_of_an_update_is_one_and_nothing_is_sent_twice() {
    let bench = Bench::start().await;
    let package = register(&bench, NewPackage::new("fraud-detection"));
    let table = [
        (refuse("ValidationException", "no"), "refused"),
        (refuse("AccessDeniedException", "no"), "refused"),
        (refuse("ResourceNotFound", "no"), "refused"),
        (refuse("ConflictException", "no"), "unknown"),
        (refuse("SomethingNewException", "no"), "unknown"),
        (FaultKind::Throttle, "unknown"),
        (FaultKind::ServerError, "unknown"),
        (FaultKind::Unavailable, "unknown"),
        (FaultKind::ServerErrorAfter, "unknown"),
        (FaultKind::DropBefore, "unknown"),
        (FaultKind::DropAfter, "unknown"),
    ];
    for (kind, expected) in table {
        let shown = format!("{kind:?}");
        bench.fail_in(UPDATE, 1, kind);
        let before = bench.count(UPDATE);
        let update = decision(&package, PackageApproval::Approved);
        let answer = bench.sagemaker.update_package(&update, TIMEOUT).await;
        assert_eq!(named(&answer), expected, "{shown}: {answer:?}");
        assert_eq!(bench.count(UPDATE) - before, 1, "{shown} was tried again");
    }
    let missing = package.as_str().replace("/1", "/2");
    let missing = ModelPackageArn::parse(missing).unwrap();
    let update = decision(&missing, PackageApproval::Approved);
    let answer = bench.sagemaker.update_package(&update, TIMEOUT).await;
    assert_eq!(named(&answer), "refused", "{answer:?}");
}

#[tokio::test]
async fn an_update_that_hangs_is_over_within_its_timeout() {
    let bench = Bench::start().await;
    let package = register(&bench, NewPackage::new("fraud-detection"));
    let held = bench.fail_in(UPDATE, 1, FaultKind::HoldAfter);
    let update = decision(&package, PackageApproval::Approved);
    let call = bench
        .sagemaker
        .update_package(&update, Duration::from_secs(2));
    let (answer, ()) = tokio::join!(call, held.held());
    assert_eq!(named(&answer), "unknown", "{answer:?}");
    let described = bench.sagemaker.describe_package(&package).await.unwrap();
    assert_eq!(described.unwrap().approval, PackageApproval::Approved);
}

#[tokio::test]
async fn all_parameters_of_an_execution_are_read() {
    let bench = Bench::start().await;
    let sagemaker = bench.sandbox.sagemaker();
    // More than one page.
    let names: Vec<String> = (0..150).map(|n| format!("P{n:03}")).collect();
    let pipeline = names.iter().fold(Pipeline::new("wide"), |pipeline, name| {
        pipeline.parameter_with_default(name, &format!("value of {name}"))
    });
    sagemaker.create_pipeline(pipeline).unwrap();
    let arn = sagemaker.start_by_hand("wide", "by-hand").unwrap();
    let arn = PipelineExecutionArn::parse(arn).unwrap();
    let parameters = bench.sagemaker.execution_parameters(&arn).await.unwrap();
    let expected = names
        .into_iter()
        .map(|name| (name.clone(), format!("value of {name}")))
        .collect();
    assert_eq!(parameters, expected);
    assert_eq!(bench.count(PARAMETERS), 2);

    let gone = PipelineExecutionArn::parse(EXECUTION).unwrap();
    let parameters = bench.sagemaker.execution_parameters(&gone).await.unwrap();
    assert_eq!(parameters, BTreeMap::new());
    for (kind, expected) in [
        (refuse("AccessDeniedException", "no"), Class::Terminal),
        (FaultKind::Throttle, Class::Retryable),
    ] {
        let fault = bench.fail_in(PARAMETERS, 3, kind);
        let error = bench
            .sagemaker
            .execution_parameters(&arn)
            .await
            .unwrap_err();
        assert_eq!(error.class(), expected);
        fault.remove();
    }
}
