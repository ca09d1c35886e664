//! The sandbox with everything around the controller, and what is printed.

use std::fs;
use std::io::Write;

use data_arrival::Reply;
use jiff::{SignedDuration, Timestamp};
use retrain_aws::Answer;
use retrain_sandbox::s3::{Event, NewObject, sqs_batch};
use retrain_sandbox::sagemaker::Pipeline;
use retrain_sandbox::{Options, Seed};
use serde_json::{Value, json};

use super::Problem;
use super::drift::Monitor;
use super::scripts::Scripts;
use crate::demo::paint::Paint;
use crate::{Deployment, MODEL};

const OUTCOME_WIDTH: usize = 18;
const DATA: &str = "fraud-detection-data-111122223333";
const MANIFESTS: &str = "fraud-detection-manifests-111122223333";
pub(super) const ARTIFACTS: &str = "fraud-detection-artifacts-111122223333";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:data-arrival";
pub(super) const TRAINING: &str = "fraud-detection-training";

/// What a deployment of the example fills into the pipeline's definition.
const RENDERED: [(&str, &str); 8] = [
    (
        "ImageUri",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud-detection@sha256:\
         9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    (
        "ExecutionRoleArn",
        "arn:aws:iam::111122223333:role/fraud-detection-jobs",
    ),
    ("KmsKeyId", "alias/fraud-detection"),
    (
        "ArtifactsUri",
        "s3://fraud-detection-artifacts-111122223333",
    ),
    ("ModelPackageGroupName", MODEL),
    ("CommitId", "8d3c1f2"),
    ("BuildSpecVersion", "1"),
    ("RequirementsHash", "sha256-of-the-lock-file"),
];

/// Some days of transactions that arrive as training data.
pub(super) struct Days<'a> {
    /// The first one, `2026-01-12`.
    pub(super) from: &'a str,
    pub(super) count: u32,
    pub(super) price_level: f64,
    pub(super) seed: u32,
    /// `OLD=NEW`, if somebody upstream calls a column otherwise.
    pub(super) rename: &'a str,
}

/// How a model has done, for the table at the end.
pub(super) struct Judged {
    pub(super) model: String,
    pub(super) auc: f64,
    pub(super) baseline: f64,
    pub(super) verdict: String,
}

pub(super) struct Stage<W> {
    out: W,
    paint: Paint,
    pub(super) scripts: Scripts,
    pub(super) deployment: Deployment,
    pub(super) monitor: Monitor,
    pub(super) judged: Vec<Judged>,
}

impl<W: Write> Stage<W> {
    pub(super) async fn set(
        out: W,
        paint: Paint,
        scripts: Scripts,
        definition: &str,
    ) -> Result<Self, Problem> {
        let policy: Value = serde_json::from_str(&scripts.read("policy.json")?)?;
        let pipelines = ["staging", "production"].map(|environment| {
            let variables = json!({
                "MODEL_PACKAGE_ARN": null, "IMAGE_DIGEST": "unknown", "RETRAIN_TOKEN": "none",
            });
            json!({"name": format!("{MODEL}-{environment}"), "variables": variables})
        });
        let seed = json!({
            "parameters": [
                {"name": format!("/retrain/policies/{MODEL}"), "value": policy},
                {
                    "name": format!("/retrain/training-data/{MODEL}"),
                    "value": format!("s3://{DATA}/training/"),
                },
            ],
            "codePipelines": pipelines,
            "buckets": [
                {"name": DATA, "versioning": true},
                {"name": MANIFESTS, "versioning": true},
                {"name": ARTIFACTS, "versioning": true},
            ],
            "modelPackageGroups": [MODEL],
        });
        let seed = Seed::from_json(&seed.to_string())?;
        let deployment = Deployment::seeded(Options::default(), &seed).await?;
        let mut given = vec![definition.to_owned()];
        for (name, value) in RENDERED {
            given.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        let url = deployment.sandbox.endpoint_url();
        let definition = scripts.said(url, "fraud.definition", &given).await?;
        let pipeline = Pipeline::defined(TRAINING, &definition)?;
        deployment.sandbox.sagemaker().create_pipeline(pipeline)?;
        let monitor = Monitor::new(deployment.sandbox.cloudwatch())?;
        Ok(Self {
            out,
            paint,
            scripts,
            deployment,
            monitor,
            judged: Vec::new(),
        })
    }

    /// Moves the clock to a moment, `2026-01-26T06:00`.
    pub(super) fn at(&self, moment: &str) -> Result<(), Problem> {
        let moment: Timestamp = format!("{moment}:00Z").parse()?;
        self.deployment.sandbox.clock().set(moment);
        Ok(())
    }

    /// Time passes.
    pub(super) fn wait(&self, minutes: i64) {
        let passed = SignedDuration::from_mins(minutes);
        self.deployment.sandbox.clock().advance(passed);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.deployment.sandbox.clock().now()
    }

    pub(super) fn endpoint_url(&self) -> String {
        self.deployment.sandbox.endpoint_url().to_owned()
    }

    /// Training data arrives, an object for each day, and is counted.
    pub(super) async fn data_arrives(
        &mut self,
        title: &str,
        days: Days<'_>,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let folder = self.scripts.work().join("days");
        let arguments = [
            folder.display().to_string(),
            format!("--rows={}", 1500 * days.count),
            format!("--seed={}", days.seed),
            format!("--start={}T00:00:00+00:00", days.from),
            format!("--days={}", days.count),
            format!("--price-level={}", days.price_level),
            format!("--rename={}", days.rename),
        ];
        let url = self.endpoint_url();
        self.scripts
            .run(&url, "fraud.synthetic", &arguments)
            .await?;
        let s3 = self.deployment.sandbox.s3();
        let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            let key = format!("training/{}", file.file_name().to_string_lossy());
            s3.put_object(DATA, &key, NewObject::new(fs::read(file.path())?))?;
        }
        let events = s3.events();
        let bodies = events.iter().filter(|event| event.bucket() == DATA);
        let batch = sqs_batch(QUEUE, self.now(), bodies.map(Event::eventbridge));
        let clock = self.deployment.clock();
        let function = self.deployment.data_arrival();
        match Box::pin(function.handle_at(&batch, &clock)).await? {
            Reply::Batch(response) if response.batch_item_failures.is_empty() => {}
            other => return Err(format!("not all was understood: {other:?}").into()),
        }
        let slot = self.deployment.slot()?;
        for decision in self.deployment.store().decisions(&slot, 1).await? {
            let outcome = decision.outcome;
            self.line(outcome.name(), &outcome.to_string())?;
        }
        Ok(())
    }

