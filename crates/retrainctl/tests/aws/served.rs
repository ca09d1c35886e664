//! What environments serve, and how long it took to get there.

use jiff::{SignedDuration, Timestamp};
use retrain_sandbox::sagemaker::ExecutionStatus as Trained;
use retrainctl::{Exit, Failure};
use serde_json::json;

use crate::asks::release;
use crate::scene::{MODEL, Scene};

fn now(scene: &Scene) -> Timestamp {
    scene.deployment.sandbox.clock().now()
}

/// What each environment served, by its package's version.
async fn versions(scene: &Scene, at: Timestamp) -> Vec<String> {
    let at = at.to_string();
    let printed = scene.run(&["deployed", "--at", &at, "--json"]).await;
    let served = printed.json();
    let version = |one: &serde_json::Value| {
        let package = one["served"]["package"].as_str().unwrap_or("/-");
        package.rsplit('/').next().unwrap().to_owned()
    };
    served.as_array().unwrap().iter().map(version).collect()
}

#[tokio::test]
async fn what_served_at_a_time_is_told_by_what_was_decided() {
    let scene = Scene::released().await;
    let before = now(&scene);
    let nothing = scene.run(&["deployed"]).await;
    assert!(matches!(nothing.exit, Ok(Exit::No)), "{nothing:?}");
    release(&scene, "2").await;
    let second = now(&scene);
    scene.wait(SignedDuration::from_hours(24));
    scene.register();
    scene.hear_of_packages().await;
    release(&scene, "3").await;
    let third = now(&scene);
    scene.wait(SignedDuration::from_hours(24));
    let back = ["rollback", MODEL, "-e", "production", "-w", "slow", "--yes"];
    scene.does(&back).await;
    scene.deployment_succeeds().await;
    // In the order of the policy: staging, production.
    assert_eq!(versions(&scene, before).await, ["-", "-"]);
    assert_eq!(versions(&scene, second).await, ["2", "2"]);
    assert_eq!(versions(&scene, third).await, ["3", "3"]);
    assert_eq!(versions(&scene, now(&scene)).await, ["3", "2"]);
    let table = scene
        .does(&["deployed", MODEL, "--env", "production"])
        .await;
    let line = &table.lines(MODEL)[0];
    assert!(
        line.starts_with("fraud-detection production fraud-detection/2 2026-"),
        "{line}"
    );
    let day = ["deployed", "--at", "2026-01-01"];
    assert!(matches!(scene.run(&day).await.exit, Ok(Exit::No)));
    let nowhere = scene.run(&["deployed", "-e", "test"]).await;
    assert!(
        matches!(&nowhere.exit, Err(Failure::Invalid(_))),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn an_environment_whose_endpoint_went_back_serves_nothing_that_is_known() {
    let scene = Scene::released().await;
    release(&scene, "2").await;
    let event = retrain_core::event::Event::EndpointRolledBack {
        endpoint: retrain_core::names::EndpointName::parse("fraud").unwrap(),
        what: "an alarm".to_owned(),
        at: now(&scene),
    };
    scene.happens_in("production", &event).await;
    let served = scene.does(&["deployed", "--json"]).await.json();
    assert_eq!(served[0]["environment"], "staging");
    assert!(served[0]["served"]["package"].is_string());
    assert!(served[1]["served"]["package"].is_null(), "{served:#}");
}

#[tokio::test]
async fn a_lead_time_goes_from_the_first_cause_to_the_first_deployment() {
    let scene = Scene::released().await;
    // Nobody knows what has led to this one.
    release(&scene, "2").await;
    let asked = now(&scene);
    scene.alarm("fraud-detection-data-quality").await;
    scene.wait(SignedDuration::from_hours(2));
    scene.register();
    scene.training_ends(Trained::Succeeded).await;
    scene.hear_of_packages().await;
    release(&scene, "3").await;
    let times = scene.does(&["lead-times", "--json"]).await.json();
    let production = &times[1];
    assert_eq!(production["environment"], "production");
    assert_eq!(production["without_cause"], 1);
    assert_eq!(production["times"]["deployments"], 1);
    let newest = &production["deployments"][1];
    let cause = "data_quality drift alarm \"fraud-detection-data-quality\"";
    assert_eq!(newest["origin"]["cause"], cause);
    assert_eq!(newest["origin"]["asked_at"], json!(asked));
    let deployed: Timestamp = newest["deployed_at"].as_str().unwrap().parse().unwrap();
    let seconds = deployed.duration_since(asked).as_secs();
    for rank in ["p50_seconds", "p95_seconds", "worst_seconds"] {
        assert_eq!(production["times"][rank], seconds, "{times:#}");
    }
    let table = scene.does(&["lead-times", "-e", "staging"]).await;
    let line = "fraud-detection staging 1 2h2m 2h2m 2h2m 1";
    assert_eq!(table.lines(MODEL), [line]);
    let since = now(&scene).to_string();
    let none = scene.does(&["lead-times", "--since", &since]).await;
    assert_eq!(none.lines(MODEL)[0], "fraud-detection staging 0 - - - 0");
}

#[tokio::test]
async fn what_has_served_is_known_when_the_policy_is_gone() {
    let scene = Scene::released().await;
    release(&scene, "2").await;
    let remove = ["policy", "remove", MODEL, "-w", "replaced", "--yes"];
    scene.does(&remove).await;
    let line = ["deployed", MODEL, "-e", "production"];
    let served = scene.does(&line).await;
    assert_eq!(served.lines("fraud-detection/2").len(), 1, "{served:?}");
}

#[tokio::test]
async fn no_more_is_read_than_the_answer_needs() {
    let scene = Scene::released().await;
    release(&scene, "2").await;
    // Whatever else happens in the environment is newer.
    for _ in 0..80 {
        for order in ["pause", "resume"] {
            scene
                .does(&[order, MODEL, "-e", "production", "-w", "x", "--yes"])
                .await;
        }
    }
    let reads = async |line: &[&str]| {
        scene.deployment.sandbox.calls().take();
        scene.does(line).await;
        let calls = scene.deployment.sandbox.calls().take();
        calls
            .iter()
            .filter(|call| call.operation == "Query")
            .count()
    };
    let line = ["deployed", MODEL, "-e", "production"];
    assert_eq!(reads(&line).await, 2);
    scene.wait(SignedDuration::from_hours(24));
    scene.register();
    scene.hear_of_packages().await;
    release(&scene, "3").await;
    assert_eq!(reads(&line).await, 1);
    let since = now(&scene) - SignedDuration::from_hours(3);
    let since = since.to_string();
    let line = ["lead-times", MODEL, "-e", "production", "--since", &since];
    let reads = reads(&line).await;
    assert!(reads <= 3, "{reads}");
}
