//! A controller on the sandbox, and a person at its command line.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::io;

use aws_sdk_dynamodb::types::AttributeValue;
use clap::Parser as _;
use jiff::SignedDuration;
use retrain_aws::AwsController;
use retrain_core::event::Event;
use retrain_core::lane::Lane;
use retrain_core::names::{EnvironmentName, ModelName};
use retrain_local::{Deployment, sample};
use retrain_policies::PolicyPlace;
use retrain_sandbox::Options;
use retrain_sandbox::codepipeline::{ExecutionStatus as Deployed, Pipeline};
use retrain_sandbox::sagemaker::{ExecutionStatus as Trained, NewPackage};
use retrainctl::cli::{Cli, Command, PolicyCommand};
use retrainctl::mend::mend;
use retrainctl::operate::{Surroundings, explain, operate, stored};
use retrainctl::{Exit, Failure};
use serde_json::{Value, json};

pub(crate) const MODEL: &str = "fraud-detection";

/// A model that a person approves, and that is deployed to staging by itself, to
/// production when a person says so.
pub(crate) const RELEASED: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "model_package_group": "fraud-detection",
    "gate": {
        "conditions": [{"metric": "metadata:auc", "at_least": 0.9}],
        "required_signoffs": ["technical", "fairness"]
    },
    "environments": [
        {
            "name": "staging",
            "pipeline": "fraud-detection-staging",
            "variables": {"MODEL_PACKAGE_ARN": "{model_package_arn}"}
        },
        {
            "name": "production",
            "pipeline": "fraud-detection-production",
            "variables": {"MODEL_PACKAGE_ARN": "{model_package_arn}"},
            "promotion": "person"
        }
    ],
    "min_interval": "6h"
}"#;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: Result<Exit, Failure>,
}

impl Printed {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The lines in which this stands, without the width of their columns.
    pub(crate) fn lines(&self, with: &str) -> Vec<String> {
        let lines = self.out.lines().filter(|line| line.contains(with));
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }
}

