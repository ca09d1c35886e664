#![doc = include_str!("../README.md")]

mod controller;
mod error;
mod lookups;
mod perform;
mod ports;
mod transaction;
mod would;

pub use self::controller::{Controller, Handled};
pub use self::error::{Class, ControllerError, PortError, chain};
pub use self::ports::{
    Alarms, Clock, Committed, Executions, Found, Loaded, MAX_OBJECTS, Manifests, Monitoring,
    Observer, Packages, Parameters, Registry, Reports, SlotStore, Started, Updated, Wanted,
};
pub use self::transaction::{Condition, Item, Put, transaction};
