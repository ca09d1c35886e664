//! The samples in the workspace's `events` folder, and what can be made of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod arrivals;
mod code_pipeline;
mod documented;
mod executions;
mod packages;
mod queues;
mod recorded;
mod requests;
mod robust;
mod sample;
mod traps;
