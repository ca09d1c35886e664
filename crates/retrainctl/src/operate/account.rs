//! Region, credentials and endpoints, as the command line and the environment say.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use retrain_lambda::{aws_config_loader, http_client};

use crate::cli::account::AccountArgs;

/// What the SDK's clients are configured with.
pub(super) async fn config(args: &AccountArgs) -> SdkConfig {
    let http = http_client();
    let mut loader = aws_config_loader(http.clone());
    if let Some(region) = &args.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let Some(profile) = &args.profile else {
        return loader.load().await;
    };
    let found = loader.profile_name(profile).load().await;
    // Whoever names a profile means it, as to the AWS CLI: the SDK alone would take
    // credentials from variables before it.
    let config = ProviderConfig::without_region()
        .with_http_client(http)
        .with_region(found.region().cloned());
    let credentials = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_name(profile)
        .build();
    let credentials = SharedCredentialsProvider::new(credentials);
    let builder = found.into_builder().credentials_provider(credentials);
    builder.build()
}
