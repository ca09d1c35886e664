#![doc = include_str!("../README.md")]

pub mod demo;
mod deployment;
mod samples;

pub use self::deployment::{Deployment, MODEL, SandboxClock};
pub use self::samples::{Sample, sample};
