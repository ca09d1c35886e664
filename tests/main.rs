//! The controller as a whole, on the sandbox: real handlers, real SDK clients, HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod approvals;
mod bench;
mod bundle;
mod calls;
mod chaos;
mod clock;
mod concurrency;
mod crashes;
mod data;
mod data_batches;
mod data_burst;
mod data_crashes;
mod data_objects;
mod data_story;
mod dice;
mod documents;
mod emulator;
mod ends;
mod isolation;
mod life;
mod lifecycle;
mod month;
mod oracle;
mod packages;
mod releases;
mod requests;
mod samples;
mod seeds;
mod simulate;
mod withdrawal;
