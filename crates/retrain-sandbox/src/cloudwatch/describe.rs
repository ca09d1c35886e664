//! `DescribeAlarms`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cbor::Member;
use super::model::{AlarmType, Metric, Record, StateValue};
use super::{CloudWatch, NAME};
use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::page::Page;

/// The size of a page that asks for none. AWS documents only the maximum of 100.
const DEFAULT_PAGE: usize = 50;

impl CloudWatch {
    pub(super) fn describe(&self, request: &Value) -> Result<Member, ServiceError> {
        let input = Input::new(
            request,
            &[
                "AlarmNames",
                "AlarmNamePrefix",
                "AlarmTypes",
                "ChildrenOfAlarmName",
                "ParentsOfAlarmName",
                "StateValue",
                "ActionPrefix",
                "MaxRecords",
                "NextToken",
            ],
        )?;
        input.refuse_unsupported(&["ChildrenOfAlarmName", "ParentsOfAlarmName", "ActionPrefix"])?;
        let filter = Filter::read(&input)?;
        let size = input.integer("MaxRecords", 1, 100)?;
        let state = self.lock();
        let page = Page {
            size: size
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(DEFAULT_PAGE)
                .min(state.max_page),
            next_token: input.optional_text("NextToken", Text::of(0, usize::MAX))?,
            bad_token: "InvalidNextToken",
        };
        let by_name = state.alarms.values().collect();
        let name = |record: &&Record| record.alarm.name.clone();
        let (shown, token) = page.cut(by_name, name, |record| filter.shows(record))?;
        let listed = |alarm_type: AlarmType| {
            let of_type = shown
                .iter()
                .filter(|record| record.alarm.alarm_type == alarm_type);
            Some(Member::List(
                of_type.map(|record| self.shown(record)).collect(),
            ))
        };
        Ok(Member::structure([
            ("CompositeAlarms", listed(AlarmType::CompositeAlarm)),
            ("LogAlarms", listed(AlarmType::LogAlarm)),
            ("MetricAlarms", listed(AlarmType::MetricAlarm)),
            ("NextToken", token.map(Member::Text)),
        ]))
    }

    /// An alarm as the API shows it.
    fn shown(&self, record: &Record) -> Member {
        let alarm = &record.alarm;
        let metric = alarm.metric.as_ref();
        let number = |of: fn(&Metric) -> Option<u32>| metric.and_then(of).map(Member::Integer);
        Member::structure([
            ("AlarmName", Some(alarm.name.as_str().into())),
            ("AlarmArn", Some(Member::Text(self.arn(&alarm.name)))),
            (
                "AlarmConfigurationUpdatedTimestamp",
                Some(Member::Time(record.configured)),
            ),
            (
                "ActionsEnabled",
                Some(Member::Boolean(alarm.actions_enabled)),
            ),
            ("AlarmActions", Some(list(&alarm.alarm_actions))),
            ("OKActions", Some(list(&alarm.ok_actions))),
            ("StateValue", Some(alarm.state.name().into())),
            ("StateUpdatedTimestamp", Some(Member::Time(record.updated))),
            (
                "StateTransitionedTimestamp",
                Some(Member::Time(record.transitioned)),
            ),
            (
                "Namespace",
                metric.map(|metric| metric.namespace.as_str().into()),
            ),
            (
                "MetricName",
                metric.map(|metric| metric.name.as_str().into()),
            ),
            (
                "Dimensions",
                metric.map(|metric| dimensions(&metric.dimensions)),
            ),
            ("Period", number(|metric| Some(metric.period))),
            (
                "EvaluationPeriods",
                number(|metric| Some(metric.evaluation_periods)),
            ),
            (
                "DatapointsToAlarm",
                number(|metric| metric.datapoints_to_alarm),
            ),
            (
                "TreatMissingData",
                metric
                    .and_then(|metric| metric.treat_missing_data.as_deref())
                    .map(Member::from),
            ),
        ])
    }
}

/// What an alarm does: ARNs.
fn list(actions: &[String]) -> Member {
    let actions = actions.iter();
    Member::List(actions.map(|arn| arn.as_str().into()).collect())
}

pub(super) fn dimensions(dimensions: &BTreeMap<String, String>) -> Member {
    let listed = dimensions.iter().map(|(name, value)| {
        Member::structure([
            ("Name", Some(name.as_str().into())),
            ("Value", Some(value.as_str().into())),
        ])
    });
    Member::List(listed.collect())
}

/// Which alarms are asked for.
struct Filter<'a> {
    names: Option<Vec<&'a str>>,
    prefix: Option<&'a str>,
    types: Vec<&'a str>,
    state: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn read(input: &Input<'a>) -> Result<Self, ServiceError> {
        // The older query protocol cannot tell an empty list from none.
        let given = |list: &Vec<&str>| !list.is_empty();
        let names = input.optional_texts("AlarmNames", 0, 100, NAME)?;
        let names = names.filter(given);
        let prefix = input.optional_text("AlarmNamePrefix", NAME)?;
        if names.is_some() && prefix.is_some() {
            return Err(ServiceError::validation(
                "AlarmNames and AlarmNamePrefix cannot both be specified",
            ));
        }
        Ok(Self {
            names,
            prefix,
            // API reference: without types only metric alarms are returned, even if
            // an alarm of another type is asked for by its name.
            types: input
                .each_one_of("AlarmTypes", &AlarmType::ALL.map(AlarmType::name))?
                .filter(given)
                .unwrap_or_else(|| vec![AlarmType::MetricAlarm.name()]),
            state: input.one_of("StateValue", &StateValue::ALL.map(StateValue::name))?,
        })
    }

    fn shows(&self, record: &Record) -> bool {
        let alarm = &record.alarm;
        let name = alarm.name.as_str();
        self.names
            .as_ref()
            .is_none_or(|names| names.contains(&name))
            && self.prefix.is_none_or(|prefix| name.starts_with(prefix))
            && self.types.contains(&alarm.alarm_type.name())
            && self.state.is_none_or(|state| state == alarm.state.name())
    }
}
