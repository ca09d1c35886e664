//! What happened to one model, as a picture: a lane for each kind of signal, and two
//! for each rule.

use std::fmt::{self, Write as _};

use jiff::{SignedDuration, Timestamp};
use retrain_core::event::ExecutionStatus;

use super::html::Escaped;
use super::signals::Signals;
use super::tally::{Span, Tally, seconds};
use crate::words::{lasting, moment};

/// Where lanes begin, right of their names.
const LEFT: f64 = 190.0;
/// How wide lanes are.
const WIDTH: f64 = 900.0;
/// Where the first lane begins, below the days.
const TOP: f64 = 20.0;
const LANE: f64 = 14.0;
const GAP: f64 = 5.0;
/// The least width of what is drawn: it must be seen.
const LEAST: f64 = 1.5;
/// The widest name of a rule that fits before its lanes.
const NAME: usize = 20;

/// From moments to places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    from: Timestamp,
    to: Timestamp,
}

impl Scale {
    pub(crate) const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let whole = self.to.duration_since(self.from).as_secs_f64().max(1.0);
        let part = at.duration_since(self.from).as_secs_f64();
        LEFT + (part / whole).clamp(0.0, 1.0) * WIDTH
    }

    /// Round moments, a few to a dozen of them.
    fn days(&self) -> Vec<Timestamp> {
        let whole = self.to.duration_since(self.from).as_hours();
        let steps = [
            1,
            3,
            6,
            12,
            24,
            48,
            24 * 7,
            24 * 14,
            24 * 28,
            24 * 91,
            24 * 365,
        ];
        let step = steps.into_iter().find(|step| whole / step <= 12);
        let step = step.unwrap_or(24 * 3_650) * 3_600;
        // Weeks begin on Monday, as the first days of 1970 did not.
        let monday = 4 * 86_400;
        let first = (self.from.as_second() - monday).div_euclid(step) + 1;
        let moments = (first..).map(|number| Timestamp::from_second(number * step + monday));
        moments
            .map_while(Result::ok)
            .take_while(|at| *at <= self.to)
            .collect()
    }
}

/// The picture of one model.
pub(crate) struct Lanes<'a> {
    pub(crate) scale: Scale,
    pub(crate) signals: &'a Signals,
    /// Each rule by its name.
    pub(crate) tallies: &'a [(&'a str, &'a Tally)],
}

impl fmt::Display for Lanes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lanes = String::new();
        let mut y = TOP;
        self.drift(&mut lanes, y)?;
        y += LANE + GAP;
        if !self.signals.arrivals.is_empty() {
            self.data(&mut lanes, y)?;
            y += LANE + GAP;
        }
        for (name, tally) in self.tallies {
            // A little more room before each rule.
            y += GAP;
            self.runs(&mut lanes, y, name, &tally.runs)?;
            y += LANE + GAP;
            if !tally.holds.is_empty() {
                self.holds(&mut lanes, y, tally)?;
                y += LANE + GAP;
            }
        }
        writeln!(
            f,
            r#"<svg class="lanes" role="img" viewBox="0 0 {} {y}" xmlns="http://www.w3.org/2000/svg">
<title>Drift, data, runs and holds of {}</title>"#,
            LEFT + WIDTH + 10.0,
            Escaped(&self.signals.model)
        )?;
        self.days(f, y)?;
        f.write_str(&lanes)?;
        f.write_str("</svg>\n")
    }
}

