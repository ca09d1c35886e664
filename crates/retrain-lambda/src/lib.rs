#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod aws;
mod clock;
mod failure;
mod serve;
mod settings;
mod telemetry;

pub use self::aws::{http_client, load as load_aws_config, loader as aws_config_loader};
pub use self::clock::InvocationClock;
pub use self::failure::Failure;
pub use self::serve::{Handle, run};
pub use self::settings::{InvalidSetting, Settings};
pub use self::telemetry::{
    decided, failed as record_failed, ignored, invalid_policies, oldest_due, stale_policies,
};
