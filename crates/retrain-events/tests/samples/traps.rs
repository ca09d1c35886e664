//! What is odd about the shapes that AWS documents.

use retrain_core::drift::{AlarmForm, Silenced};
use retrain_events::{AlarmMessage, Envelope, Irrelevant};
use serde_json::{Value, json};

use crate::sample::{drift_alarm, event, received, single, transition};

#[test]
fn the_configuration_tells_the_form_and_the_metrics() {
    for (name, form, metrics) in [
        (
            "alarm",
            AlarmForm::SingleMetric,
            &["feature_baseline_drift_transaction_amount"] as &[&str],
        ),
        ("daily-period", AlarmForm::SingleMetric, &["f2"]),
        (
            "metric-math",
            AlarmForm::MetricMath,
            &["features_drifted", "features_checked"],
        ),
        (
            "anomaly-band",
            AlarmForm::AnomalyBand,
            &["prediction_score_mean"],
        ),
        ("metrics-insights", AlarmForm::MetricsInsights, &[]),
        ("composite", AlarmForm::Composite, &[]),
        ("composite-with-suppressor", AlarmForm::Composite, &[]),
        ("direct-composite", AlarmForm::Composite, &[]),
        ("log-alarm", AlarmForm::Other, &[]),
        ("promql", AlarmForm::Other, &[]),
    ] {
        let transition = transition(&drift_alarm(name));
        let names: Vec<&str> = transition
            .metrics
            .iter()
            .map(|metric| metric.name.as_str())
            .collect();
        assert_eq!(
            (transition.form, names.as_slice()),
            (form, metrics),
            "{name}"
        );
    }
}

#[test]
fn a_metric_whose_id_begins_with_select_is_no_query() {
    let mut event = drift_alarm("metric-math");
    for (text, form) in [
        ("selected / m2", AlarmForm::MetricMath),
        ("select avg(x) from y", AlarmForm::MetricsInsights),
        ("\n SELECT AVG(x) FROM y", AlarmForm::MetricsInsights),
    ] {
        event["detail"]["configuration"]["metrics"][0]["expression"] = json!(text);
        assert_eq!(transition(&event).form, form, "{text}");
    }
}

#[test]
fn silence_is_that_of_the_new_state_only() {
    assert_eq!(transition(&drift_alarm("alarm")).silenced, None);
    // Only the previous state of this one was suppressed.
    assert_eq!(transition(&drift_alarm("direct-composite")).silenced, None);
    assert_eq!(
        transition(&drift_alarm("composite-suppressed")).silenced,
        Some(Silenced::Suppressed {
            by: "WaitPeriod".into()
        })
    );
    let by = "arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:holiday-sale";
    assert_eq!(
        transition(&drift_alarm("muted")).silenced,
        Some(Silenced::Muted {
            by: Some(by.into())
        })
    );
}

#[test]
fn envelopes_tell_how_the_message_came() {
    for (name, envelope, has_id, has_replay) in [
        ("alarm", Envelope::EventBridge, true, false),
        ("replayed", Envelope::EventBridge, true, true),
        ("sns-classic", Envelope::Sns, true, false),
        ("sns-eventbridge", Envelope::Sns, true, false),
        ("direct-alarm-action", Envelope::DirectAction, false, false),
    ] {
        let received = received(&drift_alarm(name));
        assert_eq!(received.envelope, envelope, "{name}");
        assert_eq!(received.event_id.is_some(), has_id, "{name}");
        assert_eq!(received.replay_name.is_some(), has_replay, "{name}");
    }
}

