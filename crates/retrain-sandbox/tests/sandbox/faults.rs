use retrain_sandbox::{Fault, FaultKind, Outcome, Service};

use crate::client::sandbox;

const START: &str = "StartPipelineExecution";

fn on_start(kind: FaultKind) -> Fault {
    Fault::on(Service::SageMaker, START, kind)
}

#[tokio::test]
async fn faults_without_an_effect_answer_an_error_and_start_nothing() {
    let refuse = FaultKind::Refuse {
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    for (kind, status, code) in [
        (FaultKind::Throttle, 400, "ThrottlingException"),
        (FaultKind::ServerError, 500, "InternalFailure"),
        (FaultKind::Unavailable, 503, "ServiceUnavailable"),
        (refuse, 400, "AccessDeniedException"),
    ] {
        let (sandbox, client) = sandbox().await;
        let fault = sandbox.faults().inject(on_start(kind));
        let reply = client.start(1).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
        assert!(sandbox.sagemaker().executions().is_empty());
        assert_eq!(fault.fired(), 1);
        assert_eq!(client.start(1).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn an_error_after_the_effect_is_a_lie_that_the_token_uncovers() {
    let (sandbox, client) = sandbox().await;
    sandbox
        .faults()
        .inject(on_start(FaultKind::ServerErrorAfter));
    assert_eq!(client.start(1).await.unwrap().status, 500);
    assert_eq!(sandbox.sagemaker().executions().len(), 1);
    assert_eq!(client.start(1).await.unwrap().status, 200);
    assert_eq!(sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn a_dropped_connection_says_nothing_about_the_effect() {
    for (kind, executions) in [(FaultKind::DropBefore, 0), (FaultKind::DropAfter, 1)] {
        let (sandbox, client) = sandbox().await;
        sandbox.faults().inject(on_start(kind).skip(1));
        client.start(1).await.unwrap();
        assert!(client.start(2).await.is_err());
        assert_eq!(sandbox.sagemaker().executions().len(), 1 + executions);
        assert_eq!(sandbox.calls().take()[1].outcome, Outcome::Dropped);
        assert_eq!(client.start(2).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_request_that_is_held_arrives_after_its_worker_has_died() {
    let (sandbox, client) = sandbox().await;
    let fault = sandbox.faults().inject(on_start(FaultKind::HoldBefore));
    let worker = tokio::spawn({
        let client = client.clone();
        async move { client.start(1).await }
    });
    fault.held().await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    assert!(sandbox.sagemaker().executions().is_empty());
    assert_eq!(sandbox.calls().all()[0].outcome, Outcome::Pending);

    fault.release();
    let ended = || sandbox.calls().all()[0].outcome != Outcome::Pending;
    while !ended() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_discarded_never_arrives() {
    let (sandbox, client) = sandbox().await;
    let fault = sandbox.faults().inject(on_start(FaultKind::HoldBefore));
    let (reply, ()) = tokio::join!(client.start(1), async {
        fault.held().await;
        fault.discard();
    });
    assert!(reply.is_err());
    assert!(sandbox.sagemaker().executions().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_held_has_had_its_effect() {
    let (sandbox, client) = sandbox().await;
    let fault = sandbox.faults().inject(on_start(FaultKind::HoldAfter));
    let (reply, executions) = tokio::join!(client.start(1), async {
        fault.held().await;
        let executions = sandbox.sagemaker().executions().len();
        fault.release();
        executions
    });
    assert_eq!((reply.unwrap().status.as_u16(), executions), (200, 1));
}

#[tokio::test]
async fn other_calls_pass_while_one_is_held() {
    let (sandbox, client) = sandbox().await;
    let fault = sandbox.faults().inject(on_start(FaultKind::HoldBefore));
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.start(1).await }
    });
    fault.held().await;
    assert_eq!(client.start(2).await.unwrap().status, 200);
    sandbox.stop().await;
    assert!(held.await.unwrap().is_err());
}
