//! The command line of stored policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use retrain_core::names::ModelName;

use super::operate::{AskArgs, SETTINGS_HELP, WhereArgs, model};

const APPLY_HELP: &str = "\
Policies are checked first, also together with those that are stored. What is stored and means \
the same is left alone, and so are models of which no file is given. Who asks and why becomes \
the parameter's description, and stays in its history; of a bundle, it is in its first line.

A bundle is written as a whole, once, and only over what was read.

CloudWatch tells of alarms when they change. Those that are in ALARM already when a policy begins \
to name them are listed; a trigger can be held for each. With --hold-alarms that is done also for \
the given models whose policy stays as it is.

Policies of which no file is given are never removed: `policy remove` does that.

Exit codes: 3 if a policy is invalid, nobody has confirmed, or somebody else has put a policy at the \
same time.";

const BUNDLE_HELP: &str = "\
What is under the path of --policy-path or RETRAIN_POLICY_PATH is copied into one object, with its \
versions, valid or not; later versions are higher than all of these. Into a bundle that is there \
already goes what differs; models that only the bundle has stay in it.

Parameter Store stays as it is, and functions read it until they are told to read the bundle: by \
RETRAIN_POLICY_BUNDLE, the parameter PolicyBundle of the template.

Exit codes: 3 if nobody has confirmed, or somebody else has changed the bundle at the same time.";

const REMOVE_HELP: &str = "\
A start that is under way is made sure of first, and never forgotten. What is held is discarded; an execution that runs goes on, but nobody waits for it any more; what \
is deployed stays deployed. Each is recorded, with who asks and why. The model stays paused: a \
function that still knows the policy starts nothing. Should the model have a policy again, \
`retrainctl resume` lets it start.

The same command settles what is left of a model whose policy is gone.

Exit codes: 3 if a start is under way, nobody has confirmed, or somebody else has put the policy at \
the same time.";

/// What to do with stored policies.
#[derive(Debug, Subcommand)]
pub enum StoredCommand {
    /// Put policies into Parameter Store or a bundle: those that change, after showing how.
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArgs),
    /// Copy the policies in Parameter Store into a bundle in S3.
    #[command(after_help = BUNDLE_HELP)]
    Bundle(BundleArgs),
    /// Print the policy of a model as it is stored, or write policies to files.
    #[command(after_help = SETTINGS_HELP)]
    Export(ExportArgs),
    /// Settle what waits and runs under a model's policy, and remove it.
    #[command(after_help = REMOVE_HELP)]
    Remove(RemoveArgs),
}

/// What `policy apply` is given.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Directories of policies, or files MODEL.json.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Hold a trigger for each alarm that is in ALARM already, without asking.
    #[arg(long)]
    pub hold_alarms: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// What `policy bundle` is given.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// The bundle: `s3://BUCKET/KEY`.
    #[arg(value_name = "S3-URI")]
    pub to: String,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// What `policy export` is given.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The models; with --to all of them, if none is given.
    #[arg(required_unless_present = "to", value_name = "MODEL", value_parser = model)]
    pub models: Vec<ModelName>,

    /// Write each policy to a file MODEL.json in this directory.
    #[arg(long, value_name = "DIRECTORY")]
    pub to: Option<PathBuf>,

    /// Write over files that hold something else.
    #[arg(long, requires = "to")]
    pub overwrite: bool,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}

/// What `policy remove` is given.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The model.
    #[arg(value_parser = model)]
    pub model: ModelName,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
