//! The tables of `docs/PERFORMANCE.md`, made of what was measured.

mod acceptance;
mod core;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::lambda::workspace;
use crate::{bursts, cost, due, functions, policies};

/// Replaces what is between the markers of each section that was measured.
pub(crate) fn write(folder: &Path) {
    let path = workspace().join("docs/PERFORMANCE.md");
    let mut text = fs::read_to_string(&path).unwrap();
    let functions: Option<Vec<functions::Row>> = read(folder, "functions");
    let core = core::read(folder);
    let blocks = [
        ("machine", Some(machine())),
        (
            "acceptance",
            functions
                .as_ref()
                .map(|rows| acceptance::table(rows, core.as_ref(), folder)),
        ),
        ("functions", functions.as_deref().map(of_functions)),
        ("sandbox", functions.as_deref().map(of_sandbox)),
        (
            "cost",
            read(folder, "cost").map(|rows: Vec<cost::Row>| of_cost(&rows)),
        ),
        (
            "bursts",
            read(folder, "bursts").map(|rows: Vec<bursts::Row>| of_bursts(&rows)),
        ),
        (
            "due",
            read(folder, "due").map(|rows: Vec<due::Row>| of_due(&rows)),
        ),
        (
            "policies",
            read(folder, "policies").map(|rows: Vec<policies::Row>| of_policies(&rows)),
        ),
        ("core", core.as_ref().map(core::table)),
    ];
    for (name, block) in blocks {
        if let Some(block) = block {
            text = replaced(&text, name, &block);
        }
    }
    fs::write(path, text).unwrap();
}

/// What a section has measured, if it has.
fn read<T: DeserializeOwned>(folder: &Path, section: &str) -> Option<T> {
    let text = fs::read_to_string(folder.join(format!("{section}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn replaced(text: &str, name: &str, block: &str) -> String {
    let [open, close] = [
        format!("<!-- bench {name} -->"),
        format!("<!-- /bench {name} -->"),
    ];
    let (before, rest) = text
        .split_once(&open)
        .unwrap_or_else(|| panic!("no {open}"));
    let (_, after) = rest
        .split_once(&close)
        .unwrap_or_else(|| panic!("no {close}"));
    format!("{before}{open}\n{}\n{close}{after}", block.trim_end())
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n", head.join(" | "));
    // The first column is a name, and the others are numbers.
    let rule = head
        .iter()
        .enumerate()
        .map(|(place, _)| if place == 0 { "---" } else { "---:" });
    writeln!(text, "|{}|", rule.collect::<Vec<_>>().join("|")).unwrap();
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).unwrap();
    }
    text
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or("an unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let today = jiff::Timestamp::now().to_string();
    let today = today.split('T').next().unwrap_or_default();
    format!(
        "Measured on {today}, {cores} cores of {name}, Linux, x86_64, release {}.",
        env!("CARGO_PKG_VERSION")
    )
}

fn milliseconds(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn mebibytes(bytes: u64) -> String {
    let kib = f64::from(u32::try_from(bytes / 1_024).unwrap());
    match bytes {
        0..100_000 => format!("{bytes} B"),
        _ => format!("{:.2} MiB", kib / 1_024.0),
    }
}

fn of_functions(rows: &[functions::Row]) -> String {
    let mut text = String::new();
    let mut of = "";
    for row in rows {
        if of != row.scenario {
            of = &row.scenario;
            let rows = rows.iter().filter(|one| one.scenario == of);
            writeln!(text, "**{}: {of}**\n\n{}", row.function, of_scenario(rows)).unwrap();
        }
    }
    text
}

fn of_scenario<'a>(rows: impl Iterator<Item = &'a functions::Row>) -> String {
    let head = [
        "",
        "init, ms",
        "cold, ms",
        "cold over TLS, ms",
        "warm, ms",
        "warm p99, ms",
        "warm over TLS, ms",
        "peak, MiB",
        "zip",
        "calls cold / warm",
    ];
    table(
        &head,
        rows.map(|row| {
            vec![
                row.candidate.clone(),
                milliseconds(row.init_ms),
                milliseconds(row.cold_plain_ms),
                milliseconds(row.cold_tls_ms),
                milliseconds(row.warm_ms),
                milliseconds(row.warm_p99_ms),
                milliseconds(row.warm_tls_ms),
                format!("{:.1}", row.peak_mib),
                row.zip_bytes.map_or_else(String::new, mebibytes),
                format!("{} / {}", row.cold_calls, row.warm_calls),
            ]
        }),
    )
}

fn of_sandbox(rows: &[functions::Row]) -> String {
    let head = ["", "cold, ms", "warm, ms", "warm p99, ms"];
    table(
        &head,
        rows.iter().filter_map(|row| {
            Some(vec![
                format!("{}, {}: {}", row.candidate, row.function, row.scenario),
                milliseconds(row.sandbox_cold_ms?),
                milliseconds(row.sandbox_warm_ms?),
                milliseconds(row.sandbox_warm_p99_ms?),
            ])
        }),
    )
}

fn of_cost(rows: &[cost::Row]) -> String {
    let prices = cost::Prices::read();
    let head = [
        "event, warm",
        "calls",
        "read units",
        "write units",
        "logs, bytes",
        "works, ms",
        "billed, ms",
        "US$ per million",
    ];
    let table = table(
        &head,
        rows.iter().map(|row| {
            vec![
                format!("{}: {}", row.function, row.event),
                row.shown_calls(),
                format!("{}", row.reads),
                format!("{}", row.writes),
                row.log_bytes.to_string(),
                milliseconds(row.work_ms),
                milliseconds(row.billed_ms),
                format!("{:.2}", row.usd_per_million),
            ]
        }),
    );
    format!(
        "{table}\nPrices: {}. `call_ms` is {}, {}.",
        prices.of, prices.call_ms, prices.call_ms_of
    )
}

fn of_bursts(rows: &[bursts::Row]) -> String {
    let head = [
        "workers",
        "objects",
        "took, ms",
        "objects a second",
        "a second and worker",
        "transactions per 1,000 objects",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                row.workers.to_string(),
                row.objects.to_string(),
                milliseconds(row.took_ms),
                format!("{:.0}", row.objects_per_second),
                format!("{:.0}", row.objects_per_second_and_worker),
                format!("{:.1}", row.transactions_per_1000_objects),
            ]
        }),
    )
}

fn of_due(rows: &[due::Row]) -> String {
    let head = [
        "models",
        "due",
        "runs",
        "queries",
        "calls in all",
        "took, ms",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                row.models.to_string(),
                row.due.to_string(),
                row.runs.to_string(),
                row.queries.to_string(),
                row.calls.to_string(),
                milliseconds(row.took_ms),
            ]
        }),
    )
}

fn of_policies(rows: &[policies::Row]) -> String {
    let head = [
        "source",
        "models",
        "reads, cold",
        "cold, ms",
        "cold with 10 ms a call, ms",
        "at 40 calls a second, s",
        "reads, warm",
        "warm, ms",
        "peak, MiB",
    ];
    table(
        &head,
        rows.iter().map(|row| {
            vec![
                row.source.clone(),
                row.models.to_string(),
                row.cold_reads.to_string(),
                milliseconds(row.cold_ms),
                milliseconds(row.cold_with_latency_ms),
                format!("{:.1}", row.quota_seconds),
                row.warm_reads.to_string(),
                milliseconds(row.warm_ms),
                format!("{:.1}", row.peak_mib),
            ]
        }),
    )
}
