//! What it costs to find a model's policy among many.

use std::sync::Arc;
use std::time::Duration;

use retrain_local::MODEL;
use retrain_policies::{Bundle, Changes};
use retrain_sandbox::s3::{NewObject, Versioning};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::candidate::Candidate;
use crate::endpoint::{Call, Endpoint};
use crate::lambda::workspace;
use crate::numbers::{median, round};
use crate::process::Process;
use crate::scenario::Scenario;
use crate::world::World;

/// How long each call takes here; at AWS it takes about that.
const CALL: Duration = Duration::from_millis(10);

/// Parameter Store's default quota of `GetParametersByPath` and `GetParameter`, a second.
const QUOTA: f64 = 40.0;

/// Where the bundle is.
const BUCKET: &str = "policies";
const KEY: &str = "all.jsonl.gz";

/// Where policies are read from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A parameter for each model.
    ParameterStore,
    /// One object of S3.
    Bundle,
}

impl Source {
    const ALL: [Self; 2] = [Self::ParameterStore, Self::Bundle];

    const fn name(self) -> &'static str {
        match self {
            Self::ParameterStore => "Parameter Store",
            Self::Bundle => "bundle in S3",
        }
    }

    /// Puts the policies of so many models, the sample model's among them.
    fn put(self, world: &World, models: usize) {
        match self {
            Self::ParameterStore => {
                for number in 1..models {
                    let (name, policy) = policy(number);
                    world.deployment.put_policy(&name, &policy).unwrap();
                }
            }
            Self::Bundle => {
                let others = (1..models).map(policy);
                let all = others.chain([(MODEL.to_owned(), seeded_policy())]);
                let changes: Changes = all.map(|(name, text)| (name, Some(text))).collect();
                let bundle = Bundle::default().with(changes, "bench").unwrap();
                let s3 = world.deployment.sandbox.s3();
                s3.create_bucket(BUCKET, Versioning::Enabled).unwrap();
                let object = NewObject::new(bundle.write().unwrap());
                s3.put_object(BUCKET, KEY, object).unwrap();
            }
        }
    }

    /// Whether a call reads policies.
    fn is_read(self, call: &Call) -> bool {
        match self {
            Self::ParameterStore => call.operation == "GetParametersByPath",
            Self::Bundle => call.operation == "GetObject",
        }
    }

    /// The variables that make a function use it.
    fn settings(self) -> Option<(String, String)> {
        match self {
            Self::ParameterStore => None,
            Self::Bundle => {
                let uri = format!("s3://{BUCKET}/{KEY}");
                Some(("RETRAIN_POLICY_BUNDLE".to_owned(), uri))
            }
        }
    }

    /// The least time that its quota allows for so many reads. S3 has none to speak of.
    fn quota_seconds(self, reads: usize) -> f64 {
        match self {
            Self::ParameterStore => f64::from(u32::try_from(reads).unwrap()) / QUOTA,
            Self::Bundle => 0.0,
        }
    }
}

/// A number of models.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) models: usize,
    /// Calls that read policies, of a cold function.
    pub(crate) cold_reads: usize,
    /// A cold function's first answer.
    pub(crate) cold_ms: f64,
    /// The same if each call takes `call_ms`.
    pub(crate) cold_with_latency_ms: f64,
    pub(crate) call_ms: u64,
    /// No faster, however fast the calls are: the quota of Parameter Store.
    pub(crate) quota_seconds: f64,
    pub(crate) warm_reads: usize,
    pub(crate) warm_ms: f64,
    pub(crate) peak_mib: f64,
}

pub(crate) async fn measure(endpoint: &Arc<Endpoint>, is_short: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for source in Source::ALL {
        for models in [10, 100, 1_000, 10_000] {
            if is_short && models > 1_000 {
                continue;
            }
            crate::say(&format!("policies: {models} models in {}", source.name()));
            rows.push(row(source, models, endpoint).await);
        }
    }
    rows
}

async fn row(source: Source, models: usize, endpoint: &Arc<Endpoint>) -> Row {
    let (world, event) = Scenario::Suppressed.prepare().await;
    source.put(&world, models);
    let mut cold = Vec::new();
    let mut warm = Vec::new();
    let mut reads = [0, 0];
    let mut peak_kib = 0.0;
    for _ in 0..5 {
        endpoint.forward(world.url(), Duration::ZERO);
        let process = start(source, &world, endpoint);
        cold.push(process.tell(&event).await.took_ms);
        reads[0] = count(source, &endpoint.take_calls());
        for turn in 1..10 {
            let again = Scenario::Suppressed.again(&world, &event, turn);
            process.tell(&again).await;
        }
        warm.extend(process.durations_ms().skip(1));
        reads[1] = count(source, &endpoint.take_calls());
        peak_kib = process.peak_kib();
    }
    assert!(
        reads[0] > 0,
        "the packaged function does not know {source:?}"
    );
    endpoint.forward(world.url(), CALL);
    let slow = start(source, &world, endpoint).tell(&event).await;
    Row {
        source: source.name().to_owned(),
        models,
        cold_reads: reads[0],
        cold_ms: round(median(&mut cold)),
        cold_with_latency_ms: round(slow.took_ms),
        call_ms: CALL.as_millis().try_into().unwrap(),
        quota_seconds: source.quota_seconds(reads[0]),
        warm_reads: reads[1],
        warm_ms: round(median(&mut warm)),
        peak_mib: round(peak_kib / 1_024.0),
    }
}

fn count(source: Source, calls: &[Call]) -> usize {
    calls.iter().filter(|call| source.is_read(call)).count()
}

fn start(source: Source, world: &World, endpoint: &Endpoint) -> Process {
    let controller = Candidate::Controller;
    let table = &world.deployment.settings().table;
    let mut function = controller.function(Scenario::Suppressed, table, "".as_ref());
    function.environment.extend(source.settings());
    let program = controller.program(Scenario::Suppressed);
    Process::start(&function, &program, endpoint.environment(false))
}

/// The policy that the sample model begins with.
fn seeded_policy() -> String {
    let seed = std::fs::read_to_string(workspace().join("crates/retrain-local/seed.json"));
    let seed: Value = serde_json::from_str(&seed.unwrap()).unwrap();
    seed["parameters"][0]["value"].to_string()
}

/// The policy of another model.
pub(crate) fn policy(number: usize) -> (String, String) {
    let name = format!("model-{number:06}");
    let policy = json!({
        "pipeline": {"name": format!("{name}-training")},
        "parameters": {
            "InputDataUri": "{training_data_uri}",
            "BaselineModelPackageArn": "{baseline_model_package_arn|none}",
            "DriftKind": "{drift_kind|none}",
            "AlarmName": "{alarm_name|none}",
            "ControllerToken": "{token}",
        },
        "training_data_uri_parameter": format!("/{name}/training-data-uri"),
        "model_package_group": name,
        "drift": {"alarms": [{"endpoint": format!("{name}-prod")}]},
        "data": {
            "objects": [{"bucket": format!("{name}-data"), "prefix": "training/"}],
            "min_rows": 10_000,
            "quiet_period": "10m",
        },
        "min_interval": "6h",
    });
    (name, policy.to_string())
}
