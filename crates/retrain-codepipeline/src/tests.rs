//! The adapter against a strict CodePipeline over HTTP.

mod declared;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_codepipeline::Client;
use aws_sdk_codepipeline::config::retry::RetryConfig;
use aws_sdk_codepipeline::config::{BehaviorVersion, Credentials, Region};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Class, Executions, Found, Started};
use retrain_core::event::{ExecutionStatus, Refusal};
use retrain_core::execution::Execution;
use retrain_core::lane::{Lane, RETRAIN_TOKEN, Target};
use retrain_core::names::{CodePipelineName, ModelName, PipelineParameterName};
use retrain_core::reason::Reasons;
use retrain_core::slot::Claim;
use retrain_core::token::{ClientRequestToken, Epoch};
use retrain_core::trigger::TriggerKind;
use retrain_sandbox::codepipeline::{ExecutionMode, ExecutionStatus as Status, Pipeline};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

use crate::CodePipeline;

const PIPELINE: &str = "fraud-retraining";
const START: &str = "StartPipelineExecution";
const GET: &str = "GetPipelineExecution";
const TIMEOUT: Duration = Duration::from_secs(10);

struct Bench {
    sandbox: Sandbox,
    codepipeline: CodePipeline,
}

impl Bench {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let pipeline = Pipeline::new(PIPELINE)
            .mode(ExecutionMode::Parallel)
            .variable_with_default("InputDataUri", "s3://none/")
            .variable_with_default(RETRAIN_TOKEN, "none");
        sandbox.codepipeline().create_pipeline(pipeline).unwrap();
        let config = aws_sdk_codepipeline::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            // Three attempts, as in production: a start must not use them.
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::ZERO))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            sandbox,
            codepipeline: CodePipeline::new(Client::from_conf(config)),
        }
    }

    fn fail(&self, operation: &str, kind: FaultKind) {
        self.sandbox
            .faults()
            .inject(Fault::on(Service::CodePipeline, operation, kind));
    }

    fn count(&self, operation: &str) -> usize {
        self.sandbox.calls().count(Service::CodePipeline, operation)
    }

    fn pass(&self, seconds: i64) {
        let by = SignedDuration::from_secs(seconds);
        self.sandbox.clock().advance(by);
    }

    async fn started(&self, claim: &Claim) -> Execution {
        match self.codepipeline.start(claim, TIMEOUT).await {
            Started::Accepted(execution) => execution,
            other => panic!("{other:?}"),
        }
    }
}

fn claim(number: u64) -> Claim {
    let name = CodePipelineName::parse(PIPELINE).unwrap();
    claim_of(Target::Codepipeline { name }, number)
}

fn claim_of(target: Target, number: u64) -> Claim {
    let model = ModelName::parse("fraud-detection").unwrap();
    let at = monday();
    Claim {
        number,
        token: ClientRequestToken::derive(
            &Epoch::derive(&["t"]),
            &model,
            &Lane::Retrain,
            &target,
            number,
        ),
        target,
        parameters: BTreeMap::from([(
            PipelineParameterName::parse("InputDataUri").unwrap(),
            "s3://fraud/".to_owned(),
        )]),
        description: "Retrain fraud-detection".to_owned(),
        kind: TriggerKind::Drift,
        reasons: Reasons::default(),
        data: None,
        package: None,
        policy_version: 1,
        claimed_at: at,
        attempt: 1,
        lease_until: at,
        resume_at: at,
    }
}

/// What the sandbox's clock begins with.
fn monday() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

fn id(execution: &Execution) -> &str {
    match execution {
        Execution::Codepipeline { id, .. } => id.as_str(),
        Execution::SagemakerPipeline(arn) => panic!("{arn}"),
    }
}

