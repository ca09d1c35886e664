//! What the gate says, condition by condition.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::number::Number;
use super::policy::{Gate, Limit};
use super::text::{ApprovalDescription, cell, one_line};

/// What the gate says about a model package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is to be done.
    pub outcome: Outcome,
    /// What each condition said, in the policy's order.
    pub conditions: Vec<ConditionResult>,
    /// One line about all of it; the worst comes first.
    pub summary: String,
}

/// What the gate wants done with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every condition passes.
    Approve,
    /// A condition fails clearly, and every other is known.
    Reject,
    /// A person decides.
    AskPerson,
}

/// What became of one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionResult {
    /// The metric as the policy writes it.
    pub name: String,
    /// What the policy wants of it, in words.
    pub wanted: String,
    /// The candidate's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Number>,
    /// Where the value stands in its report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<String>,
    /// The limit that the value was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The champion's value, if it could be read. It counts only for comparisons with
    /// the champion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<Number>,
    /// What that means.
    pub verdict: ConditionVerdict,
}

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionVerdict {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// The value is so near the limit that a person decides.
    Borderline,
    /// Nobody knows.
    Unknown {
        /// What is missing or wrong.
        why: String,
    },
}

impl ConditionVerdict {
    /// The worst first: in this order the summary lists conditions.
    const fn rank(&self) -> u8 {
        match self {
            Self::Fail => 0,
            Self::Unknown { .. } => 1,
            Self::Borderline => 2,
            Self::Pass => 3,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown { .. } => "unknown",
            Self::Borderline => "borderline",
            Self::Pass => "pass",
        }
    }
}

impl Verdict {
    pub(super) fn of(gate: &Gate, conditions: Vec<ConditionResult>) -> Self {
        let worst = |rank: u8| {
            conditions
                .iter()
                .any(|condition| condition.verdict.rank() == rank)
        };
        let [fail, unknown, borderline] = [0, 1, 2].map(worst);
        // No condition at all is no reason to approve.
        let outcome = if unknown || conditions.is_empty() {
            Outcome::AskPerson
        } else if fail {
            gate.on_fail.outcome()
        } else if borderline {
            Outcome::AskPerson
        } else {
            Outcome::Approve
        };
        let summary = summary(outcome, &conditions);
        Self {
            outcome,
            conditions,
            summary,
        }
    }

    /// The summary for the package's `ApprovalDescription`.
    pub fn approval_description(&self) -> ApprovalDescription {
        ApprovalDescription::new(&self.summary)
    }

    /// All conditions as a Markdown table, for notifications and records.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| condition | wanted | value | champion | verdict | where, or why not |\n\
             |---|---|---|---|---|---|\n",
        );
        for condition in &self.conditions {
            table.push_str(&condition.row());
        }
        table
    }
}

fn summary(outcome: Outcome, conditions: &[ConditionResult]) -> String {
    let passed = conditions
        .iter()
        .filter(|condition| condition.verdict == ConditionVerdict::Pass)
        .count();
    let mut worst_first: Vec<&ConditionResult> = conditions.iter().collect();
    worst_first.sort_by_key(|condition| condition.verdict.rank());
    let each: Vec<String> = worst_first.into_iter().map(ToString::to_string).collect();
    one_line(&format!(
        "{outcome}: {passed} of {} conditions pass. {}",
        conditions.len(),
        each.join("; ")
    ))
}

impl ConditionResult {
    fn row(&self) -> String {
        let number = |number: Option<Number>| number.map_or("-".to_string(), |n| n.to_string());
        let note = match (&self.verdict, &self.found_at) {
            (ConditionVerdict::Unknown { why }, _) => why.as_str(),
            (_, Some(found_at)) => found_at.as_str(),
            (_, None) => "",
        };
        format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            cell(&self.name),
            cell(&self.wanted),
            number(self.value),
            number(self.champion),
            self.verdict.word(),
            cell(note),
        )
    }
}

impl fmt::Display for ConditionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.verdict.word();
        write!(f, "{word}: {}", self.name)?;
        if let Some(value) = self.value {
            write!(f, " {value}")?;
        }
        write!(f, ", wanted {}", self.wanted)?;
        match &self.verdict {
            ConditionVerdict::Unknown { why } => write!(f, ", but {why}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "the gate approves",
            Self::Reject => "the gate rejects",
            Self::AskPerson => "the gate asks a person",
        })
    }
}
