//! The time during one invocation.

use jiff::{SignedDuration, Timestamp};
use retrain_controller::Clock;
use rustix::time::{ClockId, clock_gettime};

/// The wall clock at the start of the invocation, plus the boot clock since.
///
/// The wall clock can be set back under our feet. The monotonic clock stands still
/// while a sandbox is frozen, and a worker that was frozen with a claim in its hand
/// must notice. The boot clock does neither.
#[derive(Clone, Copy, Debug)]
pub struct InvocationClock {
    wall: Timestamp,
    boot: SignedDuration,
}

impl InvocationClock {
    /// Reads both clocks, once per invocation.
    pub fn start() -> Self {
        Self {
            wall: Timestamp::now(),
            boot: boot_clock(),
        }
    }
}

impl Clock for InvocationClock {
    fn now(&self) -> Timestamp {
        let elapsed = boot_clock() - self.boot;
        self.wall.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

fn boot_clock() -> SignedDuration {
    #[cfg(target_os = "linux")]
    let id = ClockId::Boottime;
    // Elsewhere functions are only developed, not frozen.
    #[cfg(not(target_os = "linux"))]
    let id = ClockId::Monotonic;
    let at = clock_gettime(id);
    let nanos = i32::try_from(at.tv_nsec).unwrap_or_default();
    SignedDuration::new(at.tv_sec, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_never_sees_time_run_backwards() {
        let clock = InvocationClock::start();
        let first = clock.now();
        assert!(first >= clock.wall);
        assert!(clock.now() >= first);
    }
}
