//! Plays the reference loop on the terminal: `demo-loop PYTHON`.

use std::error::Error;
use std::io::{IsTerminal as _, stdout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let python = std::env::args_os()
        .nth(1)
        .ok_or("which Python has the requirements of examples/fraud-detection?")?;
    let colours = std::env::var_os("CLICOLOR_FORCE").is_some()
        || (stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    Box::pin(retrain_local::fraud_loop::play(stdout(), colours, python)).await
}
