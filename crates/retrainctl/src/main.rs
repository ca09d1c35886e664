//! The operator's command line of the retraining controller.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use retrainctl::cli::Cli;
use retrainctl::{Exit, Failure, Safe, run};

/// A backtest of a million events allocates a hundred times as often: with the system's
/// allocator it takes a quarter longer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Safe::new(BufWriter::new(io::stdout().lock()));
    let mut err = Safe::new(io::stderr());
    let done = run(&cli, &mut out, &mut err);
    let done = done.and_then(|exit| out.flush().map(|()| exit).map_err(Failure::from));
    let exit = done.unwrap_or_else(|failure| {
        // Whoever reads a part of the output has seen enough.
        if failure.is_closed_pipe() {
            return Exit::Done;
        }
        let _ = writeln!(err, "retrainctl: {failure}");
        failure.exit()
    });
    ExitCode::from(exit.code())
}
