//! CloudWatch, through the SDK.

mod control;
mod describe;
mod metrics;
mod protocol;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use retrain_sandbox::cloudwatch::{Alarm, AlarmType, StateValue};
use retrain_sandbox::{CloudWatch, Options, Sandbox};

use crate::client;

/// A sandbox without alarms, and a client of it.
async fn cloudwatch() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = Client::new(&client::config(&sandbox));
    (sandbox, client)
}

/// One alarm of each type, in each state.
fn one_of_each(cloudwatch: &CloudWatch) {
    for (name, alarm_type, state) in [
        ("churn-all", AlarmType::CompositeAlarm, StateValue::Ok),
        ("churn-drift", AlarmType::MetricAlarm, StateValue::Alarm),
        ("errors", AlarmType::LogAlarm, StateValue::InsufficientData),
    ] {
        let alarm = Alarm::new(name).alarm_type(alarm_type).state(state);
        cloudwatch.put_alarm(alarm).unwrap();
    }
}

/// The names of an answer, whatever their types.
fn names(answer: &DescribeAlarmsOutput) -> Vec<&str> {
    let composite = answer.composite_alarms().iter();
    let log = answer.log_alarms().iter();
    let metric = answer.metric_alarms().iter();
    composite
        .map(|alarm| alarm.alarm_name())
        .chain(log.map(|alarm| alarm.alarm_name()))
        .chain(metric.map(|alarm| alarm.alarm_name()))
        .map(Option::unwrap)
        .collect()
}

/// The status, code and message of an error.
type Refusal = (u16, Option<String>, String);

fn refusal<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> Refusal {
    let error = result.err().expect("it is refused");
    let status = error.raw_response().expect("it is answered").status();
    let message = error.message().unwrap_or_default().to_owned();
    (status.as_u16(), error.code().map(str::to_owned), message)
}
