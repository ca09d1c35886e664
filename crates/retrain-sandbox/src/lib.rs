#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that cannot go on fails where it stands"
    )
)]

mod answer;
mod body;
mod calls;
mod clock;
pub mod cloudwatch;
pub mod codepipeline;
mod control;
mod dynamodb;
pub mod eventbridge;
mod faults;
mod http;
mod input;
pub mod lambda;
mod page;
pub mod s3;
pub mod sagemaker;
mod sandbox;
mod seed;
mod service;
pub mod sqs;
pub mod ssm;

pub use calls::{Call, CallLog, Outcome};
pub use clock::VirtualClock;
pub use cloudwatch::CloudWatch;
pub use codepipeline::CodePipeline;
pub use eventbridge::EventBridge;
pub use faults::{Fault, FaultHandle, FaultKind, Faults, Verdict};
pub use lambda::Lambda;
pub use s3::S3;
pub use sagemaker::SageMaker;
pub use sandbox::{Options, Sandbox};
pub use seed::{Seed, SeedError, SeedPackage, SeedParameter, SeedSchedule};
pub use service::Service;
pub use sqs::Sqs;
pub use ssm::Ssm;
