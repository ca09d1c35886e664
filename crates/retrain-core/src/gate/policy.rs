//! The gate as policies write it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::margin::Margin;
use super::metric::Metric;
use super::number::Number;
use super::signoff::Role;
use super::verdict::{ConditionVerdict, Outcome};
use crate::period::Period;
use crate::policy::PolicyError;

/// What a model package must show to be approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gate {
    /// What must hold; 1 to 50 conditions.
    pub conditions: Vec<Condition>,

    /// What becomes of a package that fails a condition clearly.
    #[serde(default)]
    pub on_fail: OnFail,

    /// What a comparison with the champion is worth while there is none.
    #[serde(default)]
    pub without_champion: WithoutChampion,

    /// The roles whose sign-off an approval needs besides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub required_signoffs: BTreeSet<Role>,

    /// How often people are reminded of a package that waits for them; from one hour.
    #[serde(default = "daily")]
    pub remind_every: Period,
}

const fn daily() -> Period {
    Period::from_hours(24)
}

/// What becomes of a package that fails a condition clearly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnFail {
    /// It is rejected.
    #[default]
    Reject,
    /// A person decides.
    Ask,
}

impl OnFail {
    pub(super) const fn outcome(self) -> Outcome {
        match self {
            Self::Reject => Outcome::Reject,
            Self::Ask => Outcome::AskPerson,
        }
    }
}

/// What a comparison with the champion is worth while there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WithoutChampion {
    /// A person decides.
    #[default]
    Ask,
    /// It passes, if the candidate has the metric.
    Pass,
}

/// One comparison of one metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ConditionFields", into = "ConditionFields")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "ConditionFields"))]
pub struct Condition {
    pub(super) metric: Metric,
    pub(super) test: Test,
    pub(super) borderline: Number,
}

/// What a metric is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// A limit that the policy gives.
    Within(Limit),
    /// The same metric of the champion.
    BetterThanChampion { by: Margin, direction: Direction },
}

/// The last value that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// This and all higher values.
    AtLeast(Number),
    /// This and all lower values.
    AtMost(Number),
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Direction {
    /// Higher ones, such as of `auc`.
    Higher,
    /// Lower ones, such as of `rmse` and of every bias metric.
    Lower,
}

/// One comparison of one metric: exactly one of `at_least`, `at_most` and
/// `better_than_champion_by`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ConditionFields {
    /// The metric: a name such as `auc`, a JSON pointer into the evaluation report,
    /// `bias:NAME`, `explainability:/POINTER` or `metadata:KEY`.
    metric: Metric,
    /// The least value that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<Number>,
    /// The greatest value that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<Number>,
    /// How much better than the champion's the value must be: a number, or a text such
    /// as `2%` of the champion's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    better_than_champion_by: Option<Margin>,
    /// Which values are better than the champion's; needed with
    /// `better_than_champion_by`, except for `bias:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    /// How near the limit, on either side, a person decides.
    #[serde(default = "zero", skip_serializing_if = "Number::is_zero")]
    borderline: Number,
}

const fn zero() -> Number {
    Number::ZERO
}

impl Gate {
    /// The rules that no condition can check for itself.
    pub(crate) fn check(&self) -> Result<(), PolicyError> {
        if !(1..=50).contains(&self.conditions.len()) {
            return Err(PolicyError::at(
                "gate.conditions",
                "must have 1 to 50 entries",
            ));
        }
        if self.remind_every < Period::from_hours(1) {
            return Err(PolicyError::at("gate.remind_every", "must be at least 1h"));
        }
        Ok(())
    }
}

impl TryFrom<ConditionFields> for Condition {
    type Error = String;

