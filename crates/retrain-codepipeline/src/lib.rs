#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod declared;
mod error;
mod executions;
mod jobs;
mod start;
#[cfg(test)]
mod tests;

use aws_sdk_codepipeline::Client;

pub use self::declared::DeclaredPipeline;
pub use self::jobs::JobAnswer;

/// CodePipeline in one account and region.
#[derive(Clone, Debug)]
pub struct CodePipeline {
    client: Client,
}

impl CodePipeline {
    /// CodePipeline behind this client.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}
