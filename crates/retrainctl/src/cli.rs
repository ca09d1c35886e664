//! The command line.

#[cfg(feature = "aws")]
pub mod account;
#[cfg(feature = "aws")]
pub mod doctor;
#[cfg(feature = "aws")]
pub mod mend;
#[cfg(feature = "aws")]
pub mod operate;
#[cfg(feature = "aws")]
pub mod redrive;
#[cfg(feature = "aws")]
pub mod stored;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use retrain_core::period::Period;

use crate::simulate::{Assumptions, Rows};

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and the answer is good
  1  something could not be read or written, or AWS did not answer
  2  the command line makes no sense
  3  done, and the answer is no: a policy or an event is invalid, two policies differ, or a
     request was refused";

/// See, explain, steer and backtest what the retraining controller does.
#[derive(Debug, Parser)]
#[command(name = "retrainctl", version, about, after_help = EXIT_CODES)]
#[command(max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Whose AWS it is about.
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub account: account::AccountArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Backtest policies: play recorded events under them, and compare what would have
    /// come of it.
    #[command(after_help = SIMULATE_HELP)]
    Simulate(SimulateArgs),
    /// Say what an event would lead to, and what every guard says about it. Nothing is
    /// done.
    #[command(after_help = EXPLAIN_HELP)]
    Explain(ExplainArgs),
    /// Write, check and compare policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print what makes a shell complete command lines of retrainctl.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands to files.
    Man(ManArgs),
    /// What needs the controller in AWS.
    #[cfg(feature = "aws")]
    #[command(flatten)]
    Operate(operate::OperateCommand),
    /// What finds out why the controller does nothing, and mends it.
    #[cfg(feature = "aws")]
    #[command(flatten)]
    Mend(mend::MendCommand),
}

const SIMULATE_HELP: &str = "\
Input: EventBridge events as they are archived, S3 event notifications, SNS and SQS deliveries, \
direct alarm actions, and requests; in files of JSON Lines, of one JSON array, of values one \
after the other or of one event; compressed with gzip or not; directories are searched. What \
says nothing about when it came, such as a person's request, is wrapped: \
{\"at\": \"2026-01-05T06:00:00Z\", \"event\": {...}}.

Every decision is made by the code that the functions run. What no recording tells is assumed: \
every start is accepted, a run takes --run-time and then ends, what is looked up exists. \
Recorded executions are those of the rule of then, and left out, unless --recorded-runs is given.

Examples:
  retrainctl simulate events.jsonl.gz --policies policies/
  retrainctl simulate archive/ --policies now=policies/ --policies calmer=calmer/ --html report.html
  retrainctl simulate archive/ --policies policies/ --failures 10 --run-time 3h --price 4.2 --json";

const EXPLAIN_HELP: &str = "\
The state is read from the controller's table, if --table or the variable RETRAIN_TABLE names it, \
and nothing is written there. Otherwise --state is a slot as the table holds it, as JSON; without \
both, nothing is known about the model. The time is when the event came, unless --now is given, or \
the slot's last write, if that is later.

Examples:
  retrainctl explain events/drift-alarm/alarm.json --policies policies/
  retrainctl explain event.json --policies policies/ --table retrain";

const COMPLETIONS_HELP: &str = "\
Examples:
  retrainctl completions bash > ~/.local/share/bash-completion/completions/retrainctl
  retrainctl completions zsh > \"${fpath[1]}/_retrainctl\"
  retrainctl completions fish > ~/.config/fish/completions/retrainctl.fish";

/// What `completions` is given.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// What `man` is given.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command to this directory.
    #[arg(long, value_name = "DIRECTORY")]
    pub to: Option<PathBuf>,
}

