//! From a registered package to what the environments run.

mod calls;
mod crashes;
mod gate;
mod lanes;
mod limits;
mod rules;
mod storm;
mod told;
mod window;

pub(crate) use self::told::bench_before;

use jiff::SignedDuration;
use retrain_aws::Answer;
use retrain_controller::{SlotStore as _, Wanted};
use retrain_core::decision::Decision;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::slot::Slot;
use retrain_lambda::Failure;
use retrain_sandbox::codepipeline::{Execution, ExecutionMode, ExecutionStatus, Pipeline};
use retrain_sandbox::s3::{NewObject, Versioning};
use retrain_sandbox::sagemaker::{
    ApprovalStatus, Baseline, MonitoringType, NewJobDefinition, NewPackage, NewSchedule,
    PackageEvent, Report, Source,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bench::Bench;
use crate::oracle::deployments::versions;

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

const GROUP: &str = "fraud-detection";
const BUCKET: &str = "fraud-detection-reports";
pub(crate) const SCHEDULE: &str = "fraud-detection-data-quality";

/// A model with a gate, that is deployed to staging and, when a person says so, to
/// production.
const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "model_package_group": "fraud-detection",
    "gate": {
        "conditions": [
            {"metric": "auc", "at_least": 0.9, "borderline": 0.01},
            {"metric": "auc", "better_than_champion_by": 0, "direction": "higher"}
        ],
        "without_champion": "pass"
    },
    "environments": [
        {
            "name": "staging",
            "pipeline": "fraud-detection-staging",
            "variables": {
                "MODEL_PACKAGE_ARN": "{model_package_arn}",
                "MODEL_PACKAGE_VERSION": "{model_package_version}",
                "ENVIRONMENT": "{environment}",
                "IMAGE_DIGEST": "{image_digest|none}"
            },
            "on_rejected": "roll_back"
        },
        {
            "name": "production",
            "pipeline": "fraud-detection-production",
            "variables": {"MODEL_PACKAGE_ARN": "{model_package_arn}"},
            "promotion": "person",
            "on_rejected": "roll_back",
            "endpoint": "fraud-detection-prod",
            "monitoring_schedules": ["fraud-detection-data-quality"]
        }
    ],
    "min_interval": "6h"
}"#;

/// The policy with other values at some places, written as JSON.
pub(crate) fn policy(changes: &[(&str, &str)]) -> String {
    let mut policy: Value = serde_json::from_str(POLICY).unwrap();
    for (place, value) in changes {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let value = serde_json::from_str(value).unwrap();
        match policy.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            parent => parent[name] = value,
        }
    }
    policy.to_string()
}

/// What a deployment is in the sandbox.
pub(crate) struct Release {
    pub(crate) bench: Bench,
}

impl Release {
    pub(crate) async fn start() -> Self {
        Self::with(POLICY).await
    }

    pub(crate) async fn with(policy: &str) -> Self {
        Self::of(Bench::start().await, policy)
    }

    /// The same on a bench on which nothing has happened.
    pub(crate) fn of(bench: Bench, policy: &str) -> Self {
        let sandbox = &bench.deployment.sandbox;
        for (name, variables) in [
            (
                "fraud-detection-staging",
                &[
                    "MODEL_PACKAGE_ARN",
                    "MODEL_PACKAGE_VERSION",
                    "ENVIRONMENT",
                    "IMAGE_DIGEST",
                ][..],
            ),
            ("fraud-detection-production", &["MODEL_PACKAGE_ARN"]),
        ] {
            let mut pipeline = Pipeline::new(name)
                .mode(ExecutionMode::Queued)
                .variable_with_default("RETRAIN_TOKEN", "none");
            for variable in variables {
                pipeline = pipeline.variable_with_default(variable, "none");
            }
            sandbox.codepipeline().create_pipeline(pipeline).unwrap();
        }
        sandbox
            .s3()
            .create_bucket(BUCKET, Versioning::Disabled)
            .unwrap();
        let sagemaker = sandbox.sagemaker();
        let definition = NewJobDefinition::new(
            MonitoringType::DataQuality,
            "fraud-detection-data-quality",
            "fraud-detection-prod",
        );
        let definition = definition.constraints("s3://baselines/0/constraints.json");
        sagemaker.create_job_definition(&definition).unwrap();
        let schedule = NewSchedule::hourly(
            SCHEDULE,
            MonitoringType::DataQuality,
            "fraud-detection-data-quality",
        );
        sagemaker.create_schedule(schedule).unwrap();
        // The sandbox begins with a champion that has no report.
        let first = sagemaker.packages().remove(0).arn;
        sagemaker
            .set_approval(&first, ApprovalStatus::Rejected)
            .unwrap();
        bench.deployment.put_policy(GROUP, policy).unwrap();
        bench.wait(MINUTE);
        sagemaker.package_events();
        Self { bench }
    }

    /// Registers a package whose report says this AUC; its events wait.
    pub(crate) fn register(&self, auc: &str) -> String {
        let package = self.package(auc);
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        sagemaker.register(package).unwrap()
    }

