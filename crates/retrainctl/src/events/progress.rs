//! How far reading is, for a person who waits.

use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Input that is smaller is read before anybody looks.
const WORTH_SHOWING: u64 = 4 << 20;

/// How wide the bar is.
const WIDTH: u64 = 30;

/// Counts the bytes that were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted(Arc<AtomicU64>);

/// A source whose bytes are counted.
pub(crate) struct Reading<R> {
    source: R,
    counted: Counted,
}

impl Counted {
    pub(crate) fn reading<R: Read>(&self, source: R) -> Reading<R> {
        Reading {
            source,
            counted: self.clone(),
        }
    }

    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(into)?;
        self.counted.0.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// A line on the terminal that says how far reading is; nothing where standard error
/// is no terminal.
#[derive(Debug)]
pub(crate) struct Bar {
    counted: Counted,
    total: u64,
    shown: Option<u64>,
}

impl Bar {
    pub(crate) fn new(files: &[PathBuf], counted: &Counted, quiet: bool) -> Option<Self> {
        let size = |path: &PathBuf| Path::metadata(path).map_or(0, |file| file.len());
        let total: u64 = files.iter().map(size).sum();
        let is_shown = !quiet && io::stderr().is_terminal() && total >= WORTH_SHOWING;
        is_shown.then(|| Self {
            counted: counted.clone(),
            total,
            shown: None,
        })
    }

    /// Draws it anew, if it has moved.
    pub(crate) fn draw(&mut self, events: u64) {
        let percent = (self.counted.bytes() * 100 / self.total).min(100);
        if self.shown.replace(percent) != Some(percent) {
            let line = line(percent, events);
            // A terminal that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r{line}");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let _ = write!(io::stderr(), "\r{:80}\r", "");
    }
}

fn line(percent: u64, events: u64) -> String {
    let full = usize::try_from(percent * WIDTH / 100).unwrap_or_default();
    let rest = usize::try_from(WIDTH).unwrap_or_default() - full;
    format!(
        "reading [{}{}] {percent:>3} %  {events} events",
        "#".repeat(full),
        " ".repeat(rest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_full_as_the_input_is_read() {
        assert_eq!(
            line(50, 12),
            "reading [###############               ]  50 %  12 events"
        );
        assert_eq!(line(100, 1).matches('#').count(), 30);
    }

    #[test]
    fn what_is_read_is_counted() {
        let counted = Counted::default();
        let mut text = String::new();
        let mut source = counted.reading("twelve bytes".as_bytes());
        source.read_to_string(&mut text).unwrap();
        assert_eq!(counted.bytes(), 12);
    }
}
