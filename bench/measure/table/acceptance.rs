//! What was asked for, and whether it is met.

use std::path::Path;

use super::core::Core;
use super::read;
use crate::candidate::Candidate;
use crate::functions::Row;
use crate::scenario::Scenario;
use crate::{bursts, cost, due, policies};

/// A demand, what was measured, and whether that is enough.
struct Line(String, String, bool);

impl Line {
    fn at_least(what: &str, limit: f64, found: f64) -> Self {
        let what = format!("{what}: at least {limit} times");
        Self(what, format!("{found:.1}"), found >= limit)
    }

    fn at_most(what: &str, limit: f64, found: f64, unit: &str) -> Self {
        let what = format!("{what}: at most {limit}{unit}");
        let digits = if found.fract() == 0.0 { 0 } else { 2 };
        Self(what, format!("{found:.digits$}"), found <= limit)
    }
}

pub(super) fn table(rows: &[Row], core: Option<&Core>, folder: &Path) -> String {
    let mut lines = of_functions(rows);
    lines.extend(of_the_rest(folder));
    for (kind, _, rate) in core.map(|core| &core.steps).into_iter().flatten() {
        let what = format!(
            "`step`, {}: above 1 million a second",
            kind.replace('_', " ")
        );
        lines.push(Line(
            what,
            format!("{:.2} million", rate / 1e6),
            *rate > 1e6,
        ));
    }
    let verdict = |met: bool| if met { "yes" } else { "**no**" }.to_owned();
    let rows = lines
        .into_iter()
        .map(|Line(what, found, met)| vec![what, found, verdict(met)]);
    super::table(&["asked for", "measured", "met"], rows)
}

fn of_functions(rows: &[Row]) -> Vec<Line> {
    let find = |scenario: Scenario, candidate: Candidate| {
        rows.iter().find(|row| {
            (row.scenario.as_str(), row.candidate.as_str()) == (scenario.name(), candidate.name())
        })
    };
    let mut lines = Vec::new();
    for scenario in [Scenario::Suppressed, Scenario::Started] {
        let [Some(ours), Some(peer)] =
            [Candidate::Controller, Candidate::Peer].map(|one| find(scenario, one))
        else {
            continue;
        };
        let name = scenario.name();
        if scenario == Scenario::Suppressed {
            lines.push(Line::at_least(
                "init, faster than the Python peer",
                30.0,
                peer.init_ms / ours.init_ms,
            ));
            let cold = peer.cold_tls_ms / ours.cold_tls_ms;
            lines.push(Line::at_least(
                "cold first answer over TLS, faster than the Python peer",
                20.0,
                cold,
            ));
            let memory = peer.peak_mib / ours.peak_mib;
            lines.push(Line::at_least(
                "peak memory, less than the Python peer",
                7.0,
                memory,
            ));
        }
        let calls = |row: &Row| row.warm_calls;
        let what = format!(
            "warm, {name}, faster than the Python peer ({} calls against {})",
            calls(ours),
            calls(peer)
        );
        lines.push(Line::at_least(&what, 2.0, peer.warm_ms / ours.warm_ms));
        if let Some(same) = find(scenario, Candidate::PeerCalls) {
            let what = format!("warm, {name}, faster than Python with the same calls");
            lines.push(Line::at_least(&what, 2.0, same.warm_ms / ours.warm_ms));
        }
    }
    for scenario in Scenario::ALL {
        let [Some(ours), Some(floor)] =
            [Candidate::Controller, Candidate::FloorCalls].map(|one| find(scenario, one))
        else {
            continue;
        };
        let what = format!(
            "warm, {}, {}, against Rust with the same calls",
            scenario.function(),
            scenario.name()
        );
        lines.push(Line::at_most(
            &what,
            1.3,
            ours.warm_ms / floor.warm_ms,
            " times",
        ));
    }
    let zips = rows
        .iter()
        .filter(|row| row.candidate == Candidate::Controller.name());
    let largest = zips
        .filter_map(|row| row.zip_bytes)
        .max()
        .unwrap_or_default();
    let largest = f64::from(u32::try_from(largest).unwrap()) / 1e6;
    lines.push(Line::at_most("largest zip", 3.5, largest, " MB"));
    lines
}

fn of_the_rest(folder: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    let costs: Vec<cost::Row> = read(folder, "cost").unwrap_or_default();
    for (what, limit) in [("suppressed", 2.0), ("started", 6.0)] {
        let row = costs.iter().find(|row| row.event.starts_with(what));
        if let Some(row) = row {
            let calls = row.count();
            lines.push(Line::at_most(
                &format!("calls, {what}"),
                limit,
                f64::from(calls),
                "",
            ));
        }
    }
    let bursts: Vec<bursts::Row> = read(folder, "bursts").unwrap_or_default();
    if let Some(row) = bursts.first() {
        let found = row.transactions_per_1000_objects;
        lines.push(Line::at_most(
            "write transactions per 1,000 objects, one worker",
            15.0,
            found,
            "",
        ));
    }
    let due: Vec<due::Row> = read(folder, "due").unwrap_or_default();
    if let Some(row) = due
        .iter()
        .filter(|row| row.due == 0)
        .max_by_key(|row| row.models)
    {
        let what = format!("queries of 8 shards, {} models, none due", row.models);
        let found = f64::from(u32::try_from(row.calls).unwrap());
        lines.push(Line::at_most(&what, 8.0, found, ""));
    }
    lines.extend(of_bundle(folder));
    lines
}

fn of_bundle(folder: &Path) -> Option<Line> {
    let policies: Vec<policies::Row> = read(folder, "policies")?;
    let of_bundle = policies.iter().filter(|row| row.source.contains("bundle"));
    let most = of_bundle.max_by_key(|row| row.models)?;
    let what = format!("reads of a bundle of {} models, cold", most.models);
    let found = f64::from(u32::try_from(most.cold_reads).unwrap());
    Some(Line::at_most(&what, 3.0, found, ""))
}
