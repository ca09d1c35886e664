//! What looks at the controller in AWS, and what is asked of it there, on the sandbox:
//! real SDK clients over HTTP.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod account;
mod alarms;
mod asks;
mod binary;
mod bundles;
mod doctor;
mod explains;
mod looks;
mod policies;
mod redrive;
mod removals;
mod scene;
mod served;
