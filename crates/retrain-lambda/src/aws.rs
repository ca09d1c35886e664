//! The configuration of the SDK's clients.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// One attempt of a call, and a call with its retries. A connection of a sandbox
/// that was frozen may be dead without knowing; these end it long before the
/// function's own timeout does. Start calls bring their own.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Region, credentials and endpoints from the environment, as every AWS tool reads them.
pub async fn load() -> SdkConfig {
    loader(http_client()).load().await
}

/// What [`load`] loads, for whoever knows more than the environment.
pub fn loader(http_client: SharedHttpClient) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
}

/// TLS by rustls with *ring*: its first handshake after a cold start is 20 ms faster than
/// with the default provider.
pub fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
