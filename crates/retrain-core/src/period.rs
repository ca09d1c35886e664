//! Lengths of time as policies write them: `90s`, `10m`, `6h`, `7d`, `1d12h`.

use alloc::string::String;
use core::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A length of time of whole seconds, from zero to ten years.
///
/// A day is always 24 hours and a week seven of them: an interval between two
/// starts must not change with daylight saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub struct Period(u32);

/// A text that is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{shown:?} is not a length of time: write numbers with units s, m, h, d or w, such as \"90s\", \"6h\" or \"1d12h\", up to 3650d"
)]
pub struct InvalidPeriod {
    shown: String,
}

const UNITS: [(char, u32); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];
const MAX_SECONDS: u32 = 3_650 * 86_400;

impl Period {
    /// A period of this many seconds; more than ten years are cut to ten years.
    pub const fn from_secs(seconds: u32) -> Self {
        Self(if seconds > MAX_SECONDS {
            MAX_SECONDS
        } else {
            seconds
        })
    }

    /// A period of this many minutes.
    pub const fn from_mins(minutes: u32) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// A period of this many hours.
    pub const fn from_hours(hours: u32) -> Self {
        Self::from_secs(hours.saturating_mul(3_600))
    }

    /// A period of this many days of 24 hours.
    pub const fn from_days(days: u32) -> Self {
        Self::from_secs(days.saturating_mul(86_400))
    }

    /// Parses a period as policies write it.
    pub fn parse(text: &str) -> Result<Self, InvalidPeriod> {
        let invalid = || InvalidPeriod {
            shown: text.chars().take(40).collect(),
        };
        if text.is_empty() {
            return Err(invalid());
        }
        let mut rest = text;
        let mut seconds = 0_u32;
        while !rest.is_empty() {
            let at = rest
                .find(|c: char| !c.is_ascii_digit())
                .ok_or_else(invalid)?;
            let (digits, tail) = rest.split_at(at);
            let unit = tail.chars().next().ok_or_else(invalid)?;
            let (_, factor) = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(invalid)?;
            let number: u32 = digits.parse().map_err(|_| invalid())?;
            seconds = number
                .checked_mul(*factor)
                .and_then(|part| seconds.checked_add(part))
                .filter(|sum| *sum <= MAX_SECONDS)
                .ok_or_else(invalid)?;
            rest = tail.get(unit.len_utf8()..).unwrap_or_default();
        }
        Ok(Self(seconds))
    }

    /// As a duration, for arithmetic with timestamps.
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.0 as i64)
    }

    /// Whether it has no length.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, factor) in UNITS.into_iter().skip(1) {
            if rest >= factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;

    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        Self::parse(&text)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        alloc::format!("{period}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn periods_are_read_as_written() {
        let table = [
            ("0s", 0),
            ("90s", 90),
            ("10m", 600),
            ("6h", 21_600),
            ("7d", 604_800),
            ("1w", 604_800),
            ("1d12h", 129_600),
        ];
        for (text, seconds) in table {
            assert_eq!(
                Period::parse(text).unwrap(),
                Period::from_secs(seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_period_is_refused() {
        for text in [
            "",
            "6",
            "h",
            "6 h",
            "-6h",
            "6H",
            "1.5h",
            "3651d",
            "99999999999h",
            "6hh",
            "６h",
        ] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
        assert!(Period::parse("3650d").is_ok());
    }

    #[test]
    fn a_printed_period_reads_back() {
        for seconds in [0, 1, 59, 60, 3_661, 90_061, 604_800] {
            let period = Period::from_secs(seconds);
            assert_eq!(Period::parse(&period.to_string()).unwrap(), period);
        }
        assert_eq!(Period::from_secs(129_600).to_string(), "1d12h");
    }
}
