#![doc = include_str!("../README.md")]

mod controller;
mod error;
mod ports;

pub use self::controller::{Controller, Handled};
pub use self::error::{Class, ControllerError, PortError, chain};
pub use self::ports::{
    Alarms, Clock, Committed, Executions, Found, Loaded, MAX_OBJECTS, Manifests, Observer,
    Parameters, Registry, SlotStore, Started, Wanted,
};
