use retrain_sandbox::s3::Versioning;

use super::bucket;

#[tokio::test]
async fn a_bucket_tells_eventbridge_once_it_is_told_to() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let get = |bucket: &str| {
        client
            .get_bucket_notification_configuration()
            .bucket(bucket)
    };
    let silent = get("data").send().await.unwrap();
    assert!(silent.event_bridge_configuration.is_none());
    sandbox.s3().notify_eventbridge("data", true).unwrap();
    let told = get("data").send().await.unwrap();
    assert!(told.event_bridge_configuration.is_some());
    assert!(told.queue_configurations().is_empty());
    let missing = get("none").send().await.unwrap_err();
    assert!(format!("{missing:?}").contains("NoSuchBucket"));
    assert!(sandbox.s3().notify_eventbridge("none", true).is_err());
}
