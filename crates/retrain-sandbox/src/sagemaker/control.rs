//! What happens to SageMaker past its API.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::model::{Execution, ExecutionStatus, Pipeline, PipelineRecord, Step};
use super::{SageMaker, Scene};
use crate::answer::ServiceError;

/// A control call that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such thing.
    #[error("there is no {0}")]
    Unknown(String),
    /// The name is taken.
    #[error("{0} exists already")]
    Taken(String),
    /// The execution does not go from this status to that one.
    #[error("an execution that is {from:?} does not become {to:?}")]
    Transition {
        /// Its status.
        from: ExecutionStatus,
        /// The status that was asked for.
        to: ExecutionStatus,
    },
    /// The creation of the model package has ended.
    #[error("model package {0} is neither pending nor in progress")]
    Created(String),
    /// The API would refuse it too.
    #[error("{code}: {message}")]
    Refused {
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
}

impl From<ServiceError> for ControlError {
    fn from(error: ServiceError) -> Self {
        Self::Refused {
            code: error.code,
            message: error.message,
        }
    }
}

impl SageMaker {
    /// Creates a pipeline and returns its ARN.
    pub fn create_pipeline(&self, pipeline: Pipeline) -> Result<String, ControlError> {
        let mut state = self.lock();
        let arn = self.names.pipeline(&pipeline.name);
        if state
            .pipelines
            .iter()
            .any(|record| record.arn.eq_ignore_ascii_case(&arn))
        {
            return Err(ControlError::Taken(format!("pipeline {}", pipeline.name)));
        }
        state.pipelines.push(PipelineRecord {
            pipeline,
            arn: arn.clone(),
            creation_time: self.clock.now(),
        });
        Ok(state.shown(&arn))
    }

    /// Deletes a pipeline; its executions stay, and its cache goes.
    pub fn delete_pipeline(&self, name: &str) -> Result<(), ControlError> {
        let mut state = self.lock();
        let before = state.pipelines.len();
        state
            .pipelines
            .retain(|record| record.pipeline.name != name);
        if state.pipelines.len() == before {
            return Err(unknown("pipeline", name));
        }
        state.cached.retain(|step| step.pipeline != name);
        Ok(())
    }

    /// All executions, in the order of their starts.
    pub fn executions(&self) -> Vec<Execution> {
        let state = self.lock();
        let shown = |execution: &Execution| Execution {
            arn: state.shown(&execution.arn),
            ..execution.clone()
        };
        state.executions.iter().map(shown).collect()
    }

    /// Starts an execution as a person does in the console: without a token or a
    /// limit, the pipeline's defaults as parameters.
    pub fn start_by_hand(
        &self,
        pipeline: &str,
        display_name: &str,
    ) -> Result<String, ControlError> {
        self.start_by_hand_with(pipeline, display_name, BTreeMap::new())
    }

    /// Starts an execution as a person does, with these parameters instead of the defaults.
    pub fn start_by_hand_with(
        &self,
        pipeline: &str,
        display_name: &str,
        given: BTreeMap<String, String>,
    ) -> Result<String, ControlError> {
        let mut state = self.lock();
        let record = state
            .pipelines
            .iter()
            .find(|record| record.pipeline.name == pipeline);
        let pipeline = record
            .map(|record| record.pipeline.clone())
            .ok_or_else(|| unknown("pipeline", pipeline))?;
        let now = self.clock.now();
        let defaults = pipeline.parameters.into_iter();
        let parameters: BTreeMap<String, String> = defaults
            .filter_map(|(name, default)| Some((name, default?)))
            .chain(given)
            .collect();
        let mut scene = Scene {
            state: &mut state,
            names: &self.names,
            now,
        };
        let arn = scene.begin(Execution {
            arn: String::new(),
            pipeline: pipeline.name,
            display_name: display_name.to_owned(),
            description: None,
            token: None,
            parameters,
            start_time: now,
            last_modified_time: now,
            status: ExecutionStatus::Executing,
            failure_reason: None,
            version_id: pipeline.versions,
            started_by_hand: true,
            steps: Vec::new(),
        });
        Ok(state.shown(&arn))
    }

    /// Ends an execution. One that is being stopped ends `Stopped` or `Failed`.
    pub fn finish(
        &self,
        arn: &str,
        status: ExecutionStatus,
        failure_reason: Option<&str>,
    ) -> Result<(), ControlError> {
        self.with_execution(arn, |execution| {
            let from = execution.status;
            let allowed = match from {
                ExecutionStatus::Executing => status.is_terminal(),
                ExecutionStatus::Stopping => {
                    matches!(status, ExecutionStatus::Stopped | ExecutionStatus::Failed)
                }
                _ => false,
            };
            if !allowed {
                return Err(ControlError::Transition { from, to: status });
            }
            execution.status = status;
            execution.failure_reason = failure_reason.map(str::to_owned);
            Ok(())
        })
    }

    /// Makes an execution that has ended run again, as a retry in the console does.
    pub fn reopen(&self, arn: &str) -> Result<(), ControlError> {
        self.with_execution(arn, |execution| {
            if !execution.status.is_terminal() {
                return Err(ControlError::Transition {
                    from: execution.status,
                    to: ExecutionStatus::Executing,
                });
            }
            execution.status = ExecutionStatus::Executing;
            execution.failure_reason = None;
            Ok(())
        })
    }

    /// Sets the steps that `ListPipelineExecutionSteps` shows.
    pub fn set_steps(&self, arn: &str, steps: Vec<Step>) -> Result<(), ControlError> {
        self.with_execution(arn, |execution| {
            execution.steps = steps;
            Ok(())
        })
    }

    /// How many executions may run in the account (default 20, as in AWS).
    pub fn set_concurrency_limit(&self, limit: usize) {
        self.lock().settings.concurrency_limit = limit;
    }

    /// How long a new execution stays out of `ListPipelineExecutions` (default
    /// not at all). Answers to a repeated token are not affected.
    pub fn set_list_lag(&self, lag: SignedDuration) {
        self.lock().settings.list_lag = lag;
    }

    /// How long a client request token is remembered (default one hour). After
    /// it, the same token starts a second execution.
    pub fn set_token_window(&self, window: SignedDuration) {
        self.lock().settings.token_window = window;
    }

    /// Writes ARNs in lower case, as the service has done.
    pub fn lower_case_arns(&self, lower_case: bool) {
        self.lock().settings.lower_case_arns = lower_case;
    }

    fn with_execution(
        &self,
        arn: &str,
        change: impl FnOnce(&mut Execution) -> Result<(), ControlError>,
    ) -> Result<(), ControlError> {
        let now = self.clock.now();
        let mut state = self.lock();
        let mut executions = state.executions.iter_mut();
        let execution = executions
            .find(|execution| execution.arn.eq_ignore_ascii_case(arn))
            .ok_or_else(|| unknown("execution", arn))?;
        change(execution)?;
        execution.last_modified_time = now;
        Ok(())
    }
}

pub(super) fn unknown(kind: &str, name: &str) -> ControlError {
    ControlError::Unknown(format!("{kind} {name}"))
}
