//! Each sample parses as it did.

use std::fs;

use retrain_events::{
    AlarmMessage, Arrival, DataMessage, DeploymentAsks, ExecutionMessage, InvalidEvent,
    PackageAsks, PackageMessage, Request, alarm_messages, code_job, data_message,
    execution_message, package_message, request,
};
use serde_json::{Value, json};

use crate::sample::{
    Function, Results, drift_alarm, event, name, names, parsed, text, transition, undecided,
};

fn as_json(results: &Results) -> Value {
    let each = results.iter().map(|result| match result {
        Ok(AlarmMessage::Transition(received)) => json!({
            "transition": received.transition,
            "envelope": received.envelope.to_string(),
            "event_id": received.event_id,
            "replay_name": received.replay_name,
        }),
        Ok(AlarmMessage::Irrelevant(why)) => json!({ "irrelevant": why.name() }),
        Err(error) => json!({ "error": error.name(), "says": error.to_string() }),
    });
    each.collect()
}

fn execution_as_json(result: &Result<ExecutionMessage, InvalidEvent>) -> Value {
    match result {
        Ok(ExecutionMessage::Status(status)) => json!({
            "report": status.report,
            "pipeline": status.pipeline,
            "event_id": status.event_id,
            "replay_name": status.replay_name,
        }),
        Ok(ExecutionMessage::Irrelevant(why)) => json!({ "irrelevant": why.name() }),
        Err(error) => json!({ "error": error.name(), "says": error.to_string() }),
    }
}

fn package_as_json(result: &Result<PackageMessage, InvalidEvent>) -> Value {
    match result {
        Ok(PackageMessage::Package(package)) => json!({
            "package": package.package,
            "approval": package.approval,
            "status": package.status,
            "updated_fields": package.updated_fields.as_ref().map(|fields| {
                fields.iter().map(ToString::to_string).collect::<Vec<_>>()
            }),
            "may_tell_approval": package.may_tell_approval(),
            "at": package.at,
            "life_cycle": package.life_cycle,
            "event_id": package.event_id,
            "replay_name": package.replay_name,
        }),
        Ok(PackageMessage::Endpoint(endpoint)) => json!({
            "endpoint": endpoint.endpoint,
            "status": endpoint.status.to_string(),
            "config": endpoint.config,
            "failure": endpoint.failure,
            "at": endpoint.at,
            "event_id": endpoint.event_id,
            "replay_name": endpoint.replay_name,
        }),
        Ok(PackageMessage::Irrelevant(why)) => json!({ "irrelevant": why.name() }),
        Err(error) => json!({ "error": error.name(), "says": error.to_string() }),
    }
}

fn arrivals_as_json(result: &Result<Vec<Arrival>, InvalidEvent>) -> Value {
    let each = |arrival: &Arrival| match arrival {
        Arrival::Created(object) => json!({
            "bucket": object.bucket,
            "key": object.key,
            "size": object.size,
            "etag": object.etag,
            "version_id": object.version_id,
            "sequencer": object.sequencer.as_ref().map(ToString::to_string),
            "at": object.at,
            "reason": object.reason,
            "event_id": object.event_id,
            "replay_name": object.replay_name,
        }),
        Arrival::Irrelevant(why) => json!({ "irrelevant": why.name() }),
    };
    match result {
        Ok(arrivals) => arrivals.iter().map(each).collect(),
        Err(error) => json!({ "error": error.name(), "says": error.to_string() }),
    }
}

fn data_as_json(event: &Value) -> Value {
    match data_message(event) {
        Ok(DataMessage::Batch(records)) => {
            let each = records.iter().map(|record| {
                json!({
                    "message_id": record.message_id,
                    "arrivals": arrivals_as_json(&record.arrivals),
                })
            });
            json!({ "batch": each.collect::<Value>() })
        }
        Ok(DataMessage::Direct(arrivals)) => {
            json!({ "direct": arrivals_as_json(&Ok(arrivals)) })
        }
        Err(error) => arrivals_as_json(&Err(error)),
    }
}

