//! Whether the conditions of a condition step hold.

use serde_json::Value;

use super::expression::{Scope, resolve};

/// Whether all of a step's conditions hold.
pub(super) fn all_hold(conditions: &Value, scope: &impl Scope) -> Result<bool, String> {
    for condition in list(conditions) {
        if !holds(condition, scope)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(condition: &Value, scope: &impl Scope) -> Result<bool, String> {
    let member = |name: &str| {
        let value = condition.get(name).unwrap_or(&Value::Null);
        resolve(value, scope)
    };
    let kind = condition.get("Type").and_then(Value::as_str);
    match kind.unwrap_or_default() {
        "Or" => {
            for alternative in list(condition.get("Conditions").unwrap_or(&Value::Null)) {
                if holds(alternative, scope)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        "Not" => {
            let inner = condition.get("Expression").unwrap_or(&Value::Null);
            holds(inner, scope).map(|held| !held)
        }
        "In" => {
            let (value, values) = (member("QueryValue")?, member("Values")?);
            Ok(list(&values).iter().any(|one| same(one, &value)))
        }
        "Equals" => Ok(same(&member("LeftValue")?, &member("RightValue")?)),
        order => {
            let (left, right) = (member("LeftValue")?, member("RightValue")?);
            let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else {
                return Err(format!("{left} and {right} have no order"));
            };
            match order {
                "GreaterThan" => Ok(left > right),
                "GreaterThanOrEqualTo" => Ok(left >= right),
                "LessThan" => Ok(left < right),
                "LessThanOrEqualTo" => Ok(left <= right),
                other => Err(format!("there is no condition {other:?}")),
            }
        }
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        // 1 and 1.0 are the same.
        (Some(left), Some(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