    /// The reconciler looks at what is due.
    pub(super) async fn reconcile(&mut self, title: &str) -> Result<(), Problem> {
        self.heading(title)?;
        let clock = self.deployment.clock();
        let summary = Box::pin(self.deployment.reconciler().run(&clock)).await?;
        self.answers(&summary.answers)
    }

    /// A person asks the reconciler for something.
    pub(super) async fn asks(&mut self, title: &str, request: &Value) -> Result<(), Problem> {
        self.heading(title)?;
        let clock = self.deployment.clock();
        let reconciler = self.deployment.reconciler();
        let summary = Box::pin(reconciler.handle_at(request, &clock)).await?;
        self.answers(&summary.answers)
    }

    pub(super) fn answers(&mut self, answers: &[Answer]) -> Result<(), Problem> {
        for answer in answers {
            // A look that only led to something else is not worth a line.
            if answer.outcome != "unchanged" {
                self.line(&answer.outcome, &answer.reason)?;
            }
            for then in &answer.then {
                self.line(&then.outcome, &then.reason)?;
            }
        }
        Ok(())
    }

    pub(super) fn heading(&mut self, title: &str) -> Result<(), Problem> {
        let now = self.now().strftime("%b %d %H:%M").to_string();
        let (now, title) = (self.paint.bold(&now), self.paint.bold(title));
        writeln!(self.out, "\n{now}  {title}")?;
        Ok(())
    }

    pub(super) fn line(&mut self, outcome: &str, reason: &str) -> Result<(), Problem> {
        let outcome = self.paint.outcome(outcome, OUTCOME_WIDTH);
        writeln!(self.out, "       {outcome} {}", short(reason))?;
        Ok(())
    }

    pub(super) fn say(&mut self, text: &str) -> Result<(), Problem> {
        writeln!(self.out, "{text}")?;
        Ok(())
    }
}

/// ARNs without what they all share.
fn short(text: &str) -> String {
    let account = "arn:aws:sagemaker:us-east-1:111122223333:";
    text.replace(&format!("{account}pipeline/{TRAINING}/execution/"), "run ")
        .replace(&format!("{account}model-package/"), "")
        .replace("0000000e-0000-4000-8000-", "deployment ")
}

#[cfg(test)]
mod tests {
    use retrain_core::policy::Policy;

    use super::*;

    fn read(path: &str) -> Result<String, std::io::Error> {
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../examples/fraud-detection/"
        );
        fs::read_to_string(format!("{example}{path}"))
    }

    #[test]
    fn the_example_has_a_policy_and_a_pipeline_that_can_be_run() -> Result<(), Problem> {
        Policy::parse(&read("policy.json")?)?;
        let definition = read("pipeline/definition.json")?;
        let definition = RENDERED.iter().fold(definition, |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        });
        assert!(!definition.contains("${"), "a value is missing");
        Pipeline::defined(TRAINING, &definition)?;
        Ok(())
    }
}
