//! Which alarms mean drift of a model.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::drift::{AlarmMetric, AlarmTransition, DriftKind, NamespaceClass};
use crate::names::{AlarmArn, EndpointName, MonitoringScheduleName};
use crate::pattern::NamePattern;

/// The alarms that mean drift of one model. An alarm is the model's when any one
/// of the matchers fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DriftPolicy {
    /// The matchers, tried in this order; at most 100.
    pub alarms: Vec<AlarmMatcher>,
}

/// Describes alarms. Every field that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlarmMatcher {
    /// The alarm's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_arn: Option<AlarmArn>,
    /// The alarm's name; `*` stands for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_name: Option<NamePattern>,
    /// The endpoint in the metric's dimensions. Without a `namespace`, only
    /// Model Monitor's own namespaces count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointName>,
    /// The monitoring schedule in the metric's dimensions. Without a `namespace`,
    /// only Model Monitor's own namespaces count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring_schedule: Option<MonitoringScheduleName>,
    /// The metric's namespace, for metrics of the team's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The metric's name; `*` stands for any text. Needs `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<NamePattern>,
    /// Dimensions that the metric must have, among others. Needs `namespace`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// The kind of drift to record, instead of what the namespace says. The only
    /// way to give composite alarms a kind other than `custom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DriftKind>,
}

/// What a policy makes of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmMatch {
    /// The alarm means drift of this kind.
    Drift(DriftKind),
    /// The alarm is the model's by name or ARN, but can never mean drift.
    Never(NotDrift),
    /// The alarm is not this model's.
    No,
}

/// Why an alarm that a policy names does not mean drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotDrift {
    /// It watches an endpoint's latency, errors or utilisation only.
    InfrastructureMetric,
}

impl fmt::Display for NotDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InfrastructureMetric => {
                f.write_str("it watches infrastructure metrics, which are never drift")
            }
        }
    }
}

impl DriftPolicy {
    /// Whether the model has no drift trigger.
    pub fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }

    /// Whether every matcher says which alarms it means. A part of a broken policy
    /// is only worth looking at if it passes.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.alarms.len() > 100 {
            return Err(PolicyError::at("drift.alarms", "at most 100 matchers"));
        }
        for (index, matcher) in self.alarms.iter().enumerate() {
            matcher
                .check()
                .map_err(|reason| PolicyError::at(format_args!("drift.alarms[{index}]"), reason))?;
        }
        Ok(())
    }

    /// What this policy makes of the alarm.
    pub fn matches(&self, alarm: &AlarmTransition) -> AlarmMatch {
        let fits = |matcher: &&AlarmMatcher| matcher.fits(alarm);
        match self.alarms.iter().find(fits) {
            None => AlarmMatch::No,
            Some(_) if only_infrastructure(&alarm.metrics) => {
                AlarmMatch::Never(NotDrift::InfrastructureMetric)
            }
            Some(matcher) => {
                AlarmMatch::Drift(matcher.kind.unwrap_or_else(|| kind_of(&alarm.metrics)))
            }
        }
    }
}

impl AlarmMatcher {
    fn check(&self) -> Result<(), &'static str> {
        let identifies = self.alarm_arn.is_some()
            || self.alarm_name.is_some()
            || self.endpoint.is_some()
            || self.monitoring_schedule.is_some()
            || self.namespace.is_some();
        if !identifies {
            return Err(
                "needs at least one of alarm_arn, alarm_name, endpoint, monitoring_schedule or namespace",
            );
        }
        if self.namespace.is_none() && (self.metric.is_some() || !self.dimensions.is_empty()) {
            return Err("metric and dimensions need a namespace");
        }
        if self
            .namespace
            .as_deref()
            .is_some_and(|name| name.is_empty() || name.len() > 255)
        {
            return Err("namespace must have 1 to 255 characters");
        }
        if self.dimensions.len() > 30 {
            return Err("a metric has at most 30 dimensions");
        }
        Ok(())
    }

    fn fits(&self, alarm: &AlarmTransition) -> bool {
        let by_name = self
            .alarm_arn
            .as_ref()
            .is_none_or(|arn| *arn == alarm.alarm)
            && self
                .alarm_name
                .as_ref()
                .is_none_or(|pattern| pattern.matches(alarm.alarm.alarm_name()));
        by_name
            && (!self.names_a_metric()
                || alarm.metrics.iter().any(|metric| self.fits_metric(metric)))
    }

    const fn names_a_metric(&self) -> bool {
        self.endpoint.is_some() || self.monitoring_schedule.is_some() || self.namespace.is_some()
    }

    fn fits_metric(&self, metric: &AlarmMetric) -> bool {
        let namespace = match &self.namespace {
            Some(wanted) => same_namespace(wanted, &metric.namespace),
            None => matches!(
                NamespaceClass::of(&metric.namespace),
                NamespaceClass::Monitor(_)
            ),
        };
        namespace
            && self
                .endpoint
                .as_ref()
                .is_none_or(|name| metric.endpoint() == Some(name.as_str()))
            && self
                .monitoring_schedule
                .as_ref()
                .is_none_or(|name| metric.monitoring_schedule() == Some(name.as_str()))
            && self
                .metric
                .as_ref()
                .is_none_or(|pattern| pattern.matches(&metric.name))
            && self
                .dimensions
                .iter()
                .all(|(name, value)| metric.dimensions.get(name) == Some(value))
    }
}

