//! Maps of strings.

use super::{Input, Read, Text, check_length, check_text, violation};

impl Input<'_> {
    /// A map from strings to strings, as far as it is given.
    pub(crate) fn check_map(
        &self,
        name: &str,
        min: usize,
        max: usize,
        key: Text,
        value: Text,
    ) -> Read<()> {
        let Some(given) = self.get(name) else {
            return Ok(());
        };
        let map = given
            .as_object()
            .ok_or_else(|| self.wrong_type(name, "a map"))?;
        let path = self.at_member(name);
        let shown = format!("'{given}'");
        check_length(&shown, map.len(), &path, min, max)?;
        for (entry, text) in map {
            let text = text
                .as_str()
                .ok_or_else(|| self.wrong_type(name, "a map of strings"))?;
            for (part, text, rule) in [("keys", entry.as_str(), key), ("values", text, value)] {
                // AWS reports what is in a map by the rule within the rule.
                check_text(text, &path, rule).map_err(|inner| {
                    let rule = inner.message.split_once("constraint: ");
                    let rule = rule.map_or(inner.message.as_str(), |(_, rule)| rule);
                    let constraint = format!("Map {part} must satisfy constraint: [{rule}]");
                    violation(&shown, &path, &constraint)
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(request: &Value) -> Option<String> {
        let input = Input::new(request, &["Map"]).unwrap();
        let result = input.check_map("Map", 1, 2, Text::of(1, 3), Text::of(0, 4));
        result.err().map(|error| error.message)
    }

    #[test]
    fn a_map_is_checked_by_its_size_its_keys_and_its_values() {
        assert_eq!(refusal(&json!({})), None);
        assert_eq!(refusal(&json!({"Map": {"abc": "abcd", "d": ""}})), None);
        for (map, rule) in [
            (json!({}), "length greater than or equal to 1"),
            (
                json!({"a": "", "b": "", "c": ""}),
                "length less than or equal to 2",
            ),
            (
                json!({"": ""}),
                "constraint: Map keys must satisfy constraint: [Member must have length greater \
                 than or equal to 1]",
            ),
            (json!({"abcd": ""}), "Map keys must satisfy"),
            (json!({"a": "abcde"}), "Map values must satisfy"),
            (json!({"a": 1}), "a map of strings was expected at 'map'"),
            (json!("a"), "a map was expected at 'map'"),
        ] {
            let message = refusal(&json!({"Map": map})).unwrap();
            assert!(message.contains(rule), "{message}");
        }
    }
}
