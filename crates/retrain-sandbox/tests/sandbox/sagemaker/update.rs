use aws_sdk_sagemaker::types::{
    AdditionalInferenceSpecificationDefinition as Specification, IncludedData,
    InferenceSpecification, ModelApprovalStatus, ModelLifeCycle, ModelPackageContainerDefinition,
    ModelPackageModelCard,
};
use jiff::SignedDuration;
use retrain_sandbox::sagemaker::NewPackage;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::json;

use super::packages::{UNKNOWN, described};
use super::{code, message, sandbox};
use crate::client;

#[tokio::test]
async fn an_update_merges_metadata_and_replaces_the_rest() {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox.sagemaker().register(described()).unwrap();
    sandbox.clock().advance(SignedDuration::from_mins(5));
    let answer = client
        .update_model_package()
        .model_package_arn(&arn)
        .model_approval_status(ModelApprovalStatus::Rejected)
        .approval_description("auc below 0.9")
        .customer_metadata_properties("gate", "rejected")
        .customer_metadata_properties_to_remove("team")
        .customer_metadata_properties_to_remove("never-there")
        .model_life_cycle(
            ModelLifeCycle::builder()
                .stage("Staging")
                .stage_status("Approved")
                .build(),
        )
        .source_uri("https://git/churn/2")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.model_package_arn(), Some(arn.as_str()));

    let package = client
        .describe_model_package()
        .model_package_name(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(
        package.model_approval_status(),
        Some(&ModelApprovalStatus::Rejected)
    );
    assert_eq!(package.approval_description(), Some("auc below 0.9"));
    let properties = package.customer_metadata_properties().unwrap();
    assert_eq!(properties.len(), 1);
    assert_eq!(properties["gate"], "rejected");
    assert_eq!(package.model_life_cycle().unwrap().stage(), Some("Staging"));
    assert_eq!(package.source_uri(), Some("https://git/churn/2"));
    let modified = package.last_modified_time().unwrap().secs();
    assert_eq!(modified, sandbox.clock().now().as_second());
    let by = package.last_modified_by().unwrap().iam_identity().unwrap();
    assert!(by.arn().unwrap().contains(":assumed-role/"));
    // What the update did not name is as it was.
    assert!(package.model_metrics().is_some());
    assert_eq!(
        package.created_by().unwrap().user_profile_name(),
        Some("ada")
    );

    let update = client.update_model_package().model_package_arn(&arn);
    update
        .customer_metadata_properties_to_remove("gate")
        .send()
        .await
        .unwrap();
    let package = client
        .describe_model_package()
        .model_package_name(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(package.customer_metadata_properties(), None);
}

#[tokio::test]
async fn containers_cards_and_specifications_are_updated_too() {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    let container = ModelPackageContainerDefinition::builder()
        .image("churn:2")
        .build();
    let card = ModelPackageModelCard::builder()
        .model_card_content(r#"{"a": 1}"#)
        .build();
    client
        .update_model_package()
        .model_package_arn(&arn)
        .inference_specification(
            InferenceSpecification::builder()
                .containers(container.clone())
                .build(),
        )
        .model_card(card)
        .send()
        .await
        .unwrap();
    let describe = || client.describe_model_package().model_package_name(&arn);
    let package = describe().send().await.unwrap();
    let specification = package.inference_specification().unwrap();
    assert_eq!(specification.containers()[0].image(), Some("churn:2"));
    let content = |card: Option<&ModelPackageModelCard>| {
        card.unwrap().model_card_content().unwrap().to_owned()
    };
    assert_eq!(content(package.model_card()), r#"{"a": 1}"#);
    let bare = describe()
        .included_data(IncludedData::MetadataOnly)
        .send()
        .await
        .unwrap();
    assert_eq!(content(bare.model_card()), "{}");

    let add = |count: usize| {
        let specifications = (0..count).map(|number| {
            let name = format!("variant-{number}");
            Specification::builder()
                .name(name)
                .containers(container.clone())
                .build()
        });
        client
            .update_model_package()
            .model_package_arn(&arn)
            .set_additional_inference_specifications_to_add(Some(specifications.collect()))
    };
    assert_eq!(code(&add(16).send().await), "ValidationException");
    assert_eq!(code(&add(8).send().await), "");
    assert_eq!(code(&add(8).send().await), "ValidationException");
    assert_eq!(code(&add(7).send().await), "");
    let package = describe().send().await.unwrap();
    assert_eq!(package.additional_inference_specifications().len(), 15);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_misspelt_is_refused() {
    let (sandbox, client) = sandbox().await;
    let update = client.update_model_package().model_package_arn(UNKNOWN);
    let refused = update.approval_description("x").send().await;
    assert_eq!(code(&refused), "ValidationException");
    assert!(
        message(&refused).contains("does not exist"),
        "{}",
        message(&refused)
    );
    let refused = client
        .describe_model_package()
        .model_package_name(UNKNOWN)
        .send()
        .await;
    assert_eq!(code(&refused), "ValidationException");

    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    let plain = client::of(&sandbox);
    for (request, code) in [
        (
            json!({"ModelPackageArn": arn, "ApprovalStatus": "Approved"}),
            "SerializationException",
        ),
        (
            json!({"ModelPackageName": "churn/1"}),
            "SerializationException",
        ),
        (json!({"ApprovalDescription": "x"}), "ValidationException"),
        (json!({"ModelPackageArn": "churn/1"}), "ValidationException"),
        (
            json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Maybe"}),
            "ValidationException",
        ),
        (
            json!({"ModelPackageArn": arn, "ModelLifeCycle": {"Stage": "a", "StageStatus": "b", "X": 1}}),
            "SerializationException",
        ),
        (
            json!({
                "ModelPackageArn": arn,
                "CustomerMetadataProperties": {"k": "v"},
                "CustomerMetadataPropertiesToRemove": ["k"],
            }),
            "ValidationException",
        ),
    ] {
        let reply = plain
            .call("SageMaker.UpdateModelPackage", &request)
            .await
            .unwrap();
        assert_eq!(reply.code(), code, "{request}");
    }
    assert_eq!(
        sandbox.sagemaker().package_events().len(),
        1,
        "only the registration"
    );
}

#[tokio::test]
async fn a_token_makes_a_repeated_update_one() {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    sandbox.sagemaker().package_events();
    let update = |description: &str| {
        client
            .update_model_package()
            .model_package_arn(&arn)
            .approval_description(description)
            .client_token("gate-1")
    };
    let lost = Fault::on(
        Service::SageMaker,
        "UpdateModelPackage",
        FaultKind::DropAfter,
    );
    sandbox.faults().inject(lost);
    assert!(update("first").send().await.is_err());
    // A person comes between; the repetition must not undo it.
    let person = json!({"ApprovalDescription": "by hand"});
    sandbox.sagemaker().edit_package(&arn, &person).unwrap();
    update("first").send().await.unwrap();
    let package = sandbox.sagemaker().package(&arn).unwrap();
    assert_eq!(package.details["ApprovalDescription"], "by hand");
    assert_eq!(sandbox.sagemaker().package_events().len(), 2);
    assert_eq!(code(&update("second").send().await), "ValidationException");
}

#[tokio::test]
async fn a_conflict_is_ordered_as_a_fault() {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    let kind = FaultKind::Refuse {
        code: "ConflictException".to_owned(),
        message: "busy".to_owned(),
    };
    sandbox
        .faults()
        .inject(Fault::on(Service::SageMaker, "UpdateModelPackage", kind));
    let update = || {
        client
            .update_model_package()
            .model_package_arn(&arn)
            .approval_description("x")
    };
    let refused = update().send().await.unwrap_err().into_service_error();
    assert!(refused.is_conflict_exception());
    update().send().await.unwrap();
}
