//! Values that are known only when a step runs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::text_of;

/// What expressions refer to.
pub(super) trait Scope {
    /// The value of `Parameters.Name`, `Execution.Name` or `Steps.Name.Path`.
    fn get(&self, reference: &str) -> Option<Value>;

    /// The content of `Steps.Name.PropertyFiles.Name`.
    fn property_file(&self, reference: &str) -> Option<Value>;
}

/// All that a value refers to with `Get`.
pub(super) fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("Get").and_then(Value::as_str);
            let inner = members.values().flat_map(references);
            own.map(str::to_owned).into_iter().chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The value with its expressions worked out, or the one that has no value.
pub(super) fn resolve(value: &Value, scope: &impl Scope) -> Result<Value, String> {
    match value {
        Value::Object(members) => {
            if let Some(expression) = single(members) {
                return evaluate(expression, scope);
            }
            let resolved = members.iter().map(|(name, member)| {
                let member = resolve(member, scope)?;
                Ok((name.clone(), member))
            });
            resolved
                .collect::<Result<Map<_, _>, String>>()
                .map(Value::Object)
        }
        Value::Array(items) => {
            let resolved = items.iter().map(|item| resolve(item, scope));
            resolved
                .collect::<Result<Vec<_>, String>>()
                .map(Value::Array)
        }
        other => Ok(other.clone()),
    }
}

/// The name and the operand, if these members are an expression.
fn single(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, operand) = members.iter().next().filter(|_| members.len() == 1)?;
    matches!(name.as_str(), "Get" | "Std:Join" | "Std:JsonGet").then_some((name, operand))
}

fn evaluate((name, operand): (&str, &Value), scope: &impl Scope) -> Result<Value, String> {
    let none = || format!("{name} {operand} has no value");
    match name {
        "Get" => {
            let reference = operand.as_str().ok_or_else(none)?;
            scope.get(reference).ok_or_else(none)
        }
        "Std:Join" => {
            let between = operand.get("On").and_then(Value::as_str).ok_or_else(none)?;
            let values = operand.get("Values").and_then(Value::as_array);
            let texts = values
                .ok_or_else(none)?
                .iter()
                .map(|value| resolve(value, scope).map(|value| text_of(&value)));
            let texts = texts.collect::<Result<Vec<_>, String>>()?;
            Ok(texts.join(between).into())
        }
        _ => {
            let file = operand.pointer("/PropertyFile/Get").and_then(Value::as_str);
            let content = scope
                .property_file(file.ok_or_else(none)?)
                .ok_or_else(none)?;
            let path = operand
                .get("Path")
                .and_then(Value::as_str)
                .ok_or_else(none)?;
            at(&content, path).cloned().ok_or_else(none)
        }
    }
}

/// What stands at a path such as `a.b[0].c` or `Outputs['train'].S3Output`.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, part| {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.strip_suffix(']')?)),
            None => (part, None),
        };
        let member = value.get(name)?;
        match index {
            None => Some(member),
            Some(index) => match index.strip_prefix('\'') {
                Some(quoted) => named(member, quoted.strip_suffix('\'')?),
                None => member.get(index.parse::<usize>().ok()?),
            },
        }
    })
}

/// The item of a list that has this name.
fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let names = ["OutputName", "InputName", "ChannelName"];
    list.as_array()?.iter().find(|item| {
        let mut own = names.iter().filter_map(|member| item.get(member)?.as_str());
        own.next() == Some(name)
    })
}

/// The values that a run knows already.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By `Parameters.Name`, `Execution.Name` and `Steps.Name`.
    pub(super) values: BTreeMap<String, Value>,
    /// By `Steps.Name.PropertyFiles.Name`.
    pub(super) files: BTreeMap<String, Value>,
}

impl Scope for Known {
    fn get(&self, reference: &str) -> Option<Value> {
        if let Some(value) = self.values.get(reference) {
            return Some(value.clone());
        }
        let (name, path) = reference.strip_prefix("Steps.")?.split_once('.')?;
        at(self.values.get(&format!("Steps.{name}"))?, path).cloned()
    }

    fn property_file(&self, reference: &str) -> Option<Value> {
        self.files.get(reference).cloned()
    }
}
