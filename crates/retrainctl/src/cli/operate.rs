//! The command line of what looks at the controller in AWS, or asks something of it.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use retrain_core::lane::Lane;
use retrain_core::names::{EnvironmentName, ModelName};
use retrain_core::period::Period;

pub(super) const SETTINGS_HELP: &str = "\
The table and the policies are found by --table and --policy-path or --policy-bundle, or by the \
variables of the functions, RETRAIN_TABLE and RETRAIN_POLICY_PATH or RETRAIN_POLICY_BUNDLE. \
Region, credentials, profile and endpoints are read as every AWS SDK reads them: AWS_REGION, \
AWS_PROFILE, AWS_ENDPOINT_URL and so on.";

const DEPLOYED_HELP: &str = "\
The answer is read from the decisions about deployments. A package is deployed from when its \
execution was known to have succeeded. Decisions about deployments are kept for good. A model and \
an environment that are both named need no policy: what has served is known when that is gone.

Exit codes: 3 if nothing was deployed there then.

Examples:
  retrainctl deployed
  retrainctl deployed fraud-detection --env production --at 2026-03-01T12:00:00Z";

const LEAD_TIMES_HELP: &str = "\
A cause is what has asked for retraining first: an alarm, data, a calendar, a person. The time \
ends when the package that its run has registered was first deployed to an environment. Packages \
that no run of the controller's has registered have no cause, and are counted apart; so are those \
whose run is longer ago than 400 days, for which the table keeps decisions about retraining. \
--since bounds how much is read.";

const ASK_HELP: &str = "\
The request is decided and recorded as if it had been sent to the reconciler, with who asks \
and why. It needs RETRAIN_MODEL_PACKAGES besides the table and the policies, and the \
functions' other settings where they are not the defaults.

--dry-run reads what a decision reads, and says what it would be.

Exit codes: 3 if the request can never be met, is refused, or was not confirmed.";

/// What looks at the controller in AWS, or asks something of it.
#[derive(Debug, Subcommand)]
pub enum OperateCommand {
    /// Show how all models are, or everything about one.
    #[command(after_help = SETTINGS_HELP)]
    Status(StatusArgs),
    /// Show what was decided about a model, the newest first.
    #[command(after_help = SETTINGS_HELP)]
    History(HistoryArgs),
    /// Show what waits, and which guard keeps it.
    #[command(after_help = SETTINGS_HELP)]
    Held(HeldArgs),
    /// Show when somebody looks at which model again.
    #[command(after_help = SETTINGS_HELP)]
    Due(DueArgs),
    /// Show which package each environment runs, or ran at a time.
    #[command(after_help = DEPLOYED_HELP)]
    Deployed(DeployedArgs),
    /// Show how long it takes from a cause to what it has led to being deployed.
    #[command(after_help = LEAD_TIMES_HELP)]
    LeadTimes(LeadTimesArgs),
    /// Let a model, one of its environments or everything start nothing any more.
    #[command(after_help = ASK_HELP)]
    Pause(PauseArgs),
    /// Let it start again.
    #[command(after_help = ASK_HELP)]
    Resume(PauseArgs),
    /// Close the breaker that failed runs have opened.
    #[command(after_help = ASK_HELP)]
    ResetBreaker(LaneArgs),
    /// Retrain a model.
    #[command(after_help = ASK_HELP)]
    Trigger(TriggerArgs),
    /// Give up a start that nobody can finish; its causes are held again. An execution that
    /// runs is not stopped.
    #[command(after_help = ASK_HELP)]
    Cancel(LaneArgs),
    /// Sign a package off for a role, or refuse to.
    #[command(after_help = ASK_HELP)]
    SignOff(SignOffArgs),
    /// Approve a package.
    #[command(after_help = ASK_HELP)]
    Approve(PackageArgs),
    /// Reject a package.
    #[command(after_help = ASK_HELP)]
    Reject(PackageArgs),
    /// Deploy a package to an environment.
    #[command(after_help = ASK_HELP)]
    Promote(PromoteArgs),
    /// Deploy again what an environment ran before.
    #[command(after_help = ASK_HELP)]
    Rollback(RollbackArgs),
}

/// Where the controller is.
#[derive(Debug, Args)]
pub struct WhereArgs {
    /// The controller's table; otherwise `RETRAIN_TABLE` names it.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,

    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}

/// Where the policies are.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// The Parameter Store path of the policies; otherwise `RETRAIN_POLICY_PATH` names it.
    #[arg(long, value_name = "PATH")]
    pub policy_path: Option<String>,

    /// The bundle of all policies in S3, instead of a path; otherwise
    /// `RETRAIN_POLICY_BUNDLE` names it.
    #[arg(long, value_name = "S3-URI", conflicts_with = "policy_path")]
    pub policy_bundle: Option<String>,
}

/// How an answer is shown.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,

    /// Show it again every so often, until interrupted.
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10s")]
    #[arg(value_parser = pause_between)]
    pub watch: Option<Duration>,
}

/// What is shown, and from where.
#[derive(Debug, Args)]
pub struct LookArgs {
    #[command(flatten)]
    pub(crate) show: ShowArgs,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}

/// What `status` is given.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The model; without it, all of them.
    #[arg(value_parser = model)]
    pub model: Option<ModelName>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What `history` is given.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The model.
    #[arg(value_parser = model)]
    pub model: ModelName,

    /// What was decided about the deployments to this environment.
    #[arg(short, long, value_name = "NAME", value_parser = environment)]
    #[arg(conflicts_with = "package")]
    pub environment: Option<EnvironmentName>,

    /// What was decided about this package, by its ARN.
    #[arg(long, value_name = "ARN", value_parser = package_lane)]
    pub package: Option<Lane>,

    /// How many decisions to show at most.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What `held` is given.
