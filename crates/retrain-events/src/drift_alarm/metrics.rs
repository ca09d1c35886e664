//! The metrics that an alarm watches and the kind of alarm that they make.

use std::collections::BTreeMap;

use retrain_core::drift::{AlarmForm, AlarmMetric};

use crate::error::InvalidEvent;
use crate::node::Node;

/// Entries of one alarm that are read; CloudWatch allows fewer.
const ENTRIES: usize = 100;

/// Dimensions of one metric that are read: as many as CloudWatch allows.
const DIMENSIONS: usize = 30;

/// CloudWatch's limits for a namespace, a metric's and a dimension's name, and for a
/// dimension's value.
const NAME: usize = 255;
const DIMENSION_VALUE: usize = 1024;

/// How an envelope spells the fields of an alarm's metrics.
pub(super) struct Spelling {
    stat: &'static str,
    expression: &'static str,
    metric: &'static str,
    namespace: &'static str,
    name: &'static str,
    dimensions: &'static str,
}

/// EventBridge events and direct alarm actions.
pub(super) const IN_EVENTS: Spelling = Spelling {
    stat: "metricStat",
    expression: "expression",
    metric: "metric",
    namespace: "namespace",
    name: "name",
    dimensions: "dimensions",
};

/// SNS notifications.
pub(super) const IN_NOTIFICATIONS: Spelling = Spelling {
    stat: "MetricStat",
    expression: "Expression",
    metric: "Metric",
    namespace: "Namespace",
    name: "MetricName",
    dimensions: "Dimensions",
};

/// What an alarm's configuration says.
pub(super) struct Watched {
    pub(super) form: AlarmForm,
    pub(super) metrics: Vec<AlarmMetric>,
}

impl Watched {
    /// An alarm without metrics: a composite one has a rule.
    pub(super) fn no_metrics(rule: bool) -> Self {
        let form = if rule {
            AlarmForm::Composite
        } else {
            AlarmForm::Other
        };
        Self {
            form,
            metrics: Vec::new(),
        }
    }

    /// An alarm on the one metric whose fields `holder` has.
    pub(super) fn single(holder: &Node<'_>, keys: &Spelling) -> Result<Self, InvalidEvent> {
        Ok(Self {
            form: AlarmForm::SingleMetric,
            metrics: vec![metric(holder, keys)?],
        })
    }

    /// An alarm with a list of metrics and expressions.
    ///
    /// Metrics that are not returned are kept too: metric math watches an expression,
    /// and only the entries that feed it name a namespace.
    pub(super) fn listed(entries: &Node<'_>, keys: &Spelling) -> Result<Self, InvalidEvent> {
        let mut metrics = Vec::new();
        let mut expressions = Vec::new();
        for entry in entries.items()?.take(ENTRIES) {
            if let Some(stat) = entry.optional(keys.stat)? {
                metrics.push(metric(&stat.required(keys.metric)?, keys)?);
            }
            if let Some(expression) = entry.optional(keys.expression)? {
                expressions.push(expression.text()?);
            }
        }
        Ok(Self {
            form: form(&expressions, !metrics.is_empty()),
            metrics,
        })
    }
}

/// The kind of alarm. A band over a query or a formula is still a band.
fn form(expressions: &[&str], any_metric: bool) -> AlarmForm {
    if expressions.iter().any(|expression| is_band(expression)) {
        AlarmForm::AnomalyBand
    } else if expressions.iter().any(|expression| is_query(expression)) {
        AlarmForm::MetricsInsights
    } else if !expressions.is_empty() {
        AlarmForm::MetricMath
    } else if any_metric {
        AlarmForm::SingleMetric
    } else {
        AlarmForm::Other
    }
}

fn is_band(expression: &str) -> bool {
    expression
        .to_ascii_uppercase()
        .contains("ANOMALY_DETECTION_BAND")
}

fn is_query(expression: &str) -> bool {
    expression
        .split_ascii_whitespace()
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
}

fn metric(holder: &Node<'_>, keys: &Spelling) -> Result<AlarmMetric, InvalidEvent> {
    let dimensions = holder.optional(keys.dimensions)?;
    Ok(AlarmMetric {
        namespace: holder
            .required(keys.namespace)?
            .text_up_to(NAME)?
            .to_owned(),
        name: holder.required(keys.name)?.text_up_to(NAME)?.to_owned(),
        dimensions: dimensions
            .as_ref()
            .map(dimensions_of)
            .transpose()?
            .unwrap_or_default(),
    })
}

/// Events map names to values; notifications list pairs, with either capitalisation.
fn dimensions_of(node: &Node<'_>) -> Result<BTreeMap<String, String>, InvalidEvent> {
    if node.is_list() {
        return node
            .items()?
            .take(DIMENSIONS)
            .map(|pair| pair_of(&pair))
            .collect();
    }
    node.entries()?
        .take(DIMENSIONS)
        .map(|(name, value)| dimension(&value, name, &value))
        .collect()
}

fn pair_of(pair: &Node<'_>) -> Result<(String, String), InvalidEvent> {
    let either = |lower, upper| match pair.optional(upper)? {
        Some(field) => Ok(field),
        None => pair.required(lower),
    };
    let name = either("name", "Name")?;
    dimension(&name, name.text()?, &either("value", "Value")?)
}

fn dimension(
    name_at: &Node<'_>,
    name: &str,
    value: &Node<'_>,
) -> Result<(String, String), InvalidEvent> {
    if name.chars().nth(NAME).is_some() {
        return Err(name_at.invalid(format!("has a name of more than {NAME} characters")));
    }
    Ok((
        name.to_owned(),
        value.text_up_to(DIMENSION_VALUE)?.to_owned(),
    ))
}
