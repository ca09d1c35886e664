//! From when to when events came.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::exit::Failure;

/// The longest span of one recording: from the time of an event that counts from 1970 because its
/// clock was lost, to today, is longer.
///
/// To play thousands of years would take long, and mean nothing.
const LONGEST: SignedDuration = SignedDuration::from_hours(50 * 366 * 24);

/// How much time must be left after the last event: for what is played after it, and for what is
/// remembered of it.
const LEFT: SignedDuration = SignedDuration::from_hours(50 * 366 * 24);

/// An event: when it came, and where it was read, as the number of its file and its own in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Timestamp,
    file: usize,
    number: u64,
}

/// From when to when events came, and which two say so.
#[derive(Debug, Default)]
pub(crate) struct Span(Option<(Place, Place)>);

impl Span {
    /// One more event, from a file and with a number in it.
    pub(crate) fn widen(&mut self, at: Timestamp, file: usize, number: u64) {
        let place = Place { at, file, number };
        let (first, last) = self.0.unwrap_or((place, place));
        self.0 = Some((first.min(place), last.max(place)));
    }

    /// Refuses a span that nobody can have recorded, and one after which no time is left for
    /// what follows from the events.
    pub(crate) fn check(&self, files: &[PathBuf]) -> Result<(), Failure> {
        let Some((first, last)) = &self.0 else {
            return Ok(());
        };
        let shown = |place: &Place| {
            let file = files.get(place.file).map(|file| file.display().to_string());
            let file = file.unwrap_or_default();
            format!("{} ({file}:{})", place.at, place.number)
        };
        if last.at.checked_add(LEFT).is_err() {
            return Err(Failure::Invalid(format!(
                "{} is too late: time ends within 50 years of it",
                shown(last)
            )));
        }
        if last.at.duration_since(first.at) <= LONGEST {
            return Ok(());
        }
        Err(Failure::Invalid(format!(
            "the events span more than 50 years, from {} to {}: one of these moments must be wrong",
            shown(first),
            shown(last)
        )))
    }
}
