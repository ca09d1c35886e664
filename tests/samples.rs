//! Every sample event leads to the decision that events/README.md promises.

use std::path::PathBuf;

use data_arrival::Reply;
use jiff::SignedDuration;
use retrain_aws::Answer;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use serde_json::Value;

use crate::approvals::bench_before;
use crate::bench::Bench;

pub(crate) struct Row {
    pub(crate) sample: String,
    decision: String,
}

impl Row {
    /// Whether what was found is what the table promises.
    pub(crate) fn promises(&self, found: &str) -> bool {
        match self.decision.split([' ', ':']).next().unwrap() {
            "terminal" => {
                let name = self.decision.split('`').nth(1).unwrap();
                found.strip_prefix("Terminal.") == Some(name)
            }
            word => word.trim_end_matches([';', ',']) == found,
        }
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events/README.md");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let sample = cells.get(1)?.strip_prefix('`')?.strip_suffix(".json`")?;
            Some(Row {
                sample: sample.to_owned(),
                decision: (*cells.get(4)?).to_owned(),
            })
        })
        .collect()
}

/// What drift-alarm does with the sample, in the words of the table.
async fn drift_decision(sample: &str) -> String {
    let bench = Bench::start().await;
    // The samples happen on the sandbox's first day.
    bench.wait(SignedDuration::from_hours(23));
    let event = retrain_local::sample(sample).unwrap();
    match bench.deliver(event.event()).await {
        Ok(answers) => first_word(&answers[0]),
        Err(failure) => failure.error_type(),
    }
}

fn first_word(answer: &Answer) -> String {
    if answer.outcome == "claimed" {
        assert_eq!(answer.then[0].outcome, "started", "{answer:?}");
        return "started".to_owned();
    }
    answer.outcome.clone()
}

/// What execution-status does with the sample when the slot runs execution
/// 000000000001, a second one was started by hand, and SageMaker would say of them
/// what the sample says.
async fn status_decision(sample: &str) -> String {
    let bench = Bench::start().await;
    let event = retrain_local::sample(sample).unwrap();
    run(&bench, event.event()).await;
    let function = bench.deployment.execution_status();
    let clock = bench.deployment.clock();
    match Box::pin(function.handle_at(event.event(), &clock)).await {
        Ok(answer) => first_word(&answer),
        Err(failure) => failure.error_type(),
    }
}

/// Lets the slot run execution 000000000001, starts a second one by hand, and lets the first
/// become what the event says.
pub(crate) async fn run(bench: &Bench, event: &Value) {
    bench.outcome(&bench.alarm()).await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker
        .start_by_hand("fraud-detection-training", "by-hand")
        .unwrap();
    let told = event.pointer("/detail/currentPipelineExecutionStatus");
    let status = match told.and_then(|status| status.as_str()) {
        Some("Succeeded") => Some(Status::Succeeded),
        Some("Failed") => Some(Status::Failed),
        Some("CompletedWithFailures") => Some(Status::CompletedWithFailures),
        Some("Stopped") => Some(Status::Stopped),
        _ => None,
    };
    if let Some(status) = status {
        let first = &bench.executions()[0].arn;
        sagemaker.finish(first, status, None).unwrap();
    }
}

/// What data-arrival does with the sample; its objects do not exist.
async fn data_decision(sample: &str) -> String {
    let bench = Bench::start().await;
    let event = retrain_local::sample(sample).unwrap();
    let function = bench.deployment.data_arrival();
    let clock = bench.deployment.clock();
    match Box::pin(function.handle_at(event.event(), &clock)).await {
        Ok(Reply::Direct(summary)) => summary
            .answers
            .first()
            .map_or("ignored".to_owned(), first_word),
        Ok(Reply::Batch(answer)) => {
            let failed = answer.batch_item_failures.len();
            let messages = event.event()["Records"].as_array().map_or(0, Vec::len);
            let slot = bench.slot().await;
            match (failed, slot.version) {
                (_, 1..) => "counted".to_owned(),
                (0, 0) => "ignored".to_owned(),
                (_, 0) => {
                    assert_eq!(failed, messages, "{sample}");
                    "returned".to_owned()
                }
            }
        }
        Err(failure) => failure.error_type(),
    }
}

/// What the reconciler does with the sample for an idle model.
async fn request_decision(sample: &str) -> String {
    let event = retrain_local::sample(sample).unwrap();
    let bench = bench_before(event.event(), Bench::start().await).await;
    bench.wait(SignedDuration::from_hours(23));
    let function = bench.deployment.reconciler();
    let clock = bench.deployment.clock();
    match Box::pin(function.handle_at(event.event(), &clock)).await {
        Ok(summary) => summary
            .answers
            .first()
            .map_or("looked".to_owned(), first_word),
        Err(failure) => failure.error_type(),
    }
}

/// What model-approval does with the sample when SageMaker says of the package or the
/// endpoint what the sample says.
async fn package_decision(sample: &str) -> String {
    let event = retrain_local::sample(sample).unwrap();
    let bench = bench_before(event.event(), Bench::start().await).await;
    let function = bench.deployment.model_approval();
    let clock = bench.deployment.clock();
    match Box::pin(function.handle_at(event.event(), &clock)).await {
        Ok(answer) => first_word(&answer),
        Err(failure) => failure.error_type(),
    }
}

#[tokio::test]
async fn every_sample_is_decided_as_documented() {
    let rows = rows();
    assert!(rows.len() >= 70, "{} rows", rows.len());
    for row in rows {
        let of_execution =
            row.sample.starts_with("execution-status/") || row.sample.contains("/execution-");
        let of_request = row.sample.starts_with("reconciler/") || row.sample.contains("/request-");
        let of_data = row.sample.starts_with("data-arrival/") || row.sample.contains("/data-");
        let of_package =
            row.sample.starts_with("model-approval/") || row.sample.contains("/package-");
        let found = if of_package {
            package_decision(&row.sample).await
        } else if of_data {
            data_decision(&row.sample).await
        } else if of_execution {
            status_decision(&row.sample).await
        } else if of_request {
            request_decision(&row.sample).await
        } else {
            drift_decision(&row.sample).await
        };
        assert!(
            row.promises(&found),
            "{}: documented {:?}, found {found:?}",
            row.sample,
            row.decision
        );
    }
}
