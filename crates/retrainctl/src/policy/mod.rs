//! `retrainctl policy`: policies in files, before they are put into Parameter Store.

pub(crate) mod check;
pub(crate) mod diff;
mod example;
mod meaning;
mod place;
mod schema;

use std::io::Write;

use crate::cli::PolicyCommand;
use crate::exit::{Exit, Failure};

/// Does what a `policy` command asks.
pub(crate) fn run(
    command: &PolicyCommand,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::New(args) => example::run(args, out, err),
        PolicyCommand::Check(args) => check::run(args, out, err),
        PolicyCommand::Diff(args) => diff::run(args, out),
        PolicyCommand::Schema => {
            crate::words::json(schema::Schema::of_policy().document(), out)?;
            Ok(Exit::Done)
        }
        #[cfg(feature = "aws")]
        PolicyCommand::Stored(command) => crate::operate::run_stored(command, out, err),
    }
}
