//! Plays the reference loop on the terminal: `demo-loop PYTHON`, or `demo-loop PYTHON tuning` for
//! a first model that is the best of a small grid.

use std::error::Error;
use std::io::{IsTerminal as _, stdout};

use retrain_local::fraud_loop::{Play, play};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args_os().skip(1);
    let python = arguments
        .next()
        .ok_or("which Python has the requirements of examples/fraud-detection?")?;
    let what = match arguments.next() {
        None => Play::Loop,
        Some(word) if word == "tuning" => Play::Tuning,
        Some(word) => return Err(format!("there is nothing called {}", word.display()).into()),
    };
    let colours = std::env::var_os("CLICOLOR_FORCE").is_some()
        || (stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    Box::pin(play(what, stdout(), colours, python)).await
}
