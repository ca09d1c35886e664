//! The table and the policies, for whoever looks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use retrain_controller::{Clock, PortError};
use retrain_core::facts::{ControllerState, Facts, Timing};
use retrain_core::guard::Guard;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{ModelName, ParameterName};
use retrain_core::policy::PolicyInForce;
use retrain_core::reason::Reason;
use retrain_core::slot::Slot;
use retrain_core::step::verdicts;
use retrain_core::token::Epoch;
use retrain_debounce::{DUE_SHARDS, Due, DynamoStore, Seen};
use retrain_policies::{Changes, Document, PolicyPlace, PolicySet, Source, Written};
use serde::Serialize;

use super::Surroundings;
use crate::cli::operate::{PolicyArgs, WhereArgs};
use crate::exit::Failure;

/// How often a write to a bundle is tried that others are in the way of.
const ATTEMPTS: u32 = 5;

/// How many due slots of a shard are read at most.
const PER_SHARD: u16 = 1_000;

/// Where the controller is.
pub(super) struct Place {
    pub(super) store: DynamoStore,
    pub(super) stored: StoredPolicies,
}

/// Where the policies are.
pub(crate) struct StoredPolicies {
    pub(crate) source: Source,
    pub(crate) place: PolicyPlace,
}

/// One lane of a model.
pub(super) struct Seat<'a> {
    pub(super) key: SlotKey,
    /// The policy in this lane; nothing where it has none, or the model has no valid one.
    pub(super) policy: Option<PolicyInForce>,
    /// Nothing if it was never written.
    pub(super) slot: Option<&'a Slot>,
}

/// A cause that waits.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    pub(super) model: ModelName,
    pub(super) lane: String,
    pub(super) cause: String,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) count: u32,
    /// What keeps it; nothing if the next look starts it.
    pub(super) guard: Option<Guard>,
    /// That in words.
    pub(super) why: String,
    /// When that clears by itself, if it does.
    pub(super) until: Option<Timestamp>,
}

/// When somebody looks at a slot again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct DueSlot {
    pub(super) due_at: Timestamp,
    pub(super) model: ModelName,
    pub(super) lane: String,
    #[serde(skip)]
    pub(super) key: SlotKey,
}

impl Place {
    pub(super) fn of(
        args: &WhereArgs,
        around: &Surroundings<'_, impl Clock>,
    ) -> Result<Self, Failure> {
        let table = table(args, around)?;
        Ok(Self {
            store: DynamoStore::new(aws_sdk_dynamodb::Client::new(around.aws), table),
            stored: StoredPolicies::of(args, around)?,
        })
    }

    pub(super) async fn policies(&self) -> Result<PolicySet, Failure> {
        Ok(self.stored.policies().await?)
    }

    /// The model's name as an error tells it.
    pub(super) fn unknown(&self, model: &ModelName) -> Failure {
        let policy = self.stored.name_of(model);
        Failure::Invalid(format!(
            "nothing is known of the model {model}: there is no policy {policy}, and the table has never heard of it"
        ))
    }

    /// What is due by `horizon`, the longest overdue first, and whether that is all.
    pub(super) async fn due(&self, horizon: Timestamp) -> Result<(Vec<DueSlot>, bool), Failure> {
        let mut due = Vec::new();
        let mut is_all = true;
        for shard in 0..DUE_SHARDS {
            let slots = self.store.due(shard, horizon, PER_SHARD).await?;
            is_all &= slots.len() < usize::from(PER_SHARD);
            due.extend(slots.iter().filter_map(DueSlot::of));
        }
        due.sort();
        Ok((due, is_all))
    }

    /// Every slot that is ever due.
    pub(super) async fn all_due(&self) -> Result<Vec<DueSlot>, Failure> {
        let due = self.store.all_due().await?;
        Ok(due.iter().filter_map(DueSlot::of).collect())
    }
}

impl DueSlot {
    fn of(due: &Due) -> Option<Self> {
        Some(Self {
            due_at: due.since()?,
            model: due.slot.model.clone(),
            lane: due.slot.lane.to_string(),
            key: due.slot.clone(),
        })
    }
}

impl StoredPolicies {
    pub(crate) fn of(
        args: &WhereArgs,
        around: &Surroundings<'_, impl Clock>,
    ) -> Result<Self, Failure> {
        Ok(Self::at(policy_place(&args.policies, around)?, around))
    }

