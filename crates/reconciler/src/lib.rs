#![doc = include_str!("../README.md")]

mod handler;
mod jobs;

pub use self::handler::{Handler, Summary};
