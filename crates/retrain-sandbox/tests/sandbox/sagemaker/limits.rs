//! Every limit of `UpdateModelPackage`: what is at it passes, what is past it does
//! not, and leaves the package as it was.

use std::collections::HashMap;

use aws_sdk_sagemaker::operation::update_model_package::builders::UpdateModelPackageFluentBuilder as Update;
use aws_sdk_sagemaker::types::{
    InferenceSpecification, ModelLifeCycle, ModelPackageContainerDefinition as Container,
    ModelPackageModelCard,
};
use retrain_sandbox::sagemaker::NewPackage;

use super::{code, message, sandbox};

fn life_cycle(stage: &str, status: &str, description: Option<&str>) -> ModelLifeCycle {
    ModelLifeCycle::builder()
        .stage(stage)
        .stage_status(status)
        .set_stage_description(description.map(str::to_owned))
        .build()
}

/// Sends `at`, which passes, and `past`, which is refused at `place`.
async fn limit(place: &str, at: impl Fn(Update) -> Update, past: impl Fn(Update) -> Update) {
    let (sandbox, client) = sandbox().await;
    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    let update = || client.update_model_package().model_package_arn(&arn);
    let passed = at(update()).send().await;
    assert_eq!(code(&passed), "", "{place}: {passed:?}");
    let before = sandbox.sagemaker().packages();
    let refused = past(update()).send().await;
    assert_eq!(code(&refused), "ValidationException", "{place}");
    assert!(
        message(&refused).contains(place),
        "{place}: {}",
        message(&refused)
    );
    assert_eq!(sandbox.sagemaker().packages(), before);
}

#[tokio::test]
async fn the_words_of_a_decision_have_1024_characters_in_one_line() {
    let place = "approvalDescription";
    let words =
        |count: usize| move |update: Update| update.approval_description("\u{fc}".repeat(count));
    limit(place, words(1024), words(1025)).await;
    limit(place, words(0), |update| {
        update.approval_description("a\nb")
    })
    .await;
}

#[tokio::test]
async fn metadata_keys_have_1_to_128_characters_and_values_1_to_256() {
    let place = "customerMetadataProperties";
    let key = |count: usize| {
        move |update: Update| update.customer_metadata_properties("\u{fc}".repeat(count), "v")
    };
    let value = |count: usize| {
        move |update: Update| update.customer_metadata_properties("k", "\u{fc}".repeat(count))
    };
    limit(place, key(128), key(129)).await;
    limit(place, key(1), key(0)).await;
    limit(place, value(256), value(257)).await;
    limit(place, value(1), value(0)).await;
    let removed = |count: usize| {
        move |update: Update| update.customer_metadata_properties_to_remove("k".repeat(count))
    };
    limit(
        "customerMetadataPropertiesToRemove",
        removed(128),
        removed(129),
    )
    .await;
    for bad in ["a,b", "{\"a\":1}", "100%", "#1", "a\tb"] {
        limit(place, value(1), |update| {
            update.customer_metadata_properties("k", bad)
        })
        .await;
        limit(place, key(1), |update| {
            update.customer_metadata_properties(bad, "v")
        })
        .await;
    }
    let good =
        |update: Update| update.customer_metadata_properties("a b_.:/=+-@1", "\u{4e2d} \u{bd}");
    limit(place, good, key(0)).await;
}

