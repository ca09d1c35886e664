//! A function that makes the calls of another one and decides nothing.
//!
//! `FLOOR_CALLS` names a file with the calls of a first event and of a later one, as the other
//! function made them. Groups follow each other; the calls of a group are made side by side.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use floors::{Call, Clients};
use futures_util::future::try_join_all;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;

/// What a function asks of AWS.
#[derive(Deserialize)]
struct Calls {
    cold: Vec<Vec<Call>>,
    warm: Vec<Vec<Call>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let calls: Calls =
        serde_json::from_str(&std::fs::read_to_string(std::env::var("FLOOR_CALLS")?)?)?;
    let clients = Clients::new(&aws().await);
    let is_warm = AtomicBool::new(false);
    let (calls, clients, is_warm) = (&calls, &clients, &is_warm);
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        let groups = if is_warm.swap(true, Ordering::Relaxed) {
            &calls.warm
        } else {
            &calls.cold
        };
        for group in groups {
            try_join_all(group.iter().map(|call| call.send(clients))).await?;
        }
        Ok::<_, Error>("done")
    }))
    .await
}

/// The configuration that the controller's functions have.
async fn aws() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .load()
        .await
}