    /// A package whose report says this AUC.
    pub(crate) fn package(&self, auc: &str) -> NewPackage {
        let report =
            format!(r#"{{"binary_classification_metrics": {{"auc": {{"value": {auc}}}}}}}"#);
        self.package_of(report)
    }

    /// A package with this report.
    pub(crate) fn package_of(&self, report: String) -> NewPackage {
        let sandbox = &self.bench.deployment.sandbox;
        let key = format!("{}/evaluation.json", self.bench.now());
        let object = NewObject::new(report);
        sandbox.s3().put_object(BUCKET, &key, object).unwrap();
        let uri = format!("s3://{BUCKET}/{key}");
        NewPackage::new(GROUP)
            .report(Report::ModelQualityStatistics, Source::json(&uri))
            .baseline(
                Baseline::ModelDataQualityConstraints,
                Source::json(&format!("{uri}.constraints")),
            )
            .container(
                "111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud:1",
                Some("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                "s3://models/model.tar.gz",
            )
    }

    /// The events about packages that nobody was told of yet.
    pub(crate) fn mail(&self) -> Vec<PackageEvent> {
        self.bench.deployment.sandbox.sagemaker().package_events()
    }

    pub(crate) async fn hear(&self, event: &Value) -> Result<Answer, Failure> {
        let function = self.bench.deployment.model_approval();
        let clock = self.bench.deployment.clock();
        Box::pin(function.handle_at(event, &clock)).await
    }

    /// Delivers an event to a worker of its own, which can be frozen or killed.
    pub(crate) fn hear_elsewhere(&self, event: &Value) -> JoinHandle<Result<Answer, Failure>> {
        let function = self.bench.deployment.model_approval();
        let (event, clock) = (event.clone(), self.bench.deployment.clock());
        tokio::spawn(async move { Box::pin(function.handle_at(&event, &clock)).await })
    }

    /// Every event is delivered, also those that follow from them.
    pub(crate) async fn deliver_all(&self) -> Vec<String> {
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            let mail = self.mail();
            if mail.is_empty() {
                return outcomes;
            }
            for event in mail {
                outcomes.push(self.hear(&event.eventbridge()).await.unwrap().outcome);
            }
        }
        panic!("events without end: {outcomes:?}")
    }

    pub(crate) async fn ask(&self, request: Value) -> Result<String, Failure> {
        let reconciler = self.bench.deployment.reconciler();
        let clock = self.bench.deployment.clock();
        let summary = Box::pin(reconciler.handle_at(&request, &clock)).await?;
        Ok(summary.answers[0].outcome.clone())
    }

    /// A person asks for a package in production.
    pub(crate) async fn promote(&self, version: u64, key: &str) -> String {
        self.ask(json!({
            "request": "deploy",
            "model": GROUP,
            "environment": "production",
            "package_version": version,
            "key": key,
            "by": "ana",
            "why": "staging looks good",
        }))
        .await
        .unwrap()
    }

    /// Time passes until the controller's own approval is deployed.
    pub(crate) async fn settle(&self) -> Vec<String> {
        self.bench.wait(MINUTE * 2);
        self.bench.reconcile().await
    }

    /// The deployments to an environment, oldest first.
    pub(crate) fn deployments(&self, environment: &str) -> Vec<Execution> {
        let name = format!("fraud-detection-{environment}");
        let mut executions = self.bench.deployment.sandbox.codepipeline().executions();
        executions.retain(|execution| execution.pipeline == name);
        executions
    }

    /// The versions that were ever sent to an environment.
    pub(crate) fn versions(&self, environment: &str) -> Vec<u64> {
        versions(&self.deployments(environment))
    }

    /// The running deployment ends; what CodePipeline tells of it.
    pub(crate) fn ended(&self, environment: &str, status: ExecutionStatus) -> Value {
        let deployment = &self.bench.deployment;
        deployment.deployment_ends(environment, status).unwrap()
    }

    /// The running deployment ends, and CodePipeline tells.
    pub(crate) async fn end(&self, environment: &str, status: ExecutionStatus) -> String {
        let event = self.ended(environment, status);
        let function = self.bench.deployment.execution_status();
        let clock = self.bench.deployment.clock();
        Box::pin(function.handle_at(&event, &clock))
            .await
            .unwrap()
            .outcome
    }

    pub(crate) fn decide(&self, package: &str, status: ApprovalStatus) {
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        sagemaker.decide(package, status, "seen").unwrap();
    }

    pub(crate) fn approval(&self, package: &str) -> (ApprovalStatus, Option<String>) {
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        let package = sagemaker.package(package).unwrap();
        let description = package.details.get("ApprovalDescription");
        let description = description.and_then(Value::as_str);
        (package.approval_status, description.map(str::to_owned))
    }

    pub(crate) async fn slot(&self, lane: Lane) -> Slot {
        let key = SlotKey::new(ModelName::parse(GROUP).unwrap(), lane);
        let store = self.bench.deployment.store();
        let loaded = store.load(Wanted::slot(&key), self.bench.now()).await;
        loaded.unwrap().slot
    }

    pub(crate) async fn environment(&self, name: &str) -> Slot {
        self.slot(Lane::Deploy(EnvironmentName::parse(name).unwrap()))
            .await
    }

    /// What was decided in a lane, oldest first.
    pub(crate) async fn decisions(&self, lane: Lane) -> Vec<Decision> {
        let key = SlotKey::new(ModelName::parse(GROUP).unwrap(), lane);
        let store = self.bench.deployment.store();
        let mut decisions = store.decisions(&key, 1_000).await.unwrap();
        decisions.reverse();
        decisions
    }

    pub(crate) async fn outcomes(&self, lane: Lane) -> Vec<String> {
        let decisions = self.decisions(lane).await;
        decisions
            .iter()
            .map(|decision| decision.outcome.name().to_owned())
            .collect()
    }

    pub(crate) async fn of_package(&self, package: &str) -> Vec<String> {
        let package = ModelPackageArn::parse(package).unwrap();
        self.outcomes(Lane::Package(package)).await
    }

    pub(crate) async fn of_environment(&self, name: &str) -> Vec<String> {
        let name = EnvironmentName::parse(name).unwrap();
        self.outcomes(Lane::Deploy(name)).await
    }
}
