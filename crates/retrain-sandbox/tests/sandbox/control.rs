use serde_json::json;

use crate::client::sandbox;

#[tokio::test]
async fn the_clock_is_moved_over_http() {
    let (sandbox, client) = sandbox().await;
    let moved = client
        .post("/_sandbox/clock", json!({"advance": "1d 6h"}))
        .await;
    assert_eq!(moved.body["now"], "2026-01-06T06:00:00Z");
    let set = json!({"set": "2026-02-01T00:00:00Z"});
    client.post("/_sandbox/clock", set).await;
    assert_eq!(sandbox.clock().now().to_string(), "2026-02-01T00:00:00Z");
    assert_eq!(
        client.get("/_sandbox/clock").await.body["now"],
        "2026-02-01T00:00:00Z"
    );
    let refused = client
        .post("/_sandbox/clock", json!({"advance": "soon"}))
        .await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn executions_are_started_listed_and_finished_over_http() {
    let (_sandbox, client) = sandbox().await;
    let started = client
        .post(
            "/_sandbox/executions/start",
            json!({"pipeline": "churn", "displayName": "by-hand"}),
        )
        .await;
    let finish = json!({"arn": started.body["arn"], "status": "Failed", "failureReason": "no"});
    let finished = client
        .post("/_sandbox/executions/finish", finish.clone())
        .await;
    assert_eq!(finished.status, 200);
    let listed = client.get("/_sandbox/executions").await;
    assert_eq!(listed.body["executions"][0]["failureReason"], "no");
    assert_eq!(
        client
            .post("/_sandbox/executions/finish", finish)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn packages_are_registered_and_approved_over_http() {
    let (_sandbox, client) = sandbox().await;
    let package = json!({"group": "churn", "approvalStatus": "PendingManualApproval"});
    let arn = client.post("/_sandbox/packages", package).await.body["arn"].clone();
    let approval = json!({"arn": arn, "status": "Approved"});
    client.post("/_sandbox/packages/approval", approval).await;
    let listed = client.get("/_sandbox/packages").await;
    assert_eq!(
        listed.body["modelPackages"][0]["approvalStatus"],
        "Approved"
    );
}

#[tokio::test]
async fn faults_are_ordered_released_and_counted_over_http() {
    let (_sandbox, client) = sandbox().await;
    let fault = json!({
        "service": "sagemaker",
        "operation": "StartPipelineExecution",
        "kind": "dropAfter",
    });
    let ordered = client.post("/_sandbox/faults", fault).await;
    assert_eq!(ordered.body["number"], 1);
    assert!(client.start(1).await.is_err());
    assert_eq!(
        client.get("/_sandbox/faults").await.body["faults"][0]["fired"],
        1
    );
    let released = client
        .post("/_sandbox/faults/release", json!({"number": 1}))
        .await;
    assert_eq!(released.status, 200);
    let calls = client.post("/_sandbox/calls/reset", json!({})).await;
    assert_eq!(calls.body["calls"][0]["outcome"]["kind"], "dropped");
    assert_eq!(client.get("/_sandbox/calls").await.body["calls"], json!([]));
}

#[tokio::test]
async fn a_seed_is_planted_over_http() {
    let (sandbox, client) = sandbox().await;
    let seed = json!({
        "now": "2026-03-01T00:00:00Z",
        "parameters": [{"name": "/policies/churn", "value": {"interval": "6h"}}],
        "pipelines": [{"name": "fraud", "parameters": {"Data": null}}],
        "buckets": [{
            "name": "data",
            "versioning": true,
            "objects": [{"key": "k", "body": {"a": 1}, "metadata": {"row-count": "1"}}],
        }],
        "modelPackageGroups": ["empty"],
        "modelPackages": [{"group": "fraud", "approvalStatus": "Approved"}],
    });
    assert_eq!(
        client.post("/_sandbox/seed", seed.clone()).await.status,
        200
    );
    assert_eq!(sandbox.clock().now().to_string(), "2026-03-01T00:00:00Z");
    let read = client
        .call(
            "AmazonSSM.GetParameter",
            &json!({"Name": "/policies/churn"}),
        )
        .await
        .unwrap();
    assert_eq!(read.body["Parameter"]["Value"], r#"{"interval":"6h"}"#);
    assert_eq!(sandbox.sagemaker().packages()[0].group, "fraud");
    let object = &sandbox.s3().objects("data").unwrap()[0];
    assert_eq!((object.size, &object.metadata["row-count"][..]), (7, "1"));
    assert!(object.version_id.is_some());
    assert_eq!(client.post("/_sandbox/seed", seed).await.status, 400);
}

#[tokio::test]
async fn buckets_are_created_and_their_events_taken_over_http() {
    let (_sandbox, client) = sandbox().await;
    let bucket = json!({"name": "data", "objects": [{"key": "k", "body": "1"}]});
    let create = || client.post("/_sandbox/buckets", bucket.clone());
    assert_eq!(create().await.status, 200);
    let again = create().await;
    let message = again.body["message"].as_str().unwrap();
    assert!(message.starts_with("BucketAlreadyOwnedByYou"), "{message}");
    let taken = client.post("/_sandbox/events/reset", json!({})).await;
    assert_eq!(taken.body["events"][0]["detail"]["object"]["key"], "k");
    let taken = client.post("/_sandbox/events/reset", json!({})).await;
    assert_eq!(taken.body["events"], json!([]));
}

#[tokio::test]
async fn mistakes_are_named() {
    let (_sandbox, client) = sandbox().await;
    let reply = client
        .post(
            "/_sandbox/faults",
            json!({"service": "ssm", "kind": "explode"}),
        )
        .await;
    let message = reply.body["message"].as_str().unwrap();
    assert!(message.starts_with("at kind:"), "{message}");
    assert_eq!(client.get("/_sandbox/nothing").await.status, 404);
}
