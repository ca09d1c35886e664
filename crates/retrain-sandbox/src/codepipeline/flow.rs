//! How executions move through the stages of a pipeline.
//!
//! An execution arrives at a stage and waits until it may enter. Whenever somebody
//! has arrived at a stage or has left one, [`Scene::settle`] lets in who may go on.

use jiff::Timestamp;

use super::model::{
    Action, ActionCategory, ActionExecution, ActionStatus, Execution, ExecutionMode,
    ExecutionStatus, Pipeline, Stage,
};
use super::{Scene, uuid};

/// What the ids begin with, so that no kind is taken for another.
const EXECUTION: u32 = 0x0e;
const ACTION: u32 = 0x0a;
const APPROVAL: u32 = 0x0c;

impl Scene<'_> {
    /// Adds an execution, which arrives at the first stage, and returns its id.
    pub(super) fn begin(&mut self, mut execution: Execution) -> String {
        self.state.executions_begun += 1;
        execution.id = uuid(EXECUTION, self.state.executions_begun);
        let (id, pipeline) = (execution.id.clone(), execution.pipeline.clone());
        self.state.executions.push(execution);
        self.settle(&pipeline);
        id
    }

    /// Everything that runs in the execution's stage succeeds, and it goes on to
    /// the next stage, or to its end.
    pub(super) fn pass(&mut self, id: &str) {
        let now = self.now;
        let Some(execution) = find(&mut self.state.executions, id) else {
            return;
        };
        let pipeline = execution.pipeline.clone();
        close_actions(execution, ActionStatus::Succeeded, now);
        execution.last_update_time = now;
        let stages = self
            .state
            .pipelines
            .iter()
            .find(|record| record.current.name == pipeline)
            .map_or(0, |record| record.current.stages.len());
        if execution.stage + 1 < stages {
            execution.stage += 1;
            execution.waiting = true;
        } else {
            execution.status = ExecutionStatus::Succeeded;
        }
        self.settle(&pipeline);
    }

    /// The execution ends where it is.
    pub(super) fn end(&mut self, id: &str, status: ExecutionStatus, summary: Option<&str>) {
        let now = self.now;
        let Some(execution) = find(&mut self.state.executions, id) else {
            return;
        };
        let pipeline = execution.pipeline.clone();
        close(execution, status, summary, now);
        self.settle(&pipeline);
    }

    /// The execution runs again, from the stage where it ended.
    pub(super) fn retry(&mut self, id: &str) {
        let now = self.now;
        let Some(execution) = find(&mut self.state.executions, id) else {
            return;
        };
        let pipeline = execution.pipeline.clone();
        execution.status = ExecutionStatus::InProgress;
        execution.status_summary = None;
        execution.stop = None;
        execution.waiting = true;
        execution.last_update_time = now;
        self.settle(&pipeline);
    }

    /// Lets in who may enter, from the last stage to the first.
    fn settle(&mut self, pipeline: &str) {
        let Some(record) = self
            .state
            .pipelines
            .iter()
            .find(|record| record.current.name == pipeline)
        else {
            return;
        };
        let Pipeline {
            stages,
            execution_mode,
            ..
        } = &record.current;
        for (number, stage) in stages.iter().enumerate().rev() {
            let mut here: Vec<&mut Execution> = self
                .state
                .executions
                .iter_mut()
                .filter(|execution| execution.pipeline == pipeline && execution.stage == number)
                .collect();
            let occupied = here
                .iter()
                .any(|execution| !execution.waiting && !execution.status.is_terminal());
            here.retain(|execution| {
                execution.waiting && execution.status == ExecutionStatus::InProgress
            });
            let entering = match execution_mode {
                ExecutionMode::Parallel => here,
                ExecutionMode::Queued => here.into_iter().take(usize::from(!occupied)).collect(),
                ExecutionMode::Superseded => {
                    let newest = here.pop();
                    for execution in here {
                        close(execution, ExecutionStatus::Superseded, None, self.now);
                    }
                    newest.into_iter().filter(|_| !occupied).collect()
                }
            };
            for execution in entering {
                enter(execution, stage, &mut self.state.actions_begun, self.now);
            }
        }
    }
}

fn find<'a>(executions: &'a mut [Execution], id: &str) -> Option<&'a mut Execution> {
    executions.iter_mut().find(|execution| execution.id == id)
}

/// All actions of a stage begin; what they do to each other is not emulated.
fn enter(execution: &mut Execution, stage: &Stage, begun: &mut u64, now: Timestamp) {
    execution.waiting = false;
    execution.last_update_time = now;
    for Action { name, category } in &stage.actions {
        *begun += 1;
        let approval = *category == ActionCategory::Approval;
        execution.actions.push(ActionExecution {
            number: *begun,
            id: uuid(ACTION, *begun),
            stage: stage.name.clone(),
            action: name.clone(),
            category: *category,
            status: ActionStatus::InProgress,
            summary: None,
            token: approval.then(|| uuid(APPROVAL, *begun)),
            start_time: now,
            last_update_time: now,
        });
    }
}

fn close(
    execution: &mut Execution,
    status: ExecutionStatus,
    summary: Option<&str>,
    now: Timestamp,
) {
    let of_actions = match status {
        ExecutionStatus::Succeeded => ActionStatus::Succeeded,
        ExecutionStatus::Failed => ActionStatus::Failed,
        _ => ActionStatus::Abandoned,
    };
    close_actions(execution, of_actions, now);
    execution.status = status;
    execution.status_summary = summary.map(str::to_owned);
    execution.last_update_time = now;
}

/// Ends the actions that run.
pub(super) fn close_actions(execution: &mut Execution, status: ActionStatus, now: Timestamp) {
    let running = execution
        .actions
        .iter_mut()
        .filter(|action| action.status == ActionStatus::InProgress);
    for action in running {
        action.status = status;
        action.last_update_time = now;
    }
}
