//! What looks at the controller in AWS, or asks something of it.

mod account;
mod ask;
mod deployed;
mod due;
mod held;
mod history;
mod lead;
mod live;
pub(crate) mod place;
mod served;
mod status;
mod stored;
mod watch;

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::time::Duration;

use aws_config::SdkConfig;
use retrain_controller::{Clock, PortError, chain};
use retrain_core::facts::Timing;
use retrain_lambda::InvocationClock;

use self::ask::Asking;
pub use self::live::explain;
use self::place::Place;
pub use self::stored::stored;
use crate::cli::ExplainArgs;
use crate::cli::account::AccountArgs;
use crate::cli::operate::{LookArgs, OperateCommand, WhereArgs};
use crate::cli::stored::StoredCommand;
use crate::exit::{Exit, Failure};
use crate::words;

/// What a command finds around it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a, C> {
    /// Region, credentials and endpoints.
    pub aws: &'a SdkConfig,
    /// The environment's variables.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The time.
    pub clock: &'a C,
    /// Whether a person wants to go on; nothing if there is nobody to ask.
    pub confirmed: &'a dyn Fn() -> io::Result<Option<bool>>,
    /// Whether there is somebody to ask.
    pub attended: bool,
}

/// Does what a command asks, in the process's own surroundings.
pub(crate) fn run(
    command: &OperateCommand,
    account: &AccountArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    in_process(account, async |around| {
        Box::pin(operate(command, around, out, err)).await
    })
}

/// Whether the state of slots is to be had from a table.
pub(crate) fn has_table(args: &ExplainArgs) -> bool {
    live::table(args, |name| std::env::var(name).ok()).is_some()
}

/// Explains an event, in the process's own surroundings.
pub(crate) fn run_explain(
    args: &ExplainArgs,
    account: &AccountArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    in_process(account, async |around| {
        Box::pin(explain(args, around, out, err)).await
    })
}

/// Does what a command asks about stored policies, in the process's own surroundings.
pub(crate) fn run_stored(
    command: &StoredCommand,
    account: &AccountArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    in_process(account, async |around| {
        Box::pin(stored(command, around, out, err)).await
    })
}

/// Does something in the process's own surroundings.
pub(crate) fn in_process(
    account: &AccountArgs,
    does: impl AsyncFnOnce(&Surroundings<'_, InvocationClock>) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let aws = account::config(account).await;
        let clock = InvocationClock::start();
        let around = Surroundings {
            aws: &aws,
            variable: &|name| std::env::var(name).ok(),
            clock: &clock,
            confirmed: &answer_of_a_person,
            attended: io::stdin().is_terminal(),
        };
        does(&around).await
    })
}

/// Does what a command asks.
pub async fn operate(
    command: &OperateCommand,
    around: &Surroundings<'_, impl Clock>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Some(asking) = Asking::of(command, around)? {
        return Box::pin(asking.run(around, out, err)).await;
    }
    let Some((json, again, place)) = shown(command) else {
        return Ok(Exit::Done);
    };
    let place = Place::of(place, around)?;
    let mut exit = Exit::Done;
    watch::every(again, out, async |out| {
        let now = around.clock.now();
        let page = match command {
            OperateCommand::Status(args) => status::page(args, &place, now).await?,
            OperateCommand::History(args) => history::page(args, &place).await?,
            OperateCommand::Held(args) => held::page(args, &place, now).await?,
            OperateCommand::Due(args) => due::page(args, &place, now).await?,
            OperateCommand::Deployed(args) => deployed::page(args, &place, now).await?,
            OperateCommand::LeadTimes(args) => lead::page(args, &place).await?,
            _ => return Ok(()),
        };
        exit = page.exit;
        page.print(json, out, err)
    })
    .await?;
    Ok(exit)
}

/// Whether a command shows JSON, how often, and from where; nothing if it shows nothing.
const fn shown(command: &OperateCommand) -> Option<(bool, Option<Duration>, &WhereArgs)> {
    let LookArgs { show, place } = match command {
        OperateCommand::Status(args) => &args.look,
        OperateCommand::History(args) => &args.look,
        OperateCommand::Held(args) => &args.look,
        OperateCommand::Due(args) => &args.look,
        OperateCommand::Deployed(args) => &args.look,
        OperateCommand::LeadTimes(args) => return Some((args.json, None, &args.place)),
        _ => return None,
    };
    Some((show.json, show.watch, place))
}

/// What is shown: the same as text and as JSON.
struct Page {
    text: String,
    json: serde_json::Value,
    /// What a person should know besides.
    notes: Vec<String>,
    exit: Exit,
}

impl Page {
    fn new(text: String, json: &impl serde::Serialize) -> Result<Self, Failure> {
        let json = serde_json::to_value(json).map_err(io::Error::from)?;
        Ok(Self {
            text,
            json,
            notes: Vec::new(),
            exit: Exit::Done,
        })
    }

    fn print(&self, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
        if json {
            words::json(&self.json, out)?;
        } else {
            write!(out, "{}", self.text)?;
        }
        for note in &self.notes {
            writeln!(err, "retrainctl: {note}")?;
        }
        Ok(())
    }
}

impl<C> Surroundings<'_, C> {
    /// Asks whether to go on, once everything is shown that was written before. Without
    /// somebody to ask, that must have been said before.
    pub(crate) fn goes_on(
        &self,
        question: &str,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<bool, Failure> {
        out.flush()?;
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        (self.confirmed)()?.map_or_else(
            || {
                writeln!(err)?;
                Err(nobody_to_ask())
            },
            Ok,
        )
    }

    /// Fails where nobody could say whether to go on.
    pub(crate) fn must_be_attended(&self) -> Result<(), Failure> {
        self.attended.then_some(()).ok_or_else(nobody_to_ask)
    }
}

fn nobody_to_ask() -> Failure {
    let why = "there is nobody to ask whether to go on: give --yes or --dry-run";
    Failure::Usage(why.to_owned())
}

fn answer_of_a_person() -> io::Result<Option<bool>> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    let word = line.trim().to_lowercase();
    Ok(Some(matches!(word.as_str(), "y" | "yes")))
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self::Aws(chain(&error))
    }
}

impl From<retrain_lambda::Failure> for Failure {
    fn from(failure: retrain_lambda::Failure) -> Self {
        let text = failure.to_string();
        // What AWS refuses for good is a failure all the same: nothing says that the
        // request is wrong.
        let depends = failure.error_type().ends_with(".DependencyFailed");
        if depends || failure.class() == retrain_controller::Class::Retryable {
            Self::Aws(text)
        } else {
            Self::Invalid(text)
        }
    }
}

/// What comes of something within the time that a function has for it: a function would
/// be ended then, and whoever resumes its claim relies on it.
async fn in_time<T>(
    timing: Timing,
    asked: impl Future<Output = Result<T, retrain_lambda::Failure>>,
) -> Result<T, Failure> {
    let time = Duration::try_from(timing.send_within()).unwrap_or_default();
    let done = tokio::time::timeout(time, asked).await.map_err(|_| {
        Failure::Aws(format!(
            "not done within {} s: what is recorded, the reconciler finishes",
            time.as_secs()
        ))
    })?;
    Ok(done?)
}