impl Lanes<'_> {
    fn days(&self, f: &mut fmt::Formatter<'_>, height: f64) -> fmt::Result {
        let days = self.scale.days();
        let by_hours = days.windows(2).any(|pair| match pair {
            [a, b] => b.duration_since(*a) < SignedDuration::from_hours(24),
            _ => false,
        });
        for day in days {
            let x = self.scale.x(day);
            let text = moment(day);
            let text = if by_hours {
                text.get(5..16)
            } else {
                text.get(..10)
            };
            writeln!(
                f,
                r#"<path class="ground" d="M{x:.1} {TOP}V{height}"/><text x="{x:.1}" y="12">{}</text>"#,
                Escaped(text.unwrap_or_default().replace('T', " "))
            )?;
        }
        Ok(())
    }

    /// A box in a lane, with a sentence about it.
    fn draw(
        &self,
        f: &mut String,
        y: f64,
        class: &str,
        (from, to): (Timestamp, Timestamp),
        sentence: &str,
    ) -> fmt::Result {
        let (x, end) = (self.scale.x(from), self.scale.x(to));
        let (y, height) = match class {
            "hold" => (y + LANE / 4.0, LANE / 2.0),
            _ => (y, LANE),
        };
        writeln!(
            f,
            r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="{:.1}" height="{height}"><title>{}</title></rect>"#,
            y,
            (end - x).max(LEAST),
            Escaped(sentence)
        )
    }

    fn drift(&self, f: &mut String, y: f64) -> fmt::Result {
        name(f, y, "drift alarms")?;
        for drift in &self.signals.drift {
            let to = drift.to.unwrap_or(self.scale.to);
            let how_long = lasting(seconds(to.duration_since(drift.from)));
            let sentence = format!(
                "{} in ALARM for {how_long} from {}",
                drift.alarm,
                moment(drift.from)
            );
            self.draw(f, y, "drift", (drift.from, to), &sentence)?;
        }
        Ok(())
    }

    /// Arrivals as one line of needles, as high as many objects came.
    fn data(&self, f: &mut String, y: f64) -> fmt::Result {
        name(f, y, "data")?;
        let mut columns = std::collections::BTreeMap::<i64, u32>::new();
        for at in &self.signals.arrivals {
            #[expect(clippy::cast_possible_truncation, reason = "places in the picture")]
            let column = (self.scale.x(*at) / 2.0).round() as i64;
            *columns.entry(column).or_default() += 1;
        }
        let most = columns.values().copied().max().unwrap_or(1);
        let bottom = y + LANE;
        write!(f, r#"<path class="data" d=""#)?;
        for (column, count) in &columns {
            let high = (f64::from(*count) / f64::from(most)).sqrt() * LANE;
            write!(f, "M{} {bottom}v-{high:.1}", column * 2)?;
        }
        writeln!(
            f,
            r#""><title>{} objects</title></path>"#,
            self.signals.arrivals.len()
        )
    }

    fn runs(&self, f: &mut String, y: f64, rule: &str, runs: &[Span]) -> fmt::Result {
        let rule = retrain_core::names::shortened(rule, NAME);
        name(f, y, &format!("{rule}: runs"))?;
        for run in runs.iter().filter(|run| run.from <= self.scale.to) {
            let (class, how) = if run.status == ExecutionStatus::Failed {
                ("run failed", "failed")
            } else {
                ("run", "succeeded")
            };
            let sentence = format!("{how}, started {}: {}", moment(run.from), run.why);
            self.draw(f, y, class, (run.from, run.to), &sentence)?;
            let (x, end) = (self.scale.x(run.from), self.scale.x(run.to));
            // In what is narrower it would hide the colour.
            if run.status == ExecutionStatus::Failed && end - x >= LANE / 2.0 {
                let bottom = y + LANE;
                writeln!(
                    f,
                    r#"<path class="cross" d="M{x:.1} {bottom:.1}L{end:.1} {y:.1}"/>"#
                )?;
            }
        }
        Ok(())
    }

    fn holds(&self, f: &mut String, y: f64, tally: &Tally) -> fmt::Result {
        name(f, y, "   held")?;
        for hold in &tally.holds {
            let to = hold.to.unwrap_or(self.scale.to);
            let how_long = lasting(seconds(to.duration_since(hold.from)));
            let sentence = format!(
                "held for {how_long} from {}, first by {}",
                moment(hold.from),
                hold.guard
            );
            self.draw(f, y, "hold", (hold.from, to), &sentence)?;
        }
        Ok(())
    }
}

/// A lane's name, and the line on which it stands.
fn name(f: &mut String, y: f64, name: &str) -> fmt::Result {
    writeln!(
        f,
        r#"<text x="0" y="{:.1}">{}</text><path class="ground" d="M{LEFT} {:.1}h{WIDTH}"/>"#,
        y + LANE - 3.0,
        Escaped(name),
        y + LANE + GAP / 2.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_has_a_line_for_each_monday_and_a_day_for_every_three_hours() {
        let days = |from, to| -> Vec<String> {
            let days = Scale::new(at(from), at(to)).days();
            days.into_iter().map(moment).collect()
        };
        assert_eq!(
            days("2026-01-01T10:00:00Z", "2026-02-01T00:00:00Z"),
            [
                "2026-01-05T00:00:00Z",
                "2026-01-12T00:00:00Z",
                "2026-01-19T00:00:00Z",
                "2026-01-26T00:00:00Z",
            ]
        );
        assert_eq!(
            days("2026-01-01T00:30:00Z", "2026-01-02T00:00:00Z").len(),
            8
        );
    }

    #[test]
    fn places_stay_inside_the_picture() {
        let scale = Scale::new(at("2026-01-01T00:00:00Z"), at("2026-01-03T00:00:00Z"));
        let x = |text| scale.x(at(text));
        assert!((x("2026-01-02T00:00:00Z") - (LEFT + WIDTH / 2.0)).abs() < 0.01);
        assert!((x("2027-01-02T00:00:00Z") - (LEFT + WIDTH)).abs() < 0.01);
        assert!((x("2020-01-02T00:00:00Z") - LEFT).abs() < 0.01);
    }
}
