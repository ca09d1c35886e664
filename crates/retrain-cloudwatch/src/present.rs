//! Alarms that are in `ALARM`, as their transitions would tell them.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    CompositeAlarm, Dimension, LogAlarm, Metric, MetricAlarm, MetricDataQuery,
};
use jiff::Timestamp;
use retrain_controller::PortError;
use retrain_core::drift::{AlarmForm, AlarmMetric, AlarmState, AlarmTransition, Silenced};
use retrain_core::names::{AlarmArn, shortened};

use crate::CloudWatch;

/// The longest reason that is kept of an alarm's own.
const MAX_REASON: usize = 300;

impl CloudWatch {
    /// Every alarm that is in `ALARM` now, as the transition that brought it there.
    ///
    /// `DescribeAlarms` does not tell who is muted.
    pub async fn all_in_alarm(&self) -> Result<Vec<AlarmTransition>, PortError> {
        let mut all = Vec::new();
        for page in self.pages_in_alarm(None).await? {
            all.extend(page.metric_alarms().iter().filter_map(of_metric));
            all.extend(page.composite_alarms().iter().filter_map(of_composite));
            all.extend(page.log_alarms().iter().filter_map(of_log));
        }
        Ok(all)
    }
}

pub(crate) fn of_metric(alarm: &MetricAlarm) -> Option<AlarmTransition> {
    let own = alarm.metric_name().zip(alarm.namespace());
    let own = own.map(|(name, namespace)| metric(namespace, name, alarm.dimensions()));
    let queries = alarm.metrics();
    let stats = queries.iter().filter_map(MetricDataQuery::metric_stat);
    let named = stats.filter_map(|stat| of_query(stat.metric()?));
    Some(AlarmTransition {
        form: form(alarm),
        metrics: own.into_iter().chain(named).collect(),
        ..transition(
            alarm.alarm_arn(),
            alarm
                .state_transitioned_timestamp()
                .or(alarm.state_updated_timestamp()),
            alarm.state_reason(),
        )?
    })
}

pub(crate) fn of_composite(alarm: &CompositeAlarm) -> Option<AlarmTransition> {
    let suppressed = alarm
        .actions_suppressed_by()
        .map(|by| Silenced::Suppressed {
            by: by.as_str().to_owned(),
        });
    Some(AlarmTransition {
        form: AlarmForm::Composite,
        silenced: suppressed,
        ..transition(
            alarm.alarm_arn(),
            alarm
                .state_transitioned_timestamp()
                .or(alarm.state_updated_timestamp()),
            alarm.state_reason(),
        )?
    })
}

pub(crate) fn of_log(alarm: &LogAlarm) -> Option<AlarmTransition> {
    transition(
        alarm.alarm_arn(),
        alarm
            .state_transitioned_timestamp()
            .or(alarm.state_updated_timestamp()),
        alarm.state_reason(),
    )
}

/// What the alarms of all types have in common.
fn transition(
    arn: Option<&str>,
    at: Option<&DateTime>,
    reason: Option<&str>,
) -> Option<AlarmTransition> {
    let at = at.and_then(|at| at.to_millis().ok())?;
    Some(AlarmTransition {
        alarm: AlarmArn::parse(arn?).ok()?,
        state: AlarmState::Alarm,
        at: Timestamp::from_millisecond(at).ok()?,
        form: AlarmForm::Other,
        metrics: Vec::new(),
        silenced: None,
        reason: reason.map(|text| shortened(text, MAX_REASON)),
    })
}

fn of_query(of: &Metric) -> Option<AlarmMetric> {
    Some(metric(of.namespace()?, of.metric_name()?, of.dimensions()))
}

pub(crate) fn metric(namespace: &str, name: &str, dimensions: &[Dimension]) -> AlarmMetric {
    let pair = |one: &Dimension| Some((one.name()?.to_owned(), one.value()?.to_owned()));
    AlarmMetric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.iter().filter_map(pair).collect(),
    }
}

fn form(alarm: &MetricAlarm) -> AlarmForm {
    let mut expressions = alarm
        .metrics()
        .iter()
        .filter_map(MetricDataQuery::expression);
    let is_query = |text: &str| {
        let first = text.split_ascii_whitespace().next();
        first.is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
    };
    match expressions.next() {
        _ if alarm.threshold_metric_id().is_some() => AlarmForm::AnomalyBand,
        Some(first) if is_query(first) || expressions.any(is_query) => AlarmForm::MetricsInsights,
        Some(_) => AlarmForm::MetricMath,
        None if alarm.evaluation_criteria().is_some() => AlarmForm::Other,
        None => AlarmForm::SingleMetric,
    }
}