pub(crate) struct Scene {
    pub(crate) deployment: Deployment,
    /// What the person says when asked whether to go on.
    pub(crate) says: RefCell<Option<bool>>,
    /// Whether nothing says where the model registry is.
    pub(crate) lacks_registry: Cell<bool>,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::on(Deployment::start(Options::default()).await.unwrap())
    }

    pub(crate) fn on(deployment: Deployment) -> Self {
        Self {
            deployment,
            says: RefCell::new(None),
            lacks_registry: Cell::new(false),
        }
    }

    /// With environments, and a package that waits for a person.
    pub(crate) async fn released() -> Self {
        let scene = Self::start().await;
        for environment in ["staging", "production"] {
            let pipeline = Pipeline::new(&format!("{MODEL}-{environment}"))
                .variable("MODEL_PACKAGE_ARN")
                .variable_with_default("RETRAIN_TOKEN", "none");
            let codepipeline = scene.deployment.sandbox.codepipeline();
            codepipeline.create_pipeline(pipeline).unwrap();
        }
        scene.deployment.put_policy(MODEL, RELEASED).unwrap();
        scene.deployment.sandbox.sagemaker().package_events();
        scene.register();
        scene.hear_of_packages().await;
        scene
    }

    /// A package is registered that passes the gate's condition.
    pub(crate) fn register(&self) {
        let package = NewPackage::new(MODEL).customer_metadata("auc", "0.95");
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker.register(package).unwrap();
    }

    /// Runs a command line.
    pub(crate) async fn run(&self, line: &[&str]) -> Printed {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = self.write(line, &mut out, &mut err).await;
        Printed {
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
            exit,
        }
    }

    /// Runs a command line that writes to these.
    pub(crate) async fn write(
        &self,
        line: &[&str],
        out: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> Result<Exit, Failure> {
        let line = ["retrainctl"].iter().chain(line);
        let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let (settings, clock) = (self.deployment.settings(), self.deployment.clock());
        let variable = |name: &str| {
            Some(match name {
                "RETRAIN_TABLE" => settings.table.clone(),
                "RETRAIN_POLICY_PATH" => "/retrain/policies".to_owned(),
                "RETRAIN_POLICY_BUNDLE" => match &settings.policies {
                    PolicyPlace::Path(_) => return None,
                    PolicyPlace::Bundle(uri) => uri.to_string(),
                },
                "RETRAIN_MODEL_PACKAGES" if !self.lacks_registry.get() => {
                    "arn:aws:sagemaker:us-east-1:111122223333:model-package".to_owned()
                }
                "USER" => "ana".to_owned(),
                _ => return None,
            })
        };
        let around = Surroundings {
            aws: self.deployment.aws(),
            variable: &variable,
            clock: &clock,
            confirmed: &|| -> io::Result<Option<bool>> { Ok(*self.says.borrow()) },
            attended: self.says.borrow().is_some(),
        };
        match &cli.command {
            Command::Operate(command) => Box::pin(operate(command, &around, out, err)).await,
            Command::Policy(PolicyCommand::Stored(command)) => {
                Box::pin(stored(command, &around, out, err)).await
            }
            Command::Explain(args) => Box::pin(explain(args, &around, out, err)).await,
            Command::Mend(command) => Box::pin(mend(command, &around, out, err)).await,
            other => panic!("{other:?} needs no AWS"),
        }
    }

    /// Runs a command line that must end well.
    pub(crate) async fn does(&self, line: &[&str]) -> Printed {
        let printed = self.run(line).await;
        assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
        printed
    }

    pub(crate) fn wait(&self, time: SignedDuration) {
        self.deployment.sandbox.clock().advance(time);
    }

    /// An alarm of the model enters ALARM now.
    pub(crate) async fn alarm(&self, name: &str) {
        let now = self.deployment.sandbox.clock().now();
        self.alarm_at(name, now).await;
    }

    /// The function is told that an alarm of the model has entered ALARM.
    pub(crate) async fn alarm_at(&self, name: &str, at: jiff::Timestamp) {
        let event = sample("drift-alarm/alarm").unwrap();
        let event = event.at(at).of_alarm(name);
        let (function, clock) = (self.deployment.drift_alarm(), self.deployment.clock());
        let handled = function.handle_at(event.event(), &clock);
        Box::pin(handled).await.unwrap();
    }

    /// The newest training ends, and SageMaker tells.
    pub(crate) async fn training_ends(&self, status: Trained) {
        let sagemaker = self.deployment.sandbox.sagemaker();
        let execution = sagemaker.executions().pop().unwrap().arn;
        let why = (status == Trained::Failed).then_some("the step Train failed");
        sagemaker.finish(&execution, status, why).unwrap();
        let event = sample("execution-status/succeeded").unwrap();
        self.tell(event.of_execution(&execution).event()).await;
    }

    /// The newest deployment succeeds, and CodePipeline tells.
    pub(crate) async fn deployment_succeeds(&self) {
        let codepipeline = self.deployment.sandbox.codepipeline();
        let executions = codepipeline.executions();
        let newest = executions.iter().max_by_key(|one| one.start_time).unwrap();
        codepipeline
            .finish(&newest.id, Deployed::Succeeded, None)
            .unwrap();
        let event = sample("execution-status/code-pipeline-succeeded").unwrap();
        let mut event = event.event().clone();
        event["detail"]["pipeline"] = json!(newest.pipeline);
        event["detail"]["execution-id"] = json!(newest.id);
        self.tell(&event).await;
    }

    async fn tell(&self, event: &Value) {
        let (function, clock) = (self.deployment.execution_status(), self.deployment.clock());
        Box::pin(function.handle_at(event, &clock)).await.unwrap();
    }

    /// SageMaker tells what has happened to packages.
    pub(crate) async fn hear_of_packages(&self) {
        let (function, clock) = (self.deployment.model_approval(), self.deployment.clock());
        loop {
            let events = self.deployment.sandbox.sagemaker().package_events();
            if events.is_empty() {
                return;
            }
            for event in events {
                let event = event.eventbridge();
                Box::pin(function.handle_at(&event, &clock)).await.unwrap();
            }
        }
    }

    /// Lets the controller handle an event about an environment that no function delivers.
    pub(crate) async fn happens_in(&self, environment: &str, event: &Event) {
        let aws = self.deployment.aws();
        let controller = AwsController::new(self.deployment.settings(), aws);
        let clock = self.deployment.clock();
        let policies = controller.policies(&clock).await.unwrap();
        let policy = policies.of(&ModelName::parse(MODEL).unwrap()).unwrap();
        let lane = Lane::Deploy(EnvironmentName::parse(environment).unwrap());
        let handled = controller.handle_in(&lane, MODEL, event, policy, &clock);
        Box::pin(handled).await.unwrap();
    }

    /// One run of the reconciler.
    pub(crate) async fn reconcile(&self) {
        let (function, clock) = (self.deployment.reconciler(), self.deployment.clock());
        Box::pin(function.run(&clock)).await.unwrap();
    }

    /// All items of the table, by their keys.
    pub(crate) async fn table(&self) -> BTreeMap<String, HashMap<String, AttributeValue>> {
        let (client, table) = self.deployment.dynamodb();
        let answer = client.scan().table_name(table).send().await.unwrap();
        let items = answer.items.unwrap_or_default();
        let key = |item: &HashMap<_, _>| format!("{:?} {:?}", item["pk"], item["sk"]);
        items.into_iter().map(|item| (key(&item), item)).collect()
    }
}
