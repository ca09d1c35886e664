//! Model packages are decided about, and what is approved is deployed.

use lambda_runtime::Error;
use model_approval::Handler;
use retrain_lambda::{Settings, init_telemetry, load_aws_config, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_telemetry();
    let settings = Settings::from_env()?;
    let handler = Handler::new(&settings, &load_aws_config().await);
    serve(handler).await
}