#[derive(Debug, Args)]
pub struct HeldArgs {
    /// Only this model.
    #[arg(value_parser = model)]
    pub model: Option<ModelName>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What `due` is given.
#[derive(Debug, Args)]
pub struct DueArgs {
    /// Only what is due within this time; `0s` is what is overdue.
    #[arg(long, value_name = "TIME", value_parser = Period::parse)]
    pub within: Option<Period>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What `deployed` is given.
#[derive(Debug, Args)]
pub struct DeployedArgs {
    /// The model; without it, all of them.
    #[arg(value_parser = model)]
    pub model: Option<ModelName>,

    /// Only this environment.
    #[arg(short, long, visible_alias = "env", value_name = "NAME", value_parser = environment)]
    pub environment: Option<EnvironmentName>,

    /// The moment, such as `2026-03-01T12:00:00Z`, or a day, which means its first moment in
    /// UTC. Without it, now.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What `lead-times` is given.
#[derive(Debug, Args)]
pub struct LeadTimesArgs {
    /// The model; without it, all of them.
    #[arg(value_parser = model)]
    pub model: Option<ModelName>,

    /// Only this environment.
    #[arg(short, long, visible_alias = "env", value_name = "NAME", value_parser = environment)]
    pub environment: Option<EnvironmentName>,

    /// Only what was deployed from this moment or day on.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub since: Option<Timestamp>,

    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}

/// Who asks, why, and how.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Why; it is recorded.
    #[arg(short, long, value_name = "TEXT")]
    pub why: String,

    /// Who asks; it is recorded. Otherwise the first of the variables `RETRAIN_BY`, `USER`,
    /// `LOGNAME` and `USERNAME` names them.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Do not ask whether to go on.
    #[arg(short, long)]
    pub yes: bool,

    /// Say what would be decided, and do nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// The part of the model registry, as `RETRAIN_MODEL_PACKAGES` names it otherwise.
    #[arg(long, value_name = "ARN")]
    pub model_packages: Option<String>,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}

/// What `pause` and `resume` are given.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// The model.
    #[arg(required_unless_present = "everything", conflicts_with = "everything")]
    pub model: Option<String>,

    /// Only the deployments to this environment.
    #[arg(short, long, value_name = "NAME", requires = "model")]
    pub environment: Option<String>,

    /// The whole controller.
    #[arg(long)]
    pub everything: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// The model that something is asked about, and who asks.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// The model.
    pub model: String,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// The key of a request.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Asking twice with one key is asking once. Without it, every call asks anew.
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,
}

/// What concerns a model's retraining, or the deployments to one of its environments.
#[derive(Debug, Args)]
pub struct LaneArgs {
    #[command(flatten)]
    pub(crate) of: ModelArgs,

    /// The deployments to this environment, instead of the retraining.
    #[arg(short, long, value_name = "NAME")]
    pub environment: Option<String>,
}

/// What `trigger` is given.
#[derive(Debug, Args)]
pub struct TriggerArgs {
    #[command(flatten)]
    pub(crate) of: ModelArgs,

    /// Pass over the minimum interval, the back-off, the budget and the blackout hours.
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// What concerns a package.
#[derive(Debug, Args)]
pub struct PackageArgs {
    #[command(flatten)]
    pub(crate) of: ModelArgs,

    /// The package: its version in the model's group, or its ARN.
    #[arg(value_name = "PACKAGE")]
    pub package: String,
}

/// For what a person may sign.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// The technical review.
    Technical,
    /// The fairness review.
    Fairness,
    /// The compliance review.
    Compliance,
}

/// What `sign-off` is given.
#[derive(Debug, Args)]
pub struct SignOffArgs {
    /// The role for which is signed.
    #[arg(short, long, value_enum)]
    pub role: RoleName,

    /// Refuse to sign.
    #[arg(long)]
    pub refuse: bool,
    #[command(flatten)]
    pub(crate) package: PackageArgs,
}

/// What `promote` is given.
#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// The environment.
    #[arg(long, value_name = "NAME")]
    pub to: String,

    /// Pass over what keeps others waiting, such as the environment before.
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) package: PackageArgs,
}

/// What `rollback` is given.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    pub(crate) of: ModelArgs,

    /// The environment.
    #[arg(short, long, value_name = "NAME")]
    pub environment: String,

    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

pub(super) fn model(text: &str) -> Result<ModelName, String> {
    ModelName::parse(text).map_err(|error| error.to_string())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = |_| text.parse::<Date>()?.to_zoned(TimeZone::UTC);
    let moment = text.parse::<Timestamp>();
    let moment = moment.or_else(|error| day(error).map(|day| day.timestamp()));
    moment.map_err(|_| "it is no moment such as 2026-03-01T12:00:00Z, and no day".to_owned())
}

fn environment(text: &str) -> Result<EnvironmentName, String> {
    EnvironmentName::parse(text).map_err(|error| error.to_string())
}

fn package_lane(text: &str) -> Result<Lane, String> {
    let package = retrain_core::names::ModelPackageArn::parse(text);
    package
        .map(Lane::Package)
        .map_err(|error| error.to_string())
}

fn pause_between(text: &str) -> Result<Duration, String> {
    let period = Period::parse(text).map_err(|error| error.to_string())?;
    let pause = Duration::try_from(period.duration()).map_err(|error| error.to_string())?;
    if pause < Duration::from_secs(1) {
        return Err("it must be at least 1s".to_owned());
    }
    Ok(pause)
}
