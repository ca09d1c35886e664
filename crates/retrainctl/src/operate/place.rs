//! The table and the policies, for whoever looks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use retrain_controller::Clock;
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
use retrain_policies::{ParameterStore, PolicySet};
use serde::Serialize;

use super::Surroundings;
use crate::cli::operate::WhereArgs;
use crate::exit::Failure;

/// How many due slots of a shard are read at most.
const PER_SHARD: u16 = 1_000;

/// Where the controller is.
pub(super) struct Place {
    pub(super) store: DynamoStore,
    pub(super) stored: StoredPolicies,
}

/// Where the policies are.
pub(crate) struct StoredPolicies {
    pub(crate) parameters: ParameterStore,
    pub(crate) path: ParameterName,
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
        let table = needed(args, "RETRAIN_TABLE", around)?;
        Ok(Self {
            store: DynamoStore::new(aws_sdk_dynamodb::Client::new(around.aws), table),
            stored: StoredPolicies::of(args, around)?,
        })
    }

    pub(super) async fn policies(
        &self,
        now: Timestamp,
    ) -> Result<std::sync::Arc<PolicySet>, Failure> {
        Ok(self.stored.parameters.policies(now).await?)
    }

    /// The model's name as an error tells it.
    pub(super) fn unknown(&self, model: &ModelName) -> Failure {
        let path = &self.stored.path;
        Failure::Invalid(format!(
            "nothing is known of the model {model}: there is no policy {path}/{model}, and the table has never heard of it"
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
        Self::at(needed(args, "RETRAIN_POLICY_PATH", around)?, around)
    }

    /// Those at a path, as they are now.
    pub(crate) fn at(path: String, around: &Surroundings<'_, impl Clock>) -> Result<Self, Failure> {
        let path = ParameterName::parse(path).map_err(|error| Failure::Usage(error.to_string()))?;
        let settings = retrain_policies::Settings {
            path: path.clone(),
            time_to_live: jiff::SignedDuration::ZERO,
        };
        let ssm = aws_sdk_ssm::Client::new(around.aws);
        Ok(Self {
            parameters: ParameterStore::new(ssm, settings),
            path,
        })
    }

    /// Says so if the policy of the model is not the version any more that was read.
    pub(super) async fn moved(
        &self,
        model: &ModelName,
        read: Option<u64>,
    ) -> Result<Option<String>, Failure> {
        let now = self.parameters.document(model).await?;
        let now = now.map(|document| document.version);
        let state =
            |of: Option<u64>| of.map_or("not there".to_owned(), |of| format!("version {of}"));
        Ok((now != read).then(|| {
            let (was, is) = (state(read), state(now));
            format!("the policy of {model} was {was} when it was read, and is {is} now: somebody else changes it")
        }))
    }

    /// There is no policy of the model.
    pub(super) fn none_of(&self, model: &ModelName) -> Failure {
        Failure::Invalid(format!("there is no policy {}/{model}", self.path))
    }
}

/// What an argument or a variable says.
pub(crate) fn needed(
    args: &WhereArgs,
    name: &'static str,
    around: &Surroundings<'_, impl Clock>,
) -> Result<String, Failure> {
    let (option, given) = match name {
        "RETRAIN_TABLE" => ("--table", &args.table),
        _ => ("--policy-path", &args.policy_path),
    };
    let found = given.clone().or_else(|| (around.variable)(name));
    found.filter(|value| !value.is_empty()).ok_or_else(|| {
        Failure::Usage(format!(
            "neither {option} nor the environment variable {name} is given"
        ))
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
