//! The command line of `doctor`.

use clap::Args;
use retrain_core::names::ModelName;

use super::operate::WhereArgs;

/// What `doctor --help` says at its end.
pub(super) const HELP: &str = "\
It reads the policy in Parameter Store and looks at what it names: the table, alarms and their \
metrics, buckets, pipelines with their parameters or variables, the model package group, \
EventBridge's rules with their targets, and the functions behind them. EventBridge itself is \
asked whether a rule matches the events that the policy needs.

It does not look at permissions: neither at what the roles of the functions may do, nor at what \
lets EventBridge invoke a function or send to a queue, nor at keys. Rules and functions are \
looked for where the template puts them: on the default bus, with names that end as the \
template's do.

It may call cloudwatch:DescribeAlarms, cloudwatch:ListMetrics, codepipeline:GetPipeline, \
dynamodb:DescribeTable, events:ListRules, events:ListTargetsByRule, events:TestEventPattern, \
lambda:GetFunctionConfiguration, lambda:ListEventSourceMappings, s3:GetBucketNotification, \
s3:GetObject, sagemaker:DescribeModelPackageGroup, sagemaker:DescribePipeline, ssm:GetParameter and ssm:GetParametersByPath.

Exit codes: 0 if nothing failed, 3 if something did, 1 if something could not be looked at and \
nothing else failed.

Example:
  retrainctl doctor fraud-detection";

/// What `doctor` is given.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The model.
    #[arg(value_parser = super::operate::model)]
    pub model: ModelName,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}
