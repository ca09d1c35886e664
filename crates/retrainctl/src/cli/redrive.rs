//! The command line of `redrive`.

use clap::Args;
use retrain_core::names::ModelName;
use retrain_core::period::Period;

use super::operate::PolicyArgs;

/// What `redrive --help` says at its end.
pub(super) const HELP: &str = "\
Three forms of letters are understood: what Lambda sends when a function has failed (its event \
is sent to the function again), what a rule or a schedule could not deliver (to its target), \
and messages that a queue has given up (to that queue). Whoever may send to a queue of dead \
letters writes what is in them. So only the controller's own functions are invoked (STACK-drift-alarm, \
STACK-data-arrival, STACK-execution-status, STACK-model-approval and STACK-reconciler, in the \
account of the queue), and of the queues that rules name only that of --data-queue gets \
anything. Look at what letters for the reconciler ask: the list shows the word. All others stay, \
such as the notes of a pipe.

A letter is deleted after it was taken: by Lambda's queue, which then tries it as often as ever \
and sends it back here if it fails again; with --wait by the function itself, which is asked once \
and has 150 s; or by the queue. \
What was decided before is a duplicate, so sending too much does no harm. Letters that are only \
looked at can be received by others again at once.

It may call sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage, sqs:GetQueueUrl, \
sqs:SendMessage, lambda:InvokeFunction, s3:GetObject and ssm:GetParametersByPath.

The models of letters are known if an option or a variable says where the policies are.

Exit codes: 3 if a letter that was meant stays, or if it was not confirmed.

Examples:
  retrainctl redrive \"$queue\" --dry-run
  retrainctl redrive \"$queue\" --reason Retryable. --yes
  retrainctl redrive \"$queue\" --model fraud-detection --newer-than 2d --wait";

/// What `redrive` is given.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct RedriveArgs {
    /// The URLs of queues of dead letters.
    #[arg(required = true, value_name = "QUEUE_URL")]
    pub queues: Vec<String>,

    /// Only those about this model.
    #[arg(short, long, value_name = "NAME", value_parser = super::operate::model)]
    pub model: Option<ModelName>,

    /// Only those with this text in the name of their function, rule, schedule or queue.
    #[arg(short, long, value_name = "TEXT")]
    pub from: Option<String>,

    /// Only those with this text in the reason why they are here, in any case.
    #[arg(short, long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Only those that were sent longer ago.
    #[arg(long, value_name = "TIME", value_parser = Period::parse)]
    pub older_than: Option<Period>,

    /// Only those that were sent later.
    #[arg(long, value_name = "TIME", value_parser = Period::parse)]
    pub newer_than: Option<Period>,

    /// No more than so many: the oldest of those that were looked at and are meant.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    pub limit: Option<usize>,

    /// How many letters of each queue are looked at.
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    pub max: usize,

    /// The stack whose functions may be invoked, where the queue's name does not begin with
    /// it: CloudFormation names the template's queue `STACK-DeadLetters-...`.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,

    /// The URL of the queue of new objects, which gets what the rule of objects could not
    /// put into it.
    #[arg(long, value_name = "QUEUE_URL")]
    pub data_queue: Option<String>,

    /// Wait for each function, and delete only what it could handle.
    #[arg(long)]
    pub wait: bool,

    /// Do not ask whether to go on.
    #[arg(short, long)]
    pub yes: bool,

    /// Say what would be sent where, and send nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}
