//! What is due is looked at, and what was lost is repaired.

use lambda_runtime::Error;
use reconciler::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(Handler::new).await
}