    /// Those in a place, as they are now.
    pub(crate) fn at(place: PolicyPlace, around: &Surroundings<'_, impl Clock>) -> Self {
        let ssm = aws_sdk_ssm::Client::new(around.aws);
        let s3 = aws_sdk_s3::Client::new(around.aws);
        let source = Source::at(&place, ssm, s3);
        Self { source, place }
    }

    /// All of them.
    pub(crate) async fn documents(&self) -> Result<Vec<Document>, PortError> {
        match &self.source {
            Source::Path(parameters) => parameters.documents().await,
            Source::Bundle(bundle) => bundle.documents().await,
        }
    }

    /// All of them, parsed.
    pub(crate) async fn policies(&self) -> Result<PolicySet, PortError> {
        Ok(PolicySet::parse(self.documents().await?))
    }

    /// How a person names the policy of a model.
    pub(crate) fn name_of(&self, model: &ModelName) -> String {
        match &self.place {
            PolicyPlace::Path(path) => format!("{path}/{model}"),
            PolicyPlace::Bundle(uri) => format!("{model} in {uri}"),
        }
    }

    /// Says so if the policy of the model is not the version any more that was read.
    pub(super) async fn moved(
        &self,
        model: &ModelName,
        read: Option<u64>,
    ) -> Result<Option<String>, Failure> {
        let now = match &self.source {
            Source::Path(parameters) => parameters.document(model).await?.map(|of| of.version),
            Source::Bundle(bundle) => bundle.known().await?.bundle.version_of(model.as_str()),
        };
        Ok(changed(model, read, now))
    }

    /// Removes the policy of a model, unless it is not the version any more that was read.
    /// Says whether it was there, or why it stays.
    pub(super) async fn remove(
        &self,
        model: &ModelName,
        read: Option<u64>,
        note: &str,
    ) -> Result<Result<bool, String>, Failure> {
        let bundle = match &self.source {
            Source::Path(parameters) => {
                return Ok(match self.moved(model, read).await? {
                    Some(moved) => Err(moved),
                    None => Ok(parameters.remove(model).await?),
                });
            }
            Source::Bundle(bundle) => bundle,
        };
        // What others do to other models is not in the way.
        for _ in 0..ATTEMPTS {
            let known = bundle.known().await?;
            if let Some(moved) = changed(model, read, known.bundle.version_of(model.as_str())) {
                return Ok(Err(moved));
            }
            let gone = Changes::from([(model.to_string(), None)]);
            let Some(next) = known.bundle.with(gone, note) else {
                return Ok(Ok(false));
            };
            if bundle.put_over(&known, &next).await? == Written::Done {
                return Ok(Ok(true));
            }
        }
        let place = &self.place;
        Ok(Err(format!(
            "others change {place} time and again: try it once more"
        )))
    }

    /// There is no policy of the model.
    pub(super) fn none_of(&self, model: &ModelName) -> Failure {
        Failure::Invalid(format!("there is no policy {}", self.name_of(model)))
    }
}

/// Says so if a version is not the one that was read.
fn changed(model: &ModelName, read: Option<u64>, now: Option<u64>) -> Option<String> {
    let state = |of: Option<u64>| of.map_or("not there".to_owned(), |of| format!("version {of}"));
    (now != read).then(|| {
        let (was, is) = (state(read), state(now));
        format!("the policy of {model} was {was} when it was read, and is {is} now: somebody else changes it")
    })
}

/// What an argument or a variable says. An argument goes before every variable, also before
/// that of the other place of policies.
pub(super) fn told(
    args: &WhereArgs,
    name: &str,
    around: &Surroundings<'_, impl Clock>,
) -> Option<String> {
    if name != "RETRAIN_TABLE" {
        return told_of_policies(&args.policies, name, around);
    }
    let found = args.table.clone().or_else(|| (around.variable)(name));
    found.filter(|name| !name.is_empty())
}

fn told_of_policies(
    args: &PolicyArgs,
    name: &str,
    around: &Surroundings<'_, impl Clock>,
) -> Option<String> {
    let (given, other) = match name {
        "RETRAIN_POLICY_PATH" => (&args.policy_path, &args.policy_bundle),
        "RETRAIN_POLICY_BUNDLE" => (&args.policy_bundle, &args.policy_path),
        _ => (&None, &None),
    };
    if other.is_some() {
        return None;
    }
    given.clone().or_else(|| (around.variable)(name))
}

