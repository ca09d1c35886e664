//! From a registered model to the endpoint that serves it.

use std::io::Write;

use retrain_sandbox::codepipeline::{ExecutionStatus as Deployed, JobAnswer};
use retrain_sandbox::sagemaker::{ApprovalStatus, ModelPackage};
use serde_json::json;

use super::stage::Stage;
use super::training::NOT_BETTER;
use super::{Problem, ensure};
use crate::MODEL;

impl<W: Write> Stage<W> {
    /// The package that was registered last.
    pub(super) fn newest_package(&self) -> Result<ModelPackage, Problem> {
        let package = self.deployment.sandbox.sagemaker().packages().pop();
        package.ok_or_else(|| "nothing was registered".into())
    }

    /// SageMaker tells what has happened to packages, also because of the controller.
    pub(super) async fn hear_of_packages(&mut self) -> Result<(), Problem> {
        let answers = self.deployment.tell_of_packages().await?;
        self.answers(&answers)
    }

    /// The newest package, which the gate has approved, comes to staging and, when a person says
    /// so, to production. Nothing of it trains, from the approval on: `trainings` is how many
    /// executions there were before.
    pub(super) async fn released(
        &mut self,
        key: &str,
        trainings: usize,
    ) -> Result<String, Problem> {
        let package = self.newest_package()?;
        ensure(
            package.approval_status == ApprovalStatus::Approved,
            "the gate has not approved the better model",
        )?;
        self.wait(2);
        self.reconcile("Nobody has contradicted: what the gate approved is deployed to staging")
            .await?;
        self.deployment_succeeds("staging", &package.arn).await?;
        self.wait(60);
        let request = json!({
            "request": "deploy",
            "model": MODEL,
            "environment": "production",
            "package_version": package.version,
            "key": key,
            "by": "ana",
            "why": "an hour in staging without alarms",
        });
        self.asks("A person promotes it to production", &request)
            .await?;
        self.deployment_succeeds("production", &package.arn).await?;
        ensure(
            self.trainings() == trainings,
            "an approval has trained a model",
        )?;
        self.line(
            "as promised",
            "one approval, two deployments, no further training",
        )?;
        Ok(package.arn)
    }

    /// The stage Train of a release looks at what it has asked for.
    async fn looks(&mut self, title: &str) -> Result<JobAnswer, Problem> {
        let parameters = json!({
            "model": MODEL, "key": "release-2", "commit": "8d3c1f2", "no_improvement": "succeed",
        });
        let codepipeline = self.deployment.sandbox.codepipeline();
        let job = codepipeline.invoke(&parameters.to_string(), None);
        self.asks(title, &job).await?;
        let jobs = self.deployment.sandbox.codepipeline().jobs();
        let answer = jobs.into_iter().next_back().and_then(|job| job.answer);
        answer.ok_or_else(|| "the stage was not answered".into())
    }

    /// A release whose code makes nothing better trains, and goes on.
    pub(super) async fn refactored(&mut self) -> Result<(), Problem> {
        let packages = self.deployment.sandbox.sagemaker().packages().len();
        let deployments = self.deployments();
        let title = "A release of refactored code asks in its stage Train, and waits";
        let JobAnswer::Continue { .. } = self.looks(title).await? else {
            return Err("the stage does not wait".into());
        };
        let title = "The new code trains on the data of the approved model, and is no better";
        let run = self.training_runs(title, "the refactored one").await?;
        run.must_fail_in(NOT_BETTER.0, NOT_BETTER.1)?;
        let title = "The stage looks again: to this release no improvement is no failure";
        let JobAnswer::Succeeded { summary } = self.looks(title).await? else {
            return Err("a refactoring gets no further".into());
        };
        self.line("succeeded", &summary.unwrap_or_default())?;
        ensure(
            self.deployment.sandbox.sagemaker().packages().len() == packages
                && self.deployments() == deployments,
            "a model that is no better has come further",
        )
    }

    /// How often an environment's pipeline was started.
    pub(super) fn deployments(&self) -> usize {
        self.deployment.sandbox.codepipeline().executions().len()
    }

    /// The environment's pipeline tests the model and deploys it, and CodePipeline tells.
    async fn deployment_succeeds(
        &mut self,
        environment: &str,
        package: &str,
    ) -> Result<(), Problem> {
        self.wait(20);
        self.heading(&format!(
            "The pipeline of {environment} tests the model and deploys it"
        ))?;
        let pipeline = format!("{MODEL}-{environment}");
        let executions = self.deployment.sandbox.codepipeline().executions();
        let execution = executions.iter().rfind(|one| one.pipeline == pipeline);
        let execution = execution.ok_or("nothing was deployed")?;
        let variable = execution.variables.get("MODEL_PACKAGE_ARN");
        ensure(
            variable.map(String::as_str) == Some(package),
            "another package was deployed",
        )?;
        let arguments = [format!("--model-package-arn={package}")];
        let url = self.endpoint_url();
        self.scripts.run(&url, "fraud.smoke", &arguments).await?;
        self.line(
            "tested",
            "known transactions, and a thousand synthetic ones",
        )?;
        let event = self
            .deployment
            .deployment_ends(environment, Deployed::Succeeded)?;
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        let answer = Box::pin(function.handle_at(&event, &clock)).await?;
        self.answers(&[answer])
    }
}