/// Model Monitor's namespaces have several spellings; others have one.
fn same_namespace(wanted: &str, found: &str) -> bool {
    match NamespaceClass::of(wanted) {
        NamespaceClass::Monitor(kind) => NamespaceClass::of(found) == NamespaceClass::Monitor(kind),
        NamespaceClass::Infrastructure | NamespaceClass::Custom => wanted == found,
    }
}

fn only_infrastructure(metrics: &[AlarmMetric]) -> bool {
    !metrics.is_empty()
        && metrics
            .iter()
            .all(|metric| NamespaceClass::of(&metric.namespace) == NamespaceClass::Infrastructure)
}

/// The first of Model Monitor's kinds among the metrics, or `custom`.
fn kind_of(metrics: &[AlarmMetric]) -> DriftKind {
    metrics
        .iter()
        .find_map(|metric| match NamespaceClass::of(&metric.namespace) {
            NamespaceClass::Monitor(kind) => Some(kind),
            NamespaceClass::Infrastructure | NamespaceClass::Custom => None,
        })
        .unwrap_or(DriftKind::Custom)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;
    use crate::drift::{AlarmForm, AlarmState};

    fn policy(matcher: &str) -> DriftPolicy {
        DriftPolicy {
            alarms: vec![serde_json::from_str(matcher).unwrap()],
        }
    }

    /// Namespace, metric name and dimensions.
    type Metric<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn alarm(name: &str, metrics: &[Metric<'_>]) -> AlarmTransition {
        AlarmTransition {
            alarm: AlarmArn::parse(alloc::format!(
                "arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"
            ))
            .unwrap(),
            state: AlarmState::Alarm,
            at: "2026-01-05T00:00:00Z".parse().unwrap(),
            form: AlarmForm::SingleMetric,
            metrics: metrics
                .iter()
                .map(|(namespace, name, dimensions)| AlarmMetric {
                    namespace: namespace.to_string(),
                    name: name.to_string(),
                    dimensions: dimensions
                        .iter()
                        .map(|(k, v)| (k.to_string(), v.to_string()))
                        .collect(),
                })
                .collect(),
            silenced: None,
            reason: None,
        }
    }

    const DATA: &str = "aws/sagemaker/Endpoints/data-metrics";

    #[test]
    fn an_endpoint_matches_monitor_metrics_in_both_spellings() {
        let policy = policy(r#"{"endpoint": "fraud"}"#);
        for dimension in ["Endpoint", "EndpointName"] {
            let alarm = alarm(
                "a",
                &[(DATA, "feature_baseline_drift_x", &[(dimension, "fraud")])],
            );
            assert_eq!(
                policy.matches(&alarm),
                AlarmMatch::Drift(DriftKind::DataQuality)
            );
        }
        let other = alarm("a", &[(DATA, "m", &[("Endpoint", "other")])]);
        assert_eq!(policy.matches(&other), AlarmMatch::No);
    }

    #[test]
    fn latency_of_the_endpoint_is_never_drift() {
        let latency = alarm(
            "fraud-latency",
            &[(
                "AWS/SageMaker",
                "ModelLatency",
                &[("EndpointName", "fraud")],
            )],
        );
        assert_eq!(
            policy(r#"{"endpoint": "fraud"}"#).matches(&latency),
            AlarmMatch::No
        );
        assert_eq!(
            policy(r#"{"alarm_name": "fraud-*"}"#).matches(&latency),
            AlarmMatch::Never(NotDrift::InfrastructureMetric)
        );
    }

    #[test]
    fn custom_metrics_match_by_namespace_metric_and_dimensions() {
        let policy = policy(
            r#"{"namespace": "Fraud/Drift", "metric": "psi_*", "dimensions": {"Stage": "prod"}}"#,
        );
        let fits = alarm(
            "a",
            &[(
                "Fraud/Drift",
                "psi_amount",
                &[("Stage", "prod"), ("Other", "x")],
            )],
        );
        assert_eq!(policy.matches(&fits), AlarmMatch::Drift(DriftKind::Custom));
        for other in [
            alarm("a", &[("Fraud/drift", "psi_amount", &[("Stage", "prod")])]),
            alarm("a", &[("Fraud/Drift", "ks_amount", &[("Stage", "prod")])]),
            alarm("a", &[("Fraud/Drift", "psi_amount", &[("Stage", "test")])]),
            alarm("a", &[]),
        ] {
            assert_eq!(policy.matches(&other), AlarmMatch::No);
        }
    }

    #[test]
    fn a_composite_is_matched_by_name_and_its_kind_is_the_policys() {
        let composite = alarm("fraud-any", &[]);
        assert_eq!(
            policy(r#"{"alarm_name": "fraud-any", "kind": "bias_drift"}"#).matches(&composite),
            AlarmMatch::Drift(DriftKind::BiasDrift)
        );
        assert_eq!(
            policy(r#"{"alarm_name": "fraud-any"}"#).matches(&composite),
            AlarmMatch::Drift(DriftKind::Custom)
        );
        assert_eq!(
            policy(r#"{"endpoint": "fraud"}"#).matches(&composite),
            AlarmMatch::No
        );
    }

    #[test]
    fn all_fields_of_a_matcher_must_fit() {
        let policy = policy(r#"{"alarm_name": "fraud-*", "monitoring_schedule": "dq"}"#);
        let metric: Metric<'_> = (DATA, "m", &[("MonitoringSchedule", "dq")]);
        assert_eq!(
            policy.matches(&alarm("fraud-1", &[metric])),
            AlarmMatch::Drift(DriftKind::DataQuality)
        );
        assert_eq!(policy.matches(&alarm("other", &[metric])), AlarmMatch::No);
    }
}
