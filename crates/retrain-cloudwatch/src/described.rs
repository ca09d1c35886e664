//! Alarms as they are configured, and the metrics that they watch.

use aws_sdk_cloudwatch::types::AlarmType;
use retrain_controller::PortError;
use retrain_core::drift::{AlarmMetric, AlarmTransition};

use crate::CloudWatch;
use crate::error::failed;
use crate::present::{metric, of_composite, of_log, of_metric};

/// API model: `MaxRecords` is 100 at most.
const MAX_RECORDS: i32 = 100;

/// An alarm as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedAlarm {
    /// What its next transition into `ALARM` would tell of it.
    pub alarm: AlarmTransition,
    /// What a missing value counts as; `missing` where CloudWatch does not tell. Nothing
    /// for an alarm that watches no metric.
    pub missing_data: Option<String>,
    /// Whether its actions are done.
    pub actions_enabled: bool,
    /// The ARNs of what it does in `ALARM`.
    pub actions: Vec<String>,
    /// The ARNs of what it does when it is `OK` again.
    pub ok_actions: Vec<String>,
}

impl CloudWatch {
    /// Every alarm, whatever its state.
    pub async fn all_alarms(&self) -> Result<Vec<DescribedAlarm>, PortError> {
        let mut pages = self
            .client
            .describe_alarms()
            // Without types CloudWatch answers metric alarms only.
            .alarm_types(AlarmType::CompositeAlarm)
            .alarm_types(AlarmType::LogAlarm)
            .alarm_types(AlarmType::MetricAlarm)
            .max_records(MAX_RECORDS)
            .into_paginator()
            .send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("describe the alarms".to_owned(), error))?;
            all.extend(page.metric_alarms().iter().filter_map(|described| {
                let missing = described.treat_missing_data();
                Some(DescribedAlarm {
                    alarm: of_metric(described)?,
                    missing_data: Some(missing.unwrap_or("missing").to_owned()),
                    actions_enabled: described.actions_enabled().unwrap_or(true),
                    actions: described.alarm_actions().to_vec(),
                    ok_actions: described.ok_actions().to_vec(),
                })
            }));
            all.extend(page.composite_alarms().iter().filter_map(|described| {
                Some(DescribedAlarm {
                    alarm: of_composite(described)?,
                    missing_data: None,
                    actions_enabled: described.actions_enabled().unwrap_or(true),
                    actions: described.alarm_actions().to_vec(),
                    ok_actions: described.ok_actions().to_vec(),
                })
            }));
            all.extend(page.log_alarms().iter().filter_map(|described| {
                Some(DescribedAlarm {
                    alarm: of_log(described)?,
                    missing_data: None,
                    actions_enabled: described.actions_enabled().unwrap_or(true),
                    actions: described.alarm_actions().to_vec(),
                    ok_actions: described.ok_actions().to_vec(),
                })
            }));
        }
        Ok(all)
    }

    /// The metrics of this name that had a value within the last two weeks. CloudWatch
    /// lists no others.
    pub async fn metrics_like(&self, like: &AlarmMetric) -> Result<Vec<AlarmMetric>, PortError> {
        let doing = || format!("list the metrics {} of {}", like.name, like.namespace);
        let mut pages = self
            .client
            .list_metrics()
            .namespace(&like.namespace)
            .metric_name(&like.name)
            .into_paginator()
            .send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(doing(), error))?;
            all.extend(page.metrics().iter().filter_map(|found| {
                let (namespace, name) = (found.namespace()?, found.metric_name()?);
                Some(metric(namespace, name, found.dimensions()))
            }));
        }
        Ok(all)
    }
}
