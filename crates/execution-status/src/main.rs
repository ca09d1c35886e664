//! What became of pipeline executions reaches the slots that run them.

use execution_status::Handler;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(Handler::new).await
}
