//! Some ordinary models, and one that may be poisonous: what happens to the ordinary ones
//! must be the same with and without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::{SignedDuration, Timestamp};
use retrain_controller::SlotStore as _;
use retrain_controller::Wanted;
use retrain_core::lane::SlotKey;
use retrain_core::names::ModelName;
use retrain_core::slot::Slot;
use retrain_debounce::DUE_SHARDS;
use retrain_lambda::Failure;
use retrain_local::{Deployment, sample};
use retrain_sandbox::s3::{NewObject, Versioning};
use retrain_sandbox::sagemaker::{Execution, ExecutionStatus, Pipeline};
use retrain_sandbox::{Options, Seed};
use serde_json::{Value, json};

use crate::chaos::refused;
use crate::data::{batch, returned};

/// The one that may be poisonous.
pub(super) const POISON: &str = "poison";

/// The ordinary ones. Their slots share the shard of the poisonous one's, so that whoever
/// stops at that one misses them; a test holds it.
pub(super) const OTHERS: [&str; 3] = ["m004", "m014", "m016"];

const BUCKET: &str = "neighbours";

/// How AWS refuses every call that names the poisonous model.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    Throttled,
    Down,
    Denied,
}

impl Refusal {
    const fn answer(self) -> (u16, &'static str) {
        match self {
            Self::Throttled => (400, "ThrottlingException"),
            Self::Down => (500, "InternalFailure"),
            Self::Denied => (400, "AccessDeniedException"),
        }
    }
}

/// AWS, as it is for these models.
#[derive(Clone)]
struct Refusing {
    wires: SharedHttpClient,
    refusal: Arc<Mutex<Option<Refusal>>>,
}

impl fmt::Debug for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusing")
    }
}

impl HttpClient for Refusing {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire {
            wire: self.wires.http_connector(settings, components),
            refusal: Arc::clone(&self.refusal),
        })
    }
}

#[derive(Debug)]
struct Wire {
    wire: SharedHttpConnector,
    refusal: Arc<Mutex<Option<Refusal>>>,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let names_it = String::from_utf8_lossy(body).contains(POISON)
            || request.uri().contains(&format!("/{POISON}/"));
        let refusal = *self.refusal.lock().unwrap();
        match refusal.filter(|_| names_it) {
            Some(refusal) => {
                let (status, code) = refusal.answer();
                HttpConnectorFuture::ready(Ok(refused(&request, status, code)))
            }
            None => self.wire.call(request),
        }
    }
}

/// What can be seen of one model: all that it decided and started, and the calls that
/// named it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    decisions: Vec<(Timestamp, String)>,
    starts: Vec<Timestamp>,
    calls: BTreeMap<String, usize>,
}

/// The ordinary models have decided the same at the same times, with as many calls.
pub(super) fn assert_same(found: &BTreeMap<String, Seen>, expected: &BTreeMap<String, Seen>) {
    for model in OTHERS {
        let (found, expected) = (&found[model], &expected[model]);
        for (found, expected) in found.decisions.iter().zip(&expected.decisions) {
            assert_eq!(found, expected, "{model}");
        }
        assert_eq!(found.decisions.len(), expected.decisions.len(), "{model}");
        assert_eq!(found.starts, expected.starts, "{model}");
        assert_eq!(found.calls, expected.calls, "{model}");
    }
}

/// The models in one deployment, with one warm process of each function.
pub(super) struct Neighbours {
    pub(super) deployment: Deployment,
    drift_alarm: drift_alarm::Handler,
    data_arrival: data_arrival::Handler,
    execution_status: execution_status::Handler,
    reconciler: reconciler::Handler,
    refusal: Arc<Mutex<Option<Refusal>>>,
    seen: BTreeMap<String, Seen>,
}

