#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

pub mod code_job;
mod code_pipeline;
pub mod data_arrival;
pub mod drift_alarm;
pub mod endpoint;
mod error;
mod eventbridge;
pub mod execution_status;
mod instant;
pub mod model_package;
mod node;
pub mod request;

pub use code_job::{CodeJob, CodeRequest, NoImprovement, code_job};
pub use data_arrival::{
    Arrival, BatchItemFailure, BatchRecord, BatchResponse, DataMessage, IrrelevantObject,
    ObjectCreated, data_message,
};
pub use drift_alarm::{AlarmMessage, Envelope, Irrelevant, Received, alarm_messages};
pub use endpoint::{EndpointEvent, EndpointStatus};
pub use error::InvalidEvent;
pub use execution_status::{
    ExecutionEvent, ExecutionMessage, IrrelevantExecution, execution_message,
};
pub use model_package::{
    IrrelevantPackage, PackageEvent, PackageMessage, UpdatedField, package_message,
};
pub use request::{
    DeploymentAsks, DeploymentRequest, ModelRequest, PackageAsks, PackageRef, PackageRequest,
    Request, request,
};