    fn try_from(fields: ConditionFields) -> Result<Self, String> {
        let ConditionFields {
            metric,
            at_least,
            at_most,
            better_than_champion_by,
            direction,
            borderline,
        } = fields;
        let is_bias = matches!(metric, Metric::Bias(_));
        if borderline.is_negative() {
            return Err("borderline: must not be negative".to_string());
        }
        let test = match (at_least, at_most, better_than_champion_by) {
            (Some(_), None, None) if is_bias => {
                return Err("at_least: bias is a distance from parity, give at_most".to_string());
            }
            (None, Some(limit), None) if is_bias && limit.is_negative() => {
                return Err("at_most: no distance from parity is negative".to_string());
            }
            (Some(limit), None, None) => Test::Within(Limit::AtLeast(limit)),
            (None, Some(limit), None) => Test::Within(Limit::AtMost(limit)),
            (None, None, Some(by)) => Test::BetterThanChampion {
                by,
                direction: match direction {
                    Some(Direction::Higher) if is_bias => {
                        return Err("direction: of bias, lower values are better".to_string());
                    }
                    None if is_bias => Direction::Lower,
                    None => {
                        return Err(
                            "direction: must say which values are better, higher or lower"
                                .to_string(),
                        );
                    }
                    Some(direction) => direction,
                },
            },
            _ => {
                return Err(
                    "needs exactly one of at_least, at_most and better_than_champion_by"
                        .to_string(),
                );
            }
        };
        if direction.is_some() && matches!(test, Test::Within(_)) {
            return Err("direction: at_least and at_most say it themselves".to_string());
        }
        Ok(Self {
            metric,
            test,
            borderline,
        })
    }
}

impl From<Condition> for ConditionFields {
    fn from(condition: Condition) -> Self {
        let Condition {
            metric,
            test,
            borderline,
        } = condition;
        let mut fields = Self {
            metric,
            at_least: None,
            at_most: None,
            better_than_champion_by: None,
            direction: None,
            borderline,
        };
        match test {
            Test::Within(Limit::AtLeast(limit)) => fields.at_least = Some(limit),
            Test::Within(Limit::AtMost(limit)) => fields.at_most = Some(limit),
            Test::BetterThanChampion { by, direction } => {
                fields.better_than_champion_by = Some(by);
                fields.direction = Some(direction);
            }
        }
        fields
    }
}

impl Limit {
    /// The limit that asks for this much more than the champion has.
    pub(super) fn beyond(champion: Number, by: Margin, direction: Direction) -> Option<Self> {
        let by = by.of(champion)?;
        match direction {
            Direction::Higher => champion.plus(by).map(Self::AtLeast),
            Direction::Lower => champion.minus(by).map(Self::AtMost),
        }
    }

    /// Judges a value. Both edges of the borderline band are inclusive in the
    /// candidate's favour, so without a band the limit itself passes.
    pub(super) fn judge(self, value: Number, band: Number) -> ConditionVerdict {
        // Of values where lower is better, their negatives are compared.
        let (limit, value) = match self {
            Self::AtLeast(limit) => (limit, value),
            Self::AtMost(limit) => (-limit, -value),
        };
        match (limit.plus(band), limit.minus(band)) {
            (Some(passes), _) if value >= passes => ConditionVerdict::Pass,
            (Some(_), Some(fails)) if value < fails => ConditionVerdict::Fail,
            (Some(_), Some(_)) => ConditionVerdict::Borderline,
            _ => ConditionVerdict::Unknown {
                why: format!("the limit of {self} is too far from the band of {band} to compute"),
            },
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
            Self::AtMost(limit) => write!(f, "at most {limit}"),
        }
    }
}

impl Condition {
    /// What is wanted, in words, with the limit that a comparison has led to.
    pub(super) fn wanted(&self, limit: Option<Limit>) -> String {
        let wanted = match self.test {
            Test::Within(limit) => limit.to_string(),
            Test::BetterThanChampion { by, direction } => {
                let limit = limit.map(|limit| format!(": {limit}"));
                let limit = limit.unwrap_or_default();
                format!("{direction} than the champion's by {by}{limit}")
            }
        };
        if self.borderline.is_zero() {
            wanted
        } else {
            format!("{wanted}, borderline within {}", self.borderline)
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        })
    }
}
