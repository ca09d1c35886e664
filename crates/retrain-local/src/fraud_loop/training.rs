//! Executions of the training pipeline, with their real jobs.

use std::collections::BTreeMap;
use std::io::Write;

use retrain_sandbox::sagemaker::{Execution, ExecutionStatus as Status, Step};
use serde_json::{Value, json};

use super::stage::{ARTIFACTS, Judged, Stage, TRAINING};
use super::{Problem, ensure};
use crate::sample;

/// The step in which a run ends whose model is no better, and what it says.
pub(super) const NOT_BETTER: (&str, &str) =
    ("ModelNotBetter", "is not better than the approved model's");

/// How an execution has ended.
pub(super) struct Run {
    status: Status,
    steps: Vec<Step>,
    /// How many executions there were before anybody heard of its package.
    pub(super) trainings: usize,
}

impl Run {
    /// An error unless it has succeeded.
    pub(super) fn must_succeed(&self) -> Result<(), Problem> {
        let why = self.steps.iter().rev();
        let why = { why }.find_map(|step| step.failure_reason.as_deref());
        let otherwise = format!(
            "the training has failed: {}",
            why.unwrap_or("nobody says why")
        );
        ensure(self.status == Status::Succeeded, &otherwise)
    }

    /// An error unless it has failed in this step, with a reason that says this.
    pub(super) fn must_fail_in(&self, name: &str, says: &str) -> Result<(), Problem> {
        let last = self.steps.last().ok_or("no step has run")?;
        let reason = last.failure_reason.as_deref().unwrap_or_default();
        let otherwise = format!(
            "the training was to fail in {name} over {says}, and ended in {}: {reason}",
            last.name
        );
        let as_foreseen = self.status == Status::Failed
            && last.name == name
            && last.status == "Failed"
            && reason.contains(says);
        ensure(as_foreseen, &otherwise)
    }

    /// How many steps it had.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The steps whose results are those of an earlier execution.
    pub(super) fn cached(&self) -> Vec<&str> {
        let cached = self.steps.iter().filter(|step| step.cached_from.is_some());
        cached.map(|step| &*step.name).collect()
    }
}

impl<W: Write> Stage<W> {
    /// How many executions there are.
    pub(super) fn trainings(&self) -> usize {
        self.deployment.sandbox.sagemaker().executions().len()
    }

    /// The execution that was started last runs its steps, and SageMaker tells how it ended.
    /// What the gate says of its package trains nothing.
    pub(super) async fn training_runs(&mut self, title: &str, model: &str) -> Result<Run, Problem> {
        self.heading(title)?;
        let sagemaker = self.deployment.sandbox.sagemaker().clone();
        let s3 = self.deployment.sandbox.s3().clone();
        let containers = self.scripts.containers(&self.endpoint_url());
        let execution = sagemaker.executions().pop().ok_or("nothing was started")?;
        let arn = execution.arn.clone();
        let running = move || sagemaker.run_steps(&arn, &s3, &containers);
        let status = tokio::task::spawn_blocking(running).await??;
        self.show_steps()?;
        if let Some(report) = self.evaluation(&execution).await {
            let auc = number(&report, "/binary_classification_metrics/auc/value")?;
            let baseline = number(&report, "/comparison/baseline_auc/value")?;
            let improvement = number(&report, "/comparison/auc_improvement/value")?;
            let told = format!(
                "AUC {auc:.3}, the model before on the same data {baseline:.3}: {improvement:+.3}"
            );
            self.line("evaluated", &told)?;
            self.judged.push(Judged {
                model: model.to_owned(),
                auc,
                baseline,
                verdict: "not registered: the pipeline's own condition".to_owned(),
            });
        }
        self.tell_of(&execution.arn, status).await?;
        let trainings = self.trainings();
        self.hear_of_packages().await?;
        ensure(
            self.trainings() == trainings,
            "what the gate has said has trained a model",
        )?;
        self.note_verdict(&execution);
        let steps = self.deployment.sandbox.sagemaker().executions().pop();
        let steps = steps.map(|execution| execution.steps).unwrap_or_default();
        Ok(Run {
            status,
            steps,
            trainings,
        })
    }

    /// What the gate has said about the package of a run, if it registered one.
    fn note_verdict(&mut self, execution: &Execution) {
        let mut packages = self.deployment.sandbox.sagemaker().packages().into_iter();
        let package = packages.find(|package| {
            let properties = package.details.get("MetadataProperties");
            properties.is_some_and(|properties| properties["GeneratedBy"] == execution.arn)
        });
        if let (Some(package), Some(judged)) = (package, self.judged.last_mut()) {
            let described = package.details.get("ApprovalDescription");
            let said = described.and_then(Value::as_str).unwrap_or_default();
            // The worst condition comes first.
            let said = said.split(';').next().unwrap_or_default();
            judged.verdict = format!("{:?}: {said}", package.approval_status);
        }
    }

    fn show_steps(&mut self) -> Result<(), Problem> {
        let execution = self.deployment.sandbox.sagemaker().executions().pop();
        for step in execution
            .map(|execution| execution.steps)
            .unwrap_or_default()
        {
            let mut told = step.name;
            if let Some(outcome) = step
                .metadata
                .as_ref()
                .and_then(|metadata| metadata.pointer("/Condition/Outcome"))
                .and_then(Value::as_str)
            {
                told = format!("{told}: {}", outcome.to_lowercase());
            }
            if let Some(reason) = step.failure_reason {
                told = format!("{told}: {reason}");
            }
            let status = step
                .cached_from
                .map_or(step.status, |_| "cached".to_owned());
            self.line(&status.to_lowercase(), &told)?;
        }
        Ok(())
    }

    /// The report of a run, if it came so far.
    async fn evaluation(&self, execution: &Execution) -> Option<Value> {
        let id = execution.arn.rsplit('/').next()?;
        let uri = format!("s3://{ARTIFACTS}/runs/{id}/evaluation/evaluation.json");
        let report = self.deployment.read_object(&uri).await.ok()?;
        serde_json::from_slice(&report).ok()
    }

    /// SageMaker tells of an execution.
    async fn tell_of(&mut self, arn: &str, status: Status) -> Result<(), Problem> {
        let mut event = sample("execution-status/succeeded")?
            .of_execution(arn)
            .event()
            .clone();
        event["detail"]["currentPipelineExecutionStatus"] = json!(status);
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        let answer = Box::pin(function.handle_at(&event, &clock)).await?;
        self.answers(&[answer])
    }

    /// Somebody starts the pipeline by hand, past the controller.
    pub(super) async fn started_by_hand(
        &mut self,
        title: &str,
        given: &[(&str, &str)],
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let sagemaker = self.deployment.sandbox.sagemaker();
        let given: BTreeMap<String, String> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let arn = sagemaker.start_by_hand_with(TRAINING, "quick-try", given)?;
        self.tell_of(&arn, Status::Executing).await
    }
}

fn number(report: &Value, pointer: &str) -> Result<f64, Problem> {
    let value = report.pointer(pointer).and_then(Value::as_f64);
    value.ok_or_else(|| format!("the report has no {pointer}").into())
}
