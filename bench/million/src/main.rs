//! How long a million events of a thousand models take:
//!
//! ```sh
//! cargo run --profile dist --package million
//! ```
//!
//! It writes them to the directory for temporary files once, and prints the time and
//! the memory that the backtest takes.

#[path = "../../../crates/retrainctl/examples/month/generate.rs"]
mod generate;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _, stderr, stdout};
use std::path::Path;
use std::time::Instant;

use clap::Parser as _;
use mimalloc::MiMalloc;
use retrainctl::cli::Cli;

/// As the command line has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const MODELS: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join("retrainctl-million");
    let policies = directory.join("policies");
    let events = directory.join("events.jsonl");
    if !events.exists() {
        fs::create_dir_all(&policies)?;
        write(&events, &policies)?;
    }
    let began = Instant::now();
    let arguments = [
        "retrainctl".as_ref(),
        "simulate".as_ref(),
        events.as_os_str(),
        "--policies".as_ref(),
        policies.as_os_str(),
    ];
    let cli = Cli::try_parse_from(arguments)?;
    retrainctl::run(&cli, &mut stdout(), &mut stderr())?;
    writeln!(stdout(), "\n{:.1?} in all", began.elapsed())?;
    // The most memory that the process has had, where the system tells.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    writeln!(stdout(), "{}", peak.unwrap_or_default())?;
    Ok(())
}

/// A thousand events of each model.
fn write(events: &Path, policies: &Path) -> Result<(), Box<dyn Error>> {
    let models: Vec<generate::Model> = (1..=MODELS)
        .map(|number| generate::Model {
            name: format!("model-{number:04}"),
            drifts: 50,
            flapping: 30,
            batches: 62,
            objects: 8,
        })
        .collect();
    let from = "2026-01-01T00:00:00Z".parse()?;
    let mut out = BufWriter::new(File::create(events)?);
    let written = generate::write(&models, from, 30, 1, &mut out)?;
    out.flush()?;
    writeln!(stderr(), "{written} events are in {}", events.display())?;
    for model in models {
        let name = &model.name;
        let policy = format!(
            r#"{{
                "pipeline": {{"name": "{name}-training"}},
                "parameters": {{"ControllerToken": "{{token}}"}},
                "drift": {{"alarms": [{{"endpoint": "{name}-prod"}}]}},
                "data": {{
                    "objects": [{{"bucket": "{name}-data", "prefix": "training/"}}],
                    "min_rows": 10000,
                    "quiet_period": "10m"
                }},
                "min_interval": "6h"
            }}"#
        );
        fs::write(policies.join(format!("{name}.json")), policy)?;
    }
    Ok(())
}
