use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use retrain_sandbox::s3::Versioning;
use retrain_sandbox::{Fault, FaultKind, Service};

use super::{bucket, put, refusal, refused};

const HELLO: &str = "\"b1946ac92492d2347c6235b4d2611184\"";

/// A write that says what must be under the key.
async fn write(
    client: &Client,
    condition: (Option<&str>, Option<&str>),
) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
    let (matches, none) = condition;
    let request = client.put_object().bucket("data").key("k");
    request
        .body(b"hello\n".to_vec().into())
        .set_if_match(matches.map(str::to_owned))
        .set_if_none_match(none.map(str::to_owned))
        .send()
        .await
}

#[tokio::test]
async fn a_read_of_what_is_known_answers_304_without_a_body() {
    let (_sandbox, client) = bucket(Versioning::Enabled).await;
    let version = put(&client, "k", "hello\n").await;
    let get = || client.get_object().bucket("data").key("k");
    for known in [HELLO, HELLO.trim_matches('"'), "*"] {
        let error = get().if_none_match(known).send().await.unwrap_err();
        let answer = error.raw_response().unwrap();
        assert_eq!(answer.status().as_u16(), 304, "{known}");
        assert_eq!(answer.headers().get("etag"), Some(HELLO));
        let id = answer.headers().get("x-amz-version-id");
        assert_eq!(id, version.as_deref());
        assert_eq!(answer.body().bytes(), Some(&[][..]));
    }
    let head = client.head_object().bucket("data").key("k");
    assert_eq!(refusal(head.if_none_match(HELLO).send().await).0, 304);
    // The first condition that does not hold answers.
    let both = get().if_match("\"other\"").if_none_match(HELLO);
    assert_eq!(
        refusal(both.send().await),
        refused(412, "PreconditionFailed")
    );

    put(&client, "k", "other").await;
    let read = get().if_none_match(HELLO).send().await.unwrap();
    assert_eq!(&read.body.collect().await.unwrap().to_vec(), b"other");
    let none = client.get_object().bucket("data").key("none");
    assert_eq!(
        refusal(none.if_none_match(HELLO).send().await),
        refused(404, "NoSuchKey")
    );
}

#[tokio::test]
async fn a_first_write_finds_nothing_there() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let first = || write(&client, (None, Some("*")));
    assert_eq!(first().await.unwrap().e_tag(), Some(HELLO));
    assert_eq!(refusal(first().await), refused(412, "PreconditionFailed"));
    // What is deleted is not there, although the bucket keeps it.
    sandbox.s3().delete_object("data", "k").unwrap();
    assert!(first().await.is_ok());
    let etag = write(&client, (None, Some(HELLO))).await;
    assert_eq!(refusal(etag), refused(501, "NotImplemented"));
}

#[tokio::test]
async fn a_write_replaces_only_what_was_read() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let over = |etag| write(&client, (Some(etag), None));
    assert_eq!(refusal(over(HELLO).await), refused(404, "NoSuchKey"));
    put(&client, "k", "hello\n").await;
    assert!(over(HELLO).await.is_ok());
    put(&client, "k", "other").await;
    assert_eq!(
        refusal(over(HELLO).await),
        refused(412, "PreconditionFailed")
    );
    let stored = sandbox.s3().objects("data").unwrap();
    assert_eq!(stored[0].size, 5, "a refused write changes nothing");
    for condition in [(Some("*"), None), (Some(HELLO), Some("*"))] {
        let refusal = refusal(write(&client, condition).await);
        assert_eq!(refusal, refused(501, "NotImplemented"));
    }
    sandbox.s3().delete_object("data", "k").unwrap();
    assert_eq!(refusal(over(HELLO).await), refused(404, "NoSuchKey"));
}

#[tokio::test]
async fn writes_at_the_same_time_conflict() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let kind = FaultKind::Refuse {
        code: "ConditionalRequestConflict".to_owned(),
        message: "The conditional request cannot succeed".to_owned(),
    };
    let fault = Fault::on(Service::S3, "PutObject", kind);
    sandbox.faults().inject(fault);
    assert_eq!(
        refusal(write(&client, (None, Some("*"))).await),
        refused(409, "ConditionalRequestConflict")
    );
}
