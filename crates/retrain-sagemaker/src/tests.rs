//! The adapter against a strict SageMaker over HTTP.

mod declared;
mod monitoring;
mod packages;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::config::retry::RetryConfig;
use aws_sdk_sagemaker::config::{BehaviorVersion, Credentials, Region};
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Class, Executions, Found, Registry, Started};
use retrain_core::event::{ExecutionStatus, Refusal};
use retrain_core::execution::Execution;
use retrain_core::lane::{Lane, Target};
use retrain_core::names::{
    ModelName, ModelPackageGroupName, PipelineExecutionArn, PipelineParameterName,
};
use retrain_core::reason::Reasons;
use retrain_core::slot::Claim;
use retrain_core::token::{ClientRequestToken, Epoch};
use retrain_core::trigger::TriggerKind;
use retrain_sandbox::sagemaker::{
    ApprovalStatus, ExecutionStatus as Status, PackageStatus, Pipeline, Step,
};
use retrain_sandbox::{Fault, FaultHandle, FaultKind, Options, Sandbox, Service};
use serde_json::json;

use crate::SageMaker;

const START: &str = "StartPipelineExecution";
const TIMEOUT: Duration = Duration::from_secs(10);

struct Bench {
    sandbox: Sandbox,
    sagemaker: SageMaker,
}

impl Bench {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let pipeline =
            Pipeline::new("fraud-training").parameter_with_default("InputDataUri", "s3://none/");
        sandbox.sagemaker().create_pipeline(pipeline).unwrap();
        let config = aws_sdk_sagemaker::Config::builder()
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
            sagemaker: SageMaker::new(Client::from_conf(config)),
        }
    }

    fn fail(&self, kind: FaultKind) {
        self.fail_in(START, 1, kind);
    }

    /// Harms the next calls of an operation. Three are all that the SDK attempts.
    fn fail_in(&self, operation: &str, times: u64, kind: FaultKind) -> FaultHandle {
        let fault = Fault::on(Service::SageMaker, operation, kind).times(times);
        self.sandbox.faults().inject(fault)
    }

    fn starts(&self) -> usize {
        self.count(START)
    }

    fn count(&self, operation: &str) -> usize {
        self.sandbox.calls().count(Service::SageMaker, operation)
    }

    /// The operations that were called since the last time, in order.
    fn operations(&self) -> Vec<String> {
        let calls = self.sandbox.calls().take();
        calls.into_iter().map(|call| call.operation).collect()
    }

    async fn started(&self, claim: &Claim) -> PipelineExecutionArn {
        match self.sagemaker.start(claim, TIMEOUT).await {
            Started::Accepted(Execution::SagemakerPipeline(arn)) => arn,
            other => panic!("{other:?}"),
        }
    }
}

fn refuse(code: &str, message: &str) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

fn claim(number: u64) -> Claim {
    claim_of("fraud-training", number)
}

