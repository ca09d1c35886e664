//! Structured logs and embedded metrics, both as lines on standard output.

use std::fmt::Debug;
use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use retrain_controller::{PortError, chain};
use retrain_core::decision::{Decision, Outcome};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, error, info, warn};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;

const NAMESPACE: &str = "RetrainController";

/// Tracing events with this target carry a metric document and no log message.
const METRICS: &str = "retrain::metrics";

/// Sends logs and metrics of this process to standard output. Call it once.
pub(crate) fn init() {
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(filter_fn(|meta| meta.target() != METRICS));
    // Levels by target. The filter that also knows spans and fields would bring a library of
    // regular expressions.
    let wanted = std::env::var("RUST_LOG")
        .ok()
        .filter(|text| !text.is_empty());
    let level: Targets = wanted
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
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
    let metric = Metric {
        breaker_opened: opened_breaker(&decision.outcome),
        ..Metric::of(decision.slot.model.as_str(), decision.outcome.name())
    };
    info!(target: METRICS, document = %metric.document(decision.at));
}

/// Logs and counts what needed no decision.
pub fn ignored(at: Timestamp, model: Option<&str>, outcome: &str, subject: &str, reason: &str) {
    info!(model, outcome, event = subject, reason, "ignored");
    let metric = Metric::of(model.unwrap_or("none"), outcome);
    info!(target: METRICS, document = %metric.document(at));
}

/// Logs and counts a document that is no policy.
pub fn invalid_policies(at: Timestamp, name: &str, version: u64, error: &dyn std::error::Error) {
    warn!(model = name, policy_version = version, reason = %error, "invalid policy");
    let metric = Metric::of(name, "invalid_policy");
    info!(target: METRICS, document = %metric.document(at));
}

/// Logs and counts that the policies are those of before: they cannot be read.
pub fn stale_policies(at: Timestamp, error: &PortError) {
    warn!(reason = chain(error), "stale policies");
    let metric = Metric::of("none", "stale_policies");
    info!(target: METRICS, document = %metric.document(at));
}

/// Tells for how long the slot of a table that has been due for the longest time has
/// waited for a look.
pub fn oldest_due(at: Timestamp, table: &str, age: SignedDuration) {
    info!(target: METRICS, document = %oldest_due_document(at, table, age));
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

fn opened_breaker(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed {
            breaker_opened: true,
            ..
        }
    )
}

/// What is counted of a decision: itself, and the breaker if it opened one.
struct Metric<'a> {
    model: &'a str,
    outcome: &'a str,
    breaker_opened: bool,
}

impl<'a> Metric<'a> {
    const fn of(model: &'a str, outcome: &'a str) -> Self {
        Self {
            model,
            outcome,
            breaker_opened: false,
        }
    }

    /// Counts by outcome and by model and outcome.
    fn document(&self, at: Timestamp) -> Value {
        let mut counts = vec![("Decisions", "Count", 1)];
        if self.breaker_opened {
            counts.push(("BreakersOpened", "Count", 1));
        }
        embedded(
            at,
            &json!([["Outcome"], ["Model", "Outcome"]]),
            &[("Model", self.model), ("Outcome", self.outcome)],
            &counts,
        )
    }
}

fn oldest_due_document(at: Timestamp, table: &str, age: SignedDuration) -> Value {
    embedded(
        at,
        &json!([["Table"]]),
        &[("Table", table)],
        &[("OldestDueAge", "Seconds", age.as_secs())],
    )
}

/// A document in CloudWatch's embedded metric format. A metric is its name, its unit and
/// its value.
fn embedded(
    at: Timestamp,
    dimensions: &Value,
    values: &[(&str, &str)],
    metrics: &[(&str, &str, i64)],
) -> Value {
    let names: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let mut document = Map::new();
    document.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": names,
            }],
        }),
    );
    document.extend(
        values
            .iter()
            .map(|&(name, value)| (name.to_owned(), json!(value))),
    );
    document.extend(
        metrics
            .iter()
            .map(|&(name, _, value)| (name.to_owned(), json!(value))),
    );
    Value::Object(document)
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

    fn monday() -> Timestamp {
        "2026-01-05T06:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_metric_is_an_embedded_metric_document() {
        let metric = Metric::of("fraud-detection", "held");
        insta::assert_json_snapshot!("decision_metric", metric.document(monday()));
    }

    #[test]
    fn a_breaker_that_opens_is_counted_with_its_decision() {
        let metric = Metric {
            breaker_opened: true,
            ..Metric::of("fraud-detection", "failed")
        };
        insta::assert_json_snapshot!("breaker_metric", metric.document(monday()));
    }

    #[test]
    fn the_longest_wait_for_a_look_is_told_in_seconds_by_table() {
        let age = SignedDuration::from_millis(754_900);
        insta::assert_json_snapshot!(
            "oldest_due_metric",
            oldest_due_document(monday(), "retrain", age)
        );
    }
}
