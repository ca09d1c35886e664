//! From a trained model to the endpoint that serves it.

use std::io::Write;

use retrain_sandbox::codepipeline::{ExecutionStatus as Deployed, Pipeline};
use retrain_sandbox::s3::{NewObject, Versioning};
use retrain_sandbox::sagemaker::{
    Baseline, MonitoringType, NewJobDefinition, NewPackage, NewSchedule, Report, Source,
};
use serde_json::{Value, json};

use super::Problem;
use super::stage::Stage;
use crate::deployment::MODEL;

/// What the policy gets besides what it has.
const RELEASE: &str = include_str!("release.json");
const BUCKET: &str = "fraud-detection-models";
const SCHEDULE: &str = "fraud-detection-data-quality";
const IMAGE: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud-detection:7";
const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

impl<W: Write> Stage<W> {
    /// Two environments with their pipelines, a monitored endpoint, and a champion with a
    /// report.
    pub(super) fn build_environments(&mut self) -> Result<(), Problem> {
        let sandbox = &self.deployment.sandbox;
        for environment in ["staging", "production"] {
            let pipeline = Pipeline::new(&format!("{MODEL}-{environment}"))
                .variable("MODEL_PACKAGE_ARN")
                .variable_with_default("IMAGE_DIGEST", "unknown")
                .variable_with_default("RETRAIN_TOKEN", "none");
            sandbox.codepipeline().create_pipeline(pipeline)?;
        }
        sandbox.s3().create_bucket(BUCKET, Versioning::Disabled)?;
        let sagemaker = sandbox.sagemaker();
        let monitoring = NewJobDefinition::new(
            MonitoringType::DataQuality,
            SCHEDULE,
            "fraud-detection-prod",
        )
        .constraints(&format!("s3://{BUCKET}/1/constraints.json"));
        sagemaker.create_job_definition(&monitoring)?;
        sagemaker.create_schedule(NewSchedule::hourly(
            SCHEDULE,
            MonitoringType::DataQuality,
            SCHEDULE,
        ))?;
        let champion = sagemaker.packages().pop().ok_or("there is no champion")?;
        let report = self.evaluation("1", "0.912")?;
        let statistics = json!({"ContentType": "application/json", "S3Uri": report});
        let metrics = json!({"ModelQuality": {"Statistics": statistics}});
        let details = [("ModelMetrics".to_owned(), metrics)];
        self.deployment
            .sandbox
            .sagemaker()
            .set_package_details(&champion.arn, details.into_iter().collect())?;
        self.deployment.sandbox.sagemaker().package_events();
        Ok(())
    }

    /// The policy gets a gate and environments.
    pub(super) fn add_environments(&mut self, title: &str) -> Result<(), Problem> {
        self.heading(title)?;
        let mut policy: Value = serde_json::from_str(&crate::deployment::seeded_policy()?)?;
        let release: Value = serde_json::from_str(RELEASE)?;
        if let (Some(policy), Value::Object(release)) = (policy.as_object_mut(), release) {
            policy.extend(release);
        }
        let version = self.deployment.put_policy(MODEL, &policy.to_string())?;
        self.line("policy", &format!("version {version}"))
    }

    fn evaluation(&self, version: &str, auc: &str) -> Result<String, Problem> {
        let key = format!("{version}/evaluation.json");
        let report = format!(r#"{{"binary_classification_metrics":{{"auc":{{"value":{auc}}}}}}}"#);
        let s3 = self.deployment.sandbox.s3();
        s3.put_object(BUCKET, &key, NewObject::new(report))?;
        Ok(format!("s3://{BUCKET}/{key}"))
    }

    /// The running execution registers a package, and SageMaker tells.
    pub(super) async fn package_is_registered(
        &mut self,
        title: &str,
        auc: &str,
    ) -> Result<(), Problem> {
        let report = self.evaluation("2", auc)?;
        let sagemaker = self.deployment.sandbox.sagemaker();
        let execution = sagemaker.executions().pop().ok_or("nothing was trained")?;
        let package = NewPackage::new(MODEL)
            .report(Report::ModelQualityStatistics, Source::json(&report))
            .baseline(
                Baseline::ModelDataQualityConstraints,
                Source::json(&format!("s3://{BUCKET}/2/constraints.json")),
            )
            .metadata("GeneratedBy", &execution.arn)
            .metadata("CommitId", "8d3c1f2")
            .container(
                IMAGE,
                Some(DIGEST),
                "s3://fraud-detection-models/2/model.tar.gz",
            );
        sagemaker.register(package)?;
        self.heading(title)?;
        self.hear_of_packages().await
    }

    /// Somebody edits the newest package's metadata, and SageMaker tells.
    pub(super) async fn metadata_is_edited(&mut self, title: &str) -> Result<(), Problem> {
        let sagemaker = self.deployment.sandbox.sagemaker();
        let package = sagemaker.packages().pop().ok_or("there is no package")?;
        let note = json!({"CustomerMetadataProperties": {"ticket": "ML-1207"}});
        sagemaker.edit_package(&package.arn, &note)?;
        self.heading(title)?;
        self.hear_of_packages().await
    }

    /// SageMaker tells what has happened to packages, also because of us.
    pub(super) async fn hear_of_packages(&mut self) -> Result<(), Problem> {
        let answers = self.deployment.tell_of_packages().await?;
        self.answers(&answers)
    }

    /// The running deployment to an environment succeeds, and CodePipeline tells.
    pub(super) async fn deployment_succeeds(
        &mut self,
        title: &str,
        environment: &str,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let event = self
            .deployment
            .deployment_ends(environment, Deployed::Succeeded)?;
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        let answer = Box::pin(function.handle_at(&event, &clock)).await?;
        self.answers(&[answer])
    }

    /// A person asks for the newest package in an environment.
    pub(super) async fn person_promotes(
        &mut self,
        title: &str,
        environment: &str,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let request = json!({
            "request": "deploy",
            "model": MODEL,
            "environment": environment,
            "package_version": 2,
            "key": "release-2",
            "by": "ana",
            "why": "a morning in staging without alarms",
        });
        let clock = self.deployment.clock();
        let reconciler = self.deployment.reconciler();
        let summary = Box::pin(reconciler.handle_at(&request, &clock)).await?;
        self.answers(&summary.answers)
    }

    /// What the monitoring schedule compares with.
    pub(super) fn baseline(&mut self) -> Result<(), Problem> {
        let sagemaker = self.deployment.sandbox.sagemaker();
        let definition = sagemaker
            .scheduled_definition(SCHEDULE)
            .ok_or("nothing is monitored")?;
        let constraints = definition.constraints().unwrap_or("nothing").to_owned();
        self.line("monitored by", &constraints)
    }

    /// What exists at CodePipeline in the end.
    pub(super) fn close_deployments(&mut self) -> Result<(), Problem> {
        self.say("\nDeployments at CodePipeline")?;
        for execution in self.deployment.sandbox.codepipeline().executions() {
            let started = execution.start_time.strftime("%H:%M").to_string();
            let status = format!("{:?}", execution.status);
            let package = execution.variables.get("MODEL_PACKAGE_ARN");
            let package = package.and_then(|arn| arn.split_once(":model-package/"));
            let package = package.map_or("", |(_, package)| package);
            let line = format!(
                "  {started}  {:<26}  {status:<9}  {package}",
                execution.pipeline
            );
            self.say(&line)?;
        }
        Ok(())
    }
}
