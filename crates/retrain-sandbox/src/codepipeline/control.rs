//! What happens to CodePipeline past its API.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::model::{
    Action, ActionCategory, Execution, ExecutionMode, ExecutionStatus, Pipeline, PipelineRecord,
    PipelineType,
};
use super::{CodePipeline, Scene};

/// A control call that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such pipeline or execution.
    #[error("there is no {0}")]
    Unknown(String),
    /// The name is taken.
    #[error("pipeline {0} exists already")]
    Taken(String),
    /// AWS has no such pipelines.
    #[error("pipeline {name} {rule}")]
    Invalid {
        /// Its name.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The execution does not go from this status to that one.
    #[error("an execution that is {from:?} does not become {to:?}")]
    Transition {
        /// Its status.
        from: ExecutionStatus,
        /// The status that was asked for.
        to: ExecutionStatus,
    },
    /// The execution is in no stage, so it cannot pass one.
    #[error("execution {0} waits for its stage")]
    Waits(String),
}

impl CodePipeline {
    /// Creates a pipeline.
    pub fn create_pipeline(&self, pipeline: Pipeline) -> Result<(), ControlError> {
        check(&pipeline)?;
        let now = self.clock.now();
        let pipelines = &mut self.lock().pipelines;
        if pipelines
            .iter()
            .any(|record| record.current.name == pipeline.name)
        {
            return Err(ControlError::Taken(pipeline.name));
        }
        pipelines.push(PipelineRecord {
            current: pipeline,
            earlier: Vec::new(),
            created: now,
            updated: now,
        });
        Ok(())
    }

    /// Gives a pipeline its next version. Executions that have not ended become
    /// `Cancelled`.
    pub fn update_pipeline(&self, mut pipeline: Pipeline) -> Result<(), ControlError> {
        check(&pipeline)?;
        self.within(|scene| {
            let mut records = scene.state.pipelines.iter_mut();
            let record = records
                .find(|record| record.current.name == pipeline.name)
                .ok_or_else(|| unknown("pipeline", &pipeline.name))?;
            pipeline.version = record.current.version + 1;
            let name = pipeline.name.clone();
            record
                .earlier
                .push(std::mem::replace(&mut record.current, pipeline));
            record.updated = scene.now;
            // The newest first: an older one that ends would let a newer one in.
            let newest_first = scene.state.executions.iter().rev();
            let in_flight: Vec<String> = newest_first
                .filter(|execution| execution.pipeline == name && !execution.status.is_terminal())
                .map(|execution| execution.id.clone())
                .collect();
            for id in in_flight {
                scene.end(&id, ExecutionStatus::Cancelled, None);
            }
            Ok(())
        })
    }

    /// Deletes a pipeline and its executions.
    pub fn delete_pipeline(&self, name: &str) -> Result<(), ControlError> {
        let mut state = self.lock();
        let before = state.pipelines.len();
        state.pipelines.retain(|record| record.current.name != name);
        if state.pipelines.len() == before {
            return Err(unknown("pipeline", name));
        }
        state
            .executions
            .retain(|execution| execution.pipeline != name);
        Ok(())
    }

    /// All executions, in the order of their starts.
    pub fn executions(&self) -> Vec<Execution> {
        self.lock().executions.clone()
    }

    /// Starts an execution as a person does in the console: without a token or a
    /// limit, the pipeline's defaults as variables. Returns its id.
    pub fn start_by_hand(&self, pipeline: &str) -> Result<String, ControlError> {
        self.within(|scene| {
            let mut records = scene.state.pipelines.iter();
            let pipeline = records
                .find(|record| record.current.name == pipeline)
                .map(|record| record.current.clone())
                .ok_or_else(|| unknown("pipeline", pipeline))?;
            let defaults: BTreeMap<String, String> = pipeline
                .variables
                .iter()
                .filter_map(|(name, default)| Some((name.clone(), default.clone()?)))
                .collect();
            let execution = Execution::of(&pipeline, defaults, scene.now);
            Ok(scene.begin(Execution {
                started_by_hand: true,
                ..execution
            }))
        })
    }

