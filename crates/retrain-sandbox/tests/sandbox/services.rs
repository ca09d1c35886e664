use hyper::{Request, StatusCode};
use retrain_sandbox::{Outcome, Service};
use serde_json::{Value, json};

use crate::client::sandbox;

#[tokio::test]
async fn requests_find_their_service_and_are_recorded_with_their_outcome() {
    let (sandbox, client) = sandbox().await;
    sandbox.ssm().put_parameter("/p", "v").unwrap();
    let read = client
        .call("AmazonSSM.GetParameter", &json!({"Name": "/p"}))
        .await
        .unwrap();
    assert_eq!(read.body["Parameter"]["Value"], "v");
    client.start(1).await.unwrap();
    client
        .call("SageMaker.DescribePipeline", &json!({"PipelineName": "x"}))
        .await
        .unwrap();

    let calls = sandbox.calls().take();
    let ended: Vec<_> = calls
        .iter()
        .map(|call| (call.service, call.operation.as_str(), &call.outcome))
        .collect();
    let answered = |status: u16, code: Option<&str>| Outcome::Answered {
        status,
        code: code.map(str::to_owned),
    };
    assert_eq!(
        ended,
        [
            (Some(Service::Ssm), "GetParameter", &answered(200, None)),
            (
                Some(Service::SageMaker),
                "StartPipelineExecution",
                &answered(200, None)
            ),
            (
                Some(Service::SageMaker),
                "DescribePipeline",
                &answered(400, Some("ResourceNotFound"))
            ),
        ]
    );
    assert_eq!(calls[0].at, sandbox.clock().now());
    assert_eq!(calls[0].request, json!({"Name": "/p"}));
}

#[tokio::test]
async fn an_error_has_its_code_in_header_and_body_and_every_answer_has_an_id() {
    let (_sandbox, client) = sandbox().await;
    let reply = client
        .call("AmazonSSM.GetParameter", &json!({"Name": "none"}))
        .await
        .unwrap();
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.code(), "ParameterNotFound");
    assert_eq!(reply.headers["x-amzn-errortype"], "ParameterNotFound");
    assert_eq!(
        reply.headers["x-amzn-requestid"],
        "00000000-0000-4000-8000-000000000001"
    );
    assert_eq!(reply.headers["content-type"], "application/x-amz-json-1.1");
}

#[tokio::test]
async fn what_nobody_implements_is_refused_loudly_and_recorded() {
    let (sandbox, client) = sandbox().await;
    for target in [
        "SageMaker.CreateEndpoint",
        "AmazonSNS.Publish",
        "SageMakerX.Start",
    ] {
        let reply = client.call(target, &json!({})).await.unwrap();
        assert_eq!(reply.code(), "UnknownOperationException", "{target}");
    }
    let bare = client
        .send(Request::get(sandbox.endpoint_url()), String::new())
        .await
        .unwrap();
    assert_eq!(bare.code(), "UnknownOperationException");
    let operations: Vec<_> = sandbox
        .calls()
        .take()
        .into_iter()
        .map(|call| (call.service, call.operation))
        .collect();
    assert_eq!(
        operations,
        [
            (Some(Service::SageMaker), "CreateEndpoint".to_owned()),
            (None, "AmazonSNS.Publish".to_owned()),
            (None, "SageMakerX.Start".to_owned()),
            (None, "GET /".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let (sandbox, client) = sandbox().await;
    let request = Request::post(sandbox.endpoint_url())
        .header("x-amz-target", "SageMaker.StartPipelineExecution");
    let reply = client.send(request, "{".to_owned()).await.unwrap();
    assert_eq!(reply.code(), "SerializationException");
    assert_eq!(sandbox.calls().take()[0].request, Value::Null);
}

#[tokio::test]
async fn a_stopped_sandbox_answers_nothing_and_its_state_stays_readable() {
    let (sandbox, client) = sandbox().await;
    client.start(1).await.unwrap();
    let sagemaker = sandbox.sagemaker().clone();
    sandbox.stop().await;
    assert!(client.start(2).await.is_err());
    assert_eq!(sagemaker.executions().len(), 1);
}
