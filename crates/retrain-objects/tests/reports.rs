//! Reports of model packages, read from a strict S3 over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "this is a test"
)]

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use retrain_controller::{Class, PortError, Reports};
use retrain_core::gate::{MAX_REPORT_BYTES, Report};
use retrain_objects::S3Objects;
use retrain_sandbox::s3::{Content, NewObject, Versioning};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

const BUCKET: &str = "reports";
const GET: &str = "GetObject";

struct Bench {
    sandbox: Sandbox,
    reports: S3Objects,
}

impl Bench {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        sandbox
            .s3()
            .create_bucket(BUCKET, Versioning::Enabled)
            .unwrap();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .force_path_style(true)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::ZERO))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            sandbox,
            reports: S3Objects::new(Client::from_conf(config)),
        }
    }

    /// Puts an object and gives its version.
    fn put(&self, key: &str, content: impl Into<Content>) -> String {
        let object = NewObject::new(content);
        let stored = self.sandbox.s3().put_object(BUCKET, key, object).unwrap();
        stored.version_id.unwrap()
    }

    async fn read(&self, uri: &str) -> Report {
        can_be_spawned(self.reports.report(uri)).await.unwrap()
    }

    async fn error(&self, uri: &str) -> PortError {
        self.reports.report(uri).await.unwrap_err()
    }

    /// Harms every attempt of the next report.
    fn fault(&self, kind: FaultKind) {
        self.sandbox.faults().clear();
        let fault = Fault::on(Service::S3, GET, kind).times(3);
        self.sandbox.faults().inject(fault);
    }

    fn calls(&self) -> usize {
        self.sandbox.calls().count(Service::S3, GET)
    }
}

/// Reports are read side by side.
fn can_be_spawned<F: Future + Send>(future: F) -> F {
    future
}

fn refuse(code: &str) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: "No.".to_owned(),
    }
}

#[tokio::test]
async fn a_report_is_the_bytes_of_its_object() {
    let bench = Bench::start().await;
    let key = "fraud/1/bias report+1.json";
    let first = bench.put(key, b"{\"not\": json".to_vec());
    let second = Report::Read(b"\xff{}".to_vec());
    bench.put(key, b"\xff{}".to_vec());
    bench.put("empty", Vec::new());
    assert_eq!(bench.read(&format!("s3://reports/{key}")).await, second);
    for address in [
        "https://reports.s3.us-east-1.amazonaws.com/fraud/1/bias%20report+1.json",
        "https://s3.amazonaws.com/reports/fraud/1/bias%20report%2B1.json",
    ] {
        assert_eq!(bench.read(address).await, second, "{address}");
        let pinned = format!("{address}?versionId={first}");
        let read = bench.read(&pinned).await;
        assert_eq!(read, Report::Read(b"{\"not\": json".to_vec()), "{pinned}");
    }
    let empty = bench.read("s3://reports/empty").await;
    assert_eq!(empty, Report::Read(Vec::new()));
}

#[tokio::test]
async fn nothing_larger_than_the_limit_is_read() {
    let bench = Bench::start().await;
    for (total, fits) in [
        (MAX_REPORT_BYTES, true),
        (MAX_REPORT_BYTES + 1, false),
        // It would take minutes and all memory to read it.
        (1 << 40, false),
    ] {
        let blank = Content::generated(total, |_, bytes| bytes.fill(b' '));
        bench.put("large", blank);
        match bench.read("s3://reports/large").await {
            Report::Read(bytes) => {
                assert!(fits && bytes.len() as u64 == total, "{}", bytes.len());
            }
            Report::TooLarge { bytes, limit } => {
                assert!(!fits && (bytes, limit) == (total, MAX_REPORT_BYTES));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_had_says_why() {
    let bench = Bench::start().await;
    bench.put("a", b"{}".to_vec());
    let uri = "s3://reports/a";
    let unreadable = async |uri: &str| match bench.read(uri).await {
        Report::Unreadable(why) => why,
        other => panic!("{uri}: {other:?}"),
    };
    for missing in [
        "s3://reports/missing",
        "s3://no-such-bucket/a",
        "https://reports.s3.amazonaws.com/a?versionId=no-such-version",
    ] {
        let why = unreadable(missing).await;
        assert!(
            why == "the object is gone" || why.starts_with("refused: "),
            "{missing}: {why}"
        );
    }
    bench.sandbox.s3().deny_missing(true);
    assert_eq!(
        unreadable("s3://reports/missing").await,
        "denied: AccessDenied"
    );
    for (code, expected) in [
        ("AccessDenied", "denied: AccessDenied"),
        ("NoSuchKey", "the object is gone"),
        ("NoSuchBucket", "the object is gone"),
        ("NoSuchVersion", "the object is gone"),
        ("InvalidObjectState", "the object is archived"),
        ("InvalidArgument", "refused: InvalidArgument"),
    ] {
        bench.fault(refuse(code));
        assert_eq!(unreadable(uri).await, expected, "{code}");
    }
    bench.sandbox.faults().clear();
    let before = bench.calls();
    for other in [
        "",
        "reports/a",
        "file:///a",
        "https://example.com/reports/a",
    ] {
        let why = unreadable(other).await;
        assert!(why.starts_with("the URI"), "{other}: {why}");
    }
    assert_eq!(bench.calls(), before, "what is not S3's is not asked for");
}

#[tokio::test]
async fn what_passes_is_an_error_and_not_a_report() {
    let bench = Bench::start().await;
    bench.put("a", b"{}".to_vec());
    for kind in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::DropBefore,
        refuse("ExpiredToken"),
    ] {
        let shown = format!("{kind:?}");
        bench.fault(kind);
        let error = bench.error("s3://reports/a").await;
        assert_eq!(error.class(), Class::Retryable, "{shown}");
        assert_eq!(error.to_string(), "read report s3://reports/a", "{shown}");
    }
    bench.sandbox.faults().clear();
    assert_eq!(
        bench.read("s3://reports/a").await,
        Report::Read(b"{}".to_vec())
    );
}
