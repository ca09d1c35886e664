//! What was found, and how it is told.

use std::fmt::Write as _;

use retrain_controller::PortError;
use retrain_controller::chain;
use serde::Serialize;

use crate::exit::Exit;
use crate::words::one_line;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works, and a person may want it otherwise.
    Warning,
    /// Something does not work.
    Failed,
    /// It could not be looked at.
    Unknown,
}

/// What was found about one thing.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    /// What was looked at.
    subject: String,
    state: State,
    what: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    model: String,
    failed: usize,
    unknown: usize,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn of(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            ..Self::default()
        }
    }

    fn add(
        &mut self,
        state: State,
        check: &'static str,
        subject: &str,
        what: impl Into<String>,
        fix: Option<String>,
    ) {
        self.failed += usize::from(state == State::Failed);
        self.unknown += usize::from(state == State::Unknown);
        self.findings.push(Finding {
            check,
            subject: subject.to_owned(),
            state,
            what: what.into(),
            fix,
        });
    }

    pub(super) fn ok(&mut self, check: &'static str, subject: &str, what: impl Into<String>) {
        self.add(State::Ok, check, subject, what, None);
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        subject: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(State::Warning, check, subject, what, Some(fix.into()));
    }

    pub(super) fn fail(
        &mut self,
        check: &'static str,
        subject: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(State::Failed, check, subject, what, Some(fix.into()));
    }

    pub(super) fn unknown(&mut self, check: &'static str, subject: &str, why: impl Into<String>) {
        self.add(State::Unknown, check, subject, why, None);
    }

    /// What a call found out, if it did; otherwise it is noted that it did not.
    pub(super) fn known<T>(
        &mut self,
        check: &'static str,
        subject: &str,
        looked: Result<T, PortError>,
    ) -> Option<T> {
        looked
            .map_err(|error| self.unknown(check, subject, chain(&error)))
            .ok()
    }

    pub(super) const fn exit(&self) -> Exit {
        match (self.failed, self.unknown) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Failed,
            _ => Exit::No,
        }
    }

    /// What a person reads: what mends a thing stands below it.
    pub(super) fn text(&self) -> String {
        let width = |of: fn(&Finding) -> &str| {
            let lengths = self.findings.iter().map(|one| of(one).chars().count());
            lengths.max().unwrap_or_default()
        };
        let (checks, subjects) = (width(|one| one.check), width(|one| &one.subject));
        let mut text = String::new();
        for finding in &self.findings {
            let Finding { check, subject, .. } = finding;
            let state = match finding.state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Failed => "FAILED",
                State::Unknown => "unknown",
            };
            let (subject, what) = (one_line(subject), one_line(&finding.what));
            let line = format!("{state:<7}  {check:<checks$}  {subject:<subjects$}  {what}");
            let _ = writeln!(text, "{}", line.trim_end());
            for (number, line) in finding.fix.iter().flat_map(|fix| fix.lines()).enumerate() {
                let lead = if number == 0 { "mend it:" } else { "" };
                let _ = writeln!(text, "{:7}  {lead:<8} {line}", "");
            }
        }
        let _ = writeln!(
            text,
            "{} looked at, {} failed, {} could not be looked at",
            self.findings.len(),
            self.failed,
            self.unknown
        );
        text
    }
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
