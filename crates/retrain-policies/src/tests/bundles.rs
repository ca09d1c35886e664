//! A bundle in S3.

use aws_sdk_s3::Client as S3Client;
use aws_sdk_s3::config::Builder;
use retrain_sandbox::s3::{NewObject, Versioning};

use super::*;
use crate::{Bundle, BundleUri, Changes, Known, PolicyPlace, S3Bundle, Written};

const URI: &str = "s3://policies/retrain/all.jsonl.gz";
const KEY: &str = "retrain/all.jsonl.gz";

struct Scene {
    sandbox: Sandbox,
    bundle: S3Bundle,
    policies: Policies,
}

impl Scene {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let s3 = sandbox.s3();
        s3.create_bucket("policies", Versioning::Enabled).unwrap();
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::ZERO))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let uri = BundleUri::parse(URI).unwrap();
        let bundle = S3Bundle::new(S3Client::from_conf(config), uri);
        let policies = Policies::new(Source::Bundle(bundle.clone()), TTL);
        Self {
            sandbox,
            bundle,
            policies,
        }
    }

    /// Puts policies as `policy apply` does.
    async fn put(&self, pairs: &[(&str, String)]) -> Bundle {
        let known = self.bundle.known().await.unwrap();
        let next = known.bundle.with(changes(pairs), "ana: why").unwrap();
        let written = self.bundle.put_over(&known, &next).await.unwrap();
        assert_eq!(written, Written::Done);
        self.sandbox.calls().take();
        next
    }

    fn write(&self, bytes: impl Into<Vec<u8>>) {
        let object = NewObject::new(bytes.into());
        let s3 = self.sandbox.s3();
        s3.put_object("policies", KEY, object).unwrap();
    }

    async fn models(&self, seconds: i64) -> Vec<String> {
        let set = self.policies.in_force(at(seconds)).await.unwrap().set;
        models(&set).into_iter().map(str::to_owned).collect()
    }

    /// The calls since the last look, with their conditions.
    fn calls(&self) -> Vec<(String, Option<String>)> {
        let calls = self.sandbox.calls().take().into_iter();
        let condition = |request: &serde_json::Value| {
            let known = request["IfNoneMatch"].as_str();
            known.or(request["IfMatch"].as_str()).map(str::to_owned)
        };
        calls
            .map(|call| (call.operation, condition(&call.request)))
            .collect()
    }
}

fn changes(pairs: &[(&str, String)]) -> Changes {
    let owned = pairs.iter().cloned();
    owned
        .map(|(model, text)| (model.to_owned(), Some(text)))
        .collect()
}

#[tokio::test]
async fn a_cold_read_is_one_call_and_a_refresh_asks_only_whether_it_changed() {
    let scene = Scene::start().await;
    let bundle = scene.put(&[("a", policy("p", "a-*"))]).await;
    assert_eq!(scene.models(0).await, ["a"]);
    assert_eq!(scene.models(59).await, ["a"]);
    let etag = scene.bundle.known().await.unwrap().etag.unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let get = |condition: Option<&str>| ("GetObject".to_owned(), condition.map(str::to_owned));
    assert_eq!(scene.calls(), [get(None), get(None)]);

    let before = scene.policies.in_force(at(59)).await.unwrap().set;
    let same = scene.policies.in_force(at(60)).await.unwrap();
    assert!(Arc::ptr_eq(&before, &same.set), "nothing is parsed again");
    assert!(same.stale.is_none());
    assert_eq!(scene.calls(), [get(Some(&etag))]);
    // It counts as read anew.
    scene.models(119).await;
    assert_eq!(scene.calls(), []);

    scene.put(&[("b", policy("q", "b-*"))]).await;
    assert_eq!(scene.models(120).await, ["a", "b"]);
    assert_eq!(scene.calls(), [get(Some(&etag))]);
    let set = scene.policies.in_force(at(120)).await.unwrap().set;
    let version = |name| set.of(&ModelName::parse(name).unwrap()).unwrap().version;
    assert_eq!((version("a"), version("b")), (bundle.revision(), 2));
}

#[tokio::test]
async fn one_bad_policy_stops_only_its_own_model() {
    let scene = Scene::start().await;
    let bad = policy("q", "bad-*").replace("6h", "6 hours");
    let texts = [
        ("good", policy("p", "good-*")),
        ("bad", bad),
        ("worse", "{not json".to_owned()),
        ("under_score", policy("r", "u-*")),
        ("thief", policy("P", "thief-*")),
    ];
    scene.put(&texts).await;
    let set = scene.policies.in_force(at(0)).await.unwrap().set;
    assert_eq!(models(&set), ["good"]);
    let invalid: Vec<&str> = set.invalid().iter().map(|of| of.name.as_str()).collect();
    assert_eq!(invalid, ["bad", "thief", "under_score", "worse"]);
    assert_eq!(wanted(&set, "good-1"), (vec!["good".into()], vec![]));
    assert_eq!(wanted(&set, "bad-1").1, ["bad", "worse"]);
}

