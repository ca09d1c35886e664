//! Event patterns, as far as rules here use them. What is not understood is refused: a
//! rule must not seem to match.

use serde_json::{Map, Value};

/// A pattern of events.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Part>);

/// What a part of an event must be; all parts of a pattern must hold.
#[derive(Debug)]
enum Part {
    /// What is below a field matches.
    Below(String, Pattern),
    /// The field has one of these values.
    OneOf(String, Vec<Test>),
    /// One of these patterns matches.
    Or(Vec<Pattern>),
}

/// What a value may be.
#[derive(Debug)]
enum Test {
    Is(Value),
    Prefix(String),
    Suffix(String),
    Wildcard(String),
    IgnoringCase(String),
    AnythingBut(Vec<Value>),
    Exists(bool),
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub(super) fn read(pattern: &Value) -> Result<Self, String> {
        let fields = pattern
            .as_object()
            .filter(|fields| !fields.is_empty())
            .ok_or("it must be an object that is not empty")?;
        let parts = fields.iter().map(|(name, value)| part(name, value));
        Ok(Self(parts.collect::<Result<_, _>>()?))
    }

    /// Whether an event matches.
    pub(super) fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|part| match part {
            Part::Below(name, pattern) => event.get(name).is_some_and(|at| pattern.matches(at)),
            Part::OneOf(name, tests) => {
                let at = event.get(name);
                tests.iter().any(|test| test.holds(at))
            }
            Part::Or(patterns) => patterns.iter().any(|pattern| pattern.matches(event)),
        })
    }
}

fn part(name: &str, value: &Value) -> Result<Part, String> {
    match value {
        Value::Object(_) => Ok(Part::Below(name.to_owned(), Pattern::read(value)?)),
        Value::Array(patterns) if name == "$or" => {
            let patterns = patterns.iter().map(Pattern::read);
            Ok(Part::Or(patterns.collect::<Result<_, _>>()?))
        }
        Value::Array(values) if !values.is_empty() => {
            let tests = values.iter().map(test);
            Ok(Part::OneOf(
                name.to_owned(),
                tests.collect::<Result<_, _>>()?,
            ))
        }
        _ => Err(format!("{name:?} must be an object or an array")),
    }
}

fn test(value: &Value) -> Result<Test, String> {
    let Value::Object(operator) = value else {
        return Ok(Test::Is(value.clone()));
    };
    let unknown = || {
        format!(
            "unrecognized match type {}",
            Value::Object(operator.clone())
        )
    };
    let (name, of) = only(operator).ok_or_else(unknown)?;
    let text = || of.as_str().map(str::to_owned).ok_or_else(unknown);
    match name {
        "prefix" => text().map(Test::Prefix),
        "suffix" => text().map(Test::Suffix),
        "wildcard" => text().map(Test::Wildcard),
        "equals-ignore-case" => text().map(Test::IgnoringCase),
        "exists" => of.as_bool().map(Test::Exists).ok_or_else(unknown),
        "anything-but" => match of {
            Value::Array(values) => Ok(Test::AnythingBut(values.clone())),
            Value::Object(_) => Err(unknown()),
            value => Ok(Test::AnythingBut(vec![value.clone()])),
        },
        _ => Err(unknown()),
    }
}

fn only(operator: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = operator.iter();
    let (name, of) = members.next()?;
    members.next().is_none().then_some((name.as_str(), of))
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(exists), value) => value.is_some() == *exists,
            (_, None) => false,
            // A list matches if one of its values does.
            (_, Some(Value::Array(values))) => values.iter().any(|value| self.is(value)),
            (_, Some(value)) => self.is(value),
        }
    }

    fn is(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Is(wanted) => wanted == value,
            Self::Prefix(start) => text.is_some_and(|text| text.starts_with(start)),
            Self::Suffix(end) => text.is_some_and(|text| text.ends_with(end)),
            Self::Wildcard(pattern) => text.is_some_and(|text| wildcard(pattern, text)),
            Self::IgnoringCase(wanted) => {
                text.is_some_and(|text| text.eq_ignore_ascii_case(wanted))
            }
            Self::AnythingBut(values) => !values.contains(value),
            Self::Exists(exists) => *exists,
        }
    }
}

/// A star stands for any text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(start).is_some_and(|text| {
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        ends.filter_map(|at| text.get(at..))
            .any(|text| wildcard(rest, text))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Pattern::read(pattern).unwrap().matches(event)
    }

    #[test]
    fn every_field_must_have_one_of_its_values() {
        let pattern = json!({"source": ["aws.s3", "own"], "detail": {"size": [5]}});
        assert!(matches(
            &pattern,
            &json!({"source": "own", "detail": {"size": 5}})
        ));
        assert!(!matches(
            &pattern,
            &json!({"source": "own", "detail": {"size": "5"}})
        ));
        assert!(!matches(&pattern, &json!({"source": "own"})));
        let listed = json!({"resources": [{"suffix": "c"}]});
        assert!(matches(&listed, &json!({"resources": ["ab", "bc"]})));
    }

    #[test]
    fn what_a_value_may_be_is_told_by_operators() {
        for (test, yes, no) in [
            (json!({"prefix": "ab"}), json!("abc"), json!("b")),
            (json!({"wildcard": "a*c*e"}), json!("abcde"), json!("abcd")),
            (json!({"wildcard": ""}), json!(""), json!("a")),
            (json!({"equals-ignore-case": "ab"}), json!("AB"), json!("a")),
            (json!({"anything-but": ["a"]}), json!("b"), json!("a")),
            (json!({"anything-but": "a"}), json!(1), json!("a")),
            (json!({"exists": true}), json!(null), json!({})),
        ] {
            let pattern = json!({"x": [test]});
            assert!(matches(&pattern, &json!({"x": yes})), "{pattern}");
            let no = if no.is_object() { no } else { json!({"x": no}) };
            assert!(!matches(&pattern, &no), "{pattern}");
        }
        let either = json!({"$or": [{"a": [1]}, {"b": [{"exists": false}]}]});
        assert!(matches(&either, &json!({"a": 1, "b": 1})));
        assert!(matches(&either, &json!({})));
        assert!(!matches(&either, &json!({"b": 1})));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            json!({}),
            json!({"x": []}),
            json!({"x": "y"}),
            json!({"x": [{"numeric": ["<", 1]}]}),
            json!({"x": [{"prefix": "a", "suffix": "b"}]}),
            json!({"x": [{"prefix": 1}]}),
        ] {
            assert!(Pattern::read(&pattern).is_err(), "{pattern}");
        }
    }
}
