//! The alarms that mean drift, and the metrics that they watch.

use aws_config::SdkConfig;
use retrain_cloudwatch::{CloudWatch, DescribedAlarm};
use retrain_core::drift::AlarmMetric;
use retrain_core::policy::{AlarmMatch, AlarmMatcher, DriftPolicy, PolicyInForce};

use super::needs::{Needs, Otherwise};
use super::report::{Report, quoted};
use crate::arns::own_function;

/// Looks at the alarms, and notes which of them must be heard of.
pub(super) async fn look(
    aws: &SdkConfig,
    policy: &PolicyInForce,
    needs: &mut Needs,
    report: &mut Report,
) {
    let drift = &policy.policy.drift;
    if drift.is_empty() {
        return;
    }
    let cloudwatch = CloudWatch::new(aws_sdk_cloudwatch::Client::new(aws));
    let all = cloudwatch.all_alarms().await;
    let Some(all) = report.known("alarm", "all alarms", all) else {
        return;
    };
    for matcher in &drift.alarms {
        let own = DriftPolicy {
            alarms: vec![matcher.clone()],
        };
        let fits = |described: &DescribedAlarm| own.matches(&described.alarm) != AlarmMatch::No;
        if !all.iter().any(fits) {
            let fix = "create the alarm (examples/model.yaml has one), or correct drift.alarms in the policy";
            report.fail("alarm", &named(matcher), "no alarm is like this", fix);
        }
    }
    for described in &all {
        let name = described.alarm.alarm.alarm_name();
        match drift.matches(&described.alarm) {
            AlarmMatch::No => {}
            AlarmMatch::Never(why) => {
                let fix = "take it out of drift.alarms in the policy";
                report.fail("alarm", name, why.to_string(), fix);
            }
            AlarmMatch::Drift(kind) => {
                report.ok("alarm", name, format!("means {kind} drift"));
                for metric in &described.alarm.metrics {
                    watched(&cloudwatch, name, metric, report).await;
                }
                missing_data(described, name, report);
                actions(described, name, report);
                let arn = described.alarm.alarm.as_str();
                let actions = [&described.actions, &described.ok_actions];
                let otherwise = actions.map(|actions| otherwise(described, actions));
                needs.alarm(name, arn, otherwise);
            }
        }
    }
}

fn named(matcher: &AlarmMatcher) -> String {
    serde_json::to_string(matcher).unwrap_or_default()
}

/// Whether what an alarm watches has values.
async fn watched(cloudwatch: &CloudWatch, alarm: &str, metric: &AlarmMetric, report: &mut Report) {
    let found = cloudwatch.metrics_like(metric).await;
    let Some(found) = report.known("alarm-metric", alarm, found) else {
        return;
    };
    let AlarmMetric {
        namespace, name, ..
    } = metric;
    let Some(other) = found.first() else {
        return report.fail(
            "alarm-metric",
            alarm,
            format!("{name} of {namespace} had no value for two weeks"),
            "let the monitor write it, or correct Namespace and MetricName of the alarm",
        );
    };
    if found.contains(metric) {
        return report.ok("alarm-metric", alarm, format!("{name} has values"));
    }
    report.fail(
        "alarm-dimensions",
        alarm,
        format!(
            "{name} of {namespace} has no value with {}, but with {}",
            dimensions(metric),
            dimensions(other)
        ),
        format!("give the alarm the metric's dimensions: {}", lines(other)),
    );
}

fn dimensions(metric: &AlarmMetric) -> String {
    if metric.dimensions.is_empty() {
        return "no dimensions".to_owned();
    }
    let pairs = metric.dimensions.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(", ")
}

/// Dimensions as a template has them.
fn lines(metric: &AlarmMetric) -> String {
    let pairs = metric.dimensions.iter();
    let pairs = pairs.map(|(name, value)| format!("{{ Name: {name}, Value: {value} }}"));
    format!("Dimensions: [{}]", pairs.collect::<Vec<_>>().join(", "))
}

/// Whether hours without a value are taken for what they are.
fn missing_data(described: &DescribedAlarm, name: &str, report: &mut Report) {
    let (check, fix) = ("alarm-missing-data", "TreatMissingData: ignore");
    match described.missing_data.as_deref() {
        None => {}
        Some("ignore") => report.ok(check, name, "a missing value changes nothing"),
        Some("breaching") => report.fail(check, name, "a missing value counts as drift", fix),
        Some("notBreaching") => report.warn(
            check,
            name,
            "a missing value ends the alarm and takes its cause back",
            fix,
        ),
        Some(_) => report.warn(
            check,
            name,
            "after missing values the next one is a new alarm",
            fix,
        ),
    }
}

/// Whether what the alarm does is switched off.
fn actions(described: &DescribedAlarm, name: &str, report: &mut Report) {
    let check = "alarm-actions";
    let fix = format!(
        "aws cloudwatch enable-alarm-actions --alarm-names {}",
        quoted(name)
    );
    let mut all = [&described.actions, &described.ok_actions].into_iter();
    if all.clone().all(Vec::is_empty) {
        // EventBridge is told whatever the actions are.
    } else if described.actions_enabled {
        report.ok(check, name, "its actions are done");
    } else if all.any(|actions| otherwise(described, actions) == Otherwise::Function) {
        let what = "its actions are switched off, and the function drift-alarm is one of them";
        report.fail(check, name, what, fix);
    } else {
        let what = "its actions are switched off; EventBridge is told all the same";
        report.warn(check, name, what, fix);
    }
}

/// How a state of the alarm that has these actions reaches the controller without a rule.
fn otherwise(described: &DescribedAlarm, actions: &[String]) -> Otherwise {
    let mut functions = actions.iter();
    if functions.any(|arn| own_function(arn) == Some("drift-alarm")) {
        return Otherwise::Function;
    }
    let is_topic = |arn: &String| arn.split(':').nth(2) == Some("sns");
    if described.actions_enabled && actions.iter().any(is_topic) {
        Otherwise::Topic
    } else {
        Otherwise::No
    }
}
