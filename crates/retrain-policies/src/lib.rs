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
mod bucket;
mod bundle;
#[cfg(feature = "aws")]
mod cache;
mod fold;
mod invalid;
#[cfg(feature = "aws")]
mod path;
mod place;
mod set;
#[cfg(feature = "aws")]
mod source;
#[cfg(feature = "aws")]
mod store;
#[cfg(all(test, feature = "aws"))]
mod tests;

pub use self::alarm::{IgnoredAlarm, alarm_event};
#[cfg(feature = "aws")]
pub use self::bucket::{Known, S3Bundle, Written};
pub use self::bundle::{Bundle, Changes, InvalidBundle};
pub use self::fold::{Arrived, Folded, ForModel, Message, arrivals};
pub use self::invalid::InvalidPolicy;
#[cfg(feature = "aws")]
pub use self::path::PolicyParameters;
pub use self::place::{BundleUri, InvalidBundleUri, InvalidPlace, PolicyPlace};
pub use self::set::{AlarmRoutes, DataRoutes, Document, PackageRoute, PolicySet};
#[cfg(feature = "aws")]
pub use self::source::{InForce, Policies, Source};
#[cfg(feature = "aws")]
pub use self::store::ParameterStore;
