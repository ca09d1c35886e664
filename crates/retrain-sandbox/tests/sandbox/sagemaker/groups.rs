use retrain_sandbox::{Options, Sandbox};

use super::{code, message};
use crate::client;

#[tokio::test]
async fn a_group_is_described_by_its_name_if_there_is_one() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = aws_sdk_sagemaker::Client::new(&client::config(&sandbox));
    sandbox.sagemaker().create_package_group("churn");
    let describe = |group: &str| {
        let request = client.describe_model_package_group();
        request.model_package_group_name(group)
    };
    let group = describe("churn").send().await.unwrap();
    let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/churn";
    assert_eq!(group.model_package_group_arn(), Some(arn));
    let missing = describe("none").send().await;
    assert_eq!(code(&missing), "ValidationException");
    assert!(message(&missing).contains("does not exist"));
}
