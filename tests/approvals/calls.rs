//! What packages and deployments cost, in calls on AWS, by a function that knows its
//! policies.

use retrain_sandbox::codepipeline::ExecutionStatus::Succeeded;
use retrain_sandbox::sagemaker::ApprovalStatus::{Approved, Rejected};

use super::{MINUTE, Release};

/// The calls since the last count.
fn calls(release: &Release) -> Vec<String> {
    let calls = release.bench.deployment.sandbox.calls().take();
    let names = calls.into_iter().map(|call| call.operation);
    names.filter(|name| name != "GetParametersByPath").collect()
}

/// The calls of the next event about a package.
async fn next(release: &Release, outcome: &str) -> Vec<String> {
    let event = release.mail().remove(0);
    calls(release);
    let answer = release.hear(&event.eventbridge()).await.unwrap();
    assert_eq!(answer.outcome, outcome);
    calls(release)
}

#[tokio::test]
async fn what_the_gate_approves_takes_as_many_calls_as_the_readme_says() {
    let release = Release::start().await;
    release.register("0.95");
    let judged = [
        "DescribeModelPackage",
        "BatchGetItem",
        // The function's first start makes the table's epoch.
        "PutItem",
        "BatchGetItem",
        "GetObject",
        "ListModelPackages",
        "TransactWriteItems",
        "DescribeModelPackage",
        "UpdateModelPackage",
        "TransactWriteItems",
        "DescribeModelPackage",
        "TransactWriteItems",
    ];
    assert_eq!(next(&release, "writing").await, judged);
    let echo = ["DescribeModelPackage", "BatchGetItem"];
    assert_eq!(next(&release, "unchanged").await, echo);

    release.settle().await;
    calls(&release);
    release.end("staging", Succeeded).await;
    let ended = calls(&release);
    assert_eq!(ended.len(), 6, "with what production is told: {ended:?}");
    release.promote(2, "1").await;
    let started = [
        "BatchGetItem",
        "DescribeModelPackage",
        // Whether the package is contested.
        "BatchGetItem",
        "TransactWriteItems",
        "StartPipelineExecution",
        "TransactWriteItems",
    ];
    assert_eq!(calls(&release), started);
    release.end("production", Succeeded).await;
    let refreshed = [
        "GetPipelineExecution",
        "BatchGetItem",
        "TransactWriteItems",
        "DescribeModelPackage",
        "DescribeMonitoringSchedule",
        "DescribeDataQualityJobDefinition",
        "ListTags",
        "CreateDataQualityJobDefinition",
        "UpdateMonitoringSchedule",
        "ListMonitoringSchedules",
        "DeleteDataQualityJobDefinition",
        "TransactWriteItems",
    ];
    assert_eq!(calls(&release), refreshed);
}

#[tokio::test]
async fn what_people_decide_takes_as_many_calls_as_the_readme_says() {
    let release = Release::start().await;
    let first = release.register("0.905");
    release.deliver_all().await;
    release.decide(&first, Approved);
    let approved = next(&release, "approved").await;
    assert_eq!(
        approved.len(),
        11,
        "with staging's start, and described again because the slot was just written: {approved:?}"
    );
    release.end("staging", Succeeded).await;
    release.bench.wait(MINUTE);
    let second = release.register("0.905");
    let waits = next(&release, "awaits_person").await;
    assert_eq!(
        waits.len(),
        10,
        "with the champion's report and the pins: {waits:?}"
    );
    release.decide(&second, Approved);
    release.deliver_all().await;
    release.end("staging", Succeeded).await;
    release.decide(&second, Rejected);
    let rejected = next(&release, "rejected").await;
    assert_eq!(
        rejected.len(),
        18,
        "with the start of what ran before: {rejected:?}"
    );
}
