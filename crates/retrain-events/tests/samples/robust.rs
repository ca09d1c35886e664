//! Whatever is sent: no panic, and an error that helps.

use std::collections::BTreeSet;

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use retrain_events::{
    Arrival, DeploymentAsks, ExecutionMessage, InvalidEvent, ObjectCreated, PackageAsks,
    PackageMessage, Request, alarm_messages, execution_message, package_message, request,
};

use crate::sample::{
    arrivals, data_arrival, drift_alarm, event, execution_status, model_approval, names,
};

/// What every answer must be, of each function to any event.
fn is_decent(event: &Value) {
    let results = alarm_messages(event);
    assert!(!results.is_empty(), "{event}");
    for error in results.into_iter().filter_map(Result::err) {
        is_helpful(&error);
    }
    match execution_message(event) {
        Ok(ExecutionMessage::Status(status)) => {
            let report = status.report;
            let of_execution = report.execution.pipeline_name();
            assert!(status.pipeline.eq_ignore_ascii_case(of_execution));
            let shown = [report.display_name, status.event_id, status.replay_name];
            for text in shown.into_iter().flatten() {
                assert!(text.chars().count() <= 257, "{text}");
            }
        }
        Ok(ExecutionMessage::Irrelevant(_)) => {}
        Err(error) => is_helpful(&error),
    }
    package_is_decent(event);
    request_is_decent(event);
    let arrivals = arrivals(event);
    assert!(!arrivals.is_empty(), "{event}");
    for result in arrivals {
        match result {
            Ok(Arrival::Created(object)) => is_plausible(&object),
            Ok(Arrival::Irrelevant(_)) => {}
            Err(error) => is_helpful(&error),
        }
    }
}

fn package_is_decent(event: &Value) {
    let shown: Vec<Option<String>> = match package_message(event) {
        Ok(PackageMessage::Package(package)) => {
            assert!((1..=4).contains(&package.updated_fields.map_or(1, |fields| fields.len())));
            let stage = package.life_cycle.map(|cycle| cycle.stage + &cycle.status);
            vec![package.event_id, package.replay_name, stage]
        }
        Ok(PackageMessage::Endpoint(endpoint)) => {
            assert!(endpoint.config.is_none_or(|name| name.len() <= 63));
            let status = Some(endpoint.status.to_string());
            vec![endpoint.failure, status, endpoint.event_id]
        }
        Ok(PackageMessage::Irrelevant(_)) => vec![],
        Err(error) => return is_helpful(&error),
    };
    for text in shown.into_iter().flatten() {
        assert!(text.chars().count() <= 514, "{text}");
    }
}

fn request_is_decent(event: &Value) {
    let (by, why) = match request(event) {
        Ok(Some(Request::Package(request))) => match request.asks {
            PackageAsks::SignOff { by, why, .. } => (by, why),
            PackageAsks::Order(order) => (order.by, order.why),
        },
        Ok(Some(Request::Deployment(request))) => match request.asks {
            DeploymentAsks::Deploy { by, why, .. } => (by, why),
            DeploymentAsks::Order(order) => (order.by, order.why),
        },
        Ok(Some(Request::Controller(order))) => (order.by, order.why),
        Ok(Some(Request::Model(_)) | None) => return,
        Err(error) => return is_helpful(&error),
    };
    for (text, longest) in [(by, 256), (why, 500)] {
        assert!((1..=longest).contains(&text.chars().count()), "{text}");
    }
}

fn is_plausible(object: &ObjectCreated) {
    assert!((3..=63).contains(&object.bucket.len()), "{object:?}");
    assert!((1..=1024).contains(&object.key.len()), "{object:?}");
    let exact = [&object.etag, &object.version_id];
    let shown = [&object.reason, &object.event_id, &object.replay_name];
    for (texts, longest) in [(&exact[..], 1024), (&shown[..], 257)] {
        for text in texts.iter().copied().flatten() {
            assert!((1..=longest).contains(&text.chars().count()), "{object:?}");
        }
    }
}

fn is_helpful(error: &InvalidEvent) {
    let says = error.to_string();
    assert!(says.chars().count() < 500, "{says}");
    assert!(!says.contains(char::is_control), "{says:?}");
    assert!(
        says.contains(error.path()) && !error.path().is_empty(),
        "{says}"
    );
}

