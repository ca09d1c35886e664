//! A worker that counts data dies between any two effects.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use retrain_core::data::Tally;
use retrain_sandbox::{Fault, FaultHandle, FaultKind, Service};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::data::{Yard, tally};

type CallName = (Service, String);

/// A fault that holds the `n`th of these calls.
fn hold(bench: &Bench, calls: &[CallName], n: usize, kind: FaultKind) -> FaultHandle {
    let (service, operation) = &calls[n];
    let earlier = calls[..n].iter().filter(|call| *call == &calls[n]).count();
    let fault = Fault::on(*service, operation, kind);
    bench.inject(fault.skip(earlier.try_into().unwrap()))
}

/// What the worker had sent arrives after its death, or never does.
fn let_go(held: &FaultHandle) {
    match held.fault().kind {
        FaultKind::HoldBefore => held.discard(),
        _ => held.release(),
    }
}

fn names(bench: &Bench) -> Vec<CallName> {
    let calls = bench.deployment.sandbox.calls().take();
    calls
        .into_iter()
        .map(|call| (call.service.unwrap(), call.operation))
        .collect()
}

fn bodies(yard: &Yard) -> Vec<Value> {
    vec![
        yard.put("a.csv", 40),
        yard.put("b.csv", 30),
        yard.put("c.csv", 30),
    ]
}

/// Promises 5 and 6 for every call of a batch that starts an execution, and both
/// sides of its effect.
#[tokio::test]
async fn a_crash_at_any_call_of_a_batch_ends_in_one_execution_with_all_rows() {
    let policy = json!({"min_rows": 100});
    let undisturbed = Yard::start(policy.clone()).await;
    undisturbed.deliver(&bodies(&undisturbed)).await;
    let calls = names(&undisturbed.bench);
    let last = ("TransactWriteItems", "StartPipelineExecution");
    let ends: Vec<&str> = calls.iter().rev().map(|(_, name)| name.as_str()).collect();
    assert_eq!((ends[0], ends[1], ends[2]), (last.0, last.1, last.0));
    for n in 0..calls.len() {
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            let shown = format!("{kind:?} {:?}", calls[n]);
            let yard = Yard::start(policy.clone()).await;
            let bodies = bodies(&yard);
            let held = hold(&yard.bench, &calls, n, kind);
            let batch = yard.batch(bodies.iter().cloned());
            let (function, clock) = (Arc::clone(&yard.function), yard.bench.deployment.clock());
            let worker =
                tokio::spawn(async move { Box::pin(function.handle_at(&batch, &clock)).await });
            held.held().await;
            worker.abort();
            assert!(worker.await.unwrap_err().is_cancelled());
            let_go(&held);

            assert_eq!(yard.deliver(&bodies).await, BTreeSet::new(), "{shown}");
            yard.bench.outwait_leases();
            yard.bench.reconcile().await;
            assert_eq!(yard.deliver(&bodies).await, BTreeSet::new(), "{shown}");
            yard.bench.assert_one_execution_of_the_claim().await;
            assert_eq!(yard.taken().await, (tally(100, 3), Tally::default()));
            assert_eq!(yard.waiting().await, Tally::default(), "{shown}");
        }
    }
}

async fn ready() -> (Yard, Vec<Value>) {
    let data = json!({
        "min_rows": 100,
        "quiet_period": "10m",
        "manifest": {"bucket": "fraud-detection-manifests"},
    });
    let yard = Yard::start(data).await;
    let bodies = bodies(&yard);
    yard.deliver(&bodies).await;
    yard.bench.wait(SignedDuration::from_mins(10));
    yard.bench.deployment.sandbox.calls().take();
    (yard, bodies)
}

/// The same for the look that starts what was counted, and its manifest.
#[tokio::test]
async fn a_crash_at_any_call_of_the_look_ends_in_one_execution_and_its_manifest() {
    let (undisturbed, _) = ready().await;
    undisturbed.bench.reconcile().await;
    let calls = names(&undisturbed.bench);
    let manifest = (Service::S3, "PutObject".to_owned());
    assert_eq!(calls.iter().filter(|call| **call == manifest).count(), 1);
    // The queries of the shards run side by side: one of them stands for all.
    let first = calls.iter().position(|(_, name)| name == "Query").unwrap();
    let others = 7;
    for n in (0..calls.len()).filter(|n| !(first + 1..=first + others).contains(n)) {
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            let (yard, bodies) = ready().await;
            let held = hold(&yard.bench, &calls, n, kind);
            let reconciler = yard.bench.deployment.reconciler();
            let clock = yard.bench.deployment.clock();
            let look = tokio::spawn(async move { Box::pin(reconciler.run(&clock)).await });
            held.held().await;
            look.abort();
            assert!(look.await.unwrap_err().is_cancelled());
            let_go(&held);

            yard.deliver(&bodies).await;
            for _ in 0..2 {
                yard.bench.outwait_leases();
                yard.bench.reconcile().await;
            }
            yard.bench.assert_one_execution_of_the_claim().await;
            assert_eq!(yard.taken().await, (tally(100, 3), Tally::default()));
            let uri = &yard.bench.executions()[0].parameters["ManifestUri"];
            let manifest = yard.bench.deployment.read_object(uri).await.unwrap();
            let manifest: Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(manifest["rows"], 100);
        }
    }
}
