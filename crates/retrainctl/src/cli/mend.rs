//! The command line of what finds out why the controller does nothing, and mends it.

use clap::Subcommand;

use super::doctor::{self, DoctorArgs};
use super::redrive::{self, RedriveArgs};

/// What finds out why the controller does nothing, and mends it.
#[derive(Debug, Subcommand)]
pub enum MendCommand {
    /// Look whether everything is there that a model's policy needs in AWS, and say what
    /// mends what is not. Nothing is changed.
    #[command(after_help = doctor::HELP)]
    Doctor(DoctorArgs),
    /// Send dead letters again to the functions and queues where they belong.
    #[command(after_help = redrive::HELP)]
    Redrive(RedriveArgs),
}
