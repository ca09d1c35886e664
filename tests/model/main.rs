//! Explores what can happen to the shipped controller, state by state.
//!
//! The shipped code is run as it is: the decisions of `retrain-core`, the order of reads,
//! writes and calls of `retrain-controller`, and the conditions of its transactions. The
//! world around it is small, and as bad as AWS allows. `docs/RELIABILITY.md` says what is
//! found out that way, and what is not.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod aws;
mod books;
mod calls;
mod check;
mod judge;
mod mutant;
mod print;
mod releases;
mod replay;
mod rest;
mod retraining;
mod search;
mod setup;
mod spoil;
mod state;
mod workers;
mod world;