#[test]
fn well_formed_messages_about_something_else_are_irrelevant_by_name() {
    for (name, why) in [
        ("configuration-change", Irrelevant::ConfigurationChange),
        ("contributor", Irrelevant::ContributorStateChange),
        ("direct-contributor", Irrelevant::ContributorStateChange),
        (
            "sns-classic-contributor",
            Irrelevant::ContributorStateChange,
        ),
        (
            "sns-subscription-confirmation",
            Irrelevant::SubscriptionMessage,
        ),
        ("sns-test-message", Irrelevant::TestMessage),
    ] {
        let message = single(&drift_alarm(name)).unwrap();
        assert_eq!(message, AlarmMessage::Irrelevant(why), "{name}");
    }
}

#[test]
fn errors_name_the_field() {
    for (name, path) in [
        ("no-detail", "detail"),
        ("no-state", "detail.state"),
        ("unknown-state", "detail.state.value"),
        ("bad-timestamp", "detail.state.timestamp"),
        ("no-timestamp", "detail.state.timestamp"),
        ("epoch-second-timestamp", "detail.state.timestamp"),
        ("bad-alarm-arn", "resources[0]"),
        ("alarm-name-mismatch", "detail.alarmName"),
        ("detail-not-json", "detail"),
        (
            "bad-dimension",
            "detail.configuration.metrics[0].metricStat.metric.dimensions.\"Endpoint\"",
        ),
        ("sns-truncated-message", "Records[0].Sns.Message"),
        ("sns-no-records", "Records"),
    ] {
        let error = single(&event(&format!("invalid/{name}"))).unwrap_err();
        assert_eq!(error.path(), path, "{name}: {error}");
    }
}

#[test]
fn names_are_bounded_and_reasons_are_cut() {
    let mut event = drift_alarm("alarm");
    event["detail"]["state"]["reason"] = json!("x".repeat(1_000_000));
    let reason = transition(&event).reason.unwrap();
    assert_eq!(reason.chars().count(), 301);

    event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] =
        json!("x".repeat(1025));
    let error = single(&event).unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
fn metrics_and_dimensions_are_bounded() {
    let mut event = drift_alarm("alarm");
    let configuration = &mut event["detail"]["configuration"];
    configuration["metrics"] = json!(vec![configuration["metrics"][0].clone(); 1000]);
    let dimensions: Value = (0..1000).map(|n| (format!("d{n}"), json!("v"))).collect();
    configuration["metrics"][0]["metricStat"]["metric"]["dimensions"] = dimensions;
    let metrics = transition(&event).metrics;
    assert_eq!((metrics.len(), metrics[0].dimensions.len()), (100, 30));
}

#[test]
fn a_hand_made_sns_message_needs_nothing_but_the_message() {
    let notification = drift_alarm("sns-classic");
    let message = &notification["Records"][0]["Sns"]["Message"];
    let event = json!({ "Records": [{ "Sns": { "Message": message } }] });
    assert_eq!(transition(&event), transition(&drift_alarm("alarm")));
}

#[test]
fn the_envelope_time_only_stands_in_and_never_fails_an_event() {
    for time in [
        json!(null),
        json!(-1),
        json!("soon"),
        json!({}),
        json!(1e300),
    ] {
        let mut event = drift_alarm("alarm");
        event["time"] = time.clone();
        assert_eq!(
            transition(&event),
            transition(&drift_alarm("alarm")),
            "{time}"
        );
    }
    for time in [
        json!("2026-01-05T06:40:00Z"),
        json!(1_767_595_200_000_i64),
        json!("1767595200000"),
    ] {
        let mut event = drift_alarm("no-state-timestamp");
        event["time"] = time.clone();
        assert_eq!(
            transition(&event).at,
            transition(&drift_alarm("ok")).at,
            "{time}"
        );
    }
}

#[test]
fn an_arn_is_put_together_in_the_partition_of_its_region() {
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ] {
        let mut event = drift_alarm("no-resources");
        event["region"] = json!(region);
        let arn = format!(
            "arn:{partition}:cloudwatch:{region}:111122223333:alarm:fraud-detection-data-quality"
        );
        assert_eq!(transition(&event).alarm.as_str(), arn);
    }
}
