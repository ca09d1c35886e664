//! Running the steps of an execution.

use std::collections::BTreeSet;
use std::io;

use serde_json::{Map, Value, json};

use super::cache::{self, CachedStep};
use super::condition::all_hold;
use super::containers::Containers;
use super::expression::{Known, resolve};
use super::job::Job;
use super::{Definition, DefinitionError, StepDefinition, StepType};
use crate::S3;
use crate::s3::S3Error;
use crate::sagemaker::model::{ApprovalStatus, Execution, ExecutionStatus, Step};
use crate::sagemaker::{ControlError, NewPackage, SageMaker};

/// Why an execution's steps could not be run. A job that fails is none of these.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such execution, or it has ended.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Its pipeline was created without a definition.
    #[error("pipeline {0} has no definition to run")]
    NoDefinition(String),
    /// A branch of a condition is no list of steps.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The folder of a job could not be read or written.
    #[error("the folder of a job cannot be used")]
    Folder(#[from] io::Error),
    /// What a job has left could not be stored.
    #[error("an output of a job cannot be stored")]
    Store(#[from] S3Error),
}

/// Why a step goes no further.
pub(super) enum Stop {
    /// The step has failed, as it may in AWS.
    Failed(String),
    /// The sandbox cannot run it.
    Broken(RunError),
}

impl<E: Into<RunError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

impl SageMaker {
    /// Runs the steps of an execution with their containers, and ends it: `Succeeded`, or
    /// `Failed` with the reason of the step that has failed.
    ///
    /// It returns when the last job has ended, which may take its time: call it where
    /// blocking is allowed. The jobs may ask the sandbox meanwhile. The clock stands still.
    pub fn run_steps(
        &self,
        arn: &str,
        s3: &S3,
        containers: &dyn Containers,
    ) -> Result<ExecutionStatus, RunError> {
        let (execution, definition) = self.execution_to_run(arn)?;
        let mut run = Run {
            known: Known::default(),
            done: BTreeSet::new(),
            steps: Vec::new(),
            sagemaker: self,
            s3,
            containers,
            execution,
        };
        let failed = match run.all(&definition) {
            Ok(()) => None,
            Err(Stop::Failed(reason)) => Some(reason),
            Err(Stop::Broken(error)) => return Err(error),
        };
        let status = match failed {
            None => ExecutionStatus::Succeeded,
            Some(_) => ExecutionStatus::Failed,
        };
        self.finish(arn, status, failed.as_deref())?;
        Ok(status)
    }

    /// What later steps may read of a job's step that has succeeded in an execution, and was not
    /// taken from the cache there.
    pub fn step_properties(&self, execution_arn: &str, step: &str) -> Option<Value> {
        let state = self.lock();
        let mut newest_first = state.cached.iter().rev();
        let found = newest_first
            .find(|one| one.step == step && one.execution_arn.eq_ignore_ascii_case(execution_arn));
        found.map(|one| one.properties.clone())
    }

    fn execution_to_run(&self, arn: &str) -> Result<(Execution, Definition), RunError> {
        let executions = self.executions();
        let mut executions = executions.into_iter();
        let execution = executions
            .find(|execution| execution.arn.eq_ignore_ascii_case(arn))
            .ok_or_else(|| ControlError::Unknown(format!("execution {arn}")))?;
        let state = self.lock();
        let mut pipelines = state.pipelines.iter();
        let definition = pipelines
            .find(|record| record.pipeline.name == execution.pipeline)
            .and_then(|record| record.pipeline.definition.clone())
            .ok_or_else(|| RunError::NoDefinition(execution.pipeline.clone()))?;
        Ok((execution, definition))
    }
}

/// An execution on its way.
struct Run<'a> {
    sagemaker: &'a SageMaker,
    s3: &'a S3,
    containers: &'a dyn Containers,
    execution: Execution,
    known: Known,
    done: BTreeSet<String>,
    steps: Vec<Step>,
}

/// What a step has done.
#[derive(Default)]
struct Done {
    /// The steps that it has chosen.
    branch: Vec<StepDefinition>,
    metadata: Option<Value>,
    /// The execution whose result it has taken.
    cached_from: Option<String>,
}

