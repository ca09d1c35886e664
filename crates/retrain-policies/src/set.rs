//! All policies together, and which of them an alarm concerns.

use std::collections::BTreeMap;

use retrain_core::drift::{AlarmTransition, DriftKind};
use retrain_core::execution::Execution;
use retrain_core::lane::Target;
use retrain_core::names::{ModelName, shortened};
use retrain_core::policy::{
    AlarmMatch, DataPolicy, DriftPolicy, Is, NotDrift, Policy, PolicyError, PolicyInForce, Role,
};
use thiserror::Error;

/// A stored document that should be a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The last part of the parameter's name: the model's name.
    pub name: String,
    /// Parameter Store's version.
    pub version: u64,
    /// The text.
    pub text: String,
}

/// The policies of all models.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    valid: BTreeMap<ModelName, PolicyInForce>,
    invalid: Vec<InvalidPolicy>,
}

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
    /// The pipeline that it names, if that much can be read.
    pipeline: Option<String>,
    /// What it says about alarms, if that much can be read.
    drift: Option<DriftPolicy>,
    /// What it says about objects.
    data: DataPart,
}

/// What an invalid document says about objects.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DataPart {
    /// This.
    Says(Box<DataPolicy>),
    /// Nothing.
    Silent,
    /// That much cannot be read.
    Unreadable,
}

/// Which models an alarm concerns.
#[derive(Clone, Debug, Default)]
pub struct AlarmRoutes<'a> {
    /// The models for which it means drift.
    pub drift: Vec<(&'a PolicyInForce, DriftKind)>,
    /// The models whose policies name it although it can never mean drift.
    pub never: Vec<(&'a ModelName, NotDrift)>,
    /// The invalid policies that would want to know about it. Those that cannot
    /// be read far enough to tell are among them only if no model takes it.
    pub broken: Vec<&'a InvalidPolicy>,
}

/// Which models an object concerns.
#[derive(Clone, Debug, Default)]
pub struct DataRoutes<'a> {
    /// The models of whose data it is, or whose batches it completes. Where several
    /// name it, the one with the longest prefix takes it, or all with the longest.
    pub models: Vec<(&'a PolicyInForce, Is)>,
    /// The invalid policies that would want to know about it. Those that cannot be
    /// read far enough to tell are among them only if no model takes it.
    pub broken: Vec<&'a InvalidPolicy>,
}

impl PolicySet {
    /// Parses all documents. The order of the documents means nothing.
    pub fn parse(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut set = Self::default();
        let mut parsed: Vec<(Document, Result<PolicyInForce, PolicyError>)> = documents
            .into_iter()
            .map(|document| {
                let policy = read(&document);
                (document, policy)
            })
            .collect();
        parsed.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut owners: BTreeMap<String, ModelName> = BTreeMap::new();
        for (document, policy) in parsed {
            let policy = policy.and_then(|policy| {
                owned_alone(&policy, &mut owners)?;
                Ok(policy)
            });
            match policy {
                Ok(policy) => {
                    set.valid.insert(policy.model.clone(), policy);
                }
                Err(error) => set.invalid.push(InvalidPolicy {
                    name: shortened(&document.name, 80),
                    version: document.version,
                    drift: drift_part(&document.text),
                    pipeline: pipeline_part(&document.text),
                    data: data_part(&document.text),
                    error,
                }),
            }
        }
        set
    }

    /// The policy of a model.
    pub fn of(&self, model: &ModelName) -> Option<&PolicyInForce> {
        self.valid.get(model)
    }

    /// The policy whose model the execution retrains.
    pub fn of_execution(&self, execution: &Execution) -> Option<&PolicyInForce> {
        self.iter()
            .find(|policy| policy.policy.target().is_of(execution))
    }

    /// The invalid policy that names the execution's pipeline.
    pub fn broken_of_execution(&self, execution: &Execution) -> Option<&InvalidPolicy> {
        let names = |invalid: &&InvalidPolicy| {
            let own = invalid.pipeline.as_deref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(execution.pipeline_name()))
        };
        self.invalid.iter().find(names)
    }

    /// The invalid policy of a model.
    pub fn broken_of(&self, model: &ModelName) -> Option<&InvalidPolicy> {
        self.invalid
            .iter()
            .find(|invalid| invalid.name == model.as_str())
    }

    /// All policies, by model.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyInForce> {
        self.valid.values()
    }

    /// The documents that are no policies.
    pub fn invalid(&self) -> &[InvalidPolicy] {
        &self.invalid
    }

    /// Which models an alarm concerns.
    pub fn routes(&self, alarm: &AlarmTransition) -> AlarmRoutes<'_> {
        let mut routes = AlarmRoutes::default();
        for policy in self.valid.values() {
            match policy.policy.drift.matches(alarm) {
                AlarmMatch::Drift(kind) => routes.drift.push((policy, kind)),
                AlarmMatch::Never(why) => routes.never.push((&policy.model, why)),
                AlarmMatch::No => {}
            }
        }
        let taken = !routes.drift.is_empty();
        routes.broken = self
            .invalid
            .iter()
            .filter(|invalid| invalid.names(alarm).unwrap_or(!taken))
            .collect();
        routes
    }
}

