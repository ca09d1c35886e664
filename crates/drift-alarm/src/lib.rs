#![doc = include_str!("../README.md")]

mod handler;
mod ignored;

pub use self::handler::Handler;
