//! Reading policies from a strict Parameter Store and a strict S3 over HTTP.

mod bundles;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Class, Parameters, PortError};
use retrain_core::drift::{AlarmForm, AlarmMetric, AlarmState, AlarmTransition};
use retrain_core::names::{AlarmArn, ModelName, ParameterName};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

use crate::{ParameterStore, Policies, PolicyParameters, PolicySet, Source};

const TTL: SignedDuration = SignedDuration::from_secs(60);

struct Bench {
    sandbox: Sandbox,
    store: ParameterStore,
    stored: PolicyParameters,
    policies: Policies,
}

impl Bench {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        let path = ParameterName::parse("/retrain/policies").unwrap();
        let stored = PolicyParameters::new(client.clone(), path);
        Self {
            sandbox,
            store: ParameterStore::new(client, TTL),
            policies: Policies::new(Source::Path(stored.clone()), TTL),
            stored,
        }
    }

    async fn policies(&self, now: Timestamp) -> Result<Arc<PolicySet>, PortError> {
        Ok(self.policies.in_force(now).await?.set)
    }

    fn put(&self, model: &str, text: &str) {
        let name = format!("/retrain/policies/{model}");
        self.sandbox.ssm().put_parameter(&name, text).unwrap();
    }

    fn reads(&self) -> usize {
        self.sandbox
            .calls()
            .count(Service::Ssm, "GetParametersByPath")
    }
}

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

fn policy(pipeline: &str, alarm: &str) -> String {
    format!(
        r#"{{"pipeline": {{"name": "{pipeline}"}}, "min_interval": "6h", "drift": {{"alarms": [{{"alarm_name": "{alarm}"}}]}}}}"#
    )
}

fn alarm(name: &str) -> AlarmTransition {
    AlarmTransition {
        alarm: AlarmArn::parse(format!(
            "arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"
        ))
        .unwrap(),
        state: AlarmState::Alarm,
        at: at(0),
        form: AlarmForm::SingleMetric,
        metrics: vec![AlarmMetric {
            namespace: "Fraud/Drift".into(),
            name: "psi".into(),
            dimensions: BTreeMap::new(),
        }],
        silenced: None,
        reason: None,
    }
}

fn models(set: &PolicySet) -> Vec<&str> {
    set.iter().map(|policy| policy.model.as_str()).collect()
}

fn wanted(set: &PolicySet, name: &str) -> (Vec<String>, Vec<String>) {
    let alarm = alarm(name);
    let routes = set.routes(&alarm);
    let drift = routes
        .drift
        .iter()
        .map(|(policy, _)| policy.model.to_string());
    let broken = routes.broken.iter().map(|invalid| invalid.name.clone());
    (drift.collect(), broken.collect())
}

#[tokio::test]
async fn policies_are_read_page_by_page_with_their_versions() {
    let bench = Bench::start().await;
    for n in 0..25 {
        bench.put(
            &format!("model-{n:02}"),
            &policy(&format!("pipeline-{n}"), "a-*"),
        );
    }
    bench.put("model-03", &policy("pipeline-3", "b-*"));
    let set = bench.policies(at(0)).await.unwrap();
    assert_eq!(models(&set).len(), 25);
    assert_eq!(bench.reads(), 3);
    let version = |name| set.of(&ModelName::parse(name).unwrap()).unwrap().version;
    assert_eq!((version("model-02"), version("model-03")), (1, 2));
}

#[tokio::test]
async fn policies_are_kept_for_their_time_to_live() {
    let bench = Bench::start().await;
    bench.put("a", &policy("p", "a-*"));
    bench.policies(at(0)).await.unwrap();
    bench.put("b", &policy("q", "b-*"));
    assert_eq!(models(&bench.policies(at(59)).await.unwrap()), ["a"]);
    assert_eq!(bench.reads(), 1);
    assert_eq!(models(&bench.policies(at(60)).await.unwrap()), ["a", "b"]);
    assert_eq!(bench.reads(), 2);
}

#[tokio::test]
async fn when_it_cannot_be_read_the_last_good_set_will_do_for_an_hour() {
    let bench = Bench::start().await;
    let throttle = || Fault::on(Service::Ssm, "GetParametersByPath", FaultKind::Throttle);
    bench.sandbox.faults().inject(throttle());
    let error = bench.policies(at(0)).await.unwrap_err();
    assert_eq!(error.class(), Class::Retryable);
    bench.put("a", &policy("p", "a-*"));
    bench.policies(at(0)).await.unwrap();
    bench.sandbox.faults().inject(throttle().times(2));
    let old = bench.policies.in_force(at(3_599)).await.unwrap();
    assert_eq!(models(&old.set), ["a"]);
    assert!(old.stale.is_some(), "it says that it is old");
    assert!(bench.policies(at(3_600)).await.is_err());
}

