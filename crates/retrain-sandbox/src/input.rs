//! Reads a request's members as strictly as AWS's API models describe them.

mod map;

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Map, Value};

use crate::answer::ServiceError;

type Read<T> = Result<T, ServiceError>;

/// The members of one structure of a request.
pub(crate) struct Input<'a> {
    members: &'a Map<String, Value>,
    /// Where the structure stands in the request, with a final dot; empty for
    /// the request itself.
    path: String,
}

/// What a string may be.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) pattern: Option<Pattern>,
}

/// A regular expression of an API model with the function that does its work:
/// the few there are do not need an engine.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) matches: fn(&str) -> bool,
}

impl Text {
    pub(crate) const fn of(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            pattern: None,
        }
    }

    pub(crate) const fn matching(min: usize, max: usize, pattern: Pattern) -> Self {
        Self {
            min,
            max,
            pattern: Some(pattern),
        }
    }
}

impl<'a> Input<'a> {
    /// Refuses members that are not `known`. AWS ignores them; here a misspelt
    /// member must not pass as a member that was never sent.
    pub(crate) fn new(request: &'a Value, known: &[&str]) -> Read<Self> {
        Self::at(request, String::new(), known)
    }

    fn at(value: &'a Value, path: String, known: &[&str]) -> Read<Self> {
        let Some(members) = value.as_object() else {
            return Err(ServiceError::serialization(format!(
                "a structure was expected at '{}'",
                path.trim_end_matches('.')
            )));
        };
        if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(ServiceError::serialization(format!(
                "unknown member '{path}{unknown}'; known members: {}",
                known.join(", ")
            )));
        }
        Ok(Self { members, path })
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn at_member(&self, name: &str) -> String {
        format!("{}{}", self.path, lower_first(name))
    }

    fn wrong_type(&self, name: &str, expected: &str) -> ServiceError {
        ServiceError::serialization(format!(
            "{expected} was expected at '{}'",
            self.at_member(name)
        ))
    }

    fn missing(&self, name: &str) -> ServiceError {
        violation("null", &self.at_member(name), "Member must not be null")
    }

    pub(crate) fn optional_text(&self, name: &str, rule: Text) -> Read<Option<&'a str>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = value
            .as_str()
            .ok_or_else(|| self.wrong_type(name, "a string"))?;
        check_text(text, &self.at_member(name), rule)?;
        Ok(Some(text))
    }

    pub(crate) fn text(&self, name: &str, rule: Text) -> Read<&'a str> {
        self.optional_text(name, rule)?
            .ok_or_else(|| self.missing(name))
    }

    pub(crate) fn one_of(&self, name: &str, values: &[&str]) -> Read<Option<&'a str>> {
        let text = self.optional_text(name, Text::of(0, usize::MAX))?;
        match text {
            Some(text) if !values.contains(&text) => Err(violation(
                &format!("'{text}'"),
                &self.at_member(name),
                &format!(
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                ),
            )),
            text => Ok(text),
        }
    }

    pub(crate) fn integer(&self, name: &str, min: i64, max: i64) -> Read<Option<i64>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_i64()
            .ok_or_else(|| self.wrong_type(name, "an integer"))?;
        let constraint = if number < min {
            format!("Member must have value greater than or equal to {min}")
        } else if number > max {
            format!("Member must have value less than or equal to {max}")
        } else {
            return Ok(Some(number));
        };
        Err(violation(
            &format!("'{number}'"),
            &self.at_member(name),
            &constraint,
        ))
    }

    /// `MaxResults` of a list operation.
    pub(crate) fn page_size(&self, max: u8) -> Read<usize> {
        let size = self.integer("MaxResults", 1, i64::from(max))?;
        Ok(size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(usize::from(max)))
    }

    pub(crate) fn boolean(&self, name: &str) -> Read<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong_type(name, "a boolean")),
        }
    }

    /// A time in AWS JSON 1.1: epoch seconds as a number, fractions allowed.
    pub(crate) fn time(&self, name: &str) -> Read<Option<Timestamp>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        value
            .as_f64()
            .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
            .and_then(|elapsed| Timestamp::from_duration(elapsed).ok())
            // A float cannot carry nanoseconds of this century; AWS's times have milliseconds.
            .and_then(|time| time.round(Unit::Millisecond).ok())
            .map(Some)
            .ok_or_else(|| self.wrong_type(name, "a number of seconds"))
    }

    pub(crate) fn list(&self, name: &str, min: usize, max: usize) -> Read<Option<&'a [Value]>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let items = value
            .as_array()
            .ok_or_else(|| self.wrong_type(name, "a list"))?;
        check_length(
            &format!("'{value}'"),
            items.len(),
            &self.at_member(name),
            min,
            max,
        )?;
        Ok(Some(items))
    }

    /// A list of strings.
    pub(crate) fn optional_texts(
        &self,
        name: &str,
        min: usize,
        max: usize,
        rule: Text,
    ) -> Read<Option<Vec<&'a str>>> {
        let Some(items) = self.list(name, min, max)? else {
            return Ok(None);
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let path = format!("{}.{}.member", self.at_member(name), index + 1);
                let text = item
                    .as_str()
                    .ok_or_else(|| self.wrong_type(name, "a list of strings"))?;
                check_text(text, &path, rule)?;
                Ok(text)
            })
            .collect::<Read<_>>()
            .map(Some)
    }

    /// A list of strings that must be there.
    pub(crate) fn texts(
        &self,
        name: &str,
        min: usize,
        max: usize,
        rule: Text,
    ) -> Read<Vec<&'a str>> {
        self.optional_texts(name, min, max, rule)?
            .ok_or_else(|| self.missing(name))
    }

    /// A list of which each is one of these values.
    pub(crate) fn each_one_of(&self, name: &str, values: &[&str]) -> Read<Option<Vec<&'a str>>> {
        let texts = self.optional_texts(name, 0, usize::MAX, Text::of(0, usize::MAX))?;
        match &texts {
            Some(given) if !given.iter().all(|text| values.contains(text)) => Err(violation(
                &format!("'[{}]'", given.join(", ")),
                &self.at_member(name),
                &format!(
                    "Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
                    values.join(", ")
                ),
            )),
            _ => Ok(texts),
        }
    }

    /// A list of structures, each with the path AWS gives it in messages.
    pub(crate) fn structures(
        &self,
        name: &str,
        min: usize,
        max: usize,
        known: &[&str],
    ) -> Read<Option<Vec<Self>>> {
        let Some(items) = self.list(name, min, max)? else {
            return Ok(None);
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let path = format!("{}.{}.member.", self.at_member(name), index + 1);
                Self::at(item, path, known)
            })
            .collect::<Read<_>>()
            .map(Some)
    }

    pub(crate) fn structure(&self, name: &str, known: &[&str]) -> Read<Option<Self>> {
        self.get(name)
            .map(|value| Self::at(value, format!("{}.", self.at_member(name)), known))
            .transpose()
    }

    /// For members that AWS knows and the sandbox does not: a silent shrug would
    /// let a test pass on something that was never done.
    pub(crate) fn refuse_unsupported(&self, names: &[&str]) -> Read<()> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(ServiceError::validation(format!(
                "the sandbox does not implement '{}'",
                self.at_member(name)
            ))),
            None => Ok(()),
        }
    }

    pub(crate) fn require(&self, name: &str) -> Read<()> {
        self.get(name).map(|_| ()).ok_or_else(|| self.missing(name))
    }
}

