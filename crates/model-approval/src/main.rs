//! Model packages are decided about, and what is approved is deployed.

use lambda_runtime::Error;
use model_approval::Handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(Handler::new).await
}