fn request_as_json(event: &Value) -> Value {
    let now = "2026-01-05T12:00:00Z".parse().unwrap();
    if let Some(job) = code_job(event).unwrap() {
        return json!({ "job": job.id, "event": job.asks.unwrap().event(now) });
    }
    match request(event) {
        Ok(Some(Request::Model(request))) => {
            json!({ "model": request.model, "event": request.event(now) })
        }
        Ok(Some(Request::Package(request))) => json!({
            "model": request.model,
            "package": request.package.to_string(),
            "asks": match request.asks {
                PackageAsks::SignOff { role, opinion, by, why } => {
                    json!({ "role": role, "opinion": opinion, "by": by, "why": why })
                }
                PackageAsks::Order(order) => json!(order),
            },
        }),
        Ok(Some(Request::Deployment(request))) => json!({
            "model": request.model,
            "environment": request.environment,
            "asks": match request.asks {
                DeploymentAsks::Deploy { package, key, by, why, force } => json!({
                    "package": package.to_string(),
                    "key": key,
                    "by": by,
                    "why": why,
                    "force": force,
                }),
                DeploymentAsks::Order(order) => json!(order),
            },
        }),
        Ok(Some(Request::Controller(order))) => json!(order),
        Ok(None) => json!({ "request": null }),
        Err(error) => json!({ "error": error.name(), "says": error.to_string() }),
    }
}

#[test]
fn every_sample_parses_as_recorded() {
    insta::glob!("../../../../events", "**/*.json", |path| {
        let event = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        match Function::of(&name(path)) {
            Function::DataArrival => {
                insta::assert_json_snapshot!("sample", data_as_json(&event));
            }
            Function::DriftAlarm => {
                insta::assert_json_snapshot!("sample", as_json(&alarm_messages(&event)));
            }
            Function::ExecutionStatus => {
                insta::assert_json_snapshot!(
                    "sample",
                    execution_as_json(&execution_message(&event))
                );
            }
            Function::ModelApproval => {
                insta::assert_json_snapshot!("sample", package_as_json(&package_message(&event)));
            }
            Function::Reconciler => {
                insta::assert_json_snapshot!("sample", request_as_json(&event));
            }
        }
    });
}

#[test]
fn malformed_samples_are_errors_and_others_are_not() {
    for name in names() {
        let all_bad = undecided(&name)
            .iter()
            .all(|result| matches!(result, Some(Err(_))));
        assert_eq!(all_bad, name.starts_with("invalid/"), "{name}");
    }
}

#[test]
fn one_transition_is_the_same_in_every_envelope() {
    let alarm = transition(&drift_alarm("alarm"));
    for other in [
        "sns-classic",
        "sns-eventbridge",
        "direct-alarm-action",
        "zulu-timestamp",
        "offset-timestamp",
        "epoch-millisecond-time",
        "epoch-millisecond-string-time",
        "epoch-millisecond-float-time",
        "detail-as-text",
        "no-resources",
        "replayed",
        "duplicated-key",
        "unknown-fields",
        "initial",
    ] {
        assert_eq!(transition(&drift_alarm(other)), alarm, "{other}");
    }
    for (one, other) in [
        ("sns-classic-metric-math", "metric-math"),
        ("sns-classic-composite", "composite"),
    ] {
        assert_eq!(
            transition(&drift_alarm(one)),
            transition(&drift_alarm(other)),
            "{one}"
        );
    }
}

#[test]
fn the_last_of_duplicated_keys_wins() {
    let text = text("drift-alarm/duplicated-key");
    assert_eq!(text.matches("\"source\":").count(), 2);
    let first_is_foreign: Value =
        serde_json::from_str(&text.replacen("[\"aws.cloudwatch\"]", "\"aws.s3\"", 1)).unwrap();
    assert_eq!(
        transition(&first_is_foreign),
        transition(&drift_alarm("alarm"))
    );
}

#[test]
fn a_bad_record_harms_no_other() {
    let results = parsed("drift-alarm/sns-one-bad-record");
    let [Err(bad), Ok(AlarmMessage::Transition(good))] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!(bad.path(), "Records[0].Sns.Message.StateChangeTime");
    assert_eq!(good.transition, transition(&drift_alarm("alarm")));
}

#[test]
fn all_records_of_a_delivery_are_read() {
    let both: Vec<_> = parsed("drift-alarm/sns-two-records")
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let states: Vec<String> = both
        .iter()
        .map(|message| match message {
            AlarmMessage::Transition(received) => received.transition.state.to_string(),
            AlarmMessage::Irrelevant(why) => why.to_string(),
        })
        .collect();
    assert_eq!(states, ["ALARM", "OK"]);
    assert_eq!(
        event("drift-alarm/sns-two-records")["Records"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
