//! The sandbox over HTTP, as its clients see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod client;
mod cloudwatch;
mod codepipeline;
mod control;
mod dynamodb;
mod eventbridge;
mod faults;
mod lambda;
mod s3;
mod sagemaker;
mod services;
mod sqs;
