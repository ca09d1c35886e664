#![doc = include_str!("../README.md")]

mod answer;
mod handler;

pub use self::answer::{Answer, Ignored};
pub use self::handler::Handler;
