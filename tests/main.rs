//! The controller as a whole, on the sandbox: real handlers, real SDK clients, HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod bench;
mod calls;
mod concurrency;
mod crashes;
mod documents;
mod isolation;
mod life;
mod lifecycle;
mod month;
mod requests;
mod samples;
mod withdrawal;
