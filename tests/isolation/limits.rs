//! Whatever is told, in whatever words, the items of the table stay small; and what is
//! beyond a bound is a recorded reason.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use retrain_core::slot::{MAX_ALARMS, MAX_FOREIGN_RUNS, Phase};
use serde_json::json;

use super::neighbours::{Neighbours, POISON};

/// What DynamoDB counts of an attribute (Developer Guide, "DynamoDB item sizes and
/// formats"), at most.
fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 2,
        AttributeValue::L(items) => 3 + items.iter().map(|item| 1 + size_of(item)).sum::<usize>(),
        AttributeValue::M(members) => {
            let member = |(name, value): (&String, _)| 1 + name.len() + size_of(value);
            3 + members.iter().map(member).sum::<usize>()
        }
        _ => 1,
    }
}

/// The largest item of each kind, in bytes.
async fn largest(neighbours: &Neighbours) -> HashMap<String, usize> {
    let (client, table) = neighbours.deployment.dynamodb();
    let mut largest: HashMap<String, usize> = HashMap::new();
    let mut pages = client
        .scan()
        .table_name(table)
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let kind = item["item"].as_s().unwrap().clone();
        let attributes = item.iter();
        let size: usize = attributes
            .map(|(name, value)| name.len() + size_of(value))
            .sum();
        let known = largest.entry(kind).or_default();
        *known = size.max(*known);
    }
    largest
}

/// An alarm's name may have 255 characters, of any script.
fn hostile(n: usize) -> String {
    let text = ["長\u{202e}\"\\", "'<b>&\u{7f}", "🂡\u{200b}%00"][n % 3];
    let mut name = format!("{n}{}", text.repeat(100));
    while format!("{POISON}-{name}").chars().count() > 255 {
        name.pop();
    }
    name
}

#[tokio::test]
async fn items_stay_small_at_and_beyond_every_bound() {
    let mut neighbours = Neighbours::start(true, None).await;
    // One more than the bound of alarms, and so more than that of causes.
    let mut outcomes = Vec::new();
    for n in 0..=MAX_ALARMS {
        neighbours.wait(1);
        outcomes.push(neighbours.alarm(POISON, &hostile(n)).await.unwrap());
    }
    assert_eq!(outcomes[0], "claimed");
    // Beyond the bounds it is held like all others, and counted.
    assert!(outcomes[1..].iter().all(|outcome| outcome == "held"));
    let slot = neighbours.slot(POISON).await;
    // One of those that are only counted is shown as an example.
    let listed = slot.held.iter().count() - 1;
    assert!(listed < MAX_ALARMS / 2, "{listed}");
    let unlisted = usize::try_from(slot.held.unlisted()).unwrap();
    assert_eq!(listed + unlisted, MAX_ALARMS);

    // More foreign runs than are remembered, with names as long as they may be.
    for n in 0..=MAX_FOREIGN_RUNS {
        let name = format!("{n}{}", "x".repeat(78));
        let sagemaker = neighbours.deployment.sandbox.sagemaker();
        let parameters = [("Rows".to_owned(), "0".to_owned())].into();
        let arn = sagemaker
            .start_by_hand_with("poison-training", &name, parameters)
            .unwrap();
        let outcome = neighbours.tell(&arn).await.unwrap();
        assert_eq!(outcome, "foreign_run_seen", "{n}");
    }
    let slot = neighbours.slot(POISON).await;
    assert!(matches!(slot.phase, Phase::Running(_)), "{slot:?}");
    assert_eq!(slot.foreign.len(), MAX_FOREIGN_RUNS);

    // Objects with the longest keys, of characters that must be escaped.
    let mut bodies = Vec::new();
    for n in 0..20 {
        let mut key = format!("{n}{}", "\u{1f4a9}\"%".repeat(200));
        while key.len() + POISON.len() + 1 > 1_024 {
            key.pop();
        }
        bodies.push(neighbours.object(POISON, &key, u64::from(u32::MAX)));
    }
    assert!(neighbours.deliver(bodies).await.is_empty());

    let largest = largest(&neighbours).await;
    let limits = json!({"slot": 64 * 1024, "decision": 64 * 1024, "marker": 2_048, "object": 4_096,
        "controller": 1_024});
    for (kind, size) in &largest {
        let limit = limits[kind].as_u64().unwrap_or_else(|| panic!("{kind}"));
        assert!((*size as u64) < limit, "{kind}: {size} bytes");
    }
    for kind in ["slot", "decision", "marker", "object"] {
        assert!(largest.contains_key(kind), "{kind}");
    }
    assert!(largest["slot"] > 16 * 1024, "{largest:?}");
}
