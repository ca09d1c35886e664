//! The sandbox, the function, and what is printed of them.

use std::io::Write;
use std::sync::Arc;

use data_arrival::{Handler as DataArrival, Reply};
use drift_alarm::Handler;
use jiff::{SignedDuration, Timestamp};
use retrain_aws::Answer;
use retrain_sandbox::s3::{Event, NewObject, sqs_batch};
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Options, Service};
use serde::Deserialize;
use serde_json::Value;

use super::Problem;
use super::paint::Paint;
use crate::{Deployment, Sample, sample};

const OUTCOME_WIDTH: usize = 18;
const FIRST_DAY: &str = "2026-01-05T";
const SECOND_DAY: &str = "2026-01-06T";
const THIRD_DAY: &str = "2026-01-07T";
const BUCKET: &str = "fraud-detection-data";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:data-arrival";

pub(super) struct Stage<W> {
    out: W,
    pub(super) deployment: Arc<Deployment>,
    function: Arc<Handler>,
    data_arrival: DataArrival,
    /// Every event of S3 so far.
    announced: Vec<Value>,
    paint: Paint,
}

/// A manifest, as far as it is shown.
#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    rows: u64,
}

impl<W: Write> Stage<W> {
    pub(super) async fn set(out: W, paint: Paint) -> Result<Self, Problem> {
        let deployment = Arc::new(Deployment::start(Options::default()).await?);
        let function = Arc::new(deployment.drift_alarm());
        let data_arrival = deployment.data_arrival();
        Ok(Self {
            out,
            deployment,
            function,
            data_arrival,
            announced: Vec::new(),
            paint,
        })
    }

    /// Moves the clock to a time of the first day, `08:30`.
    pub(super) fn at(&self, time: &str) -> Result<(), Problem> {
        self.on(FIRST_DAY, time)
    }

    /// Moves the clock to a time of the second day.
    pub(super) fn next_day_at(&self, time: &str) -> Result<(), Problem> {
        self.on(SECOND_DAY, time)
    }

    /// Moves the clock to a time of the third day.
    pub(super) fn third_day_at(&self, time: &str) -> Result<(), Problem> {
        self.on(THIRD_DAY, time)
    }

    fn on(&self, day: &str, time: &str) -> Result<(), Problem> {
        let day = format!("{day}{time}:00Z");
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

    /// An object is written, and the queue delivers its event together with all
    /// earlier ones, as a queue may.
    pub(super) async fn object_arrives(
        &mut self,
        title: &str,
        key: &str,
        content: &str,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let sandbox = &self.deployment.sandbox;
        sandbox
            .s3()
            .put_object(BUCKET, key, NewObject::new(content))?;
        let events = sandbox.s3().events();
        let news = events.iter().filter(|event| event.bucket() == BUCKET);
        self.announced.extend(news.map(Event::eventbridge));
        let bodies = self.announced.iter().cloned();
        let batch = sqs_batch(QUEUE, sandbox.clock().now(), bodies);
        let clock = self.deployment.clock();
        match Box::pin(self.data_arrival.handle_at(&batch, &clock)).await? {
            Reply::Batch(response) if response.batch_item_failures.is_empty() => {}
            other => return Err(format!("not all was understood: {other:?}").into()),
        }
        self.newest_decision().await
    }

    /// A batch's answer names failures only; the table says what was decided.
    async fn newest_decision(&mut self) -> Result<(), Problem> {
        let slot = self.deployment.slot()?;
        let store = self.deployment.store();
        for decision in store.decisions(&slot, 1).await? {
            let outcome = decision.outcome;
            self.line(outcome.name(), &outcome.to_string())?;
        }
        Ok(())
    }

    /// Shows the manifest of the newest execution.
    pub(super) async fn manifest(&mut self) -> Result<(), Problem> {
        let executions = self.deployment.sandbox.sagemaker().executions();
        let uri = executions
            .last()
            .and_then(|execution| execution.parameters.get("ManifestUri"))
            .ok_or("the execution has no manifest")?;
        let manifest = self.deployment.read_object(uri).await?;
        let manifest: Manifest = serde_json::from_slice(&manifest)?;
        let entries: Vec<String> = manifest
            .entries
            .iter()
            .map(|entry| format!("{} ({} rows)", entry.key, entry.rows))
            .collect();
        self.line("its manifest", &entries.join(", "))
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

    pub(super) fn answers(&mut self, answers: &[Answer]) -> Result<(), Problem> {
        for answer in answers {
            // A look that only led to something else is not worth a line.
            if answer.outcome != "unchanged" || answer.then.is_empty() {
                self.line(&answer.outcome, &answer.reason)?;
            }
            for then in &answer.then {
                self.line(&then.outcome, &then.reason)?;
            }
        }
        Ok(())
    }

    pub(super) fn heading(&mut self, title: &str) -> Result<(), Problem> {
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

    pub(super) fn line(&mut self, outcome: &str, reason: &str) -> Result<(), Problem> {
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
                "ManifestUri",
            ] {
                let value = execution.parameters.get(name).map_or("", String::as_str);
                if value == "none" {
                    continue;
                }
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

    pub(super) fn say(&mut self, text: &str) -> Result<(), Problem> {
        writeln!(self.out, "{text}")?;
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
        .replace(
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/",
            "",
        )
        .replace("0000000e-0000-4000-8000-", "execution ")
        .replace(
            "codepipeline/fraud-detection-staging/execution",
            "staging execution",
        )
        .replace(
            "codepipeline/fraud-detection-production/execution",
            "production execution",
        )
        .replace("fraud-detection-training/execution/", "execution ")
        .replace(FIRST_DAY, "")
        .replace(SECOND_DAY, "")
        .replace(THIRD_DAY, "")
}
