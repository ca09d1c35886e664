//! Each sample is described in `events/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::sample::{Function, folder, names, undecided};

fn readme() -> String {
    fs::read_to_string(folder().join("README.md")).unwrap()
}

/// All tables: a sample's row, split at the bars.
fn table() -> BTreeMap<String, Vec<String>> {
    let readme = readme();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row
            .split(" | ")
            .map(|cell| cell.trim_matches([' ', '|', '`']).to_owned());
        (cells.next().unwrap().replace(".json", ""), cells.collect())
    })
    .collect()
}

#[test]
fn every_sample_has_a_row_and_every_row_a_sample() {
    let table = table();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), names());
    for (name, cells) in table {
        assert_eq!(
            cells.len(),
            3,
            "{name}: what it is, source, decision: {cells:?}"
        );
        assert!(
            cells.iter().all(|cell| !cell.is_empty()),
            "{name}: {cells:?}"
        );
    }
}

#[test]
fn each_row_is_under_the_heading_of_its_function() {
    let readme = readme();
    let mut heading = "";
    for line in readme.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text;
        } else if let Some(row) = line.strip_prefix("| `") {
            let name = row.split(".json").next().unwrap();
            assert_eq!(Function::of(name).name(), heading, "{name}");
        }
    }
}

#[test]
fn the_rows_name_what_parsing_decides() {
    for (name, cells) in table() {
        let decision = cells.last().unwrap();
        for result in undecided(&name).into_iter().flatten() {
            let expected = match &result {
                Ok(why) => why,
                Err(error) => error.name(),
            };
            assert!(
                decision.contains(expected),
                "{name}: {decision} does not say {expected}"
            );
        }
    }
}
