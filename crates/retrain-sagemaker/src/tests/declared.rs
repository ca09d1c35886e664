use std::num::NonZeroU64;

use retrain_core::names::{ModelPackageGroupName, PipelineName};
use retrain_sandbox::sagemaker::Pipeline;
use retrain_sandbox::{Fault, FaultKind, Service};

use super::Bench;

#[tokio::test]
async fn what_a_pipeline_declares_is_told_with_what_may_be_left_out() {
    let bench = Bench::start().await;
    let churn = Pipeline::new("churn").parameter("Token");
    bench.sandbox.sagemaker().create_pipeline(churn).unwrap();
    let declared = async |name: &str, version: u64| {
        let name = PipelineName::parse(name).unwrap();
        let version = NonZeroU64::new(version);
        bench.sagemaker.declared(&name, version).await.unwrap()
    };
    let own = declared("churn", 0).await.unwrap();
    assert!(own.arn.ends_with(":pipeline/churn"), "{}", own.arn);
    assert_eq!(own.parameters, [("Token".to_owned(), false)].into());
    let training = declared("fraud-training", 1).await.unwrap();
    assert!(training.parameters["InputDataUri"]);
    assert_eq!(declared("fraud-training", 9).await, None);
    assert_eq!(declared("none", 0).await, None);
}

#[tokio::test]
async fn a_group_is_told_if_there_is_one() {
    let bench = Bench::start().await;
    bench.sandbox.sagemaker().create_package_group("churn");
    let arn = async |group: &str| {
        let group = ModelPackageGroupName::parse(group).unwrap();
        bench.sagemaker.group_arn(&group).await
    };
    let churn = arn("churn").await.unwrap().unwrap();
    assert!(churn.ends_with(":model-package-group/churn"), "{churn}");
    assert_eq!(arn("none").await.unwrap(), None);
    let denied = FaultKind::Refuse {
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    let denied = Fault::on(Service::SageMaker, "DescribeModelPackageGroup", denied);
    bench.sandbox.faults().inject(denied);
    assert!(arn("none").await.is_err());
}