/// What `simulate` is given.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct SimulateArgs {
    /// Files or directories of events; `-` is standard input.
    #[arg(required = true, value_name = "EVENTS")]
    pub events: Vec<PathBuf>,

    /// A directory of policies, each in a file MODEL.json, or one such file. Given
    /// several times, the sets are compared; NAME=PATH gives a set another name than
    /// its path's.
    #[arg(short, long, required = true, value_name = "[NAME=]PATH")]
    pub policies: Vec<String>,

    /// How long a run takes.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = Period::parse)]
    pub run_time: Period,

    /// How many of 100 runs fail.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub failures: f64,

    /// Which runs fail: another seed, other runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,

    /// What an hour of a run costs, in whatever currency.
    #[arg(long, value_name = "AMOUNT", default_value_t = 1.0, value_parser = amount)]
    pub price: f64,

    /// How many bytes of an object make a row: events do not tell how many rows it has.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub bytes_per_row: u64,

    /// How many rows every object has, whatever its size.
    #[arg(long, value_name = "ROWS", conflicts_with = "bytes_per_row")]
    pub rows_per_object: Option<u64>,

    /// How often the reconciler runs.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = positive)]
    pub reconcile_every: Period,

    /// How many models one run of the reconciler starts at most.
    #[arg(long, value_name = "MODELS", default_value_t = 10)]
    pub max_starts: usize,

    /// Let recorded executions run that no controller has named, as executions that
    /// people start by hand.
    #[arg(long)]
    pub recorded_runs: bool,

    /// How long to go on after the last event.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = Period::parse)]
    pub after: Period,

    /// How often the calendar that is compared with starts a run.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = positive)]
    pub schedule: Period,

    /// Compare with no rule that needs no controller.
    #[arg(long)]
    pub no_baselines: bool,

    /// Show each model's numbers too.
    #[arg(long)]
    pub by_model: bool,

    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Write a report with a timeline of each model to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// How many models the report draws: those with the most events.
    #[arg(long, value_name = "MODELS", default_value_t = 20, requires = "html")]
    pub html_models: usize,

    /// Exit with 3 if an event cannot be read.
    #[arg(long)]
    pub strict: bool,

    /// Show no progress.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What `explain` is given.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The event; `-` is standard input.
    #[arg(value_name = "EVENT")]
    pub event: PathBuf,

    /// A directory of policies, each in a file MODEL.json, or one such file.
    #[arg(short, long, value_name = "PATH")]
    pub policies: PathBuf,

    /// What the table holds of the model, as JSON.
    #[arg(short, long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// The controller's table, to read the model's state from; otherwise `RETRAIN_TABLE`
    /// names it. An empty name is none.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME", conflicts_with = "state")]
    pub table: Option<String>,

    /// The time. Without it, the moment at which the event came.
    #[arg(long, value_name = "MOMENT")]
    pub now: Option<jiff::Timestamp>,

    /// How many bytes of an object make a row: events do not tell how many rows it has.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub bytes_per_row: u64,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print an example of a policy, and on standard error what its fields mean.
    New(NewArgs),
    /// Check policies: fields, values, and pipelines that two models share.
    Check(CheckArgs),
    /// Say what changes from one policy to another, or from one directory of policies
    /// to another. Exits with 3 if they differ.
    Diff(DiffArgs),
    /// Print the JSON Schema of a policy.
    Schema,
    /// Those in Parameter Store.
    #[cfg(feature = "aws")]
    #[command(flatten)]
    Stored(stored::StoredCommand),
}

/// What `policy new` is given.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The model.
    #[arg(default_value = "fraud-detection")]
    pub model: String,

    /// Do not explain the fields.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What `policy check` is given.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Directories of policies, or files MODEL.json. What is given together must fit
    /// together.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What `policy diff` is given.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The old policy, or the directory of the old ones.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,

    /// The new policy, or the directory of the new ones.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl SimulateArgs {
    /// What is assumed.
    pub(crate) fn assumptions(&self) -> Assumptions {
        Assumptions {
            run_time: self.run_time,
            failure_share: self.failures / 100.0,
            seed: self.seed,
            price_per_hour: self.price,
            rows: self
                .rows_per_object
                .map_or(Rows::PerBytes(self.bytes_per_row), Rows::PerObject),
            reconcile_every: self.reconcile_every,
            max_starts: self.max_starts,
            recorded_runs: self.recorded_runs,
        }
    }
}

fn positive(text: &str) -> Result<Period, String> {
    let period = Period::parse(text).map_err(|error| error.to_string())?;
    if period < Period::from_secs(1) {
        return Err("it must be at least 1s".to_owned());
    }
    Ok(period)
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err("it must be from 0 to 100".to_owned())
    }
}

fn amount(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err("it must be a number from 0".to_owned())
    }
}
