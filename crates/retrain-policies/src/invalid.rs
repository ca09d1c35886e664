//! Documents that are no policies, and what can be read of them.

use retrain_core::drift::AlarmTransition;
use retrain_core::names::shortened;
use retrain_core::policy::{AlarmMatch, DataPolicy, DriftPolicy, PolicyError};
use serde_json::Value;
use thiserror::Error;

use crate::set::Document;

/// A document that is no policy.
#[derive(Clone, Debug, Error)]
#[error("the policy of the model {name:?}, version {version}, is invalid")]
pub struct InvalidPolicy {
    /// The name under which it is stored, shortened.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// What is wrong with it.
    #[source]
    pub error: PolicyError,
    /// The pipelines that it names, if that much can be read.
    pub(crate) pipelines: Vec<String>,
    /// The endpoints that it deploys to, if that much can be read.
    pub(crate) endpoints: Vec<String>,
    /// The model package group that it names, if that much can be read.
    pub(crate) group: Option<String>,
    /// What it says about alarms, if that much can be read.
    pub(crate) drift: Option<DriftPolicy>,
    /// What it says about objects.
    pub(crate) data: DataPart,
}

/// What an invalid document says about objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DataPart {
    /// This.
    Says(Box<DataPolicy>),
    /// Nothing.
    Silent,
    /// That much cannot be read.
    Unreadable,
}

/// A document that is no policy, and why.
pub(crate) struct Unread {
    pub(crate) document: Document,
    pub(crate) error: PolicyError,
}

impl InvalidPolicy {
    pub(crate) fn of(Unread { document, error }: Unread) -> Self {
        let text = document.text.as_str();
        Self {
            name: shortened(&document.name, 80),
            version: document.version,
            drift: drift_part(text),
            pipelines: pipelines_part(text),
            endpoints: endpoints_part(text),
            group: group_part(text),
            data: data_part(text),
            error,
        }
    }

    /// Whether this document names the alarm, as far as it can be read.
    pub(crate) fn names(&self, alarm: &AlarmTransition) -> Option<bool> {
        let drift = self.drift.as_ref()?;
        Some(matches!(drift.matches(alarm), AlarmMatch::Drift(_)))
    }
}

/// The part of a broken document that says which alarms are its model's, if that
/// part at least is sound.
fn drift_part(text: &str) -> Option<DriftPolicy> {
    let document: Value = serde_json::from_str(text).ok()?;
    let Some(drift) = document.get("drift") else {
        return Some(DriftPolicy::default());
    };
    let drift: DriftPolicy = serde_json::from_value(drift.clone()).ok()?;
    drift.check().is_ok().then_some(drift)
}

/// What a broken document says about objects, if that part at least is sound.
fn data_part(text: &str) -> DataPart {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return DataPart::Unreadable;
    };
    let Some(data) = document.get("data") else {
        return DataPart::Silent;
    };
    serde_json::from_value::<DataPolicy>(data.clone())
        .ok()
        .filter(|data| data.check().is_ok())
        .map_or(DataPart::Unreadable, |data| DataPart::Says(Box::new(data)))
}

fn pipelines_part(text: &str) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let trains = document.pointer("/pipeline/name").and_then(Value::as_str);
    let mut names = of_environments(&document, "pipeline");
    names.extend(trains.map(str::to_owned));
    names
}

fn endpoints_part(text: &str) -> Vec<String> {
    serde_json::from_str(text).map_or(Vec::new(), |document| {
        of_environments(&document, "endpoint")
    })
}

/// What each environment says in a field that is text.
fn of_environments(document: &Value, field: &str) -> Vec<String> {
    let environments = document.get("environments").and_then(Value::as_array);
    let values = environments.into_iter().flatten();
    values
        .filter_map(|environment| Some(environment.get(field)?.as_str()?.to_owned()))
        .collect()
}

fn group_part(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    let name = document.get("model_package_group")?.as_str()?;
    Some(name.to_owned())
}
