//! Training data that arrives is counted, and retrains its model when it is enough.

use data_arrival::Handler;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    retrain_lambda::run(Handler::new).await
}
