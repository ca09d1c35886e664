//! What finds out why the controller does nothing, and mends it.

use std::io::Write;

use jiff::Timestamp;
use retrain_controller::Clock;

use crate::cli::account::AccountArgs;
use crate::cli::mend::MendCommand;
use crate::exit::{Exit, Failure};
use crate::operate::{Surroundings, in_process};
use crate::{doctor, redrive};

/// Does what a command asks, in the process's own surroundings.
pub(crate) fn run(
    command: &MendCommand,
    account: &AccountArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    in_process(account, async |around| {
        let clock = Later(around.clock);
        let around = Surroundings {
            aws: around.aws,
            variable: around.variable,
            clock: &clock,
            confirmed: around.confirmed,
            attended: around.attended,
        };
        Box::pin(mend(command, &around, out, err)).await
    })
}

/// The later time of a clock and of the machine's. A machine that was suspended while a
/// person read a list may have a clock that stood still meanwhile; AWS's did not.
struct Later<'a, C>(&'a C);

impl<C: Clock> Clock for Later<'_, C> {
    fn now(&self) -> Timestamp {
        self.0.now().max(Timestamp::now())
    }
}

/// Does what a command asks.
pub async fn mend(
    command: &MendCommand,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match command {
        MendCommand::Doctor(args) => Box::pin(doctor::run(args, around, out)).await,
        MendCommand::Redrive(args) => Box::pin(redrive::run(args, around, out, err)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stands(Timestamp);

    impl Clock for Stands {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    #[test]
    fn a_clock_that_stood_still_is_not_believed() {
        assert!(Later(&Stands(Timestamp::UNIX_EPOCH)).now() > Timestamp::UNIX_EPOCH);
        assert_eq!(Later(&Stands(Timestamp::MAX)).now(), Timestamp::MAX);
    }
}