    /// Lets the stage that an execution is in succeed. It goes on to the next stage,
    /// which may be taken, or ends as `Succeeded` after the last.
    pub fn pass_stage(&self, id: &str) -> Result<(), ControlError> {
        self.within(|scene| {
            let execution = find(scene, id)?;
            if execution.status != ExecutionStatus::InProgress {
                return Err(ControlError::Transition {
                    from: execution.status,
                    to: ExecutionStatus::InProgress,
                });
            }
            if execution.waiting {
                return Err(ControlError::Waits(id.to_owned()));
            }
            scene.pass(id);
            Ok(())
        })
    }

    /// Ends an execution where it is. One that is being stopped ends `Stopped` or
    /// `Failed`.
    pub fn finish(
        &self,
        id: &str,
        status: ExecutionStatus,
        status_summary: Option<&str>,
    ) -> Result<(), ControlError> {
        self.within(|scene| {
            let from = find(scene, id)?.status;
            let allowed = match from {
                ExecutionStatus::InProgress => status.is_terminal(),
                ExecutionStatus::Stopping => {
                    matches!(status, ExecutionStatus::Stopped | ExecutionStatus::Failed)
                }
                _ => false,
            };
            if !allowed {
                return Err(ControlError::Transition { from, to: status });
            }
            scene.end(id, status, status_summary);
            Ok(())
        })
    }

    /// Makes an execution that failed or was stopped run again, as a retry of its
    /// stage in the console does.
    pub fn retry_stage(&self, id: &str) -> Result<(), ControlError> {
        self.within(|scene| {
            let from = find(scene, id)?.status;
            if !matches!(from, ExecutionStatus::Failed | ExecutionStatus::Stopped) {
                return Err(ControlError::Transition {
                    from,
                    to: ExecutionStatus::InProgress,
                });
            }
            scene.retry(id);
            Ok(())
        })
    }

    /// How many executions of a pipeline in `QUEUED` or `PARALLEL` mode may run
    /// (default 50, as in AWS).
    pub fn set_concurrency_limit(&self, limit: usize) {
        self.lock().settings.concurrency_limit = limit;
    }

    /// How long a new execution stays out of `ListPipelineExecutions` (default not
    /// at all). Answers to a repeated token are not affected.
    pub fn set_list_lag(&self, lag: SignedDuration) {
        self.lock().settings.list_lag = lag;
    }

    /// How long a client request token is remembered (default one hour). After it,
    /// the same token starts a second execution.
    pub fn set_token_window(&self, window: SignedDuration) {
        self.lock().settings.token_window = window;
    }
}

fn find<'a>(scene: &'a Scene<'_>, id: &str) -> Result<&'a Execution, ControlError> {
    let mut executions = scene.state.executions.iter();
    executions
        .find(|execution| execution.id == id)
        .ok_or_else(|| unknown("execution", id))
}

/// The rules for pipelines that a start or an approval depends on (CodePipeline user
/// guide, pipeline structure reference).
fn check(pipeline: &Pipeline) -> Result<(), ControlError> {
    let is_source = |action: &Action| action.category == ActionCategory::Source;
    let v2_only =
        !pipeline.variables.is_empty() || pipeline.execution_mode != ExecutionMode::Superseded;
    let rules =
        [
            (pipeline.stages.len() >= 2, "must have two stages at least"),
            (
                pipeline
                    .stages
                    .iter()
                    .all(|stage| !stage.actions.is_empty()),
                "has a stage without actions",
            ),
            (
                pipeline.stages.iter().enumerate().all(|(number, stage)| {
                    stage.actions.iter().all(|a| is_source(a) == (number == 0))
                }),
                "must have its source actions in the first stage, and nothing else there",
            ),
            (
                !(v2_only && pipeline.pipeline_type == PipelineType::V1),
                "must be of type V2 to have variables or a mode other than SUPERSEDED",
            ),
            (
                pipeline.variables.len() <= 50,
                "declares more than 50 variables",
            ),
        ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, rule)) => Err(ControlError::Invalid {
            name: pipeline.name.clone(),
            rule,
        }),
    }
}

fn unknown(kind: &str, name: &str) -> ControlError {
    ControlError::Unknown(format!("{kind} {name}"))
}
