//! CodePipeline: pipelines, their executions and the approvals in them, as far as a
//! retraining controller sees them.

mod approval;
mod control;
mod executions;
mod flow;
mod jobs;
mod model;
mod pipelines;
mod rules;
mod start;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

pub use control::ControlError;
pub use jobs::{Job, JobAnswer};
pub use model::{
    Action, ActionCategory, ActionExecution, ActionStatus, Execution, ExecutionMode,
    ExecutionStatus, Pipeline, PipelineType, Stage, StopRequest,
};

use crate::VirtualClock;
use crate::answer::ServiceError;
use crate::input::Input;
use crate::page::Page;
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};
use model::State;

/// CodePipeline's state, and what is done to it past the API: what a person does in
/// the console, what a pipeline's actions do, what AWS may do. Clones share it.
#[derive(Clone, Debug)]
pub struct CodePipeline {
    clock: VirtualClock,
    names: Names,
    state: Arc<Mutex<State>>,
}

/// Where the ARNs of a sandbox live.
#[derive(Clone, Debug)]
struct Names {
    region: String,
    account: String,
}

impl Names {
    /// There is nothing before the name, unlike in SageMaker's ARNs.
    fn pipeline(&self, name: &str) -> String {
        format!(
            "arn:aws:codepipeline:{}:{}:{name}",
            self.region, self.account
        )
    }
}

/// What every operation works on. The lock is held for the whole operation, so each
/// is atomic.
struct Scene<'a> {
    state: &'a mut State,
    names: &'a Names,
    now: Timestamp,
}

impl CodePipeline {
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

    fn within<T>(&self, act: impl FnOnce(&mut Scene<'_>) -> T) -> T {
        act(&mut Scene {
            state: &mut self.lock(),
            names: &self.names,
            now: self.clock.now(),
        })
    }

    fn perform(&self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        self.within(|scene| match operation {
            "StartPipelineExecution" => start::start(scene, request),
            "StopPipelineExecution" => executions::stop(scene, request),
            "GetPipelineExecution" => executions::get(scene, request),
            "ListPipelineExecutions" => executions::list(scene, request),
            "ListActionExecutions" => executions::list_actions(scene, request),
            "GetPipeline" => pipelines::get(scene, request),
            "GetPipelineState" => pipelines::get_state(scene, request),
            "PutApprovalResult" => approval::put(scene, request),
            "PutJobSuccessResult" => jobs::succeed(scene, request),
            "PutJobFailureResult" => jobs::fail(scene, request),
            unknown => Err(ServiceError::unknown_operation(unknown)),
        })
    }
}

impl Endpoint for CodePipeline {
    fn service(&self) -> Service {
        Service::CodePipeline
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "CodePipeline_20150709")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        request.answered(self.service(), |operation, members| {
            self.perform(operation, members)
        })
    }
}

/// The paging members that every list operation has.
fn page<'a>(input: &Input<'a>) -> Result<Page<'a>, ServiceError> {
    // botocore API model: maxResults 1..=100.
    let size = input.integer("maxResults", 1, 100)?;
    Ok(Page {
        size: size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(100),
        next_token: input.optional_text("nextToken", rules::NEXT_TOKEN)?,
        bad_token: "InvalidNextTokenException",
    })
}

/// A UUID that is counted, not drawn, so that runs repeat.
fn uuid(kind: u32, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012}")
}

#[cfg(test)]
mod tests;
