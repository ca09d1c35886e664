#![doc = include_str!("../README.md")]

pub mod demo;
mod deployment;
pub mod fraud_loop;
mod samples;

pub use self::deployment::{Deployment, MODEL, REGISTRY, SandboxClock};
pub use self::samples::{Sample, sample};
