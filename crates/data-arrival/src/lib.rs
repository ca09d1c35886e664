#![doc = include_str!("../README.md")]

mod count;
mod handler;

pub use self::handler::{Handler, Reply, Summary};
