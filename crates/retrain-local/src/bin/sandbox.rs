//! A local AWS with the sample model, for `cargo lambda watch` and any AWS SDK.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use retrain_local::{Deployment, REGISTRY};
use retrain_sandbox::{Options, VirtualClock};

const PORT: u16 = 4599;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
        clock: VirtualClock::following(),
        ..Options::default()
    };
    let deployment = Deployment::start(options).await?;
    let endpoint = deployment.sandbox.endpoint_url();
    let settings = deployment.settings();
    writeln!(
        io::stdout(),
        "Sandbox at {endpoint}, control at {endpoint}/_sandbox/\n\n\
         export AWS_ENDPOINT_URL={endpoint}\n\
         export AWS_REGION=us-east-1\n\
         export AWS_ACCESS_KEY_ID=sandbox\n\
         export AWS_SECRET_ACCESS_KEY=sandbox\n\
         export RETRAIN_TABLE={}\n\
         export RETRAIN_POLICY_PATH={}\n\
         export RETRAIN_MODEL_PACKAGES={}",
        settings.table,
        settings.policies,
        REGISTRY
    )?;
    deployment.sandbox.run().await;
    Ok(())
}
