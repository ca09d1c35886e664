//! What the core's benchmark and the backtest of a million events have printed.

use std::fs;
use std::path::Path;

/// Decisions a second of each kind, and how long a million events take.
pub(crate) struct Core {
    pub(crate) steps: Vec<(String, String, f64)>,
    million: Option<String>,
}

/// Reads `step.txt` and `million.txt`.
pub(super) fn read(folder: &Path) -> Option<Core> {
    let printed = fs::read_to_string(folder.join("step.txt")).ok()?;
    let million = fs::read_to_string(folder.join("million.txt")).ok();
    let million = million.and_then(|text| {
        let took = text
            .lines()
            .find_map(|line| line.strip_suffix(" in all"))?
            .to_owned();
        let peak = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?
            .trim();
        Some(format!(
            "A backtest of a million events of 1,000 models takes {took} and {peak}."
        ))
    });
    Some(Core {
        steps: steps(&printed),
        million,
    })
}

/// The medians of Divan's table: a line of times and one of throughputs for each kind.
fn steps(printed: &str) -> Vec<(String, String, f64)> {
    let mut found = Vec::new();
    let mut kind = None;
    for line in printed.lines() {
        let columns: Vec<&str> = line.split('│').map(str::trim).collect();
        let name = line
            .trim_start_matches(['├', '╰', '─', ' '])
            .split_whitespace()
            .next();
        if line.contains("─ ") {
            let median = columns.get(2).unwrap_or(&"");
            kind = name.map(|name| (name.to_owned(), (*median).to_owned()));
        } else if let Some((name, median)) = kind.take_if(|_| line.contains("item/s")) {
            let rates: Vec<&str> = columns
                .iter()
                .filter(|one| one.ends_with("item/s"))
                .copied()
                .collect();
            // The fastest, the slowest, the median.
            let rate = rates.get(2).unwrap_or(&"");
            found.push((name, median, per_second(rate)));
        }
    }
    found
}

/// `958.1 Kitem/s`.
fn per_second(rate: &str) -> f64 {
    let (number, unit) = rate.split_once(' ').unwrap_or_default();
    let factor = match unit {
        "Gitem/s" => 1e9,
        "Mitem/s" => 1e6,
        "Kitem/s" => 1e3,
        _ => 1.0,
    };
    number.parse::<f64>().unwrap_or_default() * factor
}

pub(super) fn table(core: &Core) -> String {
    let rows = core.steps.iter().map(|(kind, median, rate)| {
        vec![
            kind.replace('_', " "),
            median.clone(),
            format!("{:.2} million", rate / 1e6),
        ]
    });
    let steps = super::table(&["`step`", "median", "a second"], rows);
    format!("{steps}\n{}", core.million.as_deref().unwrap_or_default())
}
