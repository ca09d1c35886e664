#![doc = include_str!("../README.md")]

mod controller;
mod error;
mod ports;

pub use self::controller::{Controller, Handled};
pub use self::error::{Class, ControllerError, PortError, chain};
pub use self::ports::{
    Clock, Committed, Executions, Found, Loaded, Observer, Parameters, Registry, SlotStore, Started,
};
