//! Text that does nothing to a terminal.

use std::io::{self, Write};

/// Writes text with what could steer a terminal, or turn the order of its letters, as
/// escapes.
///
/// Names, reasons and failures come from other people's systems. The escapes are those of
/// JSON strings, in which such characters never stand otherwise: JSON stays what it was.
#[derive(Debug)]
pub struct Safe<W> {
    to: W,
    /// The beginning of a character whose end was not written yet.
    begun: Vec<u8>,
}

impl<W: Write> Safe<W> {
    /// What is written goes to `to`.
    pub const fn new(to: W) -> Self {
        Self {
            to,
            begun: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, found)) = rest.char_indices().find(|(_, c)| steers(*c)) {
            let (before, after) = rest.split_at(at);
            self.to.write_all(before.as_bytes())?;
            write!(self.to, "\\u{:04x}", u32::from(found))?;
            rest = after.get(found.len_utf8()..).unwrap_or_default();
        }
        self.to.write_all(rest.as_bytes())
    }
}

impl<W: Write> Write for Safe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text)?;
                    break;
                }
                Err(error) => {
                    let (valid, others) = rest.split_at(error.valid_up_to());
                    self.text(&String::from_utf8_lossy(valid))?;
                    let Some(bad) = error.error_len() else {
                        self.begun = others.to_vec();
                        break;
                    };
                    self.text("\u{fffd}")?;
                    rest = others.get(bad..).unwrap_or_default();
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Whether a terminal takes it for a command, or it turns the order of what follows.
fn steers(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&[u8]]) -> String {
        let mut safe = Safe::new(Vec::new());
        for part in parts {
            safe.write_all(part).unwrap();
        }
        String::from_utf8(safe.to).unwrap()
    }

    #[test]
    fn what_steers_a_terminal_is_shown_instead_of_obeyed() {
        for (text, shown) in [
            (
                "plain, naïve, 東京 🚀\n\tend\n",
                "plain, naïve, 東京 🚀\n\tend\n",
            ),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("a\rb\u{8}c\u{7f}", "a\\u000db\\u0008c\\u007f"),
            ("\u{9b}2J", "\\u009b2J"),
            ("user\u{202e}nimda", "user\\u202enimda"),
        ] {
            assert_eq!(written(&[text.as_bytes()]), shown);
            // However it is cut into pieces.
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(written(&bytes), shown);
        }
        assert_eq!(written(&[b"a\xffb\xc3"]), "a\u{fffd}b");
    }

    #[test]
    fn json_means_the_same_afterwards() {
        let value = serde_json::json!({"why": "\u{1b}[2J \u{7f} \u{9b} \u{202e} \u{2028}"});
        let shown = written(&[value.to_string().as_bytes()]);
        assert!(!shown.contains(steers), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, value);
    }
}