#[tokio::test]
async fn a_bad_policy_names_its_field_and_stops_only_its_own_model() {
    let bench = Bench::start().await;
    bench.put("good", &policy("p", "good-*"));
    bench.put("bad", &policy("q", "bad-*").replace("6h", "6 hours"));
    bench.put("worse", "{not json");
    bench.put(
        "sloppy",
        &policy("s", "sloppy-*").replace(r#"{"alarm_name": "sloppy-*"}"#, "{}"),
    );
    bench.put("under_score", &policy("r", "u-*"));
    bench.put("thief", &policy("P", "thief-*"));
    let set = bench.policies(at(0)).await.unwrap();
    assert_eq!(models(&set), ["good"]);
    let invalid: Vec<String> = set
        .invalid()
        .iter()
        .map(|i| format!("{}: {}", i.name, i.error))
        .collect();
    let expected = [
        ("bad", "min_interval: "),
        ("sloppy", "drift.alarms[0]: "),
        ("thief", "pipeline.name: belongs to the model good"),
        ("under_score", "the parameter's name: "),
        ("worse", "key must be a string"),
    ];
    assert_eq!(invalid.len(), expected.len());
    for ((name, reason), found) in expected.iter().zip(&invalid) {
        assert!(found.starts_with(name) && found.contains(reason), "{found}");
    }
    // Its alarms are not lost: the function fails them into its dead-letter queue.
    assert_eq!(wanted(&set, "good-1"), (vec!["good".into()], vec![]));
    assert_eq!(
        wanted(&set, "bad-1"),
        (vec![], vec!["bad".into(), "sloppy".into(), "worse".into()])
    );
}

#[tokio::test]
async fn parameters_are_read_kept_and_may_be_missing() {
    let bench = Bench::start().await;
    let name = ParameterName::parse("/fraud/uri").unwrap();
    assert_eq!(bench.store.parameter(&name, at(0)).await.unwrap(), None);
    bench
        .sandbox
        .ssm()
        .put_parameter("/fraud/uri", "s3://fraud/")
        .unwrap();
    assert_eq!(
        bench
            .store
            .parameter(&name, at(60))
            .await
            .unwrap()
            .as_deref(),
        Some("s3://fraud/")
    );
    bench.store.parameter(&name, at(61)).await.unwrap();
    assert_eq!(bench.sandbox.calls().count(Service::Ssm, "GetParameter"), 2);
    let denied = FaultKind::Refuse {
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    bench
        .sandbox
        .faults()
        .inject(Fault::on(Service::Ssm, "GetParameter", denied));
    let error = bench.store.parameter(&name, at(200)).await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal);
}

fn data_policy(pipeline: &str, prefix: &str) -> String {
    let data = format!(
        r#"{{"objects": [{{"bucket": "fraud", "prefix": "{prefix}", "suffix": ".csv"}}], "min_rows": 1}}"#
    );
    format!(r#"{{"pipeline": {{"name": "{pipeline}"}}, "data": {data}, "min_interval": "6h"}}"#)
}

#[tokio::test]
async fn an_object_belongs_to_the_longest_prefix_that_names_it() {
    let bench = Bench::start().await;
    bench.put("all", &data_policy("a", "in/"));
    bench.put("cards", &data_policy("c", "in/cards/"));
    bench.put("twin", &data_policy("t", "in/cards/"));
    bench.put("broken", &data_policy("b", "in/broken/").replace("6h", "?"));
    let set = bench.policies(at(0)).await.unwrap();
    let takers = |key: &str| {
        let routes = set.data_routes("fraud", key);
        let models: Vec<_> = routes
            .models
            .iter()
            .map(|(of, _)| of.model.as_str())
            .collect();
        let broken: Vec<_> = routes.broken.iter().map(|of| of.name.as_str()).collect();
        [models.join(" "), broken.join(" ")]
    };
    let table = [
        ("in/1.csv", ["all", ""]),
        ("in/cards/1.csv", ["cards twin", ""]),
        // The broken policy would have taken it; now it waits in the dead-letter queue.
        ("in/broken/1.csv", ["all", "broken"]),
        ("in/1.parquet", ["", ""]),
        ("in/_temporary/0/1.csv", ["", ""]),
        ("in/.1.csv", ["", ""]),
        ("other/1.csv", ["", ""]),
    ];
    for (key, expected) in table {
        assert_eq!(takers(key), expected, "{key}");
    }
    assert!(set.data_routes("other", "in/1.csv").models.is_empty());
}

#[tokio::test]
async fn a_policy_is_put_replaced_and_removed() {
    let bench = Bench::start().await;
    let model = ModelName::parse("fraud").unwrap();
    let put =
        async |text: &str, replaces| bench.stored.put(&model, text, replaces, "ana: why").await;
    assert_eq!(put("{}", None).await.unwrap(), 1);
    // Somebody else was faster: nothing of theirs is overwritten.
    let error = put("{ }", None).await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal);
    assert_eq!(put(&policy("p", "a"), Some(1)).await.unwrap(), 2);
    let calls = bench.sandbox.calls().take();
    let described = calls.iter().map(|call| &call.request["Description"]);
    assert!(described.clone().all(|note| note == "ana: why"));
    let documents = bench.stored.documents().await.unwrap();
    assert_eq!(documents[0].version, 2);
    assert_eq!(documents[0].text, policy("p", "a"));
    let one = bench.stored.document(&model).await.unwrap();
    assert_eq!(one.as_ref(), Some(&documents[0]));
    assert!(bench.stored.remove(&model).await.unwrap());
    assert!(!bench.stored.remove(&model).await.unwrap());
    assert!(bench.stored.documents().await.unwrap().is_empty());
    assert_eq!(bench.stored.document(&model).await.unwrap(), None);
}

#[tokio::test]
async fn a_long_policy_moves_to_the_advanced_tier() {
    let bench = Bench::start().await;
    let model = ModelName::parse("fraud").unwrap();
    for (length, replaces, tier) in [
        (4_096, None, None),
        (4_097, Some(1), Some("Intelligent-Tiering")),
    ] {
        let text = " ".repeat(length);
        bench
            .stored
            .put(&model, &text, replaces, "ana")
            .await
            .unwrap();
        let calls = bench.sandbox.calls().take();
        assert_eq!(calls[0].request["Tier"].as_str(), tier);
    }
    let error = bench
        .stored
        .put(&model, &" ".repeat(8_193), Some(2), "ana")
        .await;
    assert_eq!(error.unwrap_err().class(), Class::Terminal);
}
