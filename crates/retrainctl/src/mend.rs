//! What finds out why the controller does nothing, and mends it.

use std::io::Write;

use retrain_controller::Clock;

use crate::cli::mend::MendCommand;
use crate::exit::{Exit, Failure};
use crate::operate::{Surroundings, in_process};
use crate::{doctor, redrive};

/// Does what a command asks, in the process's own surroundings.
pub(crate) fn run(
    command: &MendCommand,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    in_process(async |around| Box::pin(mend(command, around, out, err)).await)
}

/// Does what a command asks.
pub async fn mend(
    command: &MendCommand,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match command {
        MendCommand::Doctor(args) => Box::pin(doctor::run(args, around, out)).await,
        MendCommand::Redrive(args) => Box::pin(redrive::run(args, around, out, err)).await,
    }
}
