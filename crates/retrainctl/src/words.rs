//! Numbers as people read them, and tables.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

/// A time in seconds, in at most two units: `3d4h`, `12m`, `0s`.
pub(crate) fn lasting(seconds: u32) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = seconds;
    let mut text = String::new();
    let mut left = 2;
    for (unit, length) in units {
        if left > 0 && (rest >= length || left == 1) {
            if rest >= length {
                let _ = write!(text, "{}{unit}", rest / length);
            }
            rest %= length;
            left -= 1;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// So many of something.
pub(crate) fn several(count: u64, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// A value as JSON for people and programs.
pub(crate) fn json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    writeln!(out, "{text}")
}

/// A moment without fractions of a second.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// How long ago, or ahead, a moment is.
#[cfg(feature = "aws")]
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let length = lasting(u32::try_from(seconds.unsigned_abs()).unwrap_or(u32::MAX));
    match seconds {
        ..0 => format!("{length} ago"),
        0 => "now".to_owned(),
        1.. => format!("in {length}"),
    }
}

/// A moment that may be the end of time, or none.
pub(crate) fn moment_if_any(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), moment)
}

/// Text as one line: whoever wrote it cannot make it look like several.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

/// A table as text: columns as wide as what is in them, numbers at their right edge.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// How many columns from the left are text.
    text_columns: usize,
}

impl Table {
    /// A table whose first columns are text, and the others numbers.
    pub(crate) fn new(text_columns: usize, head: impl IntoIterator<Item = String>) -> Self {
        Self {
            rows: vec![head.into_iter().collect()],
            text_columns,
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter();
        self.rows.push(cells.map(|cell| one_line(&cell)).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                if column < self.text_columns {
                    write!(line, "{gap}{cell:<width$}")?;
                } else {
                    write!(line, "{gap}{cell:>width$}")?;
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m1s"),
            (3_600, "1h"),
            (3_601, "1h"),
            (90_000, "1d1h"),
            (90_060, "1d1h"),
            (86_460, "1d"),
        ] {
            assert_eq!(lasting(seconds), text, "{seconds}");
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn a_moment_is_ago_or_ahead() {
        let now = Timestamp::constant(1_767_592_800, 0);
        let after = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(ago(after(-90), now), "1m30s ago");
        assert_eq!(ago(after(0), now), "now");
        assert_eq!(ago(after(7_200), now), "in 2h");
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(1, [String::new(), "a".to_owned()]);
        table.row(["naïve".to_owned(), "10".to_owned()]);
        table.row(["x\ny".to_owned(), "5".to_owned()]);
        assert_eq!(table.to_string(), "        a\nnaïve  10\nx y     5\n");
    }
}
