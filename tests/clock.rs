//! A machine's clock, which differs from AWS's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use retrain_controller::Clock;
use retrain_sandbox::VirtualClock;

#[derive(Clone)]
pub(crate) struct SkewedClock {
    /// AWS's.
    pub(crate) clock: VirtualClock,
    /// How far it is ahead.
    pub(crate) skew: SignedDuration,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.skew
    }

    /// The pauses of lost races are random. These are not.
    async fn pause(&self, _: Duration) {
        self.clock.advance(SignedDuration::from_millis(50));
    }
}
