use retrain_sandbox::s3::{NewObject, Versioning};
use retrain_sandbox::{Fault, FaultKind, Outcome, Service};
use serde_json::json;

use super::{bucket, put, refusal, refused};

fn refuse(code: &str) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: "no".to_owned(),
    }
}

#[tokio::test]
async fn faults_answer_in_the_words_of_s3() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "1").await;
    let get = || client.get_object().bucket("data").key("k").send();
    for (kind, status, code) in [
        (FaultKind::Throttle, 503, "SlowDown"),
        (FaultKind::ServerError, 500, "InternalError"),
        (FaultKind::ServerErrorAfter, 500, "InternalError"),
        (FaultKind::Unavailable, 503, "ServiceUnavailable"),
        (refuse("AccessDenied"), 403, "AccessDenied"),
        (refuse("RequestTimeout"), 400, "RequestTimeout"),
    ] {
        let fault = Fault::on(Service::S3, "GetObject", kind);
        let fault = sandbox.faults().inject(fault);
        assert_eq!(refusal(get().await), refused(status, code));
        assert_eq!(fault.fired(), 1);
        assert!(get().await.is_ok());
    }
}

#[tokio::test]
async fn a_dropped_read_has_no_answer() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "1").await;
    let fault = Fault::on(Service::S3, "GetObject", FaultKind::DropAfter);
    sandbox.faults().inject(fault);
    let read = client.get_object().bucket("data").key("k").send().await;
    assert!(read.unwrap_err().raw_response().is_none());
    assert_eq!(sandbox.calls().take()[1].outcome, Outcome::Dropped);
}

#[tokio::test]
async fn an_object_is_overwritten_while_its_read_is_held() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "one").await;
    let fault = Fault::on(Service::S3, "GetObject", FaultKind::HoldBefore);
    let fault = sandbox.faults().inject(fault);
    let etag = sandbox.s3().objects("data").unwrap()[0].etag.clone();
    let get = client.get_object().bucket("data").key("k").if_match(etag);
    let (read, ()) = tokio::join!(get.send(), async {
        fault.held().await;
        let other = NewObject::new("two");
        sandbox.s3().put_object("data", "k", other).unwrap();
        fault.release();
    });
    assert_eq!(refusal(read), refused(412, "PreconditionFailed"));
}

#[tokio::test]
async fn calls_are_logged_with_their_operation_and_members() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let write = client.put_object().bucket("data").key("a b");
    write.metadata("row-count", "1").send().await.unwrap();
    let get = client.get_object().bucket("data").key("a b");
    let get = get.version_id("null").if_match("*").range("bytes=0-");
    assert_eq!(refusal(get.send().await), refused(416, "InvalidRange"));
    let list = client.list_objects_v2().bucket("data").max_keys(1);
    list.send().await.unwrap();

    assert_eq!(sandbox.calls().count(Service::S3, "GetObject"), 1);
    let calls = sandbox.calls().take();
    let requests: Vec<_> = calls
        .iter()
        .map(|call| (call.service, call.operation.as_str(), call.request.clone()))
        .collect();
    let s3 = Some(Service::S3);
    assert_eq!(
        requests,
        [
            (
                s3,
                "PutObject",
                json!({"Bucket": "data", "Key": "a b", "Metadata": {"row-count": "1"}})
            ),
            (
                s3,
                "GetObject",
                json!({
                    "Bucket": "data",
                    "Key": "a b",
                    "VersionId": "null",
                    "IfMatch": "*",
                    "Range": "bytes=0-",
                })
            ),
            (
                s3,
                "ListObjectsV2",
                json!({"Bucket": "data", "ListType": "2", "MaxKeys": "1"})
            ),
        ]
    );
    assert_eq!(
        calls[1].outcome,
        Outcome::Answered {
            status: 416,
            code: Some("InvalidRange".to_owned()),
        }
    );
}
