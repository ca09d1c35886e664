//! What the registry, CodePipeline and people do about packages.

use jiff::{SignedDuration, Timestamp};
use retrain_local::sample;
use retrain_sandbox::codepipeline::{Execution, ExecutionStatus};
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::{ApprovalStatus, NewPackage, Report, Source};
use serde_json::json;

use super::model::REPORTS;
use super::post::Told;
use super::process::Function;
use super::town::{Happening, Town};
use super::world::{Deed, number};
use crate::oracle::deployments::{under_way, version, versions};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How long after a package was approved for the last time its deployment may start: the
/// worker that has seen it lives no longer, and the call may be late.
const WINDOW: SignedDuration = SignedDuration::from_secs(90);

impl Town {
    /// A training run registers a package.
    pub(crate) fn register(&mut self, model: usize) {
        let auc = ["0.95", "0.95", "0.7", "0.905", "0.905"][self.dice.place(5)];
        let report =
            format!(r#"{{"binary_classification_metrics": {{"auc": {{"value": {auc}}}}}}}"#);
        let name = self.models[model].name.clone();
        let key = format!("{name}/{}/evaluation.json", self.now());
        let s3 = self.deployment.sandbox.s3();
        s3.put_object(REPORTS, &key, NewObject::new(report))
            .unwrap();
        s3.events();
        let uri = format!("s3://{REPORTS}/{key}");
        let package =
            NewPackage::new(&name).report(Report::ModelQualityStatistics, Source::json(&uri));
        let sagemaker = self.deployment.sandbox.sagemaker();
        let package = sagemaker.register(package).unwrap();
        let pause = HOUR * 2 + self.about(HOUR * 12);
        let decide = Deed::Decide {
            model,
            package: package.clone(),
            again: self.dice.percent(20),
        };
        self.after(pause, Happening::World(decide));
        if self.dice.percent(40) {
            let pause = self.about(HOUR * 10);
            self.after(pause, Happening::World(Deed::Edit(package)));
        }
    }

    /// A person decides about a package that waits, and may change his mind.
    pub(crate) fn decide(&mut self, model: usize, package: &str, again: bool) {
        let sagemaker = self.deployment.sandbox.sagemaker();
        let status = sagemaker.package(package).unwrap().approval_status;
        let decision = match status {
            ApprovalStatus::PendingManualApproval if self.dice.percent(70) => {
                ApprovalStatus::Approved
            }
            ApprovalStatus::Approved if again => ApprovalStatus::Rejected,
            ApprovalStatus::Rejected if again => ApprovalStatus::Approved,
            ApprovalStatus::PendingManualApproval => ApprovalStatus::Rejected,
            _ => return,
        };
        sagemaker.decide(package, decision, "seen").unwrap();
        self.packages_are_told();
        if again {
            let pause = self.about(HOUR);
            let decide = Deed::Decide {
                model,
                package: package.to_owned(),
                again: self.dice.percent(20),
            };
            self.after(pause, Happening::World(decide));
        }
    }

    pub(crate) fn edit(&mut self, package: &str) {
        let ticket = self.dice.roll(1_000).to_string();
        let edit = json!({"CustomerMetadataProperties": {"ticket": ticket}});
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker.edit_package(package, &edit).unwrap();
    }

    /// SageMaker tells of packages.
    pub(crate) fn packages_are_told(&mut self) {
        for event in self.deployment.sandbox.sagemaker().package_events() {
            let detail = event.detail();
            let group = detail["ModelPackageGroupName"].as_str().unwrap();
            let model = number(group);
            let status = detail["ModelApprovalStatus"].as_str().unwrap().to_owned();
            let at = self.now();
            let approvals = &mut self.models[model].approvals;
            let known = approvals.entry(event.arn().to_owned()).or_default();
            if known.last().is_none_or(|(_, last)| *last != status) {
                known.push((at, status));
            }
            let body = event.eventbridge();
            self.announce(model, Told::Package, Function::ModelApproval, body);
        }
    }

    /// The deployments of a model to an environment, oldest first.
    pub(crate) fn deployments(&self, model: usize, environment: &str) -> Vec<Execution> {
        let pipeline = self.models[model].pipeline(environment);
        let mut executions = self.deployment.sandbox.codepipeline().executions();
        executions.retain(|execution| execution.pipeline == pipeline);
        executions
    }

    pub(crate) fn deployments_are_noticed(&mut self) {
        let executions = self.deployment.sandbox.codepipeline().executions();
        for execution in executions {
            if self.known.contains(&execution.id) {
                continue;
            }
            let model = number(&execution.pipeline);
            self.known.insert(execution.id.clone());
            self.record(&execution.variables);
            self.judge_deployment(model, &execution);
            let pause = MINUTE * 10 + self.about(MINUTE * 30);
            let ends = Deed::DeploymentEnds(model, execution.id);
            self.after(pause, Happening::World(ends));
        }
    }

    pub(crate) fn deployment_ends(&mut self, model: usize, id: &str) {
        let succeeds = !self.is_stormy || self.dice.percent(85);
        let (status, state) = if succeeds {
            (ExecutionStatus::Succeeded, "SUCCEEDED")
        } else {
            (ExecutionStatus::Failed, "FAILED")
        };
        let codepipeline = self.deployment.sandbox.codepipeline();
        codepipeline.finish(id, status, None).unwrap();
        let executions = codepipeline.executions();
        let execution = executions.iter().find(|one| one.id == id).unwrap();
        let mut event = sample("execution-status/code-pipeline-succeeded")
            .unwrap()
            .event()
            .clone();
        event["detail"]["pipeline"] = json!(execution.pipeline);
        event["detail"]["execution-id"] = json!(id);
        event["detail"]["state"] = json!(state);
        event["detail"]["start-time"] = json!(execution.start_time.to_string());
        let is_staging = execution.pipeline.ends_with("staging");
        let version = version(&execution.variables["MODEL_PACKAGE_ARN"]);
        self.announce(model, Told::Status, Function::ExecutionStatus, event);
        if succeeds && is_staging {
            self.models[model].staged.insert(version);
            if self.is_stormy && self.dice.percent(50) {
                let pause = self.about(HOUR * 10);
                self.after(pause, Happening::World(Deed::Promote(model, version)));
            }
        }
    }

    /// A person wants a package in production.
    pub(crate) fn promote(&mut self, model: usize, version: u64) {
        let request = json!({"request": "deploy", "model": self.models[model].name,
            "environment": "production", "package_version": version,
            "key": self.now().to_string(), "by": "ana", "why": "chaos"});
        self.announce(model, Told::Order, Function::Reconciler, request);
    }

    /// Promise 10, and 1 for deployments: only what was approved when it was looked at,
    /// each package once for an approval, one after the other, and nothing that staging has
    /// not run.
    fn judge_deployment(&self, number: usize, execution: &Execution) {
        let model = &self.models[number];
        let environment = execution.pipeline.rsplit('-').next().unwrap();
        let deployments = self.deployments(number, environment);
        under_way(&deployments);
        let arn = &execution.variables["MODEL_PACKAGE_ARN"];
        let approvals = &model.approvals[arn];
        let seen = execution.start_time - WINDOW;
        let until = |place: usize| approvals.get(place + 1).map(|(at, _)| *at);
        let is_approved = approvals.iter().enumerate().any(|(place, (_, status))| {
            status == "Approved" && until(place).is_none_or(|until| until >= seen)
        });
        assert!(is_approved, "promise 10: {arn} at {seen}: {approvals:?}");
        let this = version(arn);
        let starts = { deployments.iter().zip(versions(&deployments)) }
            .filter(|(_, version)| *version == this)
            .map(|(deployment, _)| deployment.start_time);
        let starts: Vec<_> = starts.collect();
        // One that has failed, or was withdrawn, is deployed again if it is approved again.
        let approved_by = |start: &Timestamp| {
            let by_then = approvals.iter().filter(|(at, _)| at <= start);
            by_then.filter(|(_, status)| status == "Approved").count()
        };
        let mut counted = starts.iter().zip(1..);
        assert!(
            counted.all(|(start, count)| approved_by(start) >= count),
            "promise 10: {arn} in {environment} at {starts:?}: {approvals:?}"
        );
        assert!(
            environment == "staging" || model.staged.contains(&this),
            "promise 10: {arn} was never in staging"
        );
    }
}
