use hyper::Request;
use retrain_sandbox::{Fault, FaultKind, Outcome, Service};
use serde_json::{Value, json};

use super::{cloudwatch, refusal};
use crate::client;

#[tokio::test]
async fn the_protocol_is_taken_at_its_word() {
    const CBOR: &str = "application/cbor";
    let (sandbox, client) = client::sandbox().await;
    let empty: &[u8] = b"\xa0";
    let unknown_member: &[u8] = b"\xa1\x69AlarmName\x61a";
    for (operation, protocol, content_type, body, error) in [
        ("DescribeAlarms", "rpc-v2-cbor", CBOR, empty, None),
        (
            "DescribeAlarms",
            "rpc-v2-json",
            CBOR,
            empty,
            Some("SerializationException;Sender"),
        ),
        (
            "DescribeAlarms",
            "rpc-v2-cbor",
            "application/json",
            empty,
            Some("SerializationException;Sender"),
        ),
        (
            "DescribeAlarms",
            "rpc-v2-cbor",
            CBOR,
            b"{}",
            Some("SerializationException;Sender"),
        ),
        (
            "DescribeAlarms",
            "rpc-v2-cbor",
            CBOR,
            unknown_member,
            Some("SerializationException;Sender"),
        ),
        (
            "PutDashboard",
            "rpc-v2-cbor",
            CBOR,
            empty,
            Some("UnknownOperationException;Sender"),
        ),
    ] {
        let service = "service/GraniteServiceVersion20100801";
        let url = format!("{}/{service}/operation/{operation}", sandbox.endpoint_url());
        let request = Request::post(url)
            .header("smithy-protocol", protocol)
            .header("content-type", content_type);
        let (head, _) = client.exchange(request, body.into()).await.unwrap();
        assert_eq!(head.status, if error.is_some() { 400 } else { 200 });
        assert_eq!(head.headers["smithy-protocol"], "rpc-v2-cbor");
        assert_eq!(head.headers["content-type"], CBOR);
        let told = head.headers.get("x-amzn-query-error");
        assert_eq!(told.map(|told| told.to_str().unwrap()), error);
    }
    let calls = sandbox.calls().take();
    assert_eq!(calls[0].request, json!({}));
    assert_eq!(calls[3].request, Value::Null);
}

#[tokio::test]
async fn faults_answer_in_the_words_of_cloudwatch() {
    let (sandbox, client) = cloudwatch().await;
    let refuse = FaultKind::Refuse {
        code: "AccessDenied".to_owned(),
        message: "no".to_owned(),
    };
    for (kind, status, code, told) in [
        (FaultKind::Throttle, 400, "Throttling", "Rate exceeded"),
        (
            FaultKind::ServerError,
            500,
            "InternalFailure",
            "The request failed inside the service.",
        ),
        (
            FaultKind::Unavailable,
            503,
            "ServiceUnavailable",
            "The request failed inside the service.",
        ),
        (refuse, 400, "AccessDenied", "no"),
    ] {
        sandbox
            .faults()
            .inject(Fault::on(Service::CloudWatch, "DescribeAlarms", kind));
        assert_eq!(
            refusal(client.describe_alarms().send().await),
            (status, Some(code.to_owned()), told.to_owned())
        );
        assert!(client.describe_alarms().send().await.is_ok());
    }
    sandbox
        .faults()
        .inject(Fault::any(Service::CloudWatch, FaultKind::DropAfter));
    let lost = client.describe_alarms().send().await;
    assert!(lost.unwrap_err().raw_response().is_none());
}

#[tokio::test]
async fn calls_are_logged_with_their_members() {
    let (sandbox, client) = cloudwatch().await;
    let request = client.describe_alarms().alarm_names("a").max_records(101);
    request.send().await.unwrap_err();
    let calls = sandbox.calls().take();
    assert_eq!(calls[0].service, Some(Service::CloudWatch));
    assert_eq!(calls[0].operation, "DescribeAlarms");
    assert_eq!(
        calls[0].request,
        json!({"AlarmNames": ["a"], "MaxRecords": 101})
    );
    assert_eq!(
        calls[0].outcome,
        Outcome::Answered {
            status: 400,
            code: Some("ValidationError".to_owned()),
        }
    );
}
