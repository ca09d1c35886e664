//! `SageMaker Model Package State Change`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::Scene;
use super::super::model::ModelPackage;
use super::{no_scans, short_name};

/// How the times in the detail of an event are written: AWS documents one form,
/// and a captured event has the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventTimes {
    /// As the documentation has them: `"2026-01-05T00:00:00.000Z"`.
    #[default]
    Iso,
    /// As the captured event has them: `1767571200000`.
    EpochMillis,
}

/// Something that happened to a model package. `SageMaker` sends its events at
/// best effort: one may be lost, late, or followed by [another](Self::again) of the
/// same change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageEvent {
    account: String,
    region: String,
    at: Timestamp,
    /// The change's number, from 1.
    change: u64,
    /// How often the change was announced before.
    copy: u32,
    arn: String,
    detail: Value,
}

/// What `detail` tells of a package besides its names, times and states (the
/// documented sample and a captured event).
const MEMBERS: &[&str] = &[
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "InferenceSpecification",
    "MetadataProperties",
    "ModelLifeCycle",
    "ModelMetrics",
    "ModelPackageDescription",
    "ModelPackageStatusDetails",
];

impl PackageEvent {
    /// The ARN of the package.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// What happened, as AWS tells it.
    pub fn detail(&self) -> &Value {
        &self.detail
    }

    /// `UpdatedModelPackageFields`; empty if the event has none.
    pub fn updated_fields(&self) -> Vec<&str> {
        let fields = self.detail["UpdatedModelPackageFields"].as_array();
        fields
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Another event of the same change: the same in all but its `id`.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            copy: self.copy + 1,
            ..self.clone()
        }
    }

    /// The event as `EventBridge` delivers it. Twice the same event has twice the
    /// same `id`.
    pub fn eventbridge(&self) -> Value {
        json!({
            "version": "0",
            // Counted, not random, so that two runs of a test print the same.
            "id": format!("{:08x}-0000-4000-8000-{:012x}", self.copy, self.change),
            "detail-type": "SageMaker Model Package State Change",
            "source": "aws.sagemaker",
            "account": self.account,
            "time": self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.region,
            "resources": [self.arn],
            "detail": self.detail,
        })
    }
}

/// Tells of a package as it is now. `updated` are the changed fields; a creation
/// and a change of the status have none.
pub(super) fn announce(scene: &mut Scene<'_>, package: &ModelPackage, updated: &[&str]) {
    let detail = detail(scene, package, updated);
    scene.state.announced += 1;
    let event = PackageEvent {
        account: scene.names.account.clone(),
        region: scene.names.region.clone(),
        at: scene.now,
        change: scene.state.announced,
        copy: 0,
        arn: scene.state.shown(&package.arn),
        detail,
    };
    scene.state.events.push(event);
}

fn detail(scene: &Scene<'_>, package: &ModelPackage, updated: &[&str]) -> Value {
    let times = scene.state.settings.event_times;
    let mut detail = Map::new();
    let mut tell = |member: &str, value: Value| detail.insert(member.to_owned(), value);
    tell("ModelPackageName", json!(short_name(package)));
    tell("ModelPackageGroupName", json!(package.group));
    tell("ModelPackageVersion", json!(package.version));
    tell("ModelPackageArn", json!(scene.state.shown(&package.arn)));
    tell("CreationTime", written(package.creation_time, times));
    if let Some(time) = package.last_modified_time {
        tell("LastModifiedTime", written(time, times));
    }
    tell("ModelPackageStatus", json!(package.status));
    tell("ModelPackageStatusDetails", no_scans());
    tell("ModelApprovalStatus", json!(package.approval_status));
    tell("CertifyForMarketplace", json!(false));
    for member in MEMBERS {
        if let Some(value) = package.details.get(*member) {
            tell(member, value.clone());
        }
    }
    if !updated.is_empty() {
        tell("UpdatedModelPackageFields", json!(updated));
    }
    Value::Object(detail)
}

fn written(time: Timestamp, times: EventTimes) -> Value {
    match times {
        EventTimes::Iso => json!(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        EventTimes::EpochMillis => json!(time.as_millisecond()),
    }
}
