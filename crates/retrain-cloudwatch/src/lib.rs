#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod alarms;
mod described;
mod error;
mod present;
#[cfg(test)]
mod tests;

use aws_sdk_cloudwatch::Client;

pub use self::described::DescribedAlarm;

/// CloudWatch in one account and region.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// CloudWatch behind this client.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}
