//! What template.yaml says about the functions.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What CloudFormation knows of the stack that the sandbox is.
const PSEUDO: [(&str, &str); 4] = [
    ("AccountId", "111122223333"),
    ("Partition", "aws"),
    ("Region", "us-east-1"),
    ("StackName", "retrain"),
];

/// The template, as the values at the ends of its paths: enough for settings, which are
/// plain text or one function of CloudFormation's.
pub(crate) struct Template(BTreeMap<String, String>);

/// A function of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its crate, its binary, and its folder of sample events.
    pub(crate) name: String,
    pub(crate) timeout_seconds: u64,
    pub(crate) memory_mib: u64,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Template {
    pub(crate) fn read() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        Self::parse(&std::fs::read_to_string(path).unwrap())
    }

    fn parse(text: &str) -> Self {
        let mut values = BTreeMap::new();
        let mut path: Vec<(usize, &str)> = Vec::new();
        for line in text.lines() {
            let entry = line.trim_start();
            let Some((key, value)) = entry.split_once(':') else {
                continue;
            };
            if entry.starts_with(['#', '-', '{', '"']) {
                continue;
            }
            let depth = line.len() - entry.len();
            path.retain(|&(above, _)| above < depth);
            path.push((depth, key));
            if !value.trim().is_empty() {
                let keys: Vec<&str> = path.iter().map(|&(_, key)| key).collect();
                values.insert(keys.join("."), value.trim().to_owned());
            }
        }
        Self(values)
    }

    /// Every function that is built of a crate, with a table of this name.
    pub(crate) fn functions(&self, table: &str) -> Vec<Function> {
        let crates = self.0.iter().filter_map(|(path, value)| {
            let resource = path
                .strip_prefix("Resources.")?
                .strip_suffix(".Properties.CodeUri")?;
            Some((resource, value.strip_prefix("crates/")?))
        });
        crates
            .map(|(resource, name)| {
                let own = format!("Resources.{resource}.Properties");
                let number = |key: &str| self.either(&own, key).parse().unwrap();
                Function {
                    name: name.to_owned(),
                    timeout_seconds: number("Timeout"),
                    memory_mib: number("MemorySize"),
                    environment: self.environment(&own, table),
                }
            })
            .collect()
    }

    /// A function's own value, or that of all functions.
    fn either(&self, own: &str, key: &str) -> &str {
        let path = format!("{own}.{key}");
        let found = self.0.get(&path);
        found.unwrap_or_else(|| &self.0[&format!("Globals.Function.{key}")])
    }

    fn environment(&self, own: &str, table: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for above in ["Globals.Function", own] {
            let prefix = format!("{above}.Environment.Variables.");
            for (path, value) in &self.0 {
                if let Some(name) = path.strip_prefix(&prefix) {
                    variables.insert(name.to_owned(), resolved(value, table));
                }
            }
        }
        variables
    }
}

/// The value that CloudFormation would work out.
fn resolved(value: &str, table: &str) -> String {
    match value.split_once(' ') {
        Some(("!Ref", "Table")) => table.to_owned(),
        Some(("!Sub", text)) => PSEUDO.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{AWS::{name}}}"), value)
        }),
        _ => {
            assert!(!value.starts_with('!'), "no test knows what {value} is");
            value.trim_matches('"').to_owned()
        }
    }
}

#[test]
fn the_template_is_read() {
    let functions = Template::read().functions("a-table");
    let of = |name: &str| functions.iter().find(|one| one.name == name).unwrap();
    let (drift, data) = (of("drift-alarm"), of("data-arrival"));
    assert_eq!((drift.timeout_seconds, drift.memory_mib), (30, 256));
    assert_eq!((data.timeout_seconds, data.memory_mib), (120, 1024));
    assert_eq!(drift.environment["RETRAIN_TABLE"], "a-table");
    assert_eq!(
        drift.environment["RETRAIN_POLICY_PATH"],
        "/retrain/policies"
    );
    assert_eq!(drift.environment["RETRAIN_MAX_STARTS"], "10");
    assert_eq!(
        drift.environment["RETRAIN_MODEL_PACKAGES"],
        "arn:aws:sagemaker:us-east-1:111122223333:model-package"
    );
    for (function, timeout) in [(drift, "30s"), (data, "120s")] {
        assert_eq!(function.environment["RETRAIN_FUNCTION_TIMEOUT"], timeout);
        for name in retrain_lambda::Settings::VARIABLES {
            assert!(function.environment.contains_key(name), "{name}");
        }
    }
}
