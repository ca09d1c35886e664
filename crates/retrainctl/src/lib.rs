#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

#[cfg(feature = "aws")]
mod arns;
pub mod cli;
#[cfg(feature = "aws")]
mod doctor;
mod events;
mod exit;
mod explain;
#[cfg(feature = "aws")]
pub mod mend;
#[cfg(feature = "aws")]
pub mod operate;
mod policies;
mod policy;
#[cfg(feature = "aws")]
mod redrive;
mod safe;
mod shell;
pub mod simulate;
mod words;

use std::io::Write;

pub use self::exit::{Exit, Failure};
pub use self::safe::Safe;
use crate::cli::{Cli, Command, PolicyCommand};

/// Does what the command line asks: data goes to `out`, words for people to `err`.
pub fn run(cli: &Cli, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    #[cfg(feature = "aws")]
    let account = &cli.account;
    match &cli.command {
        Command::Simulate(args) => simulate::run(args, out, err),
        #[cfg(feature = "aws")]
        Command::Explain(args) if operate::has_table(args) => {
            operate::run_explain(args, account, out, err)
        }
        Command::Explain(args) => explain::run(args, out, err),
        Command::Policy(command) => match command {
            PolicyCommand::New(args) => policy::example::run(args, out, err),
            PolicyCommand::Check(args) => policy::check::run(args, out, err),
            PolicyCommand::Diff(args) => policy::diff::run(args, out),
            PolicyCommand::Schema => policy::schema::run(out),
            #[cfg(feature = "aws")]
            PolicyCommand::Stored(command) => operate::run_stored(command, account, out, err),
        },
        Command::Completions(args) => shell::complete(args, out),
        Command::Man(args) => shell::manual(args, out, err),
        #[cfg(feature = "aws")]
        Command::Operate(command) => operate::run(command, account, out, err),
        #[cfg(feature = "aws")]
        Command::Mend(command) => mend::run(command, account, out, err),
    }
}
