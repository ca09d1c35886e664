#![doc = include_str!("../README.md")]

mod answer;
mod controller;
mod documents;
mod manifests;
mod pipelines;
mod requests;

pub use self::answer::{Answer, Consequence};
pub use self::controller::{AwsController, Fulfilment};
pub use retrain_codepipeline::JobAnswer;