#[tokio::test]
async fn a_request_has_1_to_50_metadata_entries_and_so_has_the_package() {
    let entries = |from: usize, to: usize| {
        move |update: Update| {
            (from..to).fold(update, |update, number| {
                update.customer_metadata_properties(format!("k{number}"), "v")
            })
        }
    };
    limit("customerMetadataProperties", entries(0, 50), entries(0, 51)).await;
    limit("customerMetadataProperties", entries(0, 1), |update| {
        update.set_customer_metadata_properties(Some(HashMap::default()))
    })
    .await;
    // After the merge.
    limit(
        "CustomerMetadataProperties",
        entries(0, 30),
        entries(30, 51),
    )
    .await;

    let (sandbox, client) = sandbox().await;
    let arn = sandbox
        .sagemaker()
        .register(NewPackage::new("churn"))
        .unwrap();
    let update = || client.update_model_package().model_package_arn(&arn);
    entries(0, 50)(update()).send().await.unwrap();
    // One goes as another comes, and one that is there already is no other.
    let replaced = update()
        .customer_metadata_properties_to_remove("k0")
        .customer_metadata_properties("k50", "v")
        .customer_metadata_properties("k1", "w");
    replaced.send().await.unwrap();
    let package = sandbox.sagemaker().package(&arn).unwrap();
    let properties = package.details["CustomerMetadataProperties"]
        .as_object()
        .unwrap();
    assert_eq!((properties.len(), &properties["k1"]), (50, &"w".into()));
}

#[tokio::test]
async fn a_stage_of_the_life_cycle_is_a_name_with_a_description() {
    let stage =
        |name: String| move |update: Update| update.model_life_cycle(life_cycle(&name, "a", None));
    let status =
        |name: String| move |update: Update| update.model_life_cycle(life_cycle("a", &name, None));
    let words = |text: String| {
        move |update: Update| update.model_life_cycle(life_cycle("a", "a", Some(&text)))
    };
    limit(
        "modelLifeCycle.stage'",
        stage("s".repeat(63)),
        stage("s".repeat(64)),
    )
    .await;
    limit(
        "modelLifeCycle.stageStatus",
        status("s".repeat(63)),
        status("s".repeat(64)),
    )
    .await;
    for bad in ["", "-a", "a-", "a_b", "a b"] {
        limit(
            "modelLifeCycle.stage'",
            stage("a--b".to_owned()),
            stage(bad.to_owned()),
        )
        .await;
        limit(
            "modelLifeCycle.stageStatus",
            status("a".to_owned()),
            status(bad.to_owned()),
        )
        .await;
    }
    let place = "modelLifeCycle.stageDescription";
    limit(place, words("s".repeat(1024)), words("s".repeat(1025))).await;
    limit(place, words(String::new()), words("a\nb".to_owned())).await;
}

#[tokio::test]
async fn a_token_has_1_to_36_letters_digits_and_hyphens() {
    let token = |text: String| move |update: Update| update.client_token(&text);
    limit("clientToken", token("t".repeat(36)), token("t".repeat(37))).await;
    limit(
        "clientToken",
        token("-1a".to_owned()),
        token("a_b".to_owned()),
    )
    .await;
    limit("clientToken", token("t".to_owned()), token(String::new())).await;
}

#[tokio::test]
async fn sources_cards_and_containers_have_limits_too() {
    let source = |text: String| move |update: Update| update.source_uri(&text);
    limit(
        "sourceUri",
        source("s".repeat(1024)),
        source("s".repeat(1025)),
    )
    .await;
    limit(
        "sourceUri",
        source("a/b".to_owned()),
        source("a+b".to_owned()),
    )
    .await;
    let card = |count: usize| {
        move |update: Update| {
            let content = "x".repeat(count);
            update.model_card(
                ModelPackageModelCard::builder()
                    .model_card_content(content)
                    .build(),
            )
        }
    };
    limit("modelCard.modelCardContent", card(100_000), card(100_001)).await;
    let containers = |count: usize, url: &'static str| {
        move |update: Update| {
            let containers = vec![Container::builder().model_data_url(url).build(); count];
            let specification = InferenceSpecification::builder();
            update.inference_specification(specification.set_containers(Some(containers)).build())
        }
    };
    let place = "inferenceSpecification.containers";
    limit(
        place,
        containers(15, "s3://b/k"),
        containers(16, "s3://b/k"),
    )
    .await;
    limit(
        place,
        containers(1, "https://b/k"),
        containers(0, "s3://b/k"),
    )
    .await;
    limit(
        "containers.1.member.modelDataUrl",
        containers(1, "s3://b"),
        containers(1, "b/k"),
    )
    .await;
}
