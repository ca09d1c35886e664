//! DynamoDB's request units, by its own rules.

use serde_json::Value;

use crate::endpoint::{Call, Tape};

/// The request units of some calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) reads: f64,
    pub(crate) writes: f64,
}

impl Units {
    /// Of calls and the answers that they were given.
    pub(crate) fn of(calls: &[Call], tape: &Tape) -> Self {
        let mut units = Self::default();
        let mut answered = 0;
        for call in calls {
            match call.operation.as_str() {
                "BatchGetItem" => {
                    units.reads += read(call, &tape.body("BatchGetItem", answered));
                    answered += 1;
                }
                // Little is found in the index, and nothing waits for its newest state.
                "Query" => units.reads += 0.5,
                "TransactWriteItems" => {
                    let actions = call.request["TransactItems"].as_array();
                    let actions = actions.into_iter().flatten();
                    let items = actions.map(|action| &action["Put"]["Item"]);
                    units.writes += items
                        .map(|item| 2.0 * written(item) + indexed(item))
                        .sum::<f64>();
                }
                "PutItem" => units.writes += written(&call.request["Item"]),
                _ => {}
            }
        }
        units
    }
}

/// Consistent reads: one unit for 4 KB, and one for an item that is not there.
fn read(call: &Call, answer: &Value) -> f64 {
    let wanted = { call.request["RequestItems"].as_object() }
        .into_iter()
        .flatten();
    let wanted: usize = wanted
        .map(|(_, of)| of["Keys"].as_array().map_or(0, Vec::len))
        .sum();
    let found = { answer["Responses"].as_object() }.into_iter().flatten();
    let found: Vec<&Value> = found
        .flat_map(|(_, items)| items.as_array().into_iter().flatten())
        .collect();
    let missing = number(wanted.saturating_sub(found.len()));
    missing
        + found
            .iter()
            .map(|item| units(item_bytes(item), 4_096))
            .sum::<f64>()
}

fn written(item: &Value) -> f64 {
    units(item_bytes(item), 1_024)
}

/// The due index has keys only: an entry that moves is deleted and put. The index by
/// generation has whole objects.
fn indexed(item: &Value) -> f64 {
    let due = if item.get("due_shard").is_some() {
        2.0
    } else {
        0.0
    };
    let generation = item.get("generation_of").map_or(0.0, |_| written(item));
    due + generation
}

fn units(bytes: usize, unit: usize) -> f64 {
    number(bytes.div_ceil(unit).max(1))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// The size of an item: its names and values.
fn item_bytes(item: &Value) -> usize {
    let members = item.as_object().into_iter().flatten();
    members
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|of| of.iter().next()) else {
        return 0;
    };
    match kind.as_str() {
        "S" => value.as_str().map_or(0, str::len),
        // Two digits in a byte, and one more.
        "N" => value
            .as_str()
            .map_or(0, |digits| digits.len().div_ceil(2) + 1),
        "M" => 3 + value.as_object().map_or(0, serde_json::Map::len) + item_bytes(value),
        "L" => {
            let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
            3 + values.len() + values.iter().map(value_bytes).sum::<usize>()
        }
        _ => 1,
    }
}
