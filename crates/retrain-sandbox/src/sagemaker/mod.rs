//! SageMaker: pipeline executions, the model registry and the monitoring of
//! models, as far as a retraining controller sees them.

mod control;
mod definition;
mod executions;
mod model;
mod monitoring;
mod names;
mod pipelines;
mod registry;
mod rules;
mod shape;
mod start;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

pub use control::ControlError;
pub use definition::{
    Container, Containers, Definition, DefinitionError, LocalProcesses, RunError,
};
pub use model::{
    ApprovalStatus, Execution, ExecutionStatus, ModelPackage, PackageStatus, Pipeline, Step,
};
pub use monitoring::{
    JobDefinition, MonitoringSchedule, MonitoringType, NewJobDefinition, NewSchedule,
    ScheduleStatus,
};
pub use registry::{Baseline, EventTimes, NewPackage, PackageEvent, Report, Source};

use crate::VirtualClock;
use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::page::Page;
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};
use model::State;
use names::Names;

/// SageMaker's state, and what is done to it past the API: what a person does
/// in the console, what a pipeline's steps do, what AWS may do. Clones share it.
#[derive(Clone, Debug)]
pub struct SageMaker {
    clock: VirtualClock,
    names: Names,
    state: Arc<Mutex<State>>,
}

/// What every operation works on. The lock is held for the whole operation, so
/// each is atomic.
struct Scene<'a> {
    state: &'a mut State,
    names: &'a Names,
    now: Timestamp,
}

impl SageMaker {
    pub(crate) fn new(clock: VirtualClock, region: &str, account: &str) -> Self {
        Self {
            clock,
            names: Names {
                region: region.to_owned(),
                account: account.to_owned(),
            },
            state: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something atomically, now.
    fn scene<T>(&self, act: impl FnOnce(&mut Scene<'_>) -> T) -> T {
        let mut state = self.lock();
        act(&mut Scene {
            state: &mut state,
            names: &self.names,
            now: self.clock.now(),
        })
    }

    fn perform(&self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        self.scene(|scene| match operation {
            "StartPipelineExecution" => start::start(scene, request),
            "StopPipelineExecution" => executions::stop(scene, request),
            "DescribePipelineExecution" => executions::describe(scene, request),
            "ListPipelineExecutions" => executions::list(scene, request),
            "ListPipelineExecutionSteps" => executions::list_steps(scene, request),
            "ListPipelineParametersForExecution" => executions::list_parameters(scene, request),
            "DescribePipeline" => pipelines::describe(scene, request),
            "ListModelPackages" => registry::list(scene, request),
            "DescribeModelPackage" => registry::describe(scene, request),
            "DescribeModelPackageGroup" => registry::describe_group(scene, request),
            "UpdateModelPackage" => registry::update(scene, request),
            other => monitoring::perform(scene, other, request),
        })
    }
}

impl Endpoint for SageMaker {
    fn service(&self) -> Service {
        Service::SageMaker
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "SageMaker")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        request.answered(self.service(), |operation, members| {
            self.perform(operation, members)
        })
    }
}

/// Modelled as `ResourceNotFound`, without the usual suffix (botocore API model).
fn not_found(kind: &str, arn: &str) -> ServiceError {
    ServiceError::refused("ResourceNotFound", format!("{kind} {arn} does not exist."))
}

/// The paging members that every list operation has.
fn page<'a>(input: &Input<'a>) -> Result<Page<'a>, ServiceError> {
    Ok(Page {
        // botocore API model: MaxResults 1..=100.
        size: input.page_size(100)?,
        next_token: input.optional_text("NextToken", names::NEXT_TOKEN)?,
        bad_token: "ValidationException",
    })
}

/// Whether the request asks for a descending order.
fn descending(input: &Input<'_>, default: bool) -> Result<bool, ServiceError> {
    Ok(input
        .one_of("SortOrder", &["Ascending", "Descending"])?
        .map_or(default, |order| order == "Descending"))
}

/// Free text whose rule is only its length.
const fn up_to(max: usize) -> Text {
    Text::of(1, max)
}

#[cfg(test)]
mod tests;
