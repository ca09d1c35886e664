//! Executions that nobody runs: they start at once, and end when it is assumed.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use retrain_core::event::{ExecutionReport, ExecutionStatus, Steps};
use retrain_core::execution::Execution;
use retrain_core::lane::Target;
use retrain_core::names::{
    CodePipelineExecutionId, ModelName, ModelPackageArn, ModelPackageGroupName,
    PipelineExecutionArn,
};
use retrain_core::package::{PackageApproval, RegisteredPackage};
use retrain_core::slot::Claim;

use super::assumptions::Assumptions;
use super::tally::Span;

/// The account and region of what does not exist.
const WHERE: &str = "us-east-1:111122223333";

/// All executions of a backtest.
#[derive(Debug)]
pub(crate) struct Runs<'a> {
    assumptions: &'a Assumptions,
    /// In the order of their starts.
    all: Vec<Run>,
    by_execution: HashMap<Execution, usize>,
    by_model: HashMap<ModelName, Vec<Span>>,
    /// When executions end.
    ends: BTreeSet<(Timestamp, usize)>,
    /// What was recorded of executions that people had started.
    told: HashMap<Execution, ExecutionReport>,
}

#[derive(Debug)]
struct Run {
    execution: Execution,
    model: usize,
    from: Timestamp,
    display_name: String,
    status: ExecutionStatus,
    has_ended: bool,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(assumptions: &'a Assumptions) -> Self {
        Self {
            assumptions,
            all: Vec::new(),
            by_execution: HashMap::new(),
            by_model: HashMap::new(),
            ends: BTreeSet::new(),
            told: HashMap::new(),
        }
    }

    /// Starts a claim's execution.
    pub(crate) fn start(
        &mut self,
        number: usize,
        model: &ModelName,
        claim: &Claim,
        now: Timestamp,
    ) -> Option<Execution> {
        let run = self.all.len();
        let execution = execution(&claim.target, run + 1)?;
        let of_model = self.by_model.entry(model.clone()).or_default();
        let status = self.assumptions.outcome(model, of_model.len());
        let to = now + self.assumptions.run_time();
        of_model.push(Span {
            from: now,
            to,
            status,
            why: claim.reasons.to_string(),
        });
        self.ends.insert((to, run));
        self.by_execution.insert(execution.clone(), run);
        self.all.push(Run {
            execution: execution.clone(),
            model: number,
            from: now,
            display_name: claim.token.display_name(),
            status,
            has_ended: false,
        });
        Some(execution)
    }

    /// When the next execution ends.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Ends the execution that ends next.
    pub(crate) fn end_first(&mut self) -> Option<(usize, ExecutionReport)> {
        let (_, number) = self.ends.pop_first()?;
        let run = self.all.get_mut(number)?;
        run.has_ended = true;
        Some((run.model, run.report()))
    }

    /// An execution that a person had started was in this state.
    pub(crate) fn told(&mut self, report: &ExecutionReport) {
        self.told.insert(report.execution.clone(), report.clone());
    }

    /// What its service says of an execution.
    pub(crate) fn describe(&self, execution: &Execution) -> ExecutionReport {
        let run = self.by_execution.get(execution);
        if let Some(run) = run.and_then(|run| self.all.get(*run)) {
            return run.report();
        }
        let told = self.told.get(execution).cloned();
        told.unwrap_or_else(|| ExecutionReport {
            execution: execution.clone(),
            display_name: None,
            status: ExecutionStatus::Gone,
            failure: None,
            started_at: None,
            steps: Steps::default(),
        })
    }

    /// The package that a model's last run has registered.
    pub(crate) fn package(
        &self,
        model: &ModelName,
        group: &ModelPackageGroupName,
    ) -> Option<RegisteredPackage> {
        let runs = self.by_model.get(model).map_or(0, Vec::len);
        Some(RegisteredPackage {
            package: package_arn(group.as_str(), runs)?,
            approval: PackageApproval::PendingManualApproval,
        })
    }

    /// All runs of a model.
    pub(crate) fn of(&self, model: &ModelName) -> Vec<Span> {
        self.by_model.get(model).cloned().unwrap_or_default()
    }
}

impl Run {
    fn report(&self) -> ExecutionReport {
        let status = if self.has_ended {
            self.status
        } else {
            ExecutionStatus::InFlight
        };
        ExecutionReport {
            execution: self.execution.clone(),
            display_name: Some(self.display_name.clone()),
            status,
            failure: (status == ExecutionStatus::Failed)
                .then(|| "it was assumed to fail".to_owned()),
            started_at: Some(self.from),
            steps: Steps::default(),
        }
    }
}

/// The ARN of a package that does not exist.
pub(crate) fn package_arn(group: &str, version: usize) -> Option<ModelPackageArn> {
    ModelPackageArn::parse(format!(
        "arn:aws:sagemaker:{WHERE}:model-package/{group}/{version}"
    ))
    .ok()
}

/// An execution that does not exist.
fn execution(target: &Target, number: usize) -> Option<Execution> {
    match target {
        Target::SagemakerPipeline { name, .. } => PipelineExecutionArn::parse(format!(
            "arn:aws:sagemaker:{WHERE}:pipeline/{name}/execution/{number:012}"
        ))
        .ok()
        .map(Execution::from),
        Target::Codepipeline { name } => Some(Execution::Codepipeline {
            pipeline: name.clone(),
            id: CodePipelineExecutionId::parse(format!("00000000-0000-4000-8000-{number:012}"))
                .ok()?,
        }),
    }
}
