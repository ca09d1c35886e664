#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod cache;
mod set;
mod store;
#[cfg(test)]
mod tests;

pub use self::set::{AlarmRoutes, DataRoutes, Document, InvalidPolicy, PolicySet};
pub use self::store::{ParameterStore, Settings};
