//! Training data that arrives is counted, and retrains its model when it is enough.

use data_arrival::Handler;
use lambda_runtime::Error;
use retrain_lambda::{Settings, init_telemetry, load_aws_config, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_telemetry();
    let settings = Settings::from_env()?;
    let handler = Handler::new(&settings, &load_aws_config().await);
    serve(handler).await
}
