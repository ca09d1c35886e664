use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::config::timeout::TimeoutConfig;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Builder, Credentials, Region};
use retrain_controller::{Alarms as _, Class};
use retrain_core::drift::AlarmForm;
use retrain_core::names::AlarmArn;
use retrain_sandbox::cloudwatch::{Alarm, AlarmType, Metric, StateValue};
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

#[tokio::test]
async fn alarms_in_alarm_are_told_as_their_transitions() {
    let world = World::new().await;
    let metric = Metric {
        dimensions: [("Endpoint".to_owned(), "churn".to_owned())].into(),
        ..Metric::new("Churn/Drift", "psi")
    };
    world.put(
        Alarm::new("churn-psi")
            .state(StateValue::Alarm)
            .metric(metric),
    );
    world.put(
        Alarm::new("churn-any")
            .alarm_type(AlarmType::CompositeAlarm)
            .state(StateValue::Alarm),
    );
    world.put(
        Alarm::new("churn-log")
            .alarm_type(AlarmType::LogAlarm)
            .state(StateValue::Alarm),
    );
    world.alarm("churn-calm", StateValue::Ok);
    world.sandbox.cloudwatch().set_max_page(1);
    let since = world.sandbox.clock().now();
    world
        .sandbox
        .clock()
        .advance(jiff::SignedDuration::from_hours(1));
    let mut told = world.cloudwatch.all_in_alarm().await.unwrap();
    told.sort_by(|a, b| a.alarm.cmp(&b.alarm));
    let names: Vec<&str> = told.iter().map(|one| one.alarm.alarm_name()).collect();
    assert_eq!(names, ["churn-any", "churn-log", "churn-psi"]);
    assert!(
        told.iter()
            .all(|one| one.at == since && one.silenced.is_none())
    );
    let [any, log, psi] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(any.form, AlarmForm::Composite);
    assert_eq!(log.form, AlarmForm::Other);
    assert_eq!(psi.form, AlarmForm::SingleMetric);
    assert_eq!(psi.metrics[0].name, "psi");
    assert_eq!(psi.metrics[0].endpoint(), Some("churn"));
}

#[tokio::test]
async fn all_alarms_are_told_as_they_are_configured() {
    let world = World::new().await;
    let mut watched = Metric::new("Fraud", "psi");
    watched.treat_missing_data = Some("ignore".to_owned());
    let mut drift = Alarm::new("drift").state(StateValue::Ok).metric(watched);
    drift.alarm_actions = vec!["arn:aws:sns:us-east-1:111122223333:team".to_owned()];
    drift.ok_actions = vec!["arn:aws:sns:us-east-1:111122223333:calm".to_owned()];
    world.put(drift);
    let mut any = Alarm::new("any").alarm_type(AlarmType::CompositeAlarm);
    any.actions_enabled = false;
    world.put(any);
    let all = world.cloudwatch.all_alarms().await.unwrap();
    let [drift, any] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(drift.alarm.metrics[0].name, "psi");
    assert_eq!(drift.missing_data.as_deref(), Some("ignore"));
    assert!(drift.actions_enabled);
    assert!(drift.actions[0].ends_with(":team") && drift.ok_actions[0].ends_with(":calm"));
    assert_eq!(any.alarm.form, AlarmForm::Composite);
    assert_eq!((&any.missing_data, any.actions_enabled), (&None, false));
    // An alarm that says nothing about missing values has CloudWatch's default.
    world.put(Alarm::new("drift").metric(Metric::new("Fraud", "psi")));
    let all = world.cloudwatch.all_alarms().await.unwrap();
    assert_eq!(all[0].missing_data.as_deref(), Some("missing"));
}

#[tokio::test]
async fn metrics_of_a_name_are_told_with_all_their_dimensions() {
    let world = World::new().await;
    let cloudwatch = world.sandbox.cloudwatch();
    cloudwatch.put_metric("Fraud", "psi", &[("Stage", "prod")]);
    cloudwatch.put_metric("Churn", "psi", &[]);
    let like = retrain_core::drift::AlarmMetric {
        namespace: "Fraud".to_owned(),
        name: "psi".to_owned(),
        dimensions: std::collections::BTreeMap::new(),
    };
    let found = world.cloudwatch.metrics_like(&like).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].dimensions["Stage"], "prod");
}