impl Neighbours {
    /// The poisonous model is there or not, and refused or not.
    pub(super) async fn start(with_poison: bool, refusal: Option<Refusal>) -> Self {
        let nothing = Seed::from_json("{}").unwrap();
        let deployment = Deployment::seeded(Options::default(), &nothing)
            .await
            .unwrap();
        let s3 = deployment.sandbox.s3();
        s3.create_bucket(BUCKET, Versioning::Disabled).unwrap();
        s3.notify_eventbridge(BUCKET, true).unwrap();
        for name in OTHERS
            .into_iter()
            .chain([POISON].into_iter().filter(|_| with_poison))
        {
            let pipeline = Pipeline::new(&training(name)).parameter("Rows");
            deployment
                .sandbox
                .sagemaker()
                .create_pipeline(pipeline)
                .unwrap();
            deployment.put_policy(name, &policy(name)).unwrap();
        }
        // Whoever reads a new table first makes its epoch.
        let now = deployment.sandbox.clock().now();
        deployment.store().controller(now).await.unwrap();
        deployment.sandbox.calls().take();
        let refusing = Refusing {
            wires: aws_smithy_http_client::Builder::new().build_http(),
            refusal: Arc::new(Mutex::new(refusal)),
        };
        let refusal = Arc::clone(&refusing.refusal);
        let aws = deployment.aws().to_builder();
        let aws = aws.http_client(SharedHttpClient::new(refusing)).build();
        let settings = deployment.settings();
        Self {
            drift_alarm: drift_alarm::Handler::new(settings, &aws),
            data_arrival: data_arrival::Handler::new(settings, &aws),
            execution_status: execution_status::Handler::new(settings, &aws),
            reconciler: reconciler::Handler::new(settings, &aws),
            deployment,
            refusal,
            seen: BTreeMap::new(),
        }
    }

    /// From now on AWS refuses calls that name the poisonous model so, or no more.
    pub(super) fn refuse(&self, refusal: Option<Refusal>) {
        *self.refusal.lock().unwrap() = refusal;
    }

    /// How often an operation has named a model since this was asked last.
    pub(super) fn calls(&mut self, model: &str, operation: &str) -> usize {
        let seen = self.seen.entry(model.to_owned()).or_default();
        seen.calls.remove(operation).unwrap_or_default()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.deployment.sandbox.clock().now()
    }

    pub(super) fn wait(&self, minutes: i64) {
        let time = SignedDuration::from_mins(minutes);
        self.deployment.sandbox.clock().advance(time);
    }

    /// An alarm of the model's goes off now.
    pub(super) async fn alarm(&mut self, model: &str, name: &str) -> Result<String, Failure> {
        let event = sample("drift-alarm/alarm").unwrap().at(self.now());
        let event = event.of_alarm(&format!("{model}-{name}"));
        let clock = self.deployment.clock();
        let answers = Box::pin(self.drift_alarm.handle_at(event.event(), &clock)).await;
        self.watch();
        answers.map(|answers| answers[0].outcome.clone())
    }

    /// An object of the model's arrives; gives its message.
    pub(super) fn object(&self, model: &str, name: &str, rows: u64) -> Value {
        let object = NewObject::new("x").metadata("row-count", &rows.to_string());
        let s3 = self.deployment.sandbox.s3();
        s3.put_object(BUCKET, &format!("{model}/{name}"), object)
            .unwrap();
        s3.events().pop().unwrap().eventbridge()
    }

    /// The places of the messages that a batch returns to the queue.
    pub(super) async fn deliver(&mut self, bodies: Vec<Value>) -> BTreeSet<usize> {
        let batch = batch(self.now(), bodies);
        let clock = self.deployment.clock();
        let reply = Box::pin(self.data_arrival.handle_at(&batch, &clock)).await;
        self.watch();
        returned(&batch, &reply.unwrap())
    }

