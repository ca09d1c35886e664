//! Sandbox, table, policy, handlers.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use retrain_aws::{Answer, AwsController};
use retrain_controller::Clock;
use retrain_core::event::Event;
use retrain_core::facts::Timing;
use retrain_core::lane::SlotKey;
use retrain_core::names::{ModelName, ParameterName};
use retrain_core::package::PackageRegistry;
use retrain_core::period::Period;
use retrain_debounce::{DynamoStore, create_table};
use retrain_lambda::Settings;
use retrain_policies::{BundleUri, PolicyPlace};
use retrain_sandbox::codepipeline::ExecutionStatus;
use retrain_sandbox::{Options, Sandbox, Seed, VirtualClock};
use serde_json::{Value, json};

use crate::sample;

/// The sample model.
pub const MODEL: &str = "fraud-detection";

const TABLE: &str = "retrain";
const POLICY_PATH: &str = "/retrain/policies";
/// The part of the model registry that is the controller's own.
pub const REGISTRY: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package";
const SEED: &str = include_str!("../seed.json");

/// Anything that goes wrong while setting up.
type Problem = Box<dyn Error + Send + Sync>;

/// A running sandbox with everything that the template would deploy around the
/// functions.
#[derive(Debug)]
pub struct Deployment {
    /// The local AWS.
    pub sandbox: Sandbox,
    settings: Settings,
    aws: SdkConfig,
}

/// The policy that the sample model begins with.
pub(crate) fn seeded_policy() -> Result<String, Problem> {
    let seed: Value = serde_json::from_str(SEED)?;
    let policy = seed
        .pointer("/parameters/0/value")
        .ok_or("the seed has no policy")?;
    Ok(policy.to_string())
}

