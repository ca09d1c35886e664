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
mod monitoring;
mod packages;
mod registry;
mod start;
#[cfg(test)]
mod tests;

use aws_sdk_sagemaker::Client;

pub use self::declared::DeclaredPipeline;

/// SageMaker in one account and region.
#[derive(Clone, Debug)]
pub struct SageMaker {
    client: Client,
}

impl SageMaker {
    /// SageMaker behind this client.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}
