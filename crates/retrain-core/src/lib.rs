#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod data;
pub mod decision;
pub mod deployment;
pub mod drift;
pub mod errand;
pub mod event;
pub mod execution;
pub mod facts;
pub mod gate;
pub mod guard;
pub mod lane;
pub mod names;
mod omitted;
pub mod order;
pub mod package;
pub mod pattern;
pub mod period;
pub mod pins;
pub mod policy;
pub mod reason;
pub mod review;
pub mod sequencer;
pub mod slot;
pub mod step;
pub mod token;
pub mod trigger;