/// The sandbox's clock, as an invocation sees it.
#[derive(Clone, Debug)]
pub struct SandboxClock(VirtualClock);

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Deployment {
    /// Starts a sandbox and puts the sample model into it.
    pub async fn start(options: Options) -> Result<Self, Problem> {
        Self::seeded(options, &Seed::from_json(SEED)?).await
    }

    /// Starts a sandbox that begins with a seed.
    pub async fn seeded(options: Options, seed: &Seed) -> Result<Self, Problem> {
        let sandbox = Sandbox::start(options).await?;
        sandbox.seed(seed)?;
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "sandbox", "sandbox", None, None, "sandbox",
            )))
            .endpoint_url(sandbox.endpoint_url())
            // As many attempts as in production, without their pauses.
            .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::ZERO))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        create_table(&aws_sdk_dynamodb::Client::new(&aws), TABLE).await?;
        let settings = Settings {
            table: TABLE.to_owned(),
            policies: PolicyPlace::Path(ParameterName::parse(POLICY_PATH)?),
            policy_ttl: Period::from_secs(60),
            timing: Timing::default(),
            max_starts: 10,
            registry: PackageRegistry::parse(REGISTRY)?,
        };
        // What set-up asked of AWS is not what an event costs.
        sandbox.calls().take();
        Ok(Self {
            sandbox,
            settings,
            aws,
        })
    }

    /// Lets its functions keep policies for so long before they read them anew.
    #[must_use]
    pub fn keep_policies(mut self, ttl: Period) -> Self {
        self.settings.policy_ttl = ttl;
        self
    }

    /// Lets its functions read the policies from a bundle in S3 instead of Parameter Store.
    pub fn bundle_policies(mut self, uri: &str) -> Result<Self, Problem> {
        self.settings.policies = PolicyPlace::Bundle(BundleUri::parse(uri)?);
        Ok(self)
    }

    /// A cold drift-alarm function.
    pub fn drift_alarm(&self) -> drift_alarm::Handler {
        drift_alarm::Handler::new(&self.settings, &self.aws)
    }

    /// A cold data-arrival function.
    pub fn data_arrival(&self) -> data_arrival::Handler {
        data_arrival::Handler::new(&self.settings, &self.aws)
    }

    /// A cold execution-status function.
    pub fn execution_status(&self) -> execution_status::Handler {
        execution_status::Handler::new(&self.settings, &self.aws)
    }

    /// A cold model-approval function.
    pub fn model_approval(&self) -> model_approval::Handler {
        model_approval::Handler::new(&self.settings, &self.aws)
    }

    /// A cold reconciler.
    pub fn reconciler(&self) -> reconciler::Handler {
        reconciler::Handler::new(&self.settings, &self.aws)
    }

    /// The clock for invocations.
    pub fn clock(&self) -> SandboxClock {
        SandboxClock(self.sandbox.clock().clone())
    }

    /// The store on the deployment's table.
    pub fn store(&self) -> DynamoStore {
        DynamoStore::new(aws_sdk_dynamodb::Client::new(&self.aws), TABLE)
    }

    /// A client for the sandbox's DynamoDB, where the table has this name.
    pub fn dynamodb(&self) -> (aws_sdk_dynamodb::Client, &str) {
        let client = aws_sdk_dynamodb::Client::new(&self.aws);
        (client, &self.settings.table)
    }

    /// What an object of the sandbox's S3 holds; `uri` is `s3://BUCKET/KEY`.
    pub async fn read_object(&self, uri: &str) -> Result<Vec<u8>, Problem> {
        let name = uri
            .strip_prefix("s3://")
            .and_then(|name| name.split_once('/'));
        let (bucket, key) = name.ok_or("not the URI of an object")?;
        let client = aws_sdk_s3::Client::new(&self.aws);
        let object = client.get_object().bucket(bucket).key(key).send().await?;
        Ok(object.body.collect().await?.to_vec())
    }

    /// Region, credentials and endpoint of the sandbox, as its functions have them.
    pub const fn aws(&self) -> &SdkConfig {
        &self.aws
    }

    /// The settings of its functions.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Puts the policy of a model.
    pub fn put_policy(&self, model: &str, text: &str) -> Result<u64, Problem> {
        let name = format!("{POLICY_PATH}/{model}");
        Ok(self.sandbox.ssm().put_parameter(&name, text)?)
    }

    /// SageMaker tells of packages until nothing follows any more; what came of it.
    pub async fn tell_of_packages(&self) -> Result<Vec<Answer>, Problem> {
        let function = self.model_approval();
        let clock = self.clock();
        let mut answers = Vec::new();
        loop {
            let events = self.sandbox.sagemaker().package_events();
            if events.is_empty() {
                return Ok(answers);
            }
            for event in events {
                answers.push(Box::pin(function.handle_at(&event.eventbridge(), &clock)).await?);
            }
        }
    }

    /// The newest deployment to an environment of the sample model ends; what
    /// CodePipeline tells of it.
    pub fn deployment_ends(
        &self,
        environment: &str,
        status: ExecutionStatus,
    ) -> Result<Value, Problem> {
        let pipeline = format!("{MODEL}-{environment}");
        let codepipeline = self.sandbox.codepipeline();
        let executions = codepipeline.executions();
        let execution = executions.iter().rfind(|one| one.pipeline == pipeline);
        let id = &execution.ok_or("nothing was deployed")?.id;
        codepipeline.finish(id, status, None)?;
        let mut event = sample("execution-status/code-pipeline-succeeded")?
            .event()
            .clone();
        event["detail"]["pipeline"] = json!(pipeline);
        event["detail"]["execution-id"] = json!(id);
        Ok(event)
    }

    /// The slot of the sample model.
    pub fn slot(&self) -> Result<SlotKey, Problem> {
        Ok(SlotKey::retrain(ModelName::parse(MODEL)?))
    }

    /// Lets the controller handle one event about the sample model that no
    /// function delivers: a person's pause, say.
    pub async fn happens(&self, event: &Event) -> Result<Answer, Problem> {
        let controller = AwsController::new(&self.settings, &self.aws);
        let clock = self.clock();
        let policies = controller.policies(&clock).await?;
        let model = ModelName::parse(MODEL)?;
        let policy = policies
            .of(&model)
            .ok_or("the sample model has no valid policy")?;
        Ok(controller.handle(MODEL, event, policy, &clock).await?)
    }
}
