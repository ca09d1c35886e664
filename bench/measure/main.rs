//! `make bench`: the controller beside what one would write instead, and beside the limit.
//!
//! Each section writes what it measured to `target/bench/SECTION.json`; `table` makes the
//! tables of `docs/PERFORMANCE.md` of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that fails tells why by panicking"
)]

mod bursts;
mod candidate;
mod cost;
mod due;
mod endpoint;
mod functions;
#[path = "../../tests/emulator/lambda.rs"]
#[allow(dead_code, reason = "the tests do more with it")]
mod lambda;
mod numbers;
mod policies;
mod process;
mod scenario;
mod table;
#[path = "../../tests/emulator/template.rs"]
mod template;
mod tls;
mod world;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use self::endpoint::Endpoint;
use self::functions::Effort;
use self::lambda::{say, workspace};

/// What is measured when nothing is named.
const SECTIONS: [&str; 5] = ["functions", "cost", "bursts", "due", "policies"];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let asked = std::env::args().skip(1).filter(|one| !one.starts_with('-'));
    let asked: Vec<String> = asked.collect();
    let folder = workspace().join("target/bench");
    let tls = tls::make(&folder.join("tls"));
    let endpoint = Arc::new(Endpoint::start(tls.acceptor.clone()).await.unwrap());
    // To try the measurement, not to believe it.
    let is_short = std::env::var_os("BENCH_SHORT").is_some();
    for section in SECTIONS {
        // `table` names no section: it only writes what was measured before.
        if !asked.is_empty() && !asked.iter().any(|one| one == section) {
            continue;
        }
        match section {
            "functions" => {
                let effort = Effort::of(is_short);
                let rows = functions::measure(&endpoint, &tls, &folder, effort).await;
                write(&folder, section, &rows);
            }
            "cost" => write(&folder, section, &cost::measure(&endpoint).await),
            "bursts" => write(
                &folder,
                section,
                &bursts::measure(&endpoint, is_short).await,
            ),
            "due" => write(&folder, section, &due::measure(&endpoint, is_short).await),
            "policies" => write(
                &folder,
                section,
                &policies::measure(&endpoint, is_short).await,
            ),
            _ => {}
        }
    }
    // What is only tried is not written down.
    if !is_short {
        table::write(&folder);
    }
}

fn write(folder: &Path, section: &str, found: &impl Serialize) {
    let text = serde_json::to_string_pretty(found).unwrap();
    std::fs::write(folder.join(format!("{section}.json")), text + "\n").unwrap();
}