#[tokio::test]
async fn a_broken_bundle_is_read_again_later_and_the_last_good_one_will_do_for_an_hour() {
    let scene = Scene::start().await;
    for (bytes, why) in [
        (&b"no bundle"[..], "its first line"),
        (&[0x1f, 0x8b, 8, 0, 1][..], "cannot be decompressed"),
    ] {
        scene.write(bytes);
        let error = scene.policies.in_force(at(0)).await.unwrap_err();
        assert_eq!(error.class(), Class::Retryable);
        let told = retrain_controller::chain(&error);
        assert!(told.contains(URI) && told.contains(why), "{told}");
    }
    scene.sandbox.s3().delete_object("policies", KEY).unwrap();
    let gone = scene.policies.in_force(at(0)).await.unwrap_err();
    assert_eq!(gone.class(), Class::Retryable);
    // Who may not list the bucket is only told this much.
    scene.sandbox.s3().deny_missing(true);
    let denied = scene.policies.in_force(at(0)).await.unwrap_err();
    assert_eq!(denied.class(), Class::Retryable);
    scene.sandbox.s3().deny_missing(false);

    scene.put(&[("a", policy("p", "a-*"))]).await;
    assert_eq!(scene.models(0).await, ["a"]);
    scene.write("no bundle");
    let old = scene.policies.in_force(at(3_599)).await.unwrap();
    assert_eq!(models(&old.set), ["a"]);
    assert!(old.stale.is_some(), "it says that it is old");
    assert!(scene.policies.in_force(at(3_600)).await.is_err());
    // What is broken was not taken for what is known.
    scene.calls();
    assert!(scene.policies.in_force(at(3_601)).await.is_err());
    assert!(scene.calls()[0].1.is_some());
}

#[tokio::test]
async fn of_two_writers_one_is_told() {
    let scene = Scene::start().await;
    let (ana, ben) = (scene.bundle.known().await, scene.bundle.known().await);
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let next = |known: &Known, model| {
        let bundle = &known.bundle;
        bundle
            .with(changes(&[(model, policy(model, "a"))]), "")
            .unwrap()
    };
    let write = async |known: &Known, model| {
        let next = next(known, model);
        scene.bundle.put_over(known, &next).await.unwrap()
    };
    scene.calls();
    assert_eq!(write(&ana, "a").await, Written::Done);
    assert_eq!(write(&ben, "b").await, Written::Overtaken);
    let conditions = scene.calls();
    assert_eq!(conditions[0].1.as_deref(), Some("*"));
    let ben = scene.bundle.known().await.unwrap();
    assert_eq!(ben.bundle.version_of("a"), Some(1), "ana's is still there");
    let late = ben.clone();
    assert_eq!(write(&ben, "b").await, Written::Done);
    assert_eq!(write(&late, "c").await, Written::Overtaken);
    let calls = scene.calls();
    let put = calls.iter().find(|call| call.0 == "PutObject").unwrap();
    assert_eq!(put.1, ben.etag);
    let stored = scene.bundle.known().await.unwrap().bundle;
    assert_eq!(stored.len(), 2);
    assert_eq!(stored.revision(), 2);
    // It was deleted in between: nothing is put over nothing.
    let late = scene.bundle.known().await.unwrap();
    scene.sandbox.s3().delete_object("policies", KEY).unwrap();
    assert_eq!(write(&late, "c").await, Written::Overtaken);
}

#[tokio::test]
async fn what_no_function_could_read_is_not_put() {
    let scene = Scene::start().await;
    let known = scene.bundle.known().await.unwrap();
    let huge = " ".repeat((128 << 20) + 1);
    let next = known.bundle.with(changes(&[("a", huge)]), "").unwrap();
    let refused = scene.bundle.put_over(&known, &next).await.unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(why, "its text is longer than 128 MB");
    assert_eq!(scene.sandbox.calls().count(Service::S3, "PutObject"), 0);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_known_again() {
    let scene = Scene::start().await;
    let known = scene.bundle.known().await.unwrap();
    let next = known.bundle.with(changes(&[("a", policy("p", "a"))]), "");
    let lost = Fault::on(Service::S3, "PutObject", FaultKind::DropAfter);
    scene.sandbox.faults().inject(lost);
    let written = scene.bundle.put_over(&known, &next.unwrap()).await.unwrap();
    assert_eq!(written, Written::Done);
    assert_eq!(scene.sandbox.calls().count(Service::S3, "PutObject"), 2);
    let conflict = FaultKind::Refuse {
        code: "ConditionalRequestConflict".to_owned(),
        message: "somebody writes".to_owned(),
    };
    let known = scene.bundle.known().await.unwrap();
    let next = known.bundle.with(changes(&[("b", policy("q", "b"))]), "");
    let fault = Fault::on(Service::S3, "PutObject", conflict).times(3);
    scene.sandbox.faults().inject(fault);
    let written = scene.bundle.put_over(&known, &next.unwrap()).await.unwrap();
    assert_eq!(written, Written::Overtaken);
}

#[tokio::test]
async fn a_place_is_read_by_the_client_of_its_service() {
    let scene = Scene::start().await;
    scene.put(&[("a", policy("p", "a-*"))]).await;
    let bench = Bench::start().await;
    bench.put("b", &policy("q", "b-*"));
    let s3 = scene.bundle.client.clone();
    let ssm = bench.stored.client.clone();
    for (path, bundle, expected) in [("", URI, "a"), ("/retrain/policies", "", "b")] {
        let place = PolicyPlace::of(Some(path.to_owned()), Some(bundle.to_owned()));
        let source = Source::at(&place.unwrap().unwrap(), ssm.clone(), s3.clone());
        let policies = Policies::new(source, TTL);
        let set = policies.in_force(at(0)).await.unwrap().set;
        assert_eq!(models(&set), [expected]);
    }
}