    /// A run of the reconciler; the names of the models that it looked at, or why it failed.
    pub(super) async fn reconcile(&mut self) -> Result<Vec<String>, Failure> {
        let clock = self.deployment.clock();
        let summary = Box::pin(self.reconciler.run(&clock)).await;
        self.watch();
        let models = summary?
            .answers
            .into_iter()
            .filter_map(|answer| answer.model);
        Ok(models.map(|model| model.to_string()).collect())
    }

    pub(super) fn executions(&self, model: &str) -> Vec<Execution> {
        let mut executions = self.deployment.sandbox.sagemaker().executions();
        executions.retain(|execution| execution.pipeline == training(model));
        executions
    }

    /// The model's newest execution succeeds, and SageMaker tells.
    pub(super) async fn succeed(&mut self, model: &str) {
        let arn = self.executions(model).pop().unwrap().arn;
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker
            .finish(&arn, ExecutionStatus::Succeeded, None)
            .unwrap();
        self.tell(&arn).await.unwrap();
    }

    pub(super) async fn tell(&mut self, arn: &str) -> Result<String, Failure> {
        let event = sample("execution-status/succeeded").unwrap();
        let mut event = event.of_execution(arn).event().clone();
        let pipeline = json!(arn.split("/execution/").next().unwrap());
        event["resources"][0] = pipeline.clone();
        event["detail"]["pipelineArn"] = pipeline;
        let clock = self.deployment.clock();
        let answer = Box::pin(self.execution_status.handle_at(&event, &clock)).await;
        self.watch();
        answer.map(|answer| answer.outcome)
    }

    /// Notes which calls have named which model.
    fn watch(&mut self) {
        for call in self.deployment.sandbox.calls().take() {
            let request = call.request.to_string();
            for model in OTHERS {
                if request.contains(model) {
                    let seen = self.seen.entry(model.to_owned()).or_default();
                    *seen.calls.entry(call.operation.clone()).or_default() += 1;
                }
            }
        }
    }

    /// The shards in which a slot will be due.
    pub(super) async fn shards(&self) -> Vec<u8> {
        let store = self.deployment.store();
        let mut shards = Vec::new();
        for shard in 0..DUE_SHARDS {
            if !store
                .due(shard, Timestamp::MAX, 1)
                .await
                .unwrap()
                .is_empty()
            {
                shards.push(shard);
            }
        }
        shards
    }

    pub(super) async fn slot(&self, model: &str) -> Slot {
        let key = SlotKey::retrain(ModelName::parse(model).unwrap());
        let store = self.deployment.store();
        store
            .load(Wanted::slot(&key), self.now())
            .await
            .unwrap()
            .slot
    }

    /// What became of the ordinary models.
    pub(super) async fn others(&self) -> BTreeMap<String, Seen> {
        let mut all = self.seen.clone();
        for model in OTHERS {
            let key = SlotKey::retrain(ModelName::parse(model).unwrap());
            let decisions = self
                .deployment
                .store()
                .decisions(&key, 1_000)
                .await
                .unwrap();
            let seen = all.entry(model.to_owned()).or_default();
            seen.decisions = decisions
                .iter()
                .map(|decision| (decision.at, unnumbered(&decision.to_string())))
                .collect();
            let starts = self.executions(model).into_iter();
            seen.starts = starts.map(|execution| execution.start_time).collect();
        }
        all
    }
}

/// The text without the numbers of executions, which count those of all models.
fn unnumbered(text: &str) -> String {
    let mut parts = text.split("/execution/");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        whole = format!("{whole}/execution/N{rest}");
    }
    whole
}

fn training(model: &str) -> String {
    format!("{model}-training")
}

fn policy(model: &str) -> String {
    json!({
        "pipeline": {"name": training(model)},
        "parameters": {"Rows": "{data_rows}"},
        "drift": {"alarms": [{"alarm_name": format!("{model}-*")}]},
        "data": {
            "objects": [{"bucket": BUCKET, "prefix": format!("{model}/")}],
            "trusted_row_count": "row-count",
            "min_rows": 1_000,
        },
        "min_interval": "6h",
    })
    .to_string()
}
