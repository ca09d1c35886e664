//! What an event would lead to in the state of now.

use retrain_local::sample;
use serde_json::json;

use crate::policies::{Folder, stored};
use crate::scene::Scene;

#[tokio::test]
async fn an_event_is_explained_in_the_state_of_the_table() {
    let scene = Scene::start().await;
    let now = scene.deployment.sandbox.clock().now();
    let event = sample("drift-alarm/alarm").unwrap().at(now);
    let policies = [("fraud-detection.json", stored(&scene).await)];
    let policies: Vec<(&str, &str)> = policies.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let folder = Folder::new("explained", &policies);
    let of_event = Folder::new("explained-event", &[]);
    let file = of_event.0.join("alarm.json");
    std::fs::write(&file, event.event().to_string()).unwrap();
    let line = [
        "explain",
        file.to_str().unwrap(),
        "-p",
        folder.path(),
        "--json",
    ];
    let outcome = async |line: &[&str]| scene.does(line).await.json()[0]["outcome"].clone();
    // Nobody has used the table, and nobody does by looking.
    assert_eq!(outcome(&line).await, "claimed");
    assert!(scene.table().await.is_empty());

    scene.alarm("fraud-detection-model-quality").await;
    let before = scene.table().await;
    let printed = scene.does(&line).await;
    assert!(printed.err.contains("of the table retrain"), "{printed:?}");
    let explained = &printed.json()[0];
    assert_eq!(explained["outcome"], "held");
    let guards = explained["causes"][0]["guards"].as_array().unwrap();
    let in_flight = guards.iter().find(|one| one["guard"] == "in_flight");
    assert_eq!(
        in_flight.unwrap()["bites"]["claim"],
        json!(1),
        "{guards:#?}"
    );
    assert_eq!(scene.table().await, before);
    let without = [&line[..], &["--table", ""]].concat();
    assert_eq!(outcome(&without).await, "claimed");

    // The controller has heard of it.
    scene.alarm_at("fraud-detection-data-quality", now).await;
    assert_eq!(outcome(&line).await, "duplicate");
}
