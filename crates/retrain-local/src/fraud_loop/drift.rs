//! What the endpoint is asked, how far it has moved, and the alarm.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use retrain_sandbox::CloudWatch;
use retrain_sandbox::cloudwatch::{Alarm, ControlError, Metric, StateValue};
use serde_json::{Value, json};

use super::Problem;
use super::scripts::read_json;
use super::stage::{ARTIFACTS, Stage};
use crate::sample;

const ALARM: &str = "drift-fraud-detection-production";
const ENDPOINT: &str = "fraud-detection-production";
/// As in `templates/endpoint.yaml`.
const THRESHOLD: f64 = 0.15;
const LOOKED_AT: usize = 5;
const BREACHING: usize = 3;

/// The alarm, as CloudWatch evaluates it: three of five hours.
#[derive(Debug)]
pub(super) struct Monitor {
    alarm: Alarm,
    newest: Vec<f64>,
}

impl Monitor {
    pub(super) fn new(cloudwatch: &CloudWatch) -> Result<Self, ControlError> {
        let mut metric = Metric::new("FraudDetection/Drift", "KolmogorovSmirnov");
        let dimensions = [("Endpoint", ENDPOINT), ("Feature", "any")];
        metric.dimensions = dimensions
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        metric.period = 3600;
        metric.evaluation_periods = 5;
        metric.datapoints_to_alarm = Some(3);
        metric.treat_missing_data = Some("ignore".to_owned());
        let alarm = Alarm::new(ALARM).state(StateValue::Ok).metric(metric);
        cloudwatch.put_alarm(alarm.clone())?;
        Ok(Self {
            alarm,
            newest: Vec::new(),
        })
    }

    pub(super) fn is_in_alarm(&self) -> bool {
        self.alarm.state == StateValue::Alarm
    }

    /// The state after a further value, if it changes.
    fn observe(&mut self, value: f64) -> Option<StateValue> {
        self.newest.push(value);
        let from = self.newest.len().saturating_sub(LOOKED_AT);
        let looked_at = self.newest.iter().skip(from);
        let breaching = looked_at.filter(|value| **value > THRESHOLD).count();
        let state = if breaching >= BREACHING {
            StateValue::Alarm
        } else {
            StateValue::Ok
        };
        let changes = state != self.alarm.state;
        self.alarm.state = state;
        changes.then_some(state)
    }

    fn reason(&self) -> String {
        let from = self.newest.len().saturating_sub(LOOKED_AT);
        let newest: Vec<String> = self
            .newest
            .iter()
            .skip(from)
            .map(|value| format!("{value:.3}"))
            .collect();
        format!(
            "Threshold Crossed: the last datapoints [{}] against the threshold ({THRESHOLD})",
            newest.join(", ")
        )
    }
}

impl<W: Write> Stage<W> {
    /// Some hours of the endpoint up to now: customers ask it, drift is measured each hour, and
    /// CloudWatch looks.
    pub(super) async fn hours_pass(
        &mut self,
        title: &str,
        package: &str,
        hours: u32,
        price_level: f64,
    ) -> Result<(), Problem> {
        self.heading(title)?;
        let end = self.now();
        let first = end - SignedDuration::from_hours(i64::from(hours));
        let captured = format!("s3://{ARTIFACTS}/captured/{ENDPOINT}/AllTraffic");
        let url = self.endpoint_url();
        let arguments = [
            format!("--model-package-arn={package}"),
            format!("--captured-uri={captured}"),
            format!("--start={first:.0}"),
            format!("--hours={hours}"),
            format!("--price-level={price_level}"),
            format!("--seed={}", first.as_second() / 3600),
        ];
        self.scripts.run(&url, "fraud.traffic", &arguments).await?;
        for hour in 1..=hours {
            let scheduled = first + SignedDuration::from_hours(i64::from(hour));
            self.deployment.sandbox.clock().set(scheduled);
            let arguments = [
                format!("--model-package-arn={package}"),
                format!("--captured-uri={captured}"),
                format!("--endpoint={ENDPOINT}"),
                format!("--scheduled-time={scheduled:.0}"),
                "--dry-run".to_owned(),
            ];
            let left = self.scripts.run(&url, "fraud.drift", &arguments).await?;
            let request = read_json(&left.join("processing/output/drift/metrics.json"))?;
            self.measured(scheduled, &request).await?;
        }
        Ok(())
    }

    /// What the script would send to CloudWatch has come there.
    async fn measured(&mut self, at: Timestamp, request: &Value) -> Result<(), Problem> {
        let data = request["MetricData"].as_array();
        let data = data.ok_or("the request has no data")?;
        let value = |metric: &str, feature: &str| {
            data.iter()
                .find(|one| one["MetricName"] == metric && one["Dimensions"][1]["Value"] == feature)
                .and_then(|one| one["Value"].as_f64())
                .ok_or_else(|| format!("{metric} of {feature} was not measured"))
        };
        let greatest = value("KolmogorovSmirnov", "any")?;
        let told = format!(
            "{}  KS of amount {:.3}, KL {:.3}, missing {:.3}; greatest KS of all {greatest:.3}",
            at.strftime("%H:%M"),
            value("KolmogorovSmirnov", "amount")?,
            value("KullbackLeibler", "amount")?,
            value("MissingRate", "amount")?,
        );
        self.line("measured", &told)?;
        match self.monitor.observe(greatest) {
            None => Ok(()),
            Some(state) => self.alarm_changes(state).await,
        }
    }

    /// The alarm's transition, as CloudWatch sends it to EventBridge.
    async fn alarm_changes(&mut self, state: StateValue) -> Result<(), Problem> {
        self.deployment
            .sandbox
            .cloudwatch()
            .set_state(ALARM, state)?;
        let mut event = sample("drift-alarm/alarm")?
            .of_alarm(ALARM)
            .at(self.now())
            .event()
            .clone();
        let reason = self.monitor.reason();
        self.line(&format!("{state:?}").to_uppercase(), &reason)?;
        event["detail"]["state"]["value"] = json!(state);
        event["detail"]["state"]["reason"] = json!(reason);
        if let Some(metric) = &self.monitor.alarm.metric {
            event["detail"]["configuration"]["metrics"][0]["metricStat"] = json!({
                "metric": {
                    "namespace": metric.namespace,
                    "name": metric.name,
                    "dimensions": metric.dimensions,
                },
                "period": metric.period,
                "stat": "Maximum",
            });
        }
        let clock = self.deployment.clock();
        let function = self.deployment.drift_alarm();
        let answers = Box::pin(function.handle_at(&event, &clock)).await?;
        self.answers(&answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_five_hours_raise_the_alarm_and_three_calm_ones_end_it() {
        let mut monitor = Monitor {
            alarm: Alarm::new(ALARM).state(StateValue::Ok),
            newest: Vec::new(),
        };
        let values = [0.05, 0.2, 0.05, 0.2, 0.15, 0.2, 0.2, 0.05, 0.05, 0.05];
        let changes = values.map(|value| monitor.observe(value));
        let (ok, alarm) = (Some(StateValue::Ok), Some(StateValue::Alarm));
        assert_eq!(
            changes,
            [None, None, None, None, None, alarm, None, None, ok, None]
        );
    }
}
