//! Structured logs and embedded metrics, both as lines on standard output.

use std::fmt::Debug;
use std::io::Write as _;

use jiff::Timestamp;
use retrain_core::decision::{Decision, Outcome};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, error, info, warn};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;

const NAMESPACE: &str = "RetrainController";

/// Tracing events with this target carry a metric document and no log message.
const METRICS: &str = "retrain::metrics";

/// Sends logs and metrics of this process to standard output. Call it once.
pub fn init() {
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(filter_fn(|meta| meta.target() != METRICS));
    let level = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry()
        .with(MetricLines.with_filter(filter_fn(|meta| meta.target() == METRICS)))
        .with(logs.with_filter(level))
        .init();
}

/// Logs and counts a decision.
pub fn decided(decision: &Decision) {
    info!(
        model = %decision.slot.model,
        lane = %decision.slot.lane,
        decision = decision.number,
        outcome = decision.outcome.name(),
        event = %decision.event,
        reason = %decision.outcome,
        policy_version = decision.policy_version,
        token = token(&decision.outcome),
        "decided"
    );
    let metric = metric(
        decision.at,
        decision.slot.model.as_str(),
        decision.outcome.name(),
    );
    info!(target: METRICS, document = %metric);
}

/// Logs and counts what needed no decision.
pub fn ignored(at: Timestamp, model: Option<&str>, outcome: &str, subject: &str, reason: &str) {
    info!(model, outcome, event = subject, reason, "ignored");
    let metric = metric(at, model.unwrap_or("none"), outcome);
    info!(target: METRICS, document = %metric);
}

/// Logs and counts a document that is no policy.
pub fn invalid_policies(at: Timestamp, name: &str, version: u64, error: &dyn std::error::Error) {
    warn!(model = name, policy_version = version, reason = %error, "invalid policy");
    let metric = metric(at, name, "invalid_policy");
    info!(target: METRICS, document = %metric);
}

/// Logs that an invocation, or one message of a batch, has failed.
pub fn failed(failure: &Failure) {
    error!(error_type = failure.error_type(), reason = %failure, "failed");
}

fn token(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Claimed { claim } | Outcome::Resumed { claim } => Some(claim.token.as_str()),
        _ => None,
    }
}

/// A document in CloudWatch's embedded metric format: one count, by outcome and by
/// model and outcome.
fn metric(at: Timestamp, model: &str, outcome: &str) -> Value {
    json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Outcome"], ["Model", "Outcome"]],
                "Metrics": [{"Name": "Decisions", "Unit": "Count"}],
            }],
        },
        "Model": model,
        "Outcome": outcome,
        "Decisions": 1,
    })
}

/// Writes metric documents as they are: CloudWatch reads them from lines that hold
/// nothing else.
struct MetricLines;

impl<S: Subscriber> Layer<S> for MetricLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut DocumentLine);
    }
}

struct DocumentLine;

impl Visit for DocumentLine {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "document" {
            // Nothing can be done about a closed standard output.
            let _ = writeln!(std::io::stdout().lock(), "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_an_embedded_metric_document() {
        let at: Timestamp = "2026-01-05T06:00:00Z".parse().unwrap();
        insta::assert_json_snapshot!("decision_metric", metric(at, "fraud-detection", "held"));
    }
}