/// Words that lead far into the parser, and text that should not matter.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        "ALARM",
        "OK",
        "1767592800000",
        "2026-01-05T06:00:00.000+0000",
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a",
        "{\"detail\":{}}",
        "aws.sagemaker",
        "SageMaker Model Building Pipeline Execution Status Change",
        "Executing",
        "Succeeded",
        "SageMaker Model Package State Change",
        "SageMaker Endpoint State Change",
        "arn:aws:sagemaker:us-east-1:111122223333:model-package/a/7",
        "arn:aws:sagemaker:us-east-1:111122223333:model-package/a",
        "Approved",
        "ModelApprovalStatus",
        "IN_SERVICE",
        "sign_off",
        "deploy",
        "technical",
        "approves",
        "aws.s3",
        "Object Created",
        "aws:s3",
        "aws:sqs",
        "ObjectCreated:Put",
        "fraud-detection-data",
        "training/a+b%20c/",
        "695B53600A1B2C01",
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/a",
        "arn:aws:sagemaker:us-east-1:111122223333:pipeline/a/execution/1",
        "{",
        "",
    ];
    prop_oneof![select(known.map(str::to_owned).to_vec()), ".*"]
}

fn key() -> impl Strategy<Value = String> {
    let known = [
        "Records",
        "Sns",
        "Message",
        "alarmData",
        "alarmArn",
        "detail",
        "detail-type",
        "source",
        "resources",
        "state",
        "value",
        "timestamp",
        "configuration",
        "metrics",
        "metricStat",
        "metric",
        "dimensions",
        "AlarmName",
        "Trigger",
        "MetricName",
        "Namespace",
        "Dimensions",
        "StateChangeTime",
        "pipelineArn",
        "pipelineExecutionArn",
        "pipelineExecutionDisplayName",
        "currentPipelineExecutionStatus",
        "executionStartTime",
        "ModelPackageArn",
        "ModelApprovalStatus",
        "ModelPackageStatus",
        "UpdatedModelPackageFields",
        "LastModifiedTime",
        "EndpointName",
        "EndpointArn",
        "EndpointStatus",
        "FailureReason",
        "request",
        "model",
        "environment",
        "package",
        "package_version",
        "role",
        "opinion",
        "by",
        "why",
        "force",
        "messageId",
        "body",
        "eventSource",
        "eventName",
        "eventTime",
        "s3",
        "bucket",
        "name",
        "object",
        "key",
        "size",
        "sequencer",
    ];
    prop_oneof![4 => select(known.map(str::to_owned).to_vec()), 1 => ".*"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            hash_map(key(), inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The JSON pointers of all values inside this one.
fn pointers(value: &Value, here: &str, found: &mut BTreeSet<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, child)| (key.clone(), child))
            .collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(at, child)| (at.to_string(), child))
            .collect(),
        _ => return,
    };
    for (key, child) in children {
        let pointer = format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"));
        pointers(child, &pointer, found);
        found.insert(pointer);
    }
}

/// Puts another value into a random place, or nothing.
fn mutate(event: &mut Value, place: Index, replacement: Option<Value>) {
    let mut found = BTreeSet::new();
    pointers(event, "", &mut found);
    let found: Vec<String> = found.into_iter().collect();
    if found.is_empty() {
        return;
    }
    let (parent, key) = place.get(&found).rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (event.pointer_mut(parent).unwrap(), replacement) {
        (Value::Object(members), Some(value)) => drop(members.insert(key, value)),
        (Value::Object(members), None) => drop(members.remove(&key)),
        (Value::Array(elements), Some(value)) => elements[key.parse::<usize>().unwrap()] = value,
        (Value::Array(elements), None) => drop(elements.remove(key.parse().unwrap())),
        _ => unreachable!("only objects and arrays have children"),
    }
}

/// Mutates the document inside a message, where there is one.
fn mutate_message(event: &mut Value, place: Index, replacement: Option<Value>) {
    let pointers = ["/Records/0/Sns/Message", "/Records/0/body", "/Message"];
    let Some(pointer) = pointers.iter().find(|at| event.pointer(at).is_some()) else {
        return;
    };
    let message = event.pointer_mut(pointer).unwrap();
    let Some(Ok(mut document)) = message.as_str().map(serde_json::from_str) else {
        return;
    };
    mutate_message(&mut document, place, replacement.clone());
    mutate(&mut document, place, replacement);
    *message = document.to_string().into();
}

fn sample() -> impl Strategy<Value = Value> {
    select(names().into_iter().collect::<Vec<_>>()).prop_map(|name| event(&name))
}

