use retrain_sandbox::cloudwatch::{Alarm, AlarmType, ControlError, Metric, StateValue};
use serde_json::json;

use super::{cloudwatch, names, one_of_each};
use crate::client;

#[tokio::test]
async fn alarms_are_put_set_and_deleted_past_the_api() {
    let (sandbox, client) = cloudwatch().await;
    let control = sandbox.cloudwatch();
    one_of_each(control);
    assert_eq!(control.state("churn-drift"), Some(StateValue::Alarm));
    let again = Alarm::new("churn-drift").state(StateValue::Ok);
    control.put_alarm(again).unwrap();
    assert_eq!(control.state("churn-drift"), Some(StateValue::Ok));
    control.delete_alarm("churn-drift").unwrap();
    assert_eq!(control.state("churn-drift"), None);
    assert_eq!(
        names(&client.describe_alarms().send().await.unwrap()),
        [""; 0]
    );

    let unknown = Err(ControlError::Unknown("none".to_owned()));
    assert_eq!(control.set_state("none", StateValue::Ok), unknown);
    assert_eq!(control.delete_alarm("none"), unknown);
    let metric = Metric::new("N", "m");
    for alarm in [
        Alarm::new(""),
        Alarm::new(&"x".repeat(256)),
        Alarm::new("log")
            .alarm_type(AlarmType::LogAlarm)
            .metric(metric),
    ] {
        let refused = control.put_alarm(alarm).unwrap_err();
        assert!(matches!(refused, ControlError::Invalid { .. }), "{refused}");
    }
}

#[tokio::test]
async fn alarms_are_seeded_and_set_over_http() {
    let (sandbox, client) = client::sandbox().await;
    let seed = json!({"alarms": [
        {"name": "drift", "state": "OK", "metric": {"namespace": "N", "name": "m"}},
        {"name": "all", "type": "CompositeAlarm"},
    ]});
    assert_eq!(client.post("/_sandbox/seed", seed).await.status, 200);
    let alarm = json!({"name": "errors", "type": "LogAlarm", "state": "ALARM"});
    let put = client.post("/_sandbox/alarms", alarm).await;
    assert_eq!(
        put.body["arn"],
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors"
    );
    let set = json!({"name": "drift", "state": "ALARM"});
    assert_eq!(client.post("/_sandbox/alarms/state", set).await.status, 200);
    let unknown = json!({"name": "none", "state": "ALARM"});
    let refused = client.post("/_sandbox/alarms/state", unknown).await;
    assert_eq!(refused.body["message"], "there is no alarm none");
    assert_eq!(
        client.get("/_sandbox/alarms").await.body,
        json!({"alarms": [
            {"name": "all", "type": "CompositeAlarm", "state": "INSUFFICIENT_DATA"},
            {
                "name": "drift",
                "type": "MetricAlarm",
                "state": "ALARM",
                "metric": {
                    "namespace": "N",
                    "name": "m",
                    "dimensions": {},
                    "period": 300,
                    "evaluationPeriods": 1,
                },
            },
            {"name": "errors", "type": "LogAlarm", "state": "ALARM"},
        ]})
    );
    let nameless = json!({"alarms": [{"name": ""}]});
    let refused = client.post("/_sandbox/seed", nameless).await;
    let message = refused.body["message"].as_str().unwrap();
    assert!(message.contains("1 to 255 characters"), "{message}");
    assert_eq!(sandbox.cloudwatch().alarms().len(), 3);
}
