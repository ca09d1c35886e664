//! Plays the demo on the terminal.

use std::error::Error;
use std::io::{IsTerminal as _, stdout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let colours = std::env::var_os("CLICOLOR_FORCE").is_some()
        || (stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    Box::pin(retrain_local::demo::play(stdout(), colours)).await
}
