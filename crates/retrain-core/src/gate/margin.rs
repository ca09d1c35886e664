//! How much better than the champion.

use alloc::string::String;
use core::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::number::{NotANumber, Number};

/// How much better than the champion's a value must be; never negative, because a
/// candidate that is worse than the champion is not better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// In the metric's own unit.
    By(Number),
    /// In percent of the champion's value, whatever its sign.
    Percent(Number),
}

impl Margin {
    fn parse(text: &str) -> Option<Self> {
        let percent = Number::parse(text.strip_suffix('%')?)?;
        (!percent.is_negative()).then_some(Self::Percent(percent))
    }

    /// The margin in the metric's own unit. It is taken from the champion's size: 2% of
    /// -0.5 would make a worse candidate the better one.
    pub(super) fn of(self, champion: Number) -> Option<Number> {
        match self {
            Self::By(by) => Some(by),
            Self::Percent(percent) => percent.percent_of(champion.abs()),
        }
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(by) => by.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Margin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::By(by) => by.serialize(serializer),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Margin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMargin)
    }
}

struct AnyMargin;

impl Visitor<'_> for AnyMargin {
    type Value = Margin;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that is not negative, or a text such as \"2%\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Margin, E> {
        let by = Number::new(value).ok_or_else(|| E::custom(NotANumber))?;
        if by.is_negative() {
            return Err(E::custom(
                "must not be negative: a candidate worse than the champion is never approved",
            ));
        }
        Ok(Margin::By(by))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "fifteen digits count, and a double keeps them"
    )]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Margin, E> {
        self.visit_f64(value as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "fifteen digits count, and a double keeps them"
    )]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Margin, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Margin, E> {
        let shown: String = text.chars().take(40).collect();
        Margin::parse(text).ok_or_else(|| {
            E::custom(format_args!(
                "{shown:?} is not a share of the champion's value: write such as \"2%\""
            ))
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Margin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Margin".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9.eE+-]+%$" }
            ]
        })
    }
}
