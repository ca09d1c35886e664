//! `retrainctl policy diff`: what changes from one policy to another, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use retrain_core::policy::Policy;
use serde::Serialize;
use serde_json::Value;

use super::meaning::meaning;
use super::schema::Schema;
use crate::cli::DiffArgs;
use crate::exit::{Exit, Failure};
use crate::policies::{PolicyFile, files};

/// What changes between two sets of policies.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Changes {
    /// Models that have a policy now.
    pub(crate) added: Vec<String>,
    /// Models that have none any more.
    removed: Vec<String>,
    /// Models whose policy changes, field by field.
    pub(crate) changed: BTreeMap<String, Vec<Change>>,
}

/// What changes in one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Change {
    field: String,
    /// The old value; nothing where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    /// The new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
    meaning: String,
}

pub(crate) fn run(args: &DiffArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (old, new) = (policies(&args.old)?, policies(&args.new)?);
    let changes = if args.old.is_dir() || args.new.is_dir() {
        compared(&old, &new)
    } else {
        // Two files are compared whatever their names are.
        let (Some((_, old)), Some((model, new))) = (old.first_key_value(), new.first_key_value())
        else {
            return Ok(Exit::Done);
        };
        compared(
            &BTreeMap::from([(model.clone(), old.clone())]),
            &BTreeMap::from([(model.clone(), new.clone())]),
        )
    };
    if args.json {
        crate::words::json(&changes, out)?;
    } else {
        print(&changes, out)?;
    }
    let same = changes.added.is_empty() && changes.removed.is_empty() && changes.changed.is_empty();
    Ok(if same { Exit::Done } else { Exit::No })
}

/// Policies as they are read, with all defaults filled in, by model.
fn policies(path: &Path) -> Result<BTreeMap<String, Value>, Failure> {
    let read = |file: PolicyFile| {
        let policy = Policy::parse(&file.text)
            .map_err(|error| Failure::Invalid(format!("{}: {error}", file.path.display())))?;
        Ok((file.model, value(&policy)?))
    };
    files(path)?.into_iter().map(read).collect()
}

/// A policy with all defaults filled in.
pub(crate) fn value(policy: &Policy) -> Result<Value, Failure> {
    Ok(serde_json::to_value(policy).map_err(std::io::Error::from)?)
}

/// What changes between two sets of policies, each as [`value`] has it.
pub(crate) fn compared(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> Changes {
    let schema = Schema::of_policy();
    let only = |a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>| {
        let only = a.keys().filter(|model| !b.contains_key(*model));
        only.cloned().collect()
    };
    let mut changed = BTreeMap::new();
    for (model, old) in old {
        if let Some(new) = new.get(model) {
            let mut of_model = Vec::new();
            fields("", Some(old), Some(new), &schema, &mut of_model);
            if !of_model.is_empty() {
                changed.insert(model.clone(), of_model);
            }
        }
    }
    Changes {
        added: only(new, old),
        removed: only(old, new),
        changed,
    }
}

/// Goes down as long as both are objects; lists are compared entry by entry.
fn fields(
    path: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    schema: &Schema,
    changes: &mut Vec<Change>,
) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                fields(&path, a.get(name), b.get(name), schema, changes);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            let mut entry = |old: Option<&Value>, new: Option<&Value>| {
                changes.push(change(path, old, new, schema));
            };
            let before = changes_of(a, b);
            let after = changes_of(b, a);
            let same_entries = before.is_empty() && after.is_empty();
            for gone in before {
                entry(Some(gone), None);
            }
            for come in after {
                entry(None, Some(come));
            }
            if same_entries {
                entry(old, new);
            }
        }
        (old, new) => changes.push(change(path, old, new, schema)),
    }
}

/// The entries of one list that are not in another.
fn changes_of<'a>(of: &'a [Value], other: &[Value]) -> Vec<&'a Value> {
    of.iter().filter(|entry| !other.contains(entry)).collect()
}

fn change(field: &str, old: Option<&Value>, new: Option<&Value>, schema: &Schema) -> Change {
    Change {
        field: field.to_owned(),
        old: old.cloned(),
        new: new.cloned(),
        meaning: meaning(field, old, new)
            .or_else(|| schema.sentence(field))
            .unwrap_or_default(),
    }
}

/// Shows changes as text.
pub(crate) fn print(changes: &Changes, out: &mut dyn Write) -> std::io::Result<()> {
    for model in &changes.added {
        writeln!(out, "{model}: has a policy now")?;
    }
    for model in &changes.removed {
        writeln!(out, "{model}: has no policy any more")?;
    }
    for (model, fields) in &changes.changed {
        writeln!(out, "{model}")?;
        for change in fields {
            let Change {
                field,
                old,
                new,
                meaning,
            } = change;
            let line = match (old, new) {
                (Some(old), Some(new)) => format!("  ~ {field}: {} -> {}", shown(old), shown(new)),
                (None, Some(new)) => format!("  + {field}: {}", shown(new)),
                (Some(old), None) => format!("  - {field}: {}", shown(old)),
                (None, None) => continue,
            };
            writeln!(out, "{line}")?;
            if !meaning.is_empty() {
                writeln!(out, "      {meaning}")?;
            }
        }
    }
    Ok(())
}

/// Text without quotes, anything else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{
        "pipeline": {"name": "p"},
        "parameters": {"A": "1", "B": "2"},
        "min_interval": "6h",
        "budget": {"starts": 10, "window": "30d"},
        "drift": {"alarms": [{"alarm_name": "a-*"}, {"endpoint": "e"}]},
        "max_age": "60d"
    }"#;

    fn of(text: &str) -> BTreeMap<String, Value> {
        let value = value(&Policy::parse(text).unwrap()).unwrap();
        BTreeMap::from([("m".to_owned(), value)])
    }

    #[test]
    fn changes_are_told_field_by_field_with_their_meaning() {
        let new = r#"{
            "pipeline": {"name": "p"},
            "parameters": {"A": "1", "C": "3"},
            "min_interval": "12h",
            "min_interval_by_kind": {"drift": "1d"},
            "budget": {"starts": 4, "window": "30d"},
            "drift": {"alarms": [{"endpoint": "e"}, {"alarm_name": "b-*"}]},
            "mode": "observe"
        }"#;
        let mut out = Vec::new();
        print(&compared(&of(OLD), &of(new)), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn what_is_written_differently_but_means_the_same_is_no_change() {
        let new = OLD
            .replace("\"6h\"", "\"360m\"")
            .replacen('{', r#"{"mode": "act", "#, 1);
        assert!(compared(&of(OLD), &of(&new)).changed.is_empty());
    }

    #[test]
    fn the_order_of_matchers_is_a_change() {
        let new = OLD.replace(
            r#"{"alarm_name": "a-*"}, {"endpoint": "e"}"#,
            r#"{"endpoint": "e"}, {"alarm_name": "a-*"}"#,
        );
        let changes = compared(&of(OLD), &of(&new));
        assert_eq!(changes.changed["m"][0].field, "drift.alarms");
    }
}
