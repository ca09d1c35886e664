use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use jiff::SignedDuration;
use retrain_sandbox::cloudwatch::{Alarm, Metric, StateValue as Put};

use super::{Refusal, cloudwatch, names, one_of_each, refusal};

#[tokio::test]
async fn without_types_only_metric_alarms_are_told() {
    let (sandbox, client) = cloudwatch().await;
    one_of_each(sandbox.cloudwatch());
    let all = client.describe_alarms().send().await.unwrap();
    assert_eq!(names(&all), ["churn-drift"]);
    let by_name = client.describe_alarms().alarm_names("churn-all");
    let by_name = by_name.send().await.unwrap();
    assert_eq!(names(&by_name), [""; 0]);
}

#[tokio::test]
async fn alarms_are_told_by_type_name_prefix_and_state() {
    let (sandbox, client) = cloudwatch().await;
    one_of_each(sandbox.cloudwatch());
    let of_all_types = || {
        let request = client.describe_alarms().alarm_types(AlarmType::MetricAlarm);
        let request = request.alarm_types(AlarmType::CompositeAlarm);
        request.alarm_types(AlarmType::LogAlarm)
    };
    for (request, expected) in [
        (of_all_types(), &["churn-all", "errors", "churn-drift"][..]),
        (
            client.describe_alarms().alarm_types(AlarmType::LogAlarm),
            &["errors"],
        ),
        (
            of_all_types().state_value(StateValue::Alarm),
            &["churn-drift"],
        ),
        (of_all_types().state_value(StateValue::Ok), &["churn-all"]),
        (
            of_all_types().state_value(StateValue::InsufficientData),
            &["errors"],
        ),
        (
            of_all_types().alarm_name_prefix("churn-"),
            &["churn-all", "churn-drift"],
        ),
        (
            of_all_types().alarm_names("errors").alarm_names("none"),
            &["errors"],
        ),
        (of_all_types().alarm_names("churn"), &[]),
        // The SDK sends lists that are empty.
        (
            client
                .describe_alarms()
                .set_alarm_names(Some(vec![]))
                .set_alarm_types(Some(vec![])),
            &["churn-drift"],
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(names(&request.send().await.unwrap()), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_metric_alarm_is_told_with_its_metric_and_its_times() {
    let (sandbox, client) = cloudwatch().await;
    let control = sandbox.cloudwatch();
    let mut metric = Metric::new("Retrain/Models", "psi");
    metric.dimensions = [("Model".to_owned(), "churn".to_owned())].into();
    metric.period = 86_400;
    metric.evaluation_periods = 3;
    metric.datapoints_to_alarm = Some(2);
    metric.treat_missing_data = Some("notBreaching".to_owned());
    let created = sandbox.clock().now();
    let arn = control
        .put_alarm(Alarm::new("a: b").state(Put::Ok).metric(metric))
        .unwrap();
    let half_an_hour = SignedDuration::from_millis(1_800_250);
    let transitioned = sandbox.clock().advance(half_an_hour);
    control.set_state("a: b", Put::Alarm).unwrap();
    let updated = sandbox.clock().advance(half_an_hour);
    control.set_state("a: b", Put::Alarm).unwrap();

    let answer = client.describe_alarms().send().await.unwrap();
    let [alarm] = answer.metric_alarms() else {
        panic!("{answer:?}")
    };
    assert_eq!(arn, "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a: b");
    assert_eq!(alarm.alarm_arn(), Some(arn.as_str()));
    assert_eq!(alarm.state_value(), Some(&StateValue::Alarm));
    for (told, time) in [
        (alarm.alarm_configuration_updated_timestamp(), created),
        (alarm.state_transitioned_timestamp(), transitioned),
        (alarm.state_updated_timestamp(), updated),
    ] {
        let told = told.unwrap().to_millis().unwrap();
        assert_eq!(told, time.as_millisecond());
    }
    assert_eq!(alarm.namespace(), Some("Retrain/Models"));
    assert_eq!(alarm.metric_name(), Some("psi"));
    let [dimension] = alarm.dimensions() else {
        panic!("{alarm:?}")
    };
    assert_eq!(
        (dimension.name(), dimension.value()),
        (Some("Model"), Some("churn"))
    );
    assert_eq!(
        (alarm.period(), alarm.evaluation_periods()),
        (Some(86_400), Some(3))
    );
    assert_eq!(alarm.datapoints_to_alarm(), Some(2));
    assert_eq!(alarm.treat_missing_data(), Some("notBreaching"));
}

#[tokio::test]
async fn what_is_not_known_of_an_alarm_is_absent() {
    let (sandbox, client) = cloudwatch().await;
    sandbox.cloudwatch().put_alarm(Alarm::new("a")).unwrap();
    let answer = client.describe_alarms().send().await.unwrap();
    let alarm = &answer.metric_alarms()[0];
    assert_eq!(alarm.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!((alarm.namespace(), alarm.metric_name()), (None, None));
    assert_eq!((alarm.period(), alarm.evaluation_periods()), (None, None));
    assert!(alarm.dimensions.is_none());
    assert!(answer.composite_alarms.unwrap().is_empty());
    assert!(answer.log_alarms.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_has_fifty_alarms_unless_told_and_the_pages_have_all() {
    let (sandbox, client) = cloudwatch().await;
    for number in 0..120 {
        let alarm = Alarm::new(&format!("alarm-{number:03}"));
        sandbox.cloudwatch().put_alarm(alarm).unwrap();
    }
    for (asked, sizes) in [
        (None, &[50, 50, 20][..]),
        (Some(100), &[100, 20]),
        (Some(60), &[60, 60]),
    ] {
        let request = client.describe_alarms().set_max_records(asked);
        let mut pages = request.into_paginator().send();
        let mut told = Vec::new();
        let mut told_sizes = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            told_sizes.push(names(&page).len());
            told.extend(names(&page).into_iter().map(str::to_owned));
        }
        assert_eq!(told_sizes, sizes);
        let all = sandbox.cloudwatch().alarms();
        assert!(all.iter().map(|alarm| &alarm.name).eq(&told));
    }
    sandbox.cloudwatch().set_max_page(30);
    let page = client.describe_alarms().max_records(100).send().await;
    let page = page.unwrap();
    assert_eq!((names(&page).len(), page.next_token.is_some()), (30, true));
}

fn invalid(message: &str) -> Refusal {
    (400, Some("ValidationError".to_owned()), message.to_owned())
}

#[tokio::test]
async fn requests_are_checked_in_the_words_of_aws() {
    let (_sandbox, client) = cloudwatch().await;
    let request = || client.describe_alarms();
    assert_eq!(
        refusal(request().max_records(101).send().await),
        invalid(
            "1 validation error detected: Value '101' at 'maxRecords' failed to satisfy \
             constraint: Member must have value less than or equal to 100"
        )
    );
    assert_eq!(
        refusal(request().alarm_types("Metric".into()).send().await),
        invalid(
            "1 validation error detected: Value '[Metric]' at 'alarmTypes' failed to satisfy \
             constraint: Member must satisfy constraint: [Member must satisfy enum value set: \
             [CompositeAlarm, LogAlarm, MetricAlarm]]"
        )
    );
    assert_eq!(
        refusal(
            request()
                .alarm_names("a")
                .alarm_name_prefix("a")
                .send()
                .await
        ),
        invalid("AlarmNames and AlarmNamePrefix cannot both be specified")
    );
    let many = (0..101).map(|number| number.to_string()).collect();
    for (request, constraint) in [
        (request().max_records(0), "greater than or equal to 1"),
        (
            request().state_value("ALARMED".into()),
            "enum value set: [OK, ALARM",
        ),
        (
            request().set_alarm_names(Some(many)),
            "less than or equal to 100",
        ),
        (request().alarm_names(""), "'alarmNames.1.member'"),
        (
            request().alarm_names("x".repeat(256)),
            "less than or equal to 255",
        ),
        (request().alarm_name_prefix(""), "'alarmNamePrefix'"),
        (
            request().action_prefix("arn:"),
            "does not implement 'actionPrefix'",
        ),
        (request().children_of_alarm_name("a"), "does not implement"),
        (request().parents_of_alarm_name("a"), "does not implement"),
    ] {
        let (status, code, message) = refusal(request.send().await);
        assert_eq!((status, code.as_deref()), (400, Some("ValidationError")));
        assert!(message.contains(constraint), "{message}");
    }
    let (status, code, _) = refusal(request().next_token("made-up").send().await);
    assert_eq!((status, code.as_deref()), (400, Some("InvalidNextToken")));
}
