//! Showing something again and again.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use crate::exit::Failure;

/// Shows a page once, or every so often until the process is interrupted. A terminal shows
/// the newest only.
pub(super) async fn every(
    pause: Option<Duration>,
    out: &mut dyn Write,
    mut show: impl AsyncFnMut(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(pause) = pause else {
        return show(out).await;
    };
    let mut terminal = std::io::stdout();
    let is_terminal = terminal.is_terminal();
    loop {
        if is_terminal {
            // Not through `out`, which would show the command instead of giving it.
            write!(terminal, "\u{1b}[H\u{1b}[2J\u{1b}[3J")?;
            terminal.flush()?;
        }
        show(out).await?;
        out.flush()?;
        tokio::time::sleep(pause).await;
    }
}
