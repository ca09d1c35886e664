#![doc = include_str!("../README.md")]

mod handler;

pub use self::handler::Handler;