proptest! {
    #[test]
    fn any_json_gets_a_decent_answer(event in any_json()) {
        is_decent(&event);
    }

    #[test]
    fn any_details_of_an_execution_get_a_decent_answer(
        detail in any_json(),
        resources in any_json(),
        pipeline in any_json(),
        execution in any_json(),
        status in text(),
        started in any_json(),
    ) {
        let mut event = execution_status("succeeded");
        event["resources"] = resources;
        for (field, value) in [
            ("pipelineArn", pipeline),
            ("executionStartTime", started),
            ("currentPipelineExecutionStatus", status.into()),
            ("pipelineExecutionArn", execution),
        ] {
            event["detail"][field] = value;
            is_decent(&event);
        }
        event["detail"] = detail.to_string().into();
        is_decent(&event);
        event["detail"] = detail;
        is_decent(&event);
    }

    #[test]
    fn any_details_of_a_package_or_an_endpoint_get_a_decent_answer(
        detail in any_json(),
        resources in any_json(),
        value in any_json(),
        word in text(),
    ) {
        for (name, fields) in [
            (
                "life-cycle-edit",
                &[
                    "UpdatedModelPackageFields",
                    "ModelLifeCycle",
                    "LastModifiedTime",
                    "ModelPackageStatus",
                    "ModelApprovalStatus",
                    "ModelPackageArn",
                ][..],
            ),
            (
                "endpoint-failed",
                &[
                    "FailureReason",
                    "EndpointConfigName",
                    "LastModifiedTime",
                    "EndpointStatus",
                    "EndpointName",
                    "EndpointArn",
                ],
            ),
        ] {
            for value in [value.clone(), json!(word), json!([word]), Value::Null] {
                let mut event = model_approval(name);
                for field in fields {
                    event["detail"][*field] = value.clone();
                    is_decent(&event);
                }
                event["resources"] = resources.clone();
                is_decent(&event);
            }
            let mut event = model_approval(name);
            event["detail"] = detail.to_string().into();
            is_decent(&event);
            event["detail"] = detail.clone();
            is_decent(&event);
        }
    }

    #[test]
    fn any_contents_of_a_queue_get_a_decent_answer(
        detail in any_json(),
        object in any_json(),
        record in any_json(),
    ) {
        let mut event = data_arrival("eventbridge-put");
        event["detail"]["object"] = object.clone();
        let mut notification = data_arrival("notification");
        notification["Records"][0]["s3"]["object"] = object;
        let mut other = event.clone();
        other["detail"] = detail;
        let bodies = [event, notification, other, json!({ "Records": [record] })];
        let mut batch = data_arrival("sqs-batch");
        for (at, body) in bodies.into_iter().enumerate() {
            is_decent(&body);
            let wrapped = json!({ "Message": body.to_string() });
            batch["Records"][0]["body"] = wrapped.to_string().into();
            batch["Records"][at]["body"] = body.to_string().into();
            is_decent(&batch);
        }
    }

    #[test]
    fn mutated_samples_get_a_decent_answer(
        mut event in sample(),
        inner in any::<Index>(),
        outer in vec(any::<Index>(), 1..4),
        replacement in proptest::option::of(any_json()),
    ) {
        mutate_message(&mut event, inner, replacement.clone());
        is_decent(&event);
        for place in outer {
            mutate(&mut event, place, replacement.clone());
            is_decent(&event);
        }
    }
}

#[test]
fn any_one_field_replaced_gets_a_decent_answer() {
    for name in names() {
        let event = event(&name);
        let mut places = BTreeSet::new();
        pointers(&event, "", &mut places);
        for place in places {
            for replacement in [Value::Null, json!({}), json!([]), json!("x"), json!(-1)] {
                let mut mutated = event.clone();
                *mutated.pointer_mut(&place).unwrap() = replacement;
                is_decent(&mutated);
            }
        }
    }
}

#[test]
fn megabytes_of_anything_make_a_short_error() {
    let long = "\u{e000}\"\n".repeat(300_000);
    let alarms = [
        "alarm",
        "direct-alarm-action",
        "sns-classic",
        "composite-suppressed",
        "muted",
    ];
    let executions = [
        "succeeded",
        "arns-in-resources-only",
        "code-pipeline-succeeded",
        "code-pipeline-name-in-resources-only",
    ];
    let arrivals = ["versioned", "notification-many-records", "sqs-batch"];
    let packages = [
        "life-cycle-edit",
        "arn-in-resources-only",
        "endpoint-failed",
        "endpoint-arn-only",
    ];
    let requests = ["sign-off", "reject", "deploy", "pause-environment"];
    for event in alarms
        .map(drift_alarm)
        .into_iter()
        .chain(executions.map(execution_status))
        .chain(arrivals.map(data_arrival))
        .chain(packages.map(model_approval))
        .chain(requests.map(|name| event(&format!("reconciler/{name}"))))
    {
        let mut places = BTreeSet::new();
        pointers(&event, "", &mut places);
        for place in places {
            let mut mutated = event.clone();
            *mutated.pointer_mut(&place).unwrap() = json!(long);
            is_decent(&mutated);
        }
    }
}