#[tokio::test]
async fn a_start_sends_exactly_what_the_claim_says() {
    let bench = Bench::start().await;
    let claim = claim(1);
    let execution = bench.started(&claim).await;
    let call = bench.sandbox.calls().all().pop().unwrap();
    assert_eq!(
        call.request,
        serde_json::json!({
            "name": PIPELINE,
            "clientRequestToken": claim.token.as_str(),
            "variables": [
                {"name": "InputDataUri", "value": "s3://fraud/"},
                {"name": "RETRAIN_TOKEN", "value": claim.token.as_str()},
            ],
        })
    );
    // The same claim again is the same execution.
    assert_eq!(bench.started(&claim).await, execution);
    let executions = bench.sandbox.codepipeline().executions();
    assert_eq!(executions.len(), 1);
    assert_eq!(
        execution.to_string(),
        format!("codepipeline/{PIPELINE}/{}", executions[0].id)
    );
}

#[tokio::test]
async fn definite_refusals_are_told_from_unknown_answers_in_one_call_each() {
    let bench = Bench::start().await;
    let refuse = |code: &str| FaultKind::Refuse {
        code: code.to_owned(),
        message: "no".to_owned(),
    };
    let table = [
        (FaultKind::Throttle, "no_capacity"),
        (refuse("ConflictException"), "no_capacity"),
        (
            refuse("ConcurrentPipelineExecutionsLimitExceededException"),
            "no_capacity",
        ),
        (refuse("AccessDeniedException"), "misconfigured"),
        (refuse("SomethingNewException"), "unknown"),
        (FaultKind::ServerError, "unknown"),
        (FaultKind::Unavailable, "unknown"),
        (FaultKind::ServerErrorAfter, "unknown"),
        (FaultKind::DropBefore, "unknown"),
        (FaultKind::DropAfter, "unknown"),
    ];
    for (n, (kind, expected)) in (1..).zip(table) {
        let shown = format!("{kind:?}");
        bench.fail(START, kind);
        let before = bench.count(START);
        let answer = bench.codepipeline.start(&claim(n), TIMEOUT).await;
        let found = match &answer {
            Started::Accepted(_) => "accepted",
            Started::Refused(Refusal::NoCapacity { .. }) => "no_capacity",
            Started::Refused(Refusal::Misconfigured { .. }) => "misconfigured",
            Started::Unknown(_) => "unknown",
        };
        assert_eq!(found, expected, "{shown}: {answer:?}");
        assert_eq!(
            bench.count(START) - before,
            1,
            "{shown} was retried below the controller"
        );
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_over_within_its_timeout() {
    let bench = Bench::start().await;
    let fault = Fault::on(Service::CodePipeline, START, FaultKind::HoldAfter);
    let held = bench.sandbox.faults().inject(fault);
    // Nobody answers, so only the timeout can end the call. It leaves a slow machine
    // time to send the request.
    let claim = claim(1);
    let call = bench.codepipeline.start(&claim, Duration::from_secs(2));
    let (answer, ()) = tokio::join!(call, held.held());
    assert!(matches!(answer, Started::Unknown(_)), "{answer:?}");
    assert_eq!(bench.sandbox.codepipeline().executions().len(), 1);
}

#[tokio::test]
async fn what_codepipeline_can_never_start_is_a_misconfiguration() {
    let bench = Bench::start().await;
    let without_variable = Pipeline::new("no-token").variable_with_default("InputDataUri", "x");
    let sandbox = bench.sandbox.codepipeline();
    sandbox.create_pipeline(without_variable).unwrap();
    let of = |name: &str| {
        let name = CodePipelineName::parse(name).unwrap();
        claim_of(Target::Codepipeline { name }, 1)
    };
    let with = |name: &str, value: &str| {
        let mut claim = claim(2);
        let name = PipelineParameterName::parse(name).unwrap();
        claim.parameters.insert(name, value.to_owned());
        claim
    };
    let of_sagemaker = claim_of(Target::sagemaker_pipeline(PIPELINE, None).unwrap(), 1);
    for claim in [
        of("no-such-pipeline"),
        of("no-token"),
        with("Nope", "x"),
        with("InputDataUri", ""),
        of_sagemaker,
    ] {
        let answer = bench.codepipeline.start(&claim, TIMEOUT).await;
        assert!(
            matches!(answer, Started::Refused(Refusal::Misconfigured { .. })),
            "{answer:?}"
        );
    }
    assert!(sandbox.executions().is_empty());
}

#[tokio::test]
async fn a_full_pipeline_has_no_capacity() {
    let bench = Bench::start().await;
    bench.sandbox.codepipeline().set_concurrency_limit(0);
    let answer = bench.codepipeline.start(&claim(1), TIMEOUT).await;
    assert!(
        matches!(answer, Started::Refused(Refusal::NoCapacity { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_execution_is_found_by_its_claim_among_many_whatever_became_of_it() {
    let bench = Bench::start().await;
    let sandbox = bench.sandbox.codepipeline();
    sandbox.set_concurrency_limit(1_000);
    for _ in 0..3 {
        sandbox.start_by_hand(PIPELINE).unwrap();
    }
    bench.pass(60);
    let start = bench.sandbox.clock().now();
    let execution = bench.started(&claim(1)).await;
    sandbox
        .finish(id(&execution), Status::Superseded, None)
        .unwrap();
    // More than a page, of which all but the first is read for a claim without one.
    for n in 2..=100 {
        bench.pass(1);
        bench.started(&claim(n)).await;
    }
    let find = async |n: u64, earliest| bench.codepipeline.find(&claim(n), earliest).await;
    let before = bench.count(GET);
    let found = find(1, start).await.unwrap();
    assert_eq!(
        found,
        Some(Found {
            execution,
            started_at: start
        })
    );
    assert_eq!(bench.count(GET) - before, 1, "the oldest is read first");
    assert_eq!(bench.count("ListPipelineExecutions"), 2);
    assert_eq!(find(101, start).await.unwrap(), None);
    assert_eq!(bench.count(GET) - before, 101);
    // An execution from before the claim is not its own.
    let later = start + SignedDuration::from_secs(1);
    assert_eq!(find(1, later).await.unwrap(), None);
    // A page that is older is the last.
    let lists = bench.count("ListPipelineExecutions");
    let tomorrow = start + SignedDuration::from_hours(24);
    assert_eq!(find(100, tomorrow).await.unwrap(), None);
    assert_eq!(bench.count("ListPipelineExecutions") - lists, 1);
}

/// The search begins long before the claim, for clocks that are wrong.
#[tokio::test]
async fn what_others_started_before_does_not_hide_the_claims_own() {
    let bench = Bench::start().await;
    let sandbox = bench.sandbox.codepipeline();
    sandbox.set_concurrency_limit(1_000);
    let earliest = bench.sandbox.clock().now();
    for _ in 0..120 {
        sandbox.start_by_hand(PIPELINE).unwrap();
        bench.pass(20);
    }
    let claim = Claim {
        claimed_at: bench.sandbox.clock().now(),
        ..claim(1)
    };
    bench.pass(2);
    let execution = bench.started(&claim).await;
    bench.pass(60);
    for _ in 0..120 {
        sandbox.start_by_hand(PIPELINE).unwrap();
    }
    let found = bench.codepipeline.find(&claim, earliest).await.unwrap();
    assert_eq!(found.unwrap().execution, execution);
    assert_eq!(bench.count(GET), 1);
}

#[tokio::test]
async fn a_look_that_would_read_too_much_says_so_instead_of_no() {
    let bench = Bench::start().await;
    let sandbox = bench.sandbox.codepipeline();
    for _ in 0..101 {
        sandbox.start_by_hand(PIPELINE).unwrap();
    }
    let error = bench.codepipeline.find(&claim(1), monday()).await;
    assert_eq!(error.unwrap_err().class(), Class::Retryable);
    assert_eq!(bench.count(GET), 100);
}

#[tokio::test]
async fn a_look_fails_where_it_could_not_see() {
    let bench = Bench::start().await;
    bench.started(&claim(1)).await;
    let denied = FaultKind::Refuse {
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    for operation in ["ListPipelineExecutions", GET] {
        bench.fail(operation, denied.clone());
        let error = bench.codepipeline.find(&claim(2), monday()).await;
        assert_eq!(error.unwrap_err().class(), Class::Terminal, "{operation}");
        // Reads are repeated by the SDK.
        bench.fail(operation, FaultKind::Unavailable);
        let found = bench.codepipeline.find(&claim(2), monday()).await;
        assert_eq!(found.unwrap(), None, "{operation}");
    }
    let target = Target::sagemaker_pipeline(PIPELINE, None).unwrap();
    let error = bench
        .codepipeline
        .find(&claim_of(target, 1), monday())
        .await;
    assert_eq!(error.unwrap_err().class(), Class::Terminal);
    // Executions go with their pipeline.
    let sandbox = bench.sandbox.codepipeline();
    sandbox.delete_pipeline(PIPELINE).unwrap();
    let found = bench.codepipeline.find(&claim(1), monday()).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn an_execution_is_described_as_it_is_now() {
    let bench = Bench::start().await;
    let sandbox = bench.sandbox.codepipeline();
    for (n, (status, expected)) in (1..).zip([
        (Status::Succeeded, ExecutionStatus::Succeeded),
        (Status::Failed, ExecutionStatus::Failed),
        (Status::Stopped, ExecutionStatus::Stopped),
        (Status::Cancelled, ExecutionStatus::Canceled),
        (Status::Superseded, ExecutionStatus::Superseded),
    ]) {
        let claim = claim(n);
        let execution = bench.started(&claim).await;
        let report = bench.codepipeline.describe(&execution).await.unwrap();
        assert_eq!(report.status, ExecutionStatus::InFlight);
        assert_eq!(report.display_name, Some(claim.token.display_name()));
        assert_eq!((report.failure, report.started_at), (None, None));
        sandbox
            .finish(id(&execution), status, Some("action Train failed"))
            .unwrap();
        let report = bench.codepipeline.describe(&execution).await.unwrap();
        assert_eq!(report.status, expected);
        assert_eq!(report.execution, execution);
        let failed = status == Status::Failed;
        let failure = failed.then_some("action Train failed");
        assert_eq!(report.failure.as_deref(), failure);
    }
}

#[tokio::test]
async fn an_execution_of_somebody_else_has_no_display_name() {
    let bench = Bench::start().await;
    let sandbox = bench.sandbox.codepipeline();
    let by_hand = sandbox.start_by_hand(PIPELINE).unwrap();
    let execution = Execution::parse(&format!("codepipeline/{PIPELINE}/{by_hand}")).unwrap();
    let report = bench.codepipeline.describe(&execution).await.unwrap();
    assert_eq!(report.display_name, None);
    assert_eq!(report.status, ExecutionStatus::InFlight);
}

#[tokio::test]
async fn what_codepipeline_does_not_know_is_gone() {
    let bench = Bench::start().await;
    let execution = bench.started(&claim(1)).await;
    let unknown = "codepipeline/fraud-retraining/00000000-0000-4000-8000-00000000cafe";
    let unknown = Execution::parse(unknown).unwrap();
    let report = bench.codepipeline.describe(&unknown).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::Gone);
    let sandbox = bench.sandbox.codepipeline();
    sandbox.delete_pipeline(PIPELINE).unwrap();
    let report = bench.codepipeline.describe(&execution).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::Gone);
    assert_eq!(report.execution, execution);

    let of_sagemaker = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/f/execution/1";
    let of_sagemaker = Execution::parse(of_sagemaker).unwrap();
    let error = bench.codepipeline.describe(&of_sagemaker).await;
    assert_eq!(error.unwrap_err().class(), Class::Terminal);
}
