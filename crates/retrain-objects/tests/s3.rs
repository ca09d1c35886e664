//! The adapter against a strict S3 over HTTP.
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
use retrain_objects::{
    Body, CountError, DataFormat, Format, How, Limits, ObjectVersion, Objects, S3Objects, Span,
    Uncounted, Unread, count,
};
use retrain_sandbox::s3::{Content, NewObject, StoredObject, Versioning};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

const BUCKET: &str = "training-data";
const KEY: &str = "fraud/part 1+2.csv";

struct Bench {
    sandbox: Sandbox,
    objects: S3Objects,
}

impl Bench {
    async fn start(versioning: Versioning) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        sandbox.s3().create_bucket(BUCKET, versioning).unwrap();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .force_path_style(true)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(1)
                    .with_initial_backoff(Duration::ZERO),
            )
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            sandbox,
            objects: S3Objects::new(Client::from_conf(config)),
        }
    }

    fn put(&self, text: &str) -> ObjectVersion {
        announced(&self.put_object(NewObject::new(text.as_bytes().to_vec())))
    }

    fn put_object(&self, object: NewObject) -> StoredObject {
        self.sandbox.s3().put_object(BUCKET, KEY, object).unwrap()
    }

    fn refuse(&self, operation: &str, code: &str) {
        self.fault(
            operation,
            FaultKind::Refuse {
                code: code.to_owned(),
                message: "No.".to_owned(),
            },
        );
    }

    fn fault(&self, operation: &str, kind: FaultKind) {
        self.sandbox
            .faults()
            .inject(Fault::on(Service::S3, operation, kind));
    }

    async fn count(&self, object: &ObjectVersion) -> Result<u64, CountError> {
        let format = Format::Data(DataFormat::Csv { header: false });
        let limits = Limits::default();
        let counting = can_be_spawned(count(&self.objects, object, &format, &limits, None));
        counting.await.map(|count| count.rows)
    }

    async fn uncounted(&self, object: &ObjectVersion) -> Uncounted {
        match self.count(object).await {
            Err(CountError::Uncounted(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    async fn text(&self, object: &ObjectVersion, span: Span) -> Result<(u64, String), Unread> {
        let mut read = self.objects.read(object, span).await?;
        let mut text = Vec::new();
        while let Some(chunk) = read.body.chunk().await? {
            text.extend_from_slice(&chunk);
        }
        assert_eq!(text.len() as u64, read.length);
        Ok((read.total, String::from_utf8(text).unwrap()))
    }
}

/// Objects of a batch are counted side by side.
fn can_be_spawned<F: Future + Send>(future: F) -> F {
    future
}

/// The object as an event tells of it.
fn announced(object: &StoredObject) -> ObjectVersion {
    ObjectVersion {
        bucket: BUCKET.to_owned(),
        key: object.key.clone(),
        version_id: object.version_id.clone(),
        etag: Some(object.etag.clone()),
        size: Some(object.size),
    }
}

#[tokio::test]
async fn every_span_is_the_bytes_that_were_asked_for() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = bench.put("0123456789");
    let table = [
        (Span::Whole, "0123456789"),
        (Span::Last(3), "789"),
        (Span::Last(99), "0123456789"),
        (
            Span::Part {
                start: 2,
                length: 4,
            },
            "2345",
        ),
        (
            Span::Part {
                start: 8,
                length: 9,
            },
            "89",
        ),
    ];
    for (span, expected) in table {
        let read = bench.text(&object, span).await.unwrap();
        assert_eq!(read, (10, expected.to_owned()), "{span:?}");
    }
    let beyond = Span::Part {
        start: 10,
        length: 1,
    };
    assert!(matches!(
        bench.text(&object, beyond).await,
        Err(Unread::NoSuchRange)
    ));
}

#[tokio::test]
async fn an_empty_object_has_no_last_bytes() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = bench.put("");
    assert_eq!(bench.count(&object).await.unwrap(), 0);
    assert!(matches!(
        bench.text(&object, Span::Last(9)).await,
        Err(Unread::NoSuchRange)
    ));
}

#[tokio::test]
async fn the_announced_version_is_read_after_an_overwrite() {
    let bench = Bench::start(Versioning::Enabled).await;
    let first = bench.put("a\nb\n");
    bench.put("a\nb\nc\n");
    assert_eq!(bench.count(&first).await.unwrap(), 2);
}

#[tokio::test]
async fn without_versions_an_overwrite_is_a_replaced_object() {
    let bench = Bench::start(Versioning::Disabled).await;
    let first = bench.put("a\nb\n");
    let second = bench.put("c\nd\n");
    assert_eq!(bench.uncounted(&first).await, Uncounted::Replaced);
    assert_eq!(bench.count(&second).await.unwrap(), 2);
    let trusted = bench.objects.head(&first).await;
    assert!(matches!(trusted, Err(Unread::Replaced)), "{trusted:?}");
}

#[tokio::test]
async fn what_was_deleted_is_gone() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = bench.put("a\n");
    bench.sandbox.s3().delete_object(BUCKET, KEY).unwrap();
    assert_eq!(bench.uncounted(&object).await, Uncounted::Gone);
    assert!(matches!(
        bench.objects.head(&object).await,
        Err(Unread::Gone)
    ));
    let elsewhere = ObjectVersion::unpinned("no-such-bucket", KEY);
    assert_eq!(bench.uncounted(&elsewhere).await, Uncounted::Gone);
}

