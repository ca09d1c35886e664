//! Policies in Parameter Store, or in a bundle in S3.

mod apply;
mod bundle;
mod export;
mod plan;
mod present;
mod remove;

use std::io::Write;

use retrain_controller::Clock;

use super::Surroundings;
use crate::cli::stored::StoredCommand;
use crate::exit::{Exit, Failure};

/// Does what a command asks about stored policies.
pub async fn stored(
    command: &StoredCommand,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match command {
        StoredCommand::Apply(args) => apply::run(args, around, out, err).await,
        StoredCommand::Bundle(args) => bundle::run(args, around, out, err).await,
        StoredCommand::Export(args) => export::run(args, around, out, err).await,
        StoredCommand::Remove(args) => remove::run(args, around, out, err).await,
    }
}
