//! Drift alarms become retraining, once each.

use drift_alarm::Handler;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(Handler::new).await
}