fn claim_of(pipeline: &str, number: u64) -> Claim {
    let target = Target::sagemaker_pipeline(pipeline, None).unwrap();
    let model = ModelName::parse("fraud-detection").unwrap();
    let at: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
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

#[tokio::test]
async fn a_start_sends_exactly_what_the_claim_says() {
    let bench = Bench::start().await;
    let claim = claim(1);
    let execution = bench.started(&claim).await;
    let call = bench.sandbox.calls().all().pop().unwrap();
    assert_eq!(
        call.request,
        serde_json::json!({
            "PipelineName": "fraud-training",
            "PipelineExecutionDisplayName": claim.token.display_name(),
            "PipelineParameters": [{"Name": "InputDataUri", "Value": "s3://fraud/"}],
            "PipelineExecutionDescription": "Retrain fraud-detection",
            "ClientRequestToken": claim.token.as_str(),
        })
    );
    // The same claim again is the same execution.
    assert_eq!(bench.started(&claim).await, execution);
    assert_eq!(bench.sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn a_pinned_version_is_asked_for() {
    let bench = Bench::start().await;
    let mut claim = claim(1);
    claim.target = Target::sagemaker_pipeline("fraud-training", NonZeroU64::new(1)).unwrap();
    bench.started(&claim).await;
    let call = bench.sandbox.calls().all().pop().unwrap();
    assert_eq!(call.request["PipelineVersionId"], 1);
    claim.target = Target::sagemaker_pipeline("fraud-training", NonZeroU64::new(u64::MAX)).unwrap();
    let answer = bench.sagemaker.start(&claim, TIMEOUT).await;
    assert!(
        matches!(answer, Started::Refused(Refusal::Misconfigured { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn definite_refusals_are_told_from_unknown_answers_in_one_call_each() {
    let bench = Bench::start().await;
    let refuse = |code: &str| refuse(code, "no");
    let table = [
        (FaultKind::Throttle, "no_capacity"),
        (refuse("ResourceLimitExceeded"), "no_capacity"),
        (refuse("AccessDeniedException"), "misconfigured"),
        (refuse("ConflictException"), "unknown"),
        (refuse("SomethingNewException"), "unknown"),
        (FaultKind::ServerError, "unknown"),
        (FaultKind::Unavailable, "unknown"),
        (FaultKind::ServerErrorAfter, "unknown"),
        (FaultKind::DropBefore, "unknown"),
        (FaultKind::DropAfter, "unknown"),
    ];
    for (n, (kind, expected)) in (1..).zip(table) {
        let shown = format!("{kind:?}");
        bench.fail(kind);
        let before = bench.starts();
        let answer = bench.sagemaker.start(&claim(n), TIMEOUT).await;
        let found = match &answer {
            Started::Accepted(_) => "accepted",
            Started::Refused(Refusal::NoCapacity { .. }) => "no_capacity",
            Started::Refused(Refusal::Misconfigured { .. }) => "misconfigured",
            Started::Unknown(_) => "unknown",
        };
        assert_eq!(found, expected, "{shown}: {answer:?}");
        assert_eq!(
            bench.starts() - before,
            1,
            "{shown} was retried below the controller"
        );
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_over_within_its_timeout() {
    let bench = Bench::start().await;
    let fault = Fault::on(Service::SageMaker, START, FaultKind::HoldAfter);
    let held = bench.sandbox.faults().inject(fault);
    // Nobody answers, so only the timeout can end the call. It leaves a slow machine
    // time to send the request.
    let claim = claim(1);
    let call = bench.sagemaker.start(&claim, Duration::from_secs(2));
    let (answer, ()) = tokio::join!(call, held.held());
    assert!(matches!(answer, Started::Unknown(_)), "{answer:?}");
    assert_eq!(bench.sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn unknown_pipelines_and_parameters_are_misconfigurations() {
    let bench = Bench::start().await;
    let mut unknown_parameter = claim(2);
    unknown_parameter
        .parameters
        .insert(PipelineParameterName::parse("Nope").unwrap(), String::new());
    for claim in [claim_of("no-such-pipeline", 1), unknown_parameter] {
        let answer = bench.sagemaker.start(&claim, TIMEOUT).await;
        assert!(
            matches!(answer, Started::Refused(Refusal::Misconfigured { .. })),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_execution_is_found_by_its_claim_among_many() {
    let bench = Bench::start().await;
    bench.sandbox.sagemaker().set_concurrency_limit(1_000);
    bench.sandbox.sagemaker().lower_case_arns(true);
    let execution = bench.started(&claim(1)).await;
    for n in 2..=120 {
        bench.sandbox.clock().advance(SignedDuration::from_secs(1));
        bench.started(&claim(n)).await;
    }
    let start: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
    let found = bench.sagemaker.find(&claim(1), start).await.unwrap();
    assert_eq!(
        found,
        Some(Found {
            execution: execution.into(),
            started_at: start
        })
    );
    assert_eq!(
        bench.sagemaker.find(&claim(121), start).await.unwrap(),
        None
    );
    // An execution from before the claim is not its own.
    let later = start + SignedDuration::from_secs(1);
    assert_eq!(bench.sagemaker.find(&claim(1), later).await.unwrap(), None);
}

#[tokio::test]
async fn an_execution_is_described_and_stopped() {
    let bench = Bench::start().await;
    let claim = claim(1);
    let execution = bench.started(&claim).await;
    let described = Execution::from(execution.clone());
    let report = bench.sagemaker.describe(&described).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::InFlight);
    assert_eq!(report.display_name, Some(claim.token.display_name()));
    bench
        .sagemaker
        .stop(&execution, &claim.token)
        .await
        .unwrap();
    let report = bench.sagemaker.describe(&described).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::InFlight, "it is stopping");
    let sagemaker = bench.sandbox.sagemaker();
    sagemaker
        .finish(execution.as_str(), Status::Stopped, None)
        .unwrap();
    let report = bench.sagemaker.describe(&described).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::Stopped);
    let missing = execution.as_str().replace("000000000001", "unknown");
    let missing = Execution::parse(&missing).unwrap();
    let report = bench.sagemaker.describe(&missing).await.unwrap();
    assert_eq!(report.status, ExecutionStatus::Gone);
    let other = bench.started(&claim_of("fraud-training", 2)).await;
    sagemaker
        .finish(other.as_str(), Status::Failed, Some("step Train failed"))
        .unwrap();
    let report = bench
        .sagemaker
        .describe(&other.clone().into())
        .await
        .unwrap();
    assert_eq!(
        (report.status, report.failure.as_deref()),
        (ExecutionStatus::Failed, Some("step Train failed"))
    );
}

fn step(name: &str, status: &str, job: Option<&str>, cached_from: Option<&str>) -> Step {
    Step {
        name: name.to_owned(),
        status: status.to_owned(),
        failure_reason: None,
        cached_from: cached_from.map(str::to_owned),
        metadata: job.map(|kind| json!({kind: {"Arn": format!("arn:aws:sagemaker:us-east-1:111122223333:job/{name}")}})),
    }
}

#[tokio::test]
async fn the_steps_of_an_ended_execution_tell_what_failed_and_what_was_not_trained() {
    let bench = Bench::start().await;
    let sagemaker = bench.sandbox.sagemaker();
    let describe = async |arn: &PipelineExecutionArn| {
        bench.sagemaker.describe(&arn.clone().into()).await.unwrap()
    };

    let cached = bench.started(&claim(1)).await;
    let earlier =
        Some("arn:aws:sagemaker:us-east-1:111122223333:pipeline/fraud-training/execution/e0");
    let steps = vec![
        step("Prepare", "Succeeded", Some("ProcessingJob"), earlier),
        step("Train", "Succeeded", Some("TrainingJob"), earlier),
        step("Tune", "Succeeded", Some("TuningJob"), None),
    ];
    sagemaker.set_steps(cached.as_str(), steps).unwrap();
    assert!(describe(&cached).await.steps.is_empty(), "it still runs");
    sagemaker
        .finish(cached.as_str(), Status::Succeeded, None)
        .unwrap();
    assert_eq!(describe(&cached).await.steps.cached_training, ["Train"]);

    let refused = bench.started(&claim(2)).await;
    let steps = vec![
        step("Train", "Succeeded", Some("TrainingJob"), None),
        step("NotBetter", "Failed", None, None),
    ];
    sagemaker.set_steps(refused.as_str(), steps).unwrap();
    sagemaker
        .finish(refused.as_str(), Status::Failed, None)
        .unwrap();
    let steps = describe(&refused).await.steps;
    assert_eq!(
        (steps.failed, steps.cached_training),
        (vec!["NotBetter".to_owned()], vec![])
    );
}

#[tokio::test]
async fn the_baseline_is_the_newest_package_that_is_approved_and_complete() {
    let bench = Bench::start().await;
    let group = ModelPackageGroupName::parse("fraud-detection").unwrap();
    let sagemaker = bench.sandbox.sagemaker();
    let register = |approval, status| {
        bench.sandbox.clock().advance(SignedDuration::from_secs(1));
        sagemaker.register_package("fraud-detection", approval, status)
    };
    register(ApprovalStatus::Approved, PackageStatus::Completed);
    let newest = register(ApprovalStatus::Approved, PackageStatus::Completed);
    register(ApprovalStatus::Approved, PackageStatus::Failed);
    register(
        ApprovalStatus::PendingManualApproval,
        PackageStatus::Completed,
    );
    let found = bench.sagemaker.newest_approved(&group).await.unwrap();
    assert_eq!(found.unwrap().as_str(), newest);
    sagemaker.create_package_group("empty");
    let empty = ModelPackageGroupName::parse("empty").unwrap();
    assert_eq!(bench.sagemaker.newest_approved(&empty).await.unwrap(), None);
    let missing = ModelPackageGroupName::parse("missing").unwrap();
    let error = bench.sagemaker.newest_approved(&missing).await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal);
}
