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
mod calls;
mod clock;
mod control;
mod dynamodb;
mod faults;
mod http;
mod input;
mod page;
pub mod sagemaker;
mod sandbox;
mod seed;
mod service;
pub mod ssm;

pub use calls::{Call, CallLog, Outcome};
pub use clock::VirtualClock;
pub use faults::{Fault, FaultHandle, FaultKind, Faults, Verdict};
pub use sagemaker::SageMaker;
pub use sandbox::{Options, Sandbox};
pub use seed::{Seed, SeedError, SeedPackage, SeedParameter};
pub use service::Service;
pub use ssm::Ssm;
