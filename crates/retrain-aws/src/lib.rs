#![doc = include_str!("../README.md")]

mod answer;
mod controller;

pub use self::answer::{Answer, Consequence};
pub use self::controller::AwsController;