impl PolicySet {
    /// Which models an object concerns.
    pub fn data_routes(&self, bucket: &str, key: &str) -> DataRoutes<'_> {
        let mut roles: Vec<(&PolicyInForce, Role)> = self
            .valid
            .values()
            .filter_map(|policy| {
                let role = policy.policy.data.as_ref()?.role(bucket, key)?;
                Some((policy, role))
            })
            .collect();
        let longest = roles.iter().map(|(_, role)| role.prefix).max();
        roles.retain(|(_, role)| Some(role.prefix) == longest);
        let taken = !roles.is_empty();
        let wants = |invalid: &&InvalidPolicy| match &invalid.data {
            DataPart::Says(data) => data.role(bucket, key).is_some(),
            DataPart::Silent => false,
            DataPart::Unreadable => !taken,
        };
        DataRoutes {
            models: roles
                .into_iter()
                .map(|(policy, role)| (policy, role.is))
                .collect(),
            broken: self.invalid.iter().filter(wants).collect(),
        }
    }
}

impl AlarmRoutes<'_> {
    /// Whether no policy has anything to say about the alarm.
    pub const fn is_empty(&self) -> bool {
        self.drift.is_empty() && self.never.is_empty() && self.broken.is_empty()
    }
}

impl InvalidPolicy {
    /// Whether this document names the alarm, as far as it can be read.
    fn names(&self, alarm: &AlarmTransition) -> Option<bool> {
        let drift = self.drift.as_ref()?;
        Some(matches!(drift.matches(alarm), AlarmMatch::Drift(_)))
    }
}

fn read(document: &Document) -> Result<PolicyInForce, PolicyError> {
    let model = ModelName::parse(document.name.as_str()).map_err(|error| PolicyError {
        field: "the parameter's name".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(PolicyInForce {
        model,
        version: document.version,
        policy: Policy::parse(&document.text)?,
    })
}

/// A pipeline belongs to one model: otherwise its executions could not be told
/// apart. The first model by name keeps it.
fn owned_alone(
    policy: &PolicyInForce,
    owners: &mut BTreeMap<String, ModelName>,
) -> Result<(), PolicyError> {
    // Without the version: one pipeline is one, whichever version a policy pins.
    let pipeline = match policy.policy.target() {
        Target::SagemakerPipeline { name, .. } => name.as_str().to_ascii_lowercase(),
        Target::Codepipeline { name } => format!("codepipeline/{name}"),
    };
    if let Some(owner) = owners.get(&pipeline) {
        return Err(PolicyError {
            field: "pipeline.name".to_owned(),
            reason: format!("the pipeline belongs to the model {owner}"),
        });
    }
    owners.insert(pipeline, policy.model.clone());
    Ok(())
}

/// The part of a broken document that says which alarms are its model's, if that
/// part at least is sound.
fn drift_part(text: &str) -> Option<DriftPolicy> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let Some(drift) = document.get("drift") else {
        return Some(DriftPolicy::default());
    };
    let drift: DriftPolicy = serde_json::from_value(drift.clone()).ok()?;
    drift.check().is_ok().then_some(drift)
}

/// What a broken document says about objects, if that part at least is sound.
fn data_part(text: &str) -> DataPart {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else {
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

fn pipeline_part(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = document.pointer("/pipeline/name")?.as_str()?;
    Some(name.to_owned())
}
