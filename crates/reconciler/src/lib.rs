#![doc = include_str!("../README.md")]

mod handler;
mod jobs;
mod requests;

pub use self::handler::{Handler, Summary};