impl Run<'_> {
    fn all(&mut self, definition: &Definition) -> Result<(), Stop> {
        self.declare(definition)?;
        let mut waiting = definition.steps.clone();
        while !waiting.is_empty() {
            let ready = waiting
                .iter()
                .position(|step| step.needs().is_subset(&self.done))
                .ok_or_else(|| Stop::Failed("the steps wait for each other".into()))?;
            let step = waiting.remove(ready);
            let branch = self.one(&step)?;
            waiting.extend(branch);
        }
        Ok(())
    }

    /// What expressions know from the beginning.
    fn declare(&mut self, definition: &Definition) -> Result<(), Stop> {
        for parameter in &definition.parameters {
            let name = &parameter.name;
            let Some(given) = self.execution.parameters.get(name) else {
                continue;
            };
            let value = parameter.kind.read(given).ok_or_else(|| {
                Stop::Failed(format!(
                    "parameter {name} is no {:?}: {given}",
                    parameter.kind
                ))
            })?;
            self.know(format!("Parameters.{name}"), value);
        }
        let pipeline = self.sagemaker.names.pipeline(&self.execution.pipeline);
        let variables = [
            ("PipelineArn", pipeline),
            ("PipelineExecutionArn", self.execution.arn.clone()),
            ("PipelineExecutionId", self.id().to_owned()),
            ("PipelineName", self.execution.pipeline.clone()),
            ("StartDateTime", self.execution.start_time.to_string()),
            ("CurrentDateTime", self.sagemaker.clock.now().to_string()),
        ];
        for (name, value) in variables {
            self.know(format!("Execution.{name}"), value.into());
        }
        Ok(())
    }

    fn know(&mut self, name: String, value: Value) {
        self.known.values.insert(name, value);
    }

    fn id(&self) -> &str {
        self.execution.arn.rsplit('/').next().unwrap_or_default()
    }

    /// Runs a step, shows what becomes of it, and returns the steps that it has chosen.
    fn one(&mut self, step: &StepDefinition) -> Result<Vec<StepDefinition>, Stop> {
        self.show(step, "Executing", None, Done::default())?;
        match self.perform(step) {
            Ok(mut done) => {
                let branch = std::mem::take(&mut done.branch);
                self.show(step, "Succeeded", None, done)?;
                self.done.insert(step.name.clone());
                Ok(branch)
            }
            Err(Stop::Failed(reason)) => {
                let metadata = (step.kind == StepType::Fail)
                    .then(|| json!({"Fail": {"ErrorMessage": reason}}));
                let done = Done {
                    metadata,
                    ..Done::default()
                };
                self.show(step, "Failed", Some(&reason), done)?;
                Err(Stop::Failed(format!(
                    "Step failure: One or multiple steps failed: {}: {reason}",
                    step.name
                )))
            }
            Err(broken) => Err(broken),
        }
    }

    /// Sets what `ListPipelineExecutionSteps` tells of a step.
    fn show(
        &mut self,
        step: &StepDefinition,
        status: &str,
        failure_reason: Option<&str>,
        done: Done,
    ) -> Result<(), ControlError> {
        self.steps.retain(|shown| shown.name != step.name);
        self.steps.push(Step {
            name: step.name.clone(),
            status: status.to_owned(),
            failure_reason: failure_reason.map(str::to_owned),
            cached_from: done.cached_from,
            metadata: done.metadata,
        });
        let steps = self.steps.clone();
        self.sagemaker.set_steps(&self.execution.arn, steps)
    }

    fn perform(&mut self, step: &StepDefinition) -> Result<Done, Stop> {
        if step.kind == StepType::Condition {
            let conditions = step.arguments.get("Conditions").unwrap_or(&Value::Null);
            let held = all_hold(conditions, &self.known).map_err(Stop::Failed)?;
            let (branch, outcome) = if held {
                (step.branch("IfSteps")?, "True")
            } else {
                (step.branch("ElseSteps")?, "False")
            };
            return Ok(Done {
                branch,
                metadata: Some(json!({"Condition": {"Outcome": outcome}})),
                cached_from: None,
            });
        }
        let arguments = resolve(&step.arguments, &self.known).map_err(Stop::Failed)?;
        let key = cache::key(step.kind, &arguments);
        let cached = key.as_ref().and_then(|key| self.cached(step, key));
        let cached_from = cached.as_ref().map(|cached| cached.execution_arn.clone());
        let (properties, metadata) = if let Some(cached) = cached {
            (cached.properties, cached.metadata)
        } else {
            let (properties, metadata) = self.work(step, arguments)?;
            if let Some(key) = key {
                self.keep(step, key, &properties, &metadata);
            }
            (properties, metadata)
        };
        self.read_property_files(step, &properties);
        self.know(format!("Steps.{}", step.name), properties);
        Ok(Done {
            branch: Vec::new(),
            metadata: Some(metadata),
            cached_from,
        })
    }

    /// What an earlier step has done that was given the same.
    fn cached(&self, step: &StepDefinition, key: &Value) -> Option<CachedStep> {
        let config = step.cache.as_ref()?;
        let state = self.sagemaker.lock();
        let place = (&*self.execution.pipeline, &*step.name);
        let found = config.find(&state.cached, place, key, self.sagemaker.clock.now());
        found.cloned()
    }

    /// A success is kept whether or not this step is cached: a later definition may take it.
    fn keep(&self, step: &StepDefinition, key: Value, properties: &Value, metadata: &Value) {
        self.sagemaker.lock().cached.push(CachedStep {
            pipeline: self.execution.pipeline.clone(),
            step: step.name.clone(),
            key,
            at: self.sagemaker.clock.now(),
            execution_arn: self.execution.arn.clone(),
            properties: properties.clone(),
            metadata: metadata.clone(),
        });
    }

    /// Does what the step is for, and returns its properties and metadata.
    fn work(&self, step: &StepDefinition, arguments: Value) -> Result<(Value, Value), Stop> {
        Ok(match step.kind {
            StepType::Processing => {
                let (job, arn) = self.job(step, "processing-job");
                let properties = job.process(&arguments)?;
                (properties, json!({"ProcessingJob": {"Arn": arn}}))
            }
            StepType::Training => {
                let (job, arn) = self.job(step, "training-job");
                let properties = job.train(&arguments)?;
                (properties, json!({"TrainingJob": {"Arn": arn}}))
            }
            StepType::Tuning => {
                let name = Job::tuning_name(self.id(), &step.name);
                let (job, arn) = self.named_job(name, "hyper-parameter-tuning-job");
                let properties = job.tune(&arguments)?;
                (properties, json!({"TuningJob": {"Arn": arn}}))
            }
            StepType::RegisterModel => {
                let arn = self.register(arguments)?;
                let properties = json!({"ModelPackageArn": arn});
                (properties, json!({"RegisterModel": {"Arn": arn}}))
            }
            StepType::Fail | StepType::Condition => {
                let message = arguments.get("ErrorMessage").and_then(Value::as_str);
                return Err(Stop::Failed(message.unwrap_or_default().to_owned()));
            }
        })
    }

    fn job(&self, step: &StepDefinition, kind: &str) -> (Job<'_>, String) {
        self.named_job(format!("pipelines-{}-{}", self.id(), step.name), kind)
    }

    fn named_job(&self, name: String, kind: &str) -> (Job<'_>, String) {
        let arn = self.sagemaker.names.arn(kind, &name.to_ascii_lowercase());
        let (s3, containers) = (self.s3, self.containers);
        let job = Job {
            name,
            s3,
            containers,
        };
        (job, arn)
    }

    /// What other steps may read. A file that is missing or no JSON has no values.
    fn read_property_files(&mut self, step: &StepDefinition, properties: &Value) {
        for file in &step.property_files {
            let output = format!(
                "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri",
                file.output
            );
            let content = super::expression::at(properties, &output)
                .and_then(Value::as_str)
                .and_then(|uri| self.s3.read(&format!("{uri}/{}", file.path)).ok())
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if let Some(content) = content {
                let name = &file.name;
                let reference = format!("Steps.{}.PropertyFiles.{name}", step.name);
                self.known.files.insert(reference, content);
            }
        }
    }

    /// Registers the model of the arguments of `CreateModelPackage`.
    fn register(&self, arguments: Value) -> Result<String, Stop> {
        let Value::Object(arguments) = arguments else {
            return Err(Stop::Failed("the arguments are no structure".into()));
        };
        let (own, members): (Map<_, _>, Map<_, _>) =
            arguments.into_iter().partition(|(name, _)| {
                matches!(
                    name.as_str(),
                    "ModelPackageGroupName" | "ModelApprovalStatus"
                )
            });
        let group = own.get("ModelPackageGroupName").and_then(Value::as_str);
        let group = group.ok_or_else(|| Stop::Failed("a model needs a group".into()))?;
        let status = match own.get("ModelApprovalStatus") {
            None => ApprovalStatus::PendingManualApproval,
            Some(status) => serde_json::from_value(status.clone())
                .map_err(|error| Stop::Failed(error.to_string()))?,
        };
        let package = members.into_iter().fold(
            NewPackage::new(group).approval(status),
            |package, (name, value)| package.member(&name, value),
        );
        let registered = self.sagemaker.register(package);
        registered.map_err(|error| Stop::Failed(error.to_string()))
    }
}
