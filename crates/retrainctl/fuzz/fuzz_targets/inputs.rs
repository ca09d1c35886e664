//! Any file that the command line is given: a recording to play (JSON Lines, values one
//! after the other, an array, one event, gzip), an event to explain, a slot's state, and
//! a policy.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Parser as _;
use libfuzzer_sys::fuzz_target;
use retrainctl::cli::Cli;
use retrainctl::{Exit, Failure};

const POLICY: &str = include_str!("../policy.json");
const ALARM: &str = include_str!("../../../../events/drift-alarm/alarm.json");

/// Where this process keeps the files that it gives.
static DESK: LazyLock<Desk> = LazyLock::new(Desk::new);

struct Desk {
    policies: PathBuf,
    alarm: PathBuf,
    given: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let desk = std::env::temp_dir().join(format!("retrainctl-fuzz-{}", std::process::id()));
        let policies = desk.join("policies");
        fs::create_dir_all(&policies).unwrap();
        fs::write(policies.join("fraud-detection.json"), POLICY).unwrap();
        let alarm = desk.join("alarm.json");
        fs::write(&alarm, ALARM).unwrap();
        Self {
            policies,
            alarm,
            given: desk.join("given"),
        }
    }
}

/// What the command prints as data, if it could be done.
fn run(arguments: &[&str]) -> Result<(Exit, Vec<u8>), Failure> {
    let arguments = ["retrainctl"].iter().chain(arguments);
    let cli = Cli::try_parse_from(arguments).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = retrainctl::run(&cli, &mut out, &mut err)?;
    Ok((exit, out))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fuzz_target!(|bytes: &[u8]| {
    let desk = &*DESK;
    fs::write(&desk.given, bytes).unwrap();
    let (given, policies) = (text(&desk.given), text(&desk.policies));
    let played = run(&["simulate", given, "--policies", policies, "--json"]);
    if let Ok((_, out)) = played {
        let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert!(report.is_object() || report.is_array());
    }
    let _ = run(&["explain", given, "--policies", policies]);
    let alarm = text(&desk.alarm);
    let _ = run(&["explain", alarm, "--policies", policies, "--state", given]);
    let _ = run(&["policy", "check", given]);
});
