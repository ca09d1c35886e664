//! Whose AWS a command is about.

use clap::Args;

/// Whose AWS a command is about. What is not given is read as every AWS tool reads it:
/// from variables such as `AWS_PROFILE` and `AWS_REGION`, and from the files of the AWS CLI.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct AccountArgs {
    /// The profile of the AWS CLI's files whose credentials, region and endpoints are used,
    /// before any credentials in variables.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The region; otherwise `AWS_REGION` or the profile names it.
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
}
