//! All policies together, and which of them an alarm concerns.

use std::collections::{BTreeMap, BTreeSet};

use retrain_core::drift::{AlarmTransition, DriftKind};
use retrain_core::execution::Execution;
use retrain_core::lane::{Lane, Target};
use retrain_core::names::{EndpointName, ModelName, ModelPackageArn};
use retrain_core::package::PackageRegistry;
use retrain_core::policy::{AlarmMatch, Is, NotDrift, Policy, PolicyError, PolicyInForce, Role};

use crate::invalid::{DataPart, InvalidPolicy, Unread};

/// A stored document that should be a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The model's name: in Parameter Store, the last part of the parameter's.
    pub name: String,
    /// Its version, which rises with each change.
    pub version: u64,
    /// The text.
    pub text: String,
}

/// The policies of all models.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    valid: BTreeMap<ModelName, PolicyInForce>,
    invalid: Vec<InvalidPolicy>,
    /// The models with training data in a bucket: objects come in great numbers, and
    /// most policies name other buckets.
    by_bucket: BTreeMap<String, BTreeSet<ModelName>>,
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

/// Which model a package is of.
#[derive(Clone, Copy, Debug)]
pub enum PackageRoute<'a> {
    /// Of this one.
    Model(&'a PolicyInForce),
    /// Its group is this model's, but its account or region is not.
    NotListed(&'a ModelName),
    /// Its group is one that an invalid policy names.
    Broken(&'a InvalidPolicy),
    /// Of none.
    None,
}

impl PolicySet {
    /// Parses all documents. The order of the documents means nothing.
    pub fn parse(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut set = Self::default();
        let mut read: Vec<_> = documents.into_iter().map(read).collect();
        read.sort_by(|a, b| name_of(a).cmp(name_of(b)));
        let mut owners: BTreeMap<String, ModelName> = BTreeMap::new();
        for one in read {
            match one.and_then(|policy| owned_alone(policy, &mut owners)) {
                Ok(policy) => {
                    let data = policy.policy.data.iter();
                    for objects in data.flat_map(|data| &data.objects) {
                        let models = set.by_bucket.entry(objects.bucket.clone()).or_default();
                        models.insert(policy.model.clone());
                    }
                    set.valid.insert(policy.model.clone(), policy);
                }
                Err(unread) => set.invalid.push(InvalidPolicy::of(*unread)),
            }
        }
        set
    }

    /// The policy of a model.
    pub fn of(&self, model: &ModelName) -> Option<&PolicyInForce> {
        self.valid.get(model)
    }

    /// The policy whose model the execution retrains or deploys, and which of the two.
    pub fn of_execution(&self, execution: &Execution) -> Option<(&PolicyInForce, Lane)> {
        self.iter().find_map(|policy| {
            if policy.policy.target().is_of(execution) {
                return Some((policy, Lane::Retrain));
            }
            let mut environments = policy.policy.environments.iter();
            let deploys = environments.find(|one| one.target().is_of(execution))?;
            Some((policy, Lane::Deploy(deploys.name.clone())))
        })
    }

    /// The policy whose model the package is a version of: of its group, in the account
    /// and region of `registry` or in an account that the policy lists.
    pub fn of_package(
        &self,
        package: &ModelPackageArn,
        registry: &PackageRegistry,
    ) -> PackageRoute<'_> {
        let of_group = |policy: &&PolicyInForce| {
            let group = policy.policy.model_package_group.as_ref();
            group.is_some_and(|group| group.as_str().eq_ignore_ascii_case(package.group_name()))
        };
        let Some(policy) = self.iter().filter(|policy| decides(policy)).find(of_group) else {
            let broken = self.invalid.iter().find(|invalid| {
                let group = invalid.group.as_deref();
                group.is_some_and(|group| group.eq_ignore_ascii_case(package.group_name()))
            });
            return broken.map_or(PackageRoute::None, PackageRoute::Broken);
        };
        let mut listed = policy.policy.model_package_accounts.iter();
        let allowed = registry.is_own_account(package)
            || listed.any(|account| account.as_str() == package.account());
        if allowed && registry.is_own_region(package) {
            PackageRoute::Model(policy)
        } else {
            PackageRoute::NotListed(&policy.model)
        }
    }

    /// The environment whose deployments update the endpoint.
    pub fn of_endpoint(&self, endpoint: &EndpointName) -> Option<(&PolicyInForce, Lane)> {
        self.iter().find_map(|policy| {
            let mut environments = policy.policy.environments.iter();
            let own = environments.find(|one| {
                let named = one.endpoint.as_ref();
                named.is_some_and(|named| named.as_str().eq_ignore_ascii_case(endpoint.as_str()))
            })?;
            Some((policy, Lane::Deploy(own.name.clone())))
        })
    }

    /// The invalid policy that names the execution's pipeline.
    pub fn broken_of_execution(&self, execution: &Execution) -> Option<&InvalidPolicy> {
        let names = |invalid: &&InvalidPolicy| {
            let mut own = invalid.pipelines.iter();
            own.any(|own| own.eq_ignore_ascii_case(execution.pipeline_name()))
        };
        self.invalid.iter().find(names)
    }

    /// The invalid policy that deploys to the endpoint.
    pub fn broken_of_endpoint(&self, endpoint: &EndpointName) -> Option<&InvalidPolicy> {
        let names = |invalid: &&InvalidPolicy| {
            let mut own = invalid.endpoints.iter();
            own.any(|own| own.eq_ignore_ascii_case(endpoint.as_str()))
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
        let of_bucket = self.by_bucket.get(bucket).into_iter().flatten();
        let mut roles: Vec<(&PolicyInForce, Role)> = of_bucket
            .filter_map(|model| {
                let policy = self.valid.get(model)?;
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

/// Reads a policy. Of a valid one the text is not kept: there may be thousands.
fn read(document: Document) -> Result<PolicyInForce, Box<Unread>> {
    let model = ModelName::parse(document.name.as_str()).map_err(|error| PolicyError {
        field: "the parameter's name".to_owned(),
        reason: error.to_string(),
    });
    let parsed = model.and_then(|model| Ok((model, Policy::parse(&document.text)?)));
    match parsed {
        // A copy: what is parsed has lists with room to grow, a sixth of all memory where there
        // are thousands.
        Ok((model, policy)) => Ok(PolicyInForce::new(model, document.version, policy.clone())),
        Err(error) => Err(Box::new(Unread { document, error })),
    }
}

fn name_of(read: &Result<PolicyInForce, Box<Unread>>) -> &str {
    match read {
        Ok(policy) => policy.model.as_str(),
        Err(unread) => &unread.document.name,
    }
}

/// A pipeline belongs to one model: otherwise its executions could not be told
/// apart. So does a group about whose packages the controller decides. The first model by
/// name keeps it.
fn owned_alone(
    policy: PolicyInForce,
    owners: &mut BTreeMap<String, ModelName>,
) -> Result<PolicyInForce, Box<Unread>> {
    let mut owned = vec![("pipeline.name".to_owned(), pipeline(policy.policy.target()))];
    for (at, environment) in policy.policy.environments.iter().enumerate() {
        let field = format!("environments[{at}].pipeline");
        owned.push((field, pipeline(&environment.target())));
    }
    if let Some(group) = policy
        .policy
        .model_package_group
        .as_ref()
        .filter(|_| decides(&policy))
    {
        let group = group.as_str().to_ascii_lowercase();
        owned.push(("model_package_group".to_owned(), format!("group/{group}")));
    }
    for (field, what) in &owned {
        if let Some(owner) = owners.get(what) {
            let error = PolicyError {
                field: field.clone(),
                reason: format!("belongs to the model {owner}"),
            };
            return Err(Box::new(Unread {
                document: written(&policy),
                error,
            }));
        }
    }
    owners.extend(
        owned
            .into_iter()
            .map(|(_, what)| (what, policy.model.clone())),
    );
    Ok(policy)
}

/// A policy as a document that means the same.
fn written(policy: &PolicyInForce) -> Document {
    Document {
        name: policy.model.to_string(),
        version: policy.version,
        text: serde_json::to_string(&policy.policy).unwrap_or_default(),
    }
}

/// Without the version: one pipeline is one, whichever version a policy pins.
fn pipeline(target: &Target) -> String {
    match target {
        Target::SagemakerPipeline { name, .. } => name.as_str().to_ascii_lowercase(),
        Target::Codepipeline { name } => format!("codepipeline/{name}"),
    }
}

/// Whether the controller decides about the packages of the model.
fn decides(policy: &PolicyInForce) -> bool {
    policy.policy.gate.is_some() || !policy.policy.environments.is_empty()
}
