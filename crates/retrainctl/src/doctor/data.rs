//! The buckets of training data.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use retrain_controller::chain;
use retrain_core::policy::PolicyInForce;

use super::needs::Needs;
use super::report::{Report, quoted};

/// What turns a bucket's events on, in a template.
const TEMPLATE: &str =
    "NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } }";

/// Looks at the buckets, and notes which objects must be heard of.
pub(super) async fn look(
    aws: &SdkConfig,
    policy: &PolicyInForce,
    needs: &mut Needs,
    report: &mut Report,
) {
    let Some(data) = &policy.policy.data else {
        return;
    };
    let client = Client::new(aws);
    let buckets: BTreeSet<&str> = data.objects.iter().map(|of| of.bucket.as_str()).collect();
    for name in buckets {
        bucket(&client, name, report).await;
    }
    for of in &data.objects {
        let (bucket, prefix) = (&of.bucket, &of.prefix);
        let subject = format!("s3://{bucket}/{prefix}*{}", of.suffix);
        let completion = data.complete_when.iter().map(|one| &one.suffix);
        for suffix in completion.chain([&of.suffix]) {
            needs.object(&subject, bucket, &format!("{prefix}doctor{suffix}"));
        }
    }
}

/// Whether a bucket is there and tells EventBridge of its objects.
async fn bucket(client: &Client, bucket: &str, report: &mut Report) {
    let told = client.get_bucket_notification_configuration();
    let told = match told.bucket(bucket).send().await {
        Ok(told) => told,
        Err(error) => {
            let service = error.as_service_error();
            let missing = service.and_then(|error| error.code()) == Some("NoSuchBucket");
            if missing {
                let fix = "correct data.objects in the policy, or create the bucket";
                report.fail("bucket", bucket, "there is no such bucket", fix);
            } else {
                report.unknown("bucket-events", bucket, chain(&error));
            }
            return;
        }
    };
    if told.event_bridge_configuration.is_some() {
        return report.ok(
            "bucket-events",
            bucket,
            "EventBridge is told of its objects",
        );
    }
    let has_others = !(told.queue_configurations().is_empty()
        && told.topic_configurations().is_empty()
        && told.lambda_function_configurations().is_empty());
    // The command replaces all that is configured.
    let fix = if has_others {
        format!("{TEMPLATE}\nbeside the notifications that the bucket has")
    } else {
        format!(
            "{TEMPLATE}\nor: aws s3api put-bucket-notification-configuration --bucket {} \
             --notification-configuration '{{\"EventBridgeConfiguration\": {{}}}}'",
            quoted(bucket)
        )
    };
    let what = "EventBridge is not told of its objects";
    report.fail("bucket-events", bucket, what, fix);
}