#[tokio::test]
async fn a_deletion_leaves_the_announced_version() {
    let bench = Bench::start(Versioning::Enabled).await;
    let object = bench.put("a\n");
    bench.sandbox.s3().delete_object(BUCKET, KEY).unwrap();
    assert_eq!(bench.count(&object).await.unwrap(), 1);
    let newest = ObjectVersion::unpinned(BUCKET, KEY);
    assert_eq!(bench.uncounted(&newest).await, Uncounted::Gone);
    let version_id = Some("no-such-version".to_owned());
    let never = ObjectVersion {
        version_id,
        ..object
    };
    let why = bench.uncounted(&never).await;
    assert!(
        matches!(why, Uncounted::Gone | Uncounted::Refused(_)),
        "{why:?}"
    );
}

#[tokio::test]
async fn who_may_not_list_is_denied_what_is_missing() {
    let bench = Bench::start(Versioning::Disabled).await;
    bench.sandbox.s3().deny_missing(true);
    assert_eq!(
        bench.uncounted(&ObjectVersion::unpinned(BUCKET, KEY)).await,
        Uncounted::Denied("AccessDenied".to_owned())
    );
    assert!(matches!(
        bench
            .objects
            .head(&ObjectVersion::unpinned(BUCKET, KEY))
            .await,
        Err(Unread::Denied(_))
    ));
}

#[tokio::test]
async fn metadata_comes_without_a_body() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = NewObject::new(b"a\n".to_vec()).metadata("row-count", "41");
    let object = announced(&bench.put_object(object));
    let format = Format::Data(DataFormat::Parquet);
    let limits = Limits::default();
    let count = count(&bench.objects, &object, &format, &limits, Some("row-count"))
        .await
        .unwrap();
    assert_eq!((count.rows, count.how), (41, How::Metadata));
    let calls = bench.sandbox.calls();
    assert_eq!(calls.count(Service::S3, "HeadObject"), 1);
    assert_eq!(calls.count(Service::S3, "GetObject"), 0);
}

#[tokio::test]
async fn a_gibibyte_of_parquet_takes_two_requests() {
    let bench = Bench::start(Versioning::Enabled).await;
    let file = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/corpus/files/wide.parquet"
    ))
    .unwrap();
    let total = 1 << 30;
    let end = total - file.len() as u64;
    let content = Content::generated(total, move |offset, bytes| {
        for (place, byte) in (offset..).zip(bytes) {
            if let Some(at) = place.checked_sub(end) {
                *byte = file[usize::try_from(at).unwrap()];
            }
        }
    });
    let object = announced(&bench.put_object(NewObject::new(content)));
    let format = Format::Data(DataFormat::Parquet);
    let count = count(&bench.objects, &object, &format, &Limits::default(), None)
        .await
        .unwrap();
    assert_eq!((count.rows, count.requests), (3, 2));
    assert_eq!(bench.sandbox.calls().count(Service::S3, "GetObject"), 2);
}

#[tokio::test]
async fn what_passes_is_worth_another_delivery() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = bench.put("a\n");
    let faults = [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::DropBefore,
    ];
    for fault in faults {
        bench.fault("GetObject", fault.clone());
        let answer = bench.count(&object).await;
        assert!(
            matches!(answer, Err(CountError::Unavailable { .. })),
            "{fault:?}: {answer:?}"
        );
        bench.fault("HeadObject", fault.clone());
        let head = bench.objects.head(&object).await;
        assert!(
            matches!(head, Err(Unread::Unavailable(_))),
            "{fault:?}: {head:?}"
        );
    }
    for code in ["ExpiredToken", "RequestTimeout", "KMS.ThrottlingException"] {
        bench.refuse("GetObject", code);
        let answer = bench.count(&object).await;
        assert!(
            matches!(answer, Err(CountError::Unavailable { .. })),
            "{code}: {answer:?}"
        );
    }
    assert_eq!(bench.count(&object).await.unwrap(), 1);
}

#[tokio::test]
async fn what_stays_has_a_name() {
    let bench = Bench::start(Versioning::Disabled).await;
    let object = bench.put("a\n");
    let table = [
        ("AccessDenied", Uncounted::Denied("AccessDenied".to_owned())),
        ("InvalidObjectState", Uncounted::Archived),
        ("NoSuchVersion", Uncounted::Gone),
        (
            "InvalidArgument",
            Uncounted::Refused("InvalidArgument".to_owned()),
        ),
    ];
    for (code, expected) in table {
        bench.refuse("GetObject", code);
        assert_eq!(bench.uncounted(&object).await, expected, "{code}");
    }
}
