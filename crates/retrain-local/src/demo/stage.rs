//! The sandbox, the function, and what is printed of them.

use std::io::Write;
use std::sync::Arc;

use drift_alarm::Handler;
use jiff::{SignedDuration, Timestamp};
use retrain_aws::Answer;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Options, Service};

use super::Problem;
use super::paint::Paint;
use crate::{Deployment, Sample, sample};

const OUTCOME_WIDTH: usize = 13;

pub(super) struct Stage<W> {
    out: W,
    deployment: Arc<Deployment>,
    function: Arc<Handler>,
    paint: Paint,
}

impl<W: Write> Stage<W> {
    pub(super) async fn set(out: W, paint: Paint) -> Result<Self, Problem> {
        let deployment = Arc::new(Deployment::start(Options::default()).await?);
        let function = Arc::new(deployment.drift_alarm());
        Ok(Self {
            out,
            deployment,
            function,
            paint,
        })
    }

    /// Moves the clock to a time of the day, `08:30`.
    pub(super) fn at(&self, time: &str) -> Result<(), Problem> {
        let day = format!("2026-01-05T{time}:00Z");
        self.deployment
            .sandbox
            .clock()
            .set(day.parse::<Timestamp>()?);
        Ok(())
    }

    /// A sample as if it happened now.
    pub(super) fn now(&self, name: &str) -> Result<Sample, Problem> {
        Ok(sample(name)?.at(self.deployment.sandbox.clock().now()))
    }

    /// Delivers an event and prints what was decided.
    pub(super) async fn deliver(&mut self, title: &str, event: &Sample) -> Result<(), Problem> {
        let clock = self.deployment.clock();
        self.heading(title)?;
        let answers = Box::pin(self.function.handle_at(event.event(), &clock)).await?;
        self.answers(&answers)
    }

    /// Delivers an event to a worker that dies right before it calls `StartPipelineExecution`.
    pub(super) async fn deliver_and_crash(
        &mut self,
        title: &str,
        event: &Sample,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let fault = Fault::on(
            Service::SageMaker,
            "StartPipelineExecution",
            FaultKind::HoldBefore,
        );
        let held = self.deployment.sandbox.faults().inject(fault);
        let (function, clock, event) = (
            Arc::clone(&self.function),
            self.deployment.clock(),
            event.clone(),
        );
        let worker =
            tokio::spawn(async move { Box::pin(function.handle_at(event.event(), &clock)).await });
        held.held().await;
        worker.abort();
        held.discard();
        self.line("crashed", "the claim is written, the start call never left")
    }

    /// The running execution succeeds, and SageMaker tells.
    pub(super) async fn execution_succeeds(&mut self, title: &str) -> Result<(), Problem> {
        self.heading(title)?;
        let sagemaker = self.deployment.sandbox.sagemaker();
        let execution = sagemaker
            .executions()
            .pop()
            .ok_or("there is no execution")?;
        sagemaker.finish(&execution.arn, Status::Succeeded, None)?;
        let event = sample("execution-status/succeeded")?.of_execution(&execution.arn);
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        let answer = Box::pin(function.handle_at(event.event(), &clock)).await?;
        self.answers(&[answer])
    }

    /// The reconciler looks at what is due.
    pub(super) async fn reconcile(&mut self, title: &str) -> Result<(), Problem> {
        self.heading(title)?;
        let clock = self.deployment.clock();
        let summary = Box::pin(self.deployment.reconciler().run(&clock)).await?;
        self.answers(&summary.answers)
    }

    fn answers(&mut self, answers: &[Answer]) -> Result<(), Problem> {
        for answer in answers {
            self.line(&answer.outcome, &answer.reason)?;
            for then in &answer.then {
                self.line(&then.outcome, &then.reason)?;
            }
        }
        Ok(())
    }

    fn heading(&mut self, title: &str) -> Result<(), Problem> {
        let now = self
            .deployment
            .sandbox
            .clock()
            .now()
            .strftime("%H:%M")
            .to_string();
        writeln!(
            self.out,
            "\n{}  {}",
            self.paint.bold(&now),
            self.paint.bold(title)
        )?;
        Ok(())
    }

    fn line(&mut self, outcome: &str, reason: &str) -> Result<(), Problem> {
        let reason = short(reason);
        writeln!(
            self.out,
            "       {} {reason}",
            self.paint.outcome(outcome, OUTCOME_WIDTH)
        )?;
        Ok(())
    }

    /// What exists at SageMaker in the end, and what it cost to decide it.
    pub(super) fn close(&mut self) -> Result<(), Problem> {
        let out = &mut self.out;
        writeln!(out, "\n{}", self.paint.bold("Executions at SageMaker"))?;
        let executions = self.deployment.sandbox.sagemaker().executions();
        for execution in &executions {
            let started = execution.start_time.strftime("%H:%M").to_string();
            let id = execution.arn.rsplit('/').next().unwrap_or_default();
            let status = format!("{:?}", execution.status);
            let why = execution.description.as_deref().unwrap_or_default();
            writeln!(out, "  {started}  {id}  {status:<9}  {why}")?;
            for name in [
                "InputDataUri",
                "TrainingWindowStart",
                "BaselineModelPackageArn",
                "DriftKind",
            ] {
                let value = execution.parameters.get(name).map_or("", String::as_str);
                writeln!(
                    out,
                    "         {}",
                    self.paint.dim(&format!("{name} = {value}"))
                )?;
            }
        }
        let calls = self.deployment.sandbox.calls().all();
        writeln!(
            out,
            "\n{} executions, {} calls on AWS in all.",
            executions.len(),
            calls.len()
        )?;
        Ok(())
    }

    pub(super) fn introduce(&mut self, text: &str) -> Result<(), Problem> {
        writeln!(self.out, "{}", self.paint.dim(text))?;
        Ok(())
    }

    /// Time passes.
    pub(super) fn wait(&self, minutes: i64) {
        self.deployment
            .sandbox
            .clock()
            .advance(SignedDuration::from_mins(minutes));
    }
}

/// ARNs and moments without what they all share.
fn short(text: &str) -> String {
    text.replace("arn:aws:sagemaker:us-east-1:111122223333:pipeline/", "")
        .replace("fraud-detection-training/execution/", "execution ")
        .replace("2026-01-05T", "")
}
