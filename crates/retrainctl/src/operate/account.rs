//! Region, credentials and endpoints, as the command line and the environment say.

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};
use retrain_lambda::{aws_config_loader, http_client};

use crate::cli::account::AccountArgs;

/// What the SDK's clients are configured with.
pub(super) async fn config(args: &AccountArgs) -> SdkConfig {
    let http = http_client();
    let mut loader = aws_config_loader(http.clone());
    let mut region = args.region.clone().map(Region::new);
    if let Some(profile) = &args.profile {
        if region.is_none() {
            let chain = DefaultRegionChain::builder().profile_name(profile).build();
            region = chain.region().await;
        }
        // Whoever names a profile means it, as to the AWS CLI: the SDK alone would take
        // credentials from variables before it.
        let config = ProviderConfig::without_region()
            .with_http_client(http)
            .with_region(region.clone());
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile)
            .build();
        loader = loader
            .profile_name(profile)
            .credentials_provider(credentials);
    }
    if let Some(region) = region {
        loader = loader.region(region);
    }
    loader.load().await
}
