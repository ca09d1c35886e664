//! What the policy's own schema says about its fields.

use std::io::Write;

use retrain_core::policy::Policy;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::words;

/// Prints the schema.
pub(crate) fn run(out: &mut dyn Write) -> Result<Exit, Failure> {
    words::json(Schema::of_policy().document(), out)?;
    Ok(Exit::Done)
}

/// The JSON Schema of a policy.
#[derive(Debug)]
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn of_policy() -> Self {
        Self(schemars::schema_for!(Policy).to_value())
    }

    /// The schema as it is printed.
    pub(crate) const fn document(&self) -> &Value {
        &self.0
    }

    /// The first sentence about a field, by its path: `back_off.initial`. Of a field
    /// without a sentence of its own, that of what it is in.
    pub(crate) fn sentence(&self, path: &str) -> Option<String> {
        let mut place = &self.0;
        let mut found = None;
        for name in path.split('.') {
            let name = name.split('[').next().unwrap_or(name);
            let Some(next) = self.field(place, name) else {
                break;
            };
            found = description(next).or_else(|| description(self.resolved(next)));
            place = self.resolved(next);
        }
        found
    }

    /// A field of what a schema describes; of its items, if it describes a list.
    fn field<'a>(&'a self, schema: &'a Value, name: &str) -> Option<&'a Value> {
        let of_items = schema.get("items").map(|items| self.resolved(items));
        let mut places = std::iter::once(schema).chain(of_items);
        places.find_map(|place| {
            let named = place.get("properties").and_then(|all| all.get(name));
            named.or_else(|| {
                let any = place.get("additionalProperties");
                any.filter(|any| any.is_object())
            })
        })
    }

    /// The schema that another one refers to, also if it allows `null` besides.
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let alternatives = schema.get("anyOf").and_then(Value::as_array);
        let mut all = std::iter::once(schema).chain(alternatives.into_iter().flatten());
        let pointer = all.find_map(|one| one.get("$ref")?.as_str()?.strip_prefix('#'));
        let target = pointer.and_then(|pointer| self.0.pointer(pointer));
        target.unwrap_or(schema)
    }
}

fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?.replace('\n', " ");
    let end = text.find(". ").map_or(text.len(), |dot| dot + 1);
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_sentence() {
        let schema = Schema::of_policy();
        let fields = schema.0["properties"].as_object().unwrap();
        assert!(fields.len() > 15);
        for name in fields.keys() {
            assert!(schema.sentence(name).is_some(), "{name}");
        }
        for (path, sentence) in [
            ("back_off.initial", "The wait after the first failure"),
            ("data.objects[0].prefix", "What the key begins with"),
            ("budget.window", "How long"),
            ("drift.alarms[3].endpoint", "The endpoint in the metric"),
        ] {
            let found = schema.sentence(path).unwrap();
            assert!(found.starts_with(sentence), "{path}: {found}");
        }
        assert_eq!(schema.sentence("nonsense"), None);
    }
}
