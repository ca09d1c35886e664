use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::config::timeout::TimeoutConfig;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Builder, Credentials, Region};
use retrain_controller::{Alarms as _, Class};
use retrain_core::names::AlarmArn;
use retrain_sandbox::cloudwatch::{Alarm, AlarmType, StateValue};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use serde_json::{Value, json};

use crate::CloudWatch;

struct World {
    sandbox: Sandbox,
    cloudwatch: CloudWatch,
}

impl World {
    async fn new() -> Self {
        Self::with(|config| config).await
    }

    async fn with(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let config = aws_sdk_cloudwatch::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled());
        Self {
            sandbox,
            cloudwatch: CloudWatch::new(Client::from_conf(configure(config).build())),
        }
    }

    /// Puts a metric alarm into a state and tells its ARN.
    fn alarm(&self, name: &str, state: StateValue) -> AlarmArn {
        self.put(Alarm::new(name).state(state))
    }

    fn put(&self, alarm: Alarm) -> AlarmArn {
        let arn = self.sandbox.cloudwatch().put_alarm(alarm).unwrap();
        AlarmArn::parse(arn).unwrap()
    }

    async fn in_alarm(&self, alarms: &[AlarmArn]) -> BTreeSet<AlarmArn> {
        self.cloudwatch.in_alarm(alarms).await.unwrap()
    }

    /// The class of the error when the next call meets this.
    async fn class_after(&self, kind: FaultKind) -> Class {
        let alarm = self.alarm("drift", StateValue::Alarm);
        let fault = Fault::on(Service::CloudWatch, "DescribeAlarms", kind);
        let fault = self.sandbox.faults().inject(fault);
        let error = self.cloudwatch.in_alarm(&[alarm]).await.unwrap_err();
        assert_eq!(fault.fired(), 1);
        assert_eq!(error.to_string(), "describe the alarms drift");
        error.class()
    }

    fn requests(&self) -> Vec<Value> {
        let calls = self.sandbox.calls().take();
        calls.into_iter().map(|call| call.request).collect()
    }
}

fn refuse(code: &str) -> FaultKind {
    FaultKind::Refuse {
        code: code.to_owned(),
        message: "no".to_owned(),
    }
}

fn set<'a>(alarms: impl IntoIterator<Item = &'a AlarmArn>) -> BTreeSet<AlarmArn> {
    alarms.into_iter().cloned().collect()
}

#[tokio::test]
async fn only_alarms_that_are_in_alarm_are_told() {
    let world = World::new().await;
    let drift = world.alarm("churn-drift", StateValue::Alarm);
    let alarms = [
        world.alarm("churn-bias", StateValue::Ok),
        drift.clone(),
        world.alarm("churn-quality", StateValue::InsufficientData),
        AlarmArn::parse(world.sandbox.cloudwatch().arn("never-created")).unwrap(),
    ];
    world.alarm("nobody-asked", StateValue::Alarm);
    assert_eq!(world.in_alarm(&alarms).await, set([&drift]));

    let control = world.sandbox.cloudwatch();
    control.set_state("churn-drift", StateValue::Ok).unwrap();
    control.set_state("churn-bias", StateValue::Alarm).unwrap();
    assert_eq!(world.in_alarm(&alarms).await, set([&alarms[0]]));
}

#[tokio::test]
async fn alarms_of_every_type_are_found() {
    let world = World::new().await;
    let types = [
        AlarmType::CompositeAlarm,
        AlarmType::LogAlarm,
        AlarmType::MetricAlarm,
    ];
    let alarms = types.map(|alarm_type| {
        let alarm = Alarm::new(&format!("{alarm_type:?}")).alarm_type(alarm_type);
        world.put(alarm.state(StateValue::Alarm))
    });
    assert_eq!(world.in_alarm(&alarms).await, set(&alarms));
}

#[tokio::test]
async fn an_alarm_of_the_same_name_elsewhere_is_another_alarm() {
    let world = World::new().await;
    let here = world.alarm("team: drift", StateValue::Alarm);
    let elsewhere = [
        here.as_str().replace("us-east-1", "eu-west-1"),
        here.as_str().replace("111122223333", "444455556666"),
        here.as_str().replace("arn:aws:", "arn:aws-cn:"),
    ]
    .map(|arn| AlarmArn::parse(arn).unwrap());
    assert_eq!(world.in_alarm(&elsewhere).await, BTreeSet::new());
    world.requests();

    let all = [&elsewhere[..], std::slice::from_ref(&here)].concat();
    assert_eq!(world.in_alarm(&all).await, set([&here]));
    assert_eq!(
        world.requests(),
        [json!({
            "AlarmNames": ["team: drift"],
            "AlarmTypes": ["CompositeAlarm", "LogAlarm", "MetricAlarm"],
            "StateValue": "ALARM",
            "MaxRecords": 100,
        })]
    );
}

#[tokio::test]
async fn a_hundred_alarms_take_one_call() {
    for (alarms, calls) in [(0, 0), (1, 1), (100, 1), (101, 2), (250, 3)] {
        let world = World::new().await;
        let alarms: Vec<AlarmArn> = (0..alarms)
            .map(|number| world.alarm(&format!("drift-{number}"), StateValue::Alarm))
            .collect();
        assert_eq!(world.in_alarm(&alarms).await, set(&alarms));
        assert_eq!(world.requests().len(), calls);
    }
}

#[tokio::test]
async fn all_pages_are_read() {
    let world = World::new().await;
    let alarms: Vec<AlarmArn> = (0..7)
        .map(|number| world.alarm(&format!("drift-{number}"), StateValue::Alarm))
        .collect();
    world.sandbox.cloudwatch().set_max_page(3);
    assert_eq!(world.in_alarm(&alarms).await, set(&alarms));
    assert_eq!(world.requests().len(), 3);
}

#[tokio::test]
async fn what_may_pass_is_retryable() {
    let world = World::new().await;
    for kind in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::DropAfter,
        refuse("InvalidNextToken"),
        refuse("ExpiredToken"),
        refuse("NewErrorOf2031"),
    ] {
        let class = world.class_after(kind.clone()).await;
        assert_eq!(class, Class::Retryable, "{kind:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_terminal() {
    let world = World::new().await;
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "ValidationError",
        "ValidationException",
    ] {
        let class = world.class_after(refuse(code)).await;
        assert_eq!(class, Class::Terminal, "{code}");
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_retryable() {
    // Nobody answers, so only the timeout can end the call. It leaves a slow machine
    // time to send the request.
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(Duration::from_secs(2))
        .build();
    let world = World::with(|config| config.timeout_config(timeouts)).await;
    let alarms = [world.alarm("drift", StateValue::Alarm)];
    let fault = Fault::any(Service::CloudWatch, FaultKind::HoldBefore);
    let held = world.sandbox.faults().inject(fault);
    let (answer, ()) = tokio::join!(world.cloudwatch.in_alarm(&alarms), held.held());
    assert_eq!(answer.unwrap_err().class(), Class::Retryable);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_whole_answer() {
    let world = World::new().await;
    let alarms: Vec<AlarmArn> = (0..150)
        .map(|number| world.alarm(&format!("drift-{number}"), StateValue::Alarm))
        .collect();
    let fault = Fault::any(Service::CloudWatch, FaultKind::Throttle).skip(1);
    world.sandbox.faults().inject(fault);
    assert!(world.cloudwatch.in_alarm(&alarms).await.is_err());
}