fn check_text(text: &str, path: &str, rule: Text) -> Read<()> {
    let shown = format!("'{text}'");
    check_length(&shown, text.chars().count(), path, rule.min, rule.max)?;
    match rule.pattern {
        Some(pattern) if !(pattern.matches)(text) => Err(violation(
            &shown,
            path,
            &format!(
                "Member must satisfy regular expression pattern: {}",
                pattern.text
            ),
        )),
        _ => Ok(()),
    }
}

fn check_length(shown: &str, length: usize, path: &str, min: usize, max: usize) -> Read<()> {
    let constraint = if length < min {
        format!("Member must have length greater than or equal to {min}")
    } else if length > max {
        format!("Member must have length less than or equal to {max}")
    } else {
        return Ok(());
    };
    Err(violation(shown, path, &constraint))
}

/// The wording of AWS's generated validation, which clients show to people.
fn violation(value: &str, path: &str, constraint: &str) -> ServiceError {
    ServiceError::validation(format!(
        "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"
    ))
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}

/// A time as AWS JSON 1.1 writes it, to the millisecond.
pub(crate) fn epoch_seconds(time: Timestamp) -> Value {
    let millis = time.as_millisecond();
    if millis % 1000 == 0 {
        Value::from(millis / 1000)
    } else {
        Value::from(SignedDuration::from_millis(millis).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message<T>(read: Read<T>) -> String {
        read.err().expect("an error").message
    }

    #[test]
    fn an_unknown_member_is_refused_by_name() {
        let request = json!({"Nmae": "x"});
        let refused = Input::new(&request, &["Name"]).err().unwrap();
        assert_eq!(refused.code, "SerializationException");
        assert!(refused.message.contains("'Nmae'"), "{}", refused.message);
    }

    #[test]
    fn a_violation_reads_like_aws_and_names_the_member() {
        let request = json!({"DisplayName": "four", "Size": 0, "Order": "Up"});
        let input = Input::new(&request, &["DisplayName", "Size", "Order", "Token"]).unwrap();
        assert_eq!(
            message(input.text("DisplayName", Text::of(1, 3))),
            "1 validation error detected: Value 'four' at 'displayName' failed to satisfy \
             constraint: Member must have length less than or equal to 3"
        );
        assert!(message(input.integer("Size", 1, 9)).contains("'0' at 'size'"));
        assert!(
            message(input.one_of("Order", &["Ascending"])).contains("enum value set: [Ascending]")
        );
        assert!(message(input.text("Token", Text::of(1, 3))).contains("Value null at 'token'"));
    }

    #[test]
    fn a_time_survives_the_trip_through_a_float() {
        let time: Timestamp = "2026-01-05T00:00:00.123Z".parse().unwrap();
        let request = json!({"At": epoch_seconds(time), "Text": "2026-01-05"});
        let input = Input::new(&request, &["At", "Text"]).unwrap();
        assert_eq!(input.time("At").unwrap(), Some(time));
        assert_eq!(input.time("Absent").unwrap(), None);
        assert!(message(input.time("Text")).contains("a number of seconds"));
        assert_eq!(epoch_seconds(Timestamp::UNIX_EPOCH), json!(0));
    }
}
