//! The one clock of a sandbox.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

/// The time all services of a sandbox see. Clones share one time.
///
/// Tests use a fixed clock that moves only when told to, so that a window of an
/// hour costs nothing and never flickers.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    source: Arc<Mutex<Source>>,
}

#[derive(Debug)]
enum Source {
    /// Stands still at this time.
    Fixed(Timestamp),
    /// Real time, shifted by this much.
    Following(SignedDuration),
}

impl VirtualClock {
    /// A clock that stands still at `now`.
    pub fn fixed(now: Timestamp) -> Self {
        Self::with(Source::Fixed(now))
    }

    /// A clock that follows the real time. Setting or advancing it shifts it;
    /// it goes on from there.
    pub fn following() -> Self {
        Self::with(Source::Following(SignedDuration::ZERO))
    }

    fn with(source: Source) -> Self {
        Self {
            source: Arc::new(Mutex::new(source)),
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match *self.lock() {
            Source::Fixed(now) => now,
            Source::Following(shift) => saturating_add(real_time(), shift),
        }
    }

    /// Makes it `now`, which may be earlier than before: clocks of real machines
    /// step back too.
    pub fn set(&self, now: Timestamp) {
        let mut source = self.lock();
        *source = match *source {
            Source::Fixed(_) => Source::Fixed(now),
            Source::Following(_) => Source::Following(now.duration_since(real_time())),
        };
    }

    /// Lets `by` pass and returns the new time. A negative `by` counts as none:
    /// only [`set`](Self::set) goes backwards.
    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        let by = by.max(SignedDuration::ZERO);
        {
            let mut source = self.lock();
            *source = match *source {
                Source::Fixed(now) => Source::Fixed(saturating_add(now, by)),
                Source::Following(shift) => Source::Following(shift.saturating_add(by)),
            };
        }
        self.now()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn saturating_add(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn real_time() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| SignedDuration::try_from(elapsed).ok())
        .unwrap_or(SignedDuration::ZERO);
    saturating_add(Timestamp::UNIX_EPOCH, since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_all_clones_see_it() {
        let clock = VirtualClock::fixed(noon());
        let clone = clock.clone();
        assert_eq!(clock.now(), noon());
        clone.advance(SignedDuration::from_hours(6));
        assert_eq!(clock.now().to_string(), "2026-01-05T18:00:00Z");
    }

    #[test]
    fn advancing_never_goes_backwards_but_setting_may() {
        let clock = VirtualClock::fixed(noon());
        clock.advance(SignedDuration::from_secs(-1));
        assert_eq!(clock.now(), noon());
        let earlier = "2026-01-01T00:00:00Z".parse().unwrap();
        clock.set(earlier);
        assert_eq!(clock.now(), earlier);
    }

    #[test]
    fn a_following_clock_is_shifted_and_goes_on() {
        let clock = VirtualClock::following();
        let before = clock.now();
        clock.advance(SignedDuration::from_hours(1));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(1));
    }

    #[test]
    fn the_ends_of_time_saturate() {
        let clock = VirtualClock::fixed(Timestamp::MAX);
        assert_eq!(clock.advance(SignedDuration::from_hours(1)), Timestamp::MAX);
    }
}
