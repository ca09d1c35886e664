//! What is measured: a function, or what stands beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::endpoint::Call;
use crate::lambda::workspace;
use crate::scenario::Scenario;
use crate::template::{Function, Template};
use crate::world::PEER_TABLE;

/// A program that handles the events of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Candidate {
    /// The controller's function.
    Controller,
    /// A function in Rust that does nothing.
    FloorEmpty,
    /// A function in Rust that makes the same calls.
    FloorCalls,
    /// What one would write in Python instead.
    Peer,
    /// A function in Python that makes the same calls.
    PeerCalls,
}

impl Candidate {
    /// Those that are there for a scenario.
    pub(crate) fn of(scenario: Scenario) -> Vec<Self> {
        let mut found = vec![Self::Controller, Self::FloorCalls, Self::PeerCalls];
        if scenario == Scenario::Suppressed {
            found.push(Self::FloorEmpty);
        }
        if matches!(scenario, Scenario::Suppressed | Scenario::Started) {
            found.push(Self::Peer);
        }
        found
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::FloorEmpty => "Rust, empty",
            Self::FloorCalls => "Rust, same calls",
            Self::Peer => "Python peer",
            Self::PeerCalls => "Python, same calls",
        }
    }

    /// Whether it makes the calls that the controller's function was seen to make.
    pub(crate) const fn repeats_calls(self) -> bool {
        matches!(self, Self::FloorCalls | Self::PeerCalls)
    }

    /// Its program; where it is packaged.
    pub(crate) fn program(self, scenario: Scenario) -> PathBuf {
        let packaged = |name: &str| binaries().join(name).join("bootstrap");
        match self {
            Self::Controller => packaged(scenario.function()),
            Self::FloorEmpty => packaged("floor-empty"),
            Self::FloorCalls => packaged("floor-calls"),
            Self::Peer | Self::PeerCalls => workspace().join("bench/python/bootstrap"),
        }
    }

    /// The bytes that are uploaded. The SDK comes with Lambda's image for Python.
    pub(crate) fn zip_bytes(self, scenario: Scenario) -> Option<u64> {
        let file = match self {
            Self::Controller | Self::FloorEmpty | Self::FloorCalls => {
                self.program(scenario).with_extension("zip")
            }
            Self::Peer => workspace().join("bench/python/peer.py"),
            Self::PeerCalls => return None,
        };
        Some(fs::metadata(file).ok()?.len())
    }

    /// How Lambda would run it.
    pub(crate) fn function(self, scenario: Scenario, table: &str, calls: &Path) -> Function {
        let functions = Template::read().functions(table);
        let of_scenario = |one: &Function| one.name == scenario.function();
        let mut function = functions.into_iter().find(of_scenario).unwrap();
        let root = workspace();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let python = |handler: &str| {
            BTreeMap::from([
                (
                    "PEER_PYTHON",
                    text(root.join("target/tools/peer/bin/python")),
                ),
                ("PEER_HANDLER", format!("{handler}.handler")),
                ("PYTHONPATH", text(root.join("bench/python"))),
            ])
        };
        let own = match self {
            Self::Controller => return function,
            Self::FloorEmpty => BTreeMap::new(),
            Self::FloorCalls => BTreeMap::from([("FLOOR_CALLS", text(calls.to_owned()))]),
            Self::Peer => {
                let mut own = python("peer");
                own.insert("PEER_TABLE", PEER_TABLE.to_owned());
                own.insert("PEER_PIPELINE", "fraud-detection-training".to_owned());
                own
            }
            Self::PeerCalls => {
                let mut own = python("same_calls");
                own.insert("PEER_CALLS", text(calls.to_owned()));
                own
            }
        };
        function.environment = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        function
    }
}

/// Where the packaged functions are.
fn binaries() -> PathBuf {
    let given = std::env::var_os("LAMBDA_BINARIES").map(PathBuf::from);
    given.unwrap_or_else(|| workspace().join("target/lambda"))
}

/// The file that tells the floors what to call: groups, of calls that are made side by side.
pub(crate) fn write_calls(path: &Path, cold: &[Call], warm: &[Call]) {
    let calls = json!({"cold": groups(cold), "warm": groups(warm)});
    fs::write(path, calls.to_string()).unwrap();
}

/// The controller looks facts up side by side, reads all shards at once, and asks for 16
/// objects at once.
pub(crate) fn groups(calls: &[Call]) -> Vec<Vec<Value>> {
    const LOOK_UPS: [&str; 2] = ["GetParameter", "ListModelPackages"];
    const ALIKE: [&str; 2] = ["Query", "HeadObject"];
    let mut groups: Vec<Vec<&Call>> = Vec::new();
    for call in calls {
        let joins = |group: &Vec<&Call>| {
            let last = group[0].operation.as_str();
            let own = call.operation.as_str();
            let alike = last == own && ALIKE.contains(&own) && group.len() < 16;
            alike || (LOOK_UPS.contains(&last) && LOOK_UPS.contains(&own))
        };
        match groups.last_mut() {
            Some(group) if joins(group) => group.push(call),
            _ => groups.push(vec![call]),
        }
    }
    let value = |call: &&Call| serde_json::to_value(call).unwrap();
    groups
        .iter()
        .map(|group| group.iter().map(value).collect())
        .collect()
}
