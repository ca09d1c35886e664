//! The models that an event is about, as the functions find them out.

use std::collections::BTreeSet;

use retrain_core::names::ModelName;
use retrain_events::{
    AlarmMessage, Arrival, DataMessage, ExecutionMessage, PackageMessage, Request, alarm_messages,
    code_job, data_message, execution_message, package_message, request,
};
use retrain_policies::PolicySet;
use serde_json::Value;

/// The models of an event that is for this function; none if it is about none, or cannot
/// be read.
pub(super) fn of(event: &Value, function: &str, policies: &PolicySet) -> BTreeSet<ModelName> {
    let found = match function {
        "drift-alarm" => alarms(event, policies),
        "data-arrival" => objects(event, policies),
        "execution-status" => execution(event, policies),
        "model-approval" => package(event, policies),
        _ => asked(event).into_iter().collect(),
    };
    found.into_iter().collect()
}

fn alarms(event: &Value, policies: &PolicySet) -> Vec<ModelName> {
    let mut models = Vec::new();
    for message in alarm_messages(event).into_iter().flatten() {
        if let AlarmMessage::Transition(received) = message {
            let routes = policies.routes(&received.transition);
            let drift = routes.drift.iter();
            models.extend(drift.map(|(policy, _)| policy.model.clone()));
            models.extend(routes.never.iter().map(|(model, _)| (*model).clone()));
            models.extend(routes.broken.iter().filter_map(|one| named(&one.name)));
        }
    }
    models
}

fn objects(event: &Value, policies: &PolicySet) -> Vec<ModelName> {
    let arrivals: Vec<Arrival> = match data_message(event) {
        Ok(DataMessage::Direct(arrivals)) => arrivals,
        Ok(DataMessage::Batch(records)) => {
            let records = records.into_iter();
            let arrivals = records.filter_map(|record| record.arrivals.ok());
            arrivals.flatten().collect()
        }
        Err(_) => Vec::new(),
    };
    let mut models = Vec::new();
    for arrival in arrivals {
        if let Arrival::Created(object) = arrival {
            let routes = policies.data_routes(&object.bucket, &object.key);
            models.extend(routes.models.iter().map(|(policy, _)| policy.model.clone()));
            models.extend(routes.broken.iter().filter_map(|one| named(&one.name)));
        }
    }
    models
}

fn execution(event: &Value, policies: &PolicySet) -> Vec<ModelName> {
    let Ok(ExecutionMessage::Status(told)) = execution_message(event) else {
        return Vec::new();
    };
    let execution = &told.report.execution;
    let of = policies.of_execution(execution);
    let broken = policies.broken_of_execution(execution);
    of.map(|(policy, _)| policy.model.clone())
        .or_else(|| named(&broken?.name))
        .into_iter()
        .collect()
}

fn package(event: &Value, policies: &PolicySet) -> Vec<ModelName> {
    let model = match package_message(event) {
        Ok(PackageMessage::Package(told)) => policies.iter().find_map(|policy| {
            let group = policy.policy.model_package_group.as_ref()?;
            let same = group
                .as_str()
                .eq_ignore_ascii_case(told.package.group_name());
            same.then(|| policy.model.clone())
        }),
        Ok(PackageMessage::Endpoint(told)) => {
            let of = policies.of_endpoint(&told.endpoint);
            of.map(|(policy, _)| policy.model.clone())
        }
        Ok(PackageMessage::Irrelevant(_)) | Err(_) => None,
    };
    model.into_iter().collect()
}

/// A request names its model itself.
fn asked(event: &Value) -> Option<ModelName> {
    if let Ok(Some(job)) = code_job(event) {
        return job.asks.ok().map(|asks| asks.model);
    }
    match request(event) {
        Ok(Some(Request::Model(asked))) => Some(asked.model),
        Ok(Some(Request::Package(asked))) => Some(asked.model),
        Ok(Some(Request::Deployment(asked))) => Some(asked.model),
        Ok(Some(Request::Controller(_)) | None) => None,
        // What cannot be read names a model all the same, most often.
        Err(_) => named(event.get("model")?.as_str()?),
    }
}

/// What an event asks of the reconciler, in the event's own word; nothing if it is for
/// another function, or asks nothing.
pub(super) fn asks(event: &Value, function: &str) -> Option<String> {
    if function != "reconciler" {
        return None;
    }
    if event.get("CodePipeline.job").is_some() {
        return Some("a stage's job".to_owned());
    }
    let word = event.get("request")?;
    Some(
        word.as_str()
            .map_or_else(|| word.to_string(), str::to_owned),
    )
}

fn named(name: &str) -> Option<ModelName> {
    ModelName::parse(name).ok()
}
