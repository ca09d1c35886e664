//! Which alarms are in `ALARM`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use retrain_controller::{Alarms, PortError};
use retrain_core::names::{AlarmArn, shortened};

use crate::CloudWatch;
use crate::error::failed;

/// API model: `AlarmNames` and `MaxRecords` are 100 at most.
const MAX_NAMES: usize = 100;
const MAX_RECORDS: i32 = 100;

impl Alarms for CloudWatch {
    async fn in_alarm(&self, alarms: &[AlarmArn]) -> Result<BTreeSet<AlarmArn>, PortError> {
        let wanted: BTreeMap<&str, &AlarmArn> =
            alarms.iter().map(|alarm| (alarm.as_str(), alarm)).collect();
        // Two alarms of different regions may share a name.
        let names: BTreeSet<&str> = alarms.iter().map(AlarmArn::alarm_name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut in_alarm = BTreeSet::new();
        for names in names.chunks(MAX_NAMES) {
            let found = self.arns_in_alarm(names).await?;
            let found = found.iter().filter_map(|arn| wanted.get(arn.as_str()));
            in_alarm.extend(found.copied().cloned());
        }
        Ok(in_alarm)
    }
}

impl CloudWatch {
    /// The ARNs of the alarms in `ALARM` that have one of these names.
    async fn arns_in_alarm(&self, names: &[&str]) -> Result<Vec<String>, PortError> {
        let names = names.iter().copied().map(String::from).collect();
        let mut arns = Vec::new();
        for page in self.pages_in_alarm(Some(names)).await? {
            let composite = page.composite_alarms().iter();
            let log = page.log_alarms().iter();
            let metric = page.metric_alarms().iter();
            let found = composite
                .map(|alarm| alarm.alarm_arn())
                .chain(log.map(|alarm| alarm.alarm_arn()))
                .chain(metric.map(|alarm| alarm.alarm_arn()));
            arns.extend(found.flatten().map(String::from));
        }
        Ok(arns)
    }

    /// All pages of the alarms in `ALARM`: of those with these names, or of all.
    pub(crate) async fn pages_in_alarm(
        &self,
        names: Option<Vec<String>>,
    ) -> Result<Vec<DescribeAlarmsOutput>, PortError> {
        let asked = names.as_ref().map(|names| names.join(", "));
        let doing = || match &asked {
            Some(names) => format!("describe the alarms {}", shortened(names, 300)),
            None => "describe the alarms that are in ALARM".to_owned(),
        };
        let mut pages = self
            .client
            .describe_alarms()
            .set_alarm_names(names)
            // Without types CloudWatch answers metric alarms only.
            .alarm_types(AlarmType::CompositeAlarm)
            .alarm_types(AlarmType::LogAlarm)
            .alarm_types(AlarmType::MetricAlarm)
            .state_value(StateValue::Alarm)
            .max_records(MAX_RECORDS)
            .into_paginator()
            .send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            all.push(page.map_err(|error| failed(doing(), error))?);
        }
        Ok(all)
    }
}
