use retrain_sandbox::codepipeline::{ExecutionStatus, Pipeline};
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use crate::client::{Client, Reply, sandbox};

const START: &str = "CodePipeline_20150709.StartPipelineExecution";

fn start() -> Value {
    json!({"name": "deploy", "clientRequestToken": "t-1"})
}

/// A start that is answered.
async fn answered(client: &Client) -> Reply {
    client.call(START, &start()).await.unwrap()
}

#[tokio::test]
async fn codepipeline_is_found_by_its_target_and_speaks_json_1_1() {
    let (sandbox, client) = sandbox().await;
    let unknown = answered(&client).await;
    assert_eq!(unknown.code(), "PipelineNotFoundException");
    assert_eq!(
        unknown.headers["content-type"],
        "application/x-amz-json-1.1"
    );
    let pipeline = Pipeline::new("deploy");
    sandbox.codepipeline().create_pipeline(pipeline).unwrap();
    let id = answered(&client).await.body["pipelineExecutionId"].clone();
    assert_eq!(sandbox.codepipeline().executions()[0].id, id);
    let calls = sandbox.calls();
    assert_eq!(
        calls.count(Service::CodePipeline, "StartPipelineExecution"),
        2
    );
}

#[tokio::test]
async fn faults_strike_its_calls_and_its_tokens_uncover_lost_answers() {
    let (sandbox, client) = sandbox().await;
    let pipeline = Pipeline::new("deploy");
    sandbox.codepipeline().create_pipeline(pipeline).unwrap();
    let executions = || sandbox.codepipeline().executions().len();
    for (kind, status, code) in [
        (FaultKind::Throttle, 400, "ThrottlingException"),
        (FaultKind::ServerError, 500, "InternalFailure"),
        (FaultKind::Unavailable, 503, "ServiceUnavailable"),
    ] {
        let fault = Fault::on(Service::CodePipeline, "StartPipelineExecution", kind);
        sandbox.faults().inject(fault);
        let reply = answered(&client).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
        assert_eq!(executions(), 0);
    }
    let lost = Fault::any(Service::CodePipeline, FaultKind::DropAfter);
    sandbox.faults().inject(lost);
    assert!(client.call(START, &start()).await.is_err());
    assert_eq!(answered(&client).await.status, 200);
    assert_eq!(executions(), 1);
}

#[tokio::test]
async fn executions_are_started_passed_and_finished_over_http() {
    let (sandbox, client) = sandbox().await;
    let seed = json!({"codePipelines": [{
        "name": "deploy",
        "executionMode": "QUEUED",
        "variables": {"MODEL": null, "STAGE": "test"},
        "stages": [
            {"name": "Source", "actions": [{"name": "Source", "category": "Source"}]},
            {"name": "Approve", "actions": [{"name": "Decide", "category": "Approval"}]},
        ],
    }]});
    assert_eq!(
        client.post("/_sandbox/seed", seed.clone()).await.status,
        200
    );
    let again = client.post("/_sandbox/seed", seed).await;
    let message = again.body["message"].as_str().unwrap();
    assert!(message.ends_with("deploy exists already"), "{message}");

    let post = |action: &str, body: Value| {
        let path = format!("/_sandbox/codepipeline/executions/{action}");
        let client = client.clone();
        async move { client.post(&path, body).await }
    };
    let id = post("start", json!({"pipeline": "deploy"})).await.body["id"].clone();
    assert_eq!(post("pass", json!({"id": id})).await.status, 200);
    let finish = json!({"id": id, "status": "Failed", "statusSummary": "no"});
    assert_eq!(post("finish", finish.clone()).await.status, 200);
    assert_eq!(post("finish", finish).await.status, 400);
    assert_eq!(post("pass", json!({"id": id})).await.status, 400);
    let unknown = json!({"pipeline": "other"});
    assert_eq!(post("start", unknown).await.status, 400);

    let listed = client.get("/_sandbox/codepipeline/executions").await.body;
    let execution = &listed["executions"][0];
    assert_eq!(execution["statusSummary"], "no");
    assert_eq!(execution["stage"], 1);
    assert_eq!(execution["variables"], json!({"STAGE": "test"}));
    assert_eq!(
        sandbox.codepipeline().executions()[0].status,
        ExecutionStatus::Failed
    );
}
