//! A backtest as a table: a row for each number, a column for each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::assumptions::Rows;
use super::report::{Numbers, Report};
use crate::words::{Table, lasting, moment, several};

/// A backtest as text.
pub(crate) struct Text<'a> {
    pub(crate) report: &'a Report,
    /// Whether each model has a row of its own.
    pub(crate) by_model: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let models = report.rules.first().map_or(0, |rule| rule.models.len());
        writeln!(
            f,
            "{} to {}: {}, {}",
            moment(report.from),
            moment(report.to),
            several(report.events.read, "event"),
            several(models as u64, "model")
        )?;
        writeln!(f, "{}", assumed(report))?;
        if !report.events.nothing.is_empty() {
            let nothing = report.events.nothing.iter();
            let nothing: Vec<String> = nothing.map(|(why, n)| format!("{n} {why}")).collect();
            writeln!(f, "Nothing to decide about: {}.", nothing.join(", "))?;
        }
        writeln!(f)?;
        comparison(report).fmt(f)?;
        if self.by_model {
            writeln!(f)?;
            of_models(report).fmt(f)?;
        }
        Ok(())
    }
}

/// What was assumed, in one paragraph.
pub(crate) fn assumed(report: &Report) -> String {
    let of = &report.assumptions;
    let rows = match of.rows {
        Rows::PerBytes(bytes) => format!("an object has a row for each {bytes} bytes"),
        Rows::PerObject(rows) => format!("an object has {rows} rows"),
    };
    let fails = if of.failure_share > 0.0 {
        format!(
            "{} of 100 fail (seed {})",
            of.failure_share * 100.0,
            of.seed
        )
    } else {
        "none fails".to_owned()
    };
    format!(
        "Assumed: a run takes {}, {fails}, and costs {} an hour; AWS accepts every start;\n\
         {rows}; parameters and baselines exist; the reconciler runs every {}.",
        of.run_time, of.price_per_hour, of.reconcile_every
    )
}

type Cell = fn(&Numbers) -> String;

/// The rows that every rule has.
const ROWS: [(&str, Cell); 10] = [
    ("starts", |of| of.starts.to_string()),
    ("  failed", |of| of.failed.to_string()),
    ("  most at once of a model", |of| {
        of.most_at_once.to_string()
    }),
    ("training hours", |of| of.training_hours.to_string()),
    ("cost", |of| format!("{:.2}", of.cost)),
    ("causes started", |of| of.wait.causes.to_string()),
    ("  waited, half of them", |of| lasting(of.wait.p50_seconds)),
    ("  waited, 95 of 100", |of| lasting(of.wait.p95_seconds)),
    ("  waited, the worst", |of| lasting(of.wait.worst_seconds)),
    ("longest without success", |of| {
        lasting(of.longest_without_success_seconds)
    }),
];

/// What happened to triggers that did not start at once.
const SUPPRESSED: [(&str, &str); 5] = [
    ("duplicate", "duplicate"),
    ("stale", "stale"),
    ("alarm_cleared", "alarms back to OK"),
    ("unconfirmed", "unconfirmed"),
    ("counted", "data counted, waiting"),
];

/// All numbers, rule beside rule.
pub(crate) fn rows(report: &Report) -> Vec<(String, Vec<String>)> {
    let totals = || report.rules.iter().map(|rule| &rule.total);
    let mut rows: Vec<(String, Vec<String>)> = ROWS
        .iter()
        .map(|(name, cell)| ((*name).to_owned(), totals().map(cell).collect()))
        .collect();
    let mut add = |name: String, count: &dyn Fn(&Numbers) -> u64| {
        let counts: Vec<u64> = totals().map(count).collect();
        if counts.iter().any(|count| *count > 0) {
            let shown = counts.iter().map(|count| match count {
                0 => "-".to_owned(),
                count => count.to_string(),
            });
            rows.push((name, shown.collect()));
        }
    };
    add("would start (observing)".to_owned(), &|of| of.would_start);
    add("held".to_owned(), &|of| of.held.values().sum());
    for guard in names(totals().map(|of| &of.held)) {
        add(format!("  {guard}"), &|of| count(&of.held, guard));
    }
    add("dropped".to_owned(), &|of| of.dropped.values().sum());
    for guard in names(totals().map(|of| &of.dropped)) {
        add(format!("  {guard}"), &|of| count(&of.dropped, guard));
    }
    for (outcome, name) in SUPPRESSED {
        add(name.to_owned(), &|of| count(&of.outcomes, outcome));
    }
    add("still held at the end".to_owned(), &|of| of.still_held);
    add("refused, from the future".to_owned(), &|of| of.impossible);
    let nothing = report.rules.iter().map(|rule| &rule.nothing);
    for why in names(nothing) {
        let counts = report.rules.iter().map(|rule| count(&rule.nothing, why));
        let shown = counts.map(|count| match count {
            0 => "-".to_owned(),
            count => count.to_string(),
        });
        rows.push((format!("ignored: {why}"), shown.collect()));
    }
    rows
}

fn count(counts: &BTreeMap<&'static str, u64>, name: &str) -> u64 {
    counts.get(name).copied().unwrap_or_default()
}

fn names<'a>(
    counts: impl Iterator<Item = &'a BTreeMap<&'static str, u64>>,
) -> BTreeSet<&'static str> {
    counts.flat_map(|counts| counts.keys().copied()).collect()
}

fn head(report: &Report, first: &str) -> Vec<String> {
    let rules = report.rules.iter().map(|rule| rule.name.clone());
    std::iter::once(first.to_owned()).chain(rules).collect()
}

fn comparison(report: &Report) -> Table {
    let mut table = Table::new(1, head(report, ""));
    for (name, cells) in rows(report) {
        table.row(std::iter::once(name).chain(cells));
    }
    table
}

/// Starts and the longest time without success, model by model.
fn of_models(report: &Report) -> Table {
    let mut table = Table::new(1, head(report, "starts / longest without success"));
    let models: BTreeSet<&String> = report
        .rules
        .iter()
        .flat_map(|rule| rule.models.keys())
        .collect();
    for model in models {
        let cells = report.rules.iter().map(|rule| {
            rule.models.get(model).map_or_else(
                || "-".to_owned(),
                |of| {
                    let without = lasting(of.longest_without_success_seconds);
                    format!("{} / {without}", of.starts)
                },
            )
        });
        table.row(std::iter::once(model.clone()).chain(cells));
    }
    table
}
