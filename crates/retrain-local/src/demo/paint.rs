//! Colours, where somebody looks.

/// Paints text for a terminal, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colours: bool,
}

impl Paint {
    pub(crate) const fn new(colours: bool) -> Self {
        Self { colours }
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// An outcome in the colour of its meaning: green acts, yellow waits, grey does
    /// nothing, red needs somebody's attention.
    pub(crate) fn outcome(self, outcome: &str, width: usize) -> String {
        let colour = match outcome {
            "claimed" | "started" | "resumed" | "succeeded" => "32",
            "held" | "dropped" | "alarm_cleared" | "counted" => "33",
            "duplicate" | "ignored" | "stale" | "unchanged" | "its manifest" => "90",
            _ => "31",
        };
        self.with(colour, &format!("{outcome:<width$}"))
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
