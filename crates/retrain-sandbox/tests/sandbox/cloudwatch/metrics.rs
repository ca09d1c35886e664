use aws_sdk_cloudwatch::types::DimensionFilter;

use super::cloudwatch;

#[tokio::test]
async fn metrics_are_told_by_namespace_name_and_some_of_their_dimensions() {
    let (sandbox, client) = cloudwatch().await;
    let own = sandbox.cloudwatch();
    own.put_metric("Fraud", "psi", &[("Stage", "prod"), ("Feature", "amount")]);
    own.put_metric("Fraud", "psi", &[("Stage", "test")]);
    own.put_metric("Fraud", "ks", &[]);
    own.put_metric("Churn", "psi", &[]);
    let stage = |value: Option<&str>| {
        let filter = DimensionFilter::builder().name("Stage");
        filter.set_value(value.map(str::to_owned)).build()
    };
    let list = || client.list_metrics();
    for (request, count) in [
        (list(), 4),
        (list().namespace("Fraud"), 3),
        (list().namespace("Fraud").metric_name("psi"), 2),
        (list().dimensions(stage(None)), 2),
        (list().dimensions(stage(Some("prod"))), 1),
        (list().namespace("fraud"), 0),
    ] {
        let shown = format!("{request:?}");
        let found = request.send().await.unwrap();
        assert_eq!(found.metrics().len(), count, "{shown}");
    }
    own.forget_metrics();
    assert!(list().send().await.unwrap().metrics().is_empty());
    let unknown = list().owning_account("111122223333").send().await;
    assert!(unknown.is_err());
}

#[tokio::test]
async fn the_actions_of_an_alarm_are_told() {
    let (sandbox, client) = cloudwatch().await;
    let mut alarm = retrain_sandbox::cloudwatch::Alarm::new("churn-drift");
    alarm.actions_enabled = false;
    alarm.alarm_actions = vec!["arn:aws:sns:us-east-1:111122223333:team".to_owned()];
    alarm.ok_actions = vec!["arn:aws:sns:us-east-1:111122223333:calm".to_owned()];
    sandbox.cloudwatch().put_alarm(alarm.clone()).unwrap();
    let told = client.describe_alarms().send().await.unwrap();
    let told = &told.metric_alarms()[0];
    assert_eq!(told.actions_enabled(), Some(false));
    assert_eq!(told.alarm_actions(), alarm.alarm_actions);
    assert_eq!(told.ok_actions(), alarm.ok_actions);
}
