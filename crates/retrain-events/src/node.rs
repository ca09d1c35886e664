//! A place in an event: a value and the path that led to it.
//!
//! Fields are read one by one instead of through derived types, so that an error
//! names its path, `null` counts as absent, and one odd field fails only those who
//! need it.

use std::borrow::Cow;

use retrain_core::names::InvalidText;
use serde_json::Value;

use crate::error::{InvalidEvent, described, quoted};

/// A value inside an event, with its path.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole event.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self {
            path: String::new(),
            value,
        }
    }

    /// A value that was decoded from the text at `path`.
    pub(crate) fn at(path: &str, value: &'a Value) -> Self {
        Self {
            path: path.to_owned(),
            value,
        }
    }

    /// The path for a message: `$` for the whole event.
    pub(crate) fn path(&self) -> String {
        if self.path.is_empty() {
            "$".to_owned()
        } else {
            self.path.clone()
        }
    }

    /// The path of a field of this object. Field names of our own are printed as
    /// they are; those of an event go through [`Self::entries`].
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            // Every field of every event comes by here: no formatting.
            [self.path.as_str(), ".", key].concat()
        }
    }

    /// A field; `null` is absent, and so is everything in what is not an object.
    pub(crate) fn peek(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self {
            path: self.path_of(key),
            value,
        })
    }

    /// A field that may be absent; fails where this is not an object.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Self>, InvalidEvent> {
        if self.value.is_object() {
            Ok(self.peek(key))
        } else {
            Err(InvalidEvent::NotAnObject {
                path: self.path(),
                found: described(self.value),
            })
        }
    }

    /// A field that must be there.
    pub(crate) fn required(&self, key: &str) -> Result<Self, InvalidEvent> {
        self.optional(key)?
            .ok_or_else(|| InvalidEvent::MissingField {
                path: self.path_of(key),
            })
    }

    /// A field's text where it is one. For decoration, which must not fail an event.
    pub(crate) fn text_if_any(&self, key: &str) -> Option<&'a str> {
        let text = self.value.get(key)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// This value as text.
    pub(crate) fn text(&self) -> Result<&'a str, InvalidEvent> {
        self.value
            .as_str()
            .ok_or_else(|| self.invalid(format!("is {}, not text", described(self.value))))
    }

    /// This value as text of a limited length. What is too long to be AWS's is
    /// refused rather than cut: half a name is another name.
    pub(crate) fn text_up_to(&self, max_chars: usize) -> Result<&'a str, InvalidEvent> {
        let text = self.text()?;
        if text.chars().nth(max_chars).is_none() {
            Ok(text)
        } else {
            Err(self.invalid(format!(
                "is longer than {max_chars} characters: {}",
                quoted(text)
            )))
        }
    }

    /// This value as a name, ARN or id by the rule of its type. The limit is above that
    /// of every such rule, and is checked before the copy that parsing makes.
    pub(crate) fn named<T>(
        &self,
        parse: impl Fn(String) -> Result<T, InvalidText>,
    ) -> Result<T, InvalidEvent> {
        let text = self.text_up_to(200)?;
        parse(text.to_owned()).map_err(|error| self.invalid(format!("is wrong: {error}")))
    }

    /// The items of this list.
    pub(crate) fn items(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Self> + use<'a>, InvalidEvent> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.invalid(format!("is {}, not a list", described(self.value))))?;
        let path = self.path();
        Ok(items.iter().enumerate().map(move |(index, value)| Self {
            path: format!("{path}[{index}]"),
            value,
        }))
    }

    /// The fields of this object, whose names are the event's own.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = (&'a str, Self)>, InvalidEvent> {
        let fields = self
            .value
            .as_object()
            .ok_or_else(|| InvalidEvent::NotAnObject {
                path: self.path(),
                found: described(self.value),
            })?;
        Ok(fields.iter().map(|(key, value)| {
            (
                key.as_str(),
                Self {
                    path: self.path_of(&quoted(key)),
                    value,
                },
            )
        }))
    }

    /// Whether this is a list, not an object of fields.
    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// The value itself, or the one that is written as JSON in this text.
    pub(crate) fn decoded(&self) -> Result<Cow<'a, Value>, InvalidEvent> {
        match self.value {
            Value::String(text) => serde_json::from_str(text)
                .map(Cow::Owned)
                .map_err(|error| self.invalid(format!("is text, but not JSON: {error}"))),
            value => Ok(Cow::Borrowed(value)),
        }
    }

    /// The raw value.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// The value in a few words, for a message.
    pub(crate) fn described(&self) -> String {
        described(self.value)
    }

    /// An error about this field; `reason` goes on from the path.
    pub(crate) fn invalid(&self, reason: String) -> InvalidEvent {
        InvalidEvent::InvalidField {
            path: self.path(),
            reason,
        }
    }
}
