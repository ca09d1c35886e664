#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod alarm;
#[cfg(feature = "aws")]
mod cache;
mod fold;
mod set;
#[cfg(feature = "aws")]
mod store;
#[cfg(all(test, feature = "aws"))]
mod tests;

pub use self::alarm::{IgnoredAlarm, alarm_event};
pub use self::fold::{Arrived, Folded, ForModel, Message, arrivals};
pub use self::set::{AlarmRoutes, DataRoutes, Document, InvalidPolicy, PackageRoute, PolicySet};
#[cfg(feature = "aws")]
pub use self::store::{ParameterStore, Settings};