/// The controller's table.
pub(crate) fn table(
    args: &WhereArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<String, Failure> {
    told(args, "RETRAIN_TABLE", around).ok_or_else(|| {
        let why = "neither --table nor the environment variable RETRAIN_TABLE is given";
        Failure::Usage(why.to_owned())
    })
}

/// Where the policies are, if anything says so.
pub(crate) fn any_policy_place(
    args: &PolicyArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<Option<PolicyPlace>, Failure> {
    let path = told_of_policies(args, "RETRAIN_POLICY_PATH", around);
    let bundle = told_of_policies(args, "RETRAIN_POLICY_BUNDLE", around);
    PolicyPlace::of(path, bundle).map_err(|error| Failure::Usage(error.to_string()))
}

/// The path of policies in Parameter Store, also where a bundle takes its place.
pub(super) fn policy_path(
    args: &PolicyArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<ParameterName, Failure> {
    let variable = "RETRAIN_POLICY_PATH";
    let path = told_of_policies(args, variable, around).filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| {
        let why = format!("neither --policy-path nor the environment variable {variable} is given");
        Failure::Usage(why)
    })?;
    ParameterName::parse(path).map_err(|error| Failure::Usage(error.to_string()))
}

/// Where the policies are.
pub(crate) fn policy_place(
    args: &PolicyArgs,
    around: &Surroundings<'_, impl Clock>,
) -> Result<PolicyPlace, Failure> {
    any_policy_place(args, around)?.ok_or_else(|| {
        let why = "nothing says where the policies are: give --policy-path or --policy-bundle, or set RETRAIN_POLICY_PATH or RETRAIN_POLICY_BUNDLE";
        Failure::Usage(why.to_owned())
    })
}

/// The lanes of a policy that always exist: those of packages come and go.
pub(super) fn lanes(policy: &PolicyInForce) -> impl Iterator<Item = SlotKey> {
    let environments = policy.policy.environments.iter();
    let deploys = environments.map(|one| Lane::Deploy(one.name.clone()));
    [Lane::Retrain]
        .into_iter()
        .chain(deploys)
        .map(|lane| SlotKey::new(policy.model.clone(), lane))
}

/// Every slot that a person may want to see: the lanes of the policies, and what else is
/// due; of one model, or of all.
pub(super) fn worth_seeing(
    policies: &PolicySet,
    due: &[DueSlot],
    of: Option<&ModelName>,
) -> Vec<SlotKey> {
    let known = policies.iter().flat_map(lanes);
    let keys: BTreeSet<SlotKey> = known
        .chain(due.iter().map(|slot| slot.key.clone()))
        .filter(|key| of.is_none_or(|model| *model == key.model))
        .collect();
    keys.into_iter().collect()
}

impl<'a> Seat<'a> {
    pub(super) fn of(key: SlotKey, policies: &PolicySet, seen: &'a Seen) -> Self {
        let policy = policies.of(&key.model);
        Self {
            policy: policy.and_then(|policy| policy.in_lane(&key.lane)),
            slot: seen.slots.get(&key),
            key,
        }
    }

    /// What waits here, with what keeps it.
    pub(super) fn held(&self, seen: &Seen, now: Timestamp) -> Vec<Waiting> {
        let Some(slot) = self.slot else {
            return Vec::new();
        };
        let nothing_known = ControllerState {
            epoch: Epoch::derive(&["unknown"]),
            paused: None,
        };
        let controller = seen.controller.as_ref().unwrap_or(&nothing_known);
        // No guard looks at the timing.
        let facts = Facts::new(controller, Timing::default());
        let waiting = |reason: &Reason| {
            let guard = self.policy.as_ref().map(|policy| {
                let all = verdicts(slot, reason, &facts, policy, now);
                all.into_iter().find_map(|verdict| verdict.bites)
            });
            let why = match &guard {
                None => "the model has no valid policy for it".to_owned(),
                Some(None) => "nothing keeps it: the next look starts it".to_owned(),
                Some(Some(guard)) => guard.to_string(),
            };
            let guard = guard.flatten();
            Waiting {
                model: self.key.model.clone(),
                lane: self.key.lane.to_string(),
                cause: reason.cause.to_string(),
                first_at: reason.first_at,
                last_at: reason.last_at,
                count: reason.count,
                until: guard.as_ref().and_then(Guard::until),
                guard,
                why,
            }
        };
        slot.held.iter().map(waiting).collect()
    }
}
