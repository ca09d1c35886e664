//! The one persisted record per model and lane.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data::{Taken, Waiting};
use crate::deployment::Deployment;
use crate::drift::AlarmState;
use crate::errand::Errands;
use crate::execution::Execution;
use crate::lane::Target;
use crate::names::{AlarmArn, ModelPackageArn, PipelineParameterName};
use crate::reason::Reasons;
use crate::review::Review;
use crate::token::{ClientRequestToken, Digest, digest};
use crate::trigger::{Cause, TriggerKind};

/// What is going on with one model in one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Counts the commits. A write carries the version that it read, and is
    /// refused when another came first.
    pub version: u64,
    /// When it was last written. Time never runs backwards for a slot.
    pub updated_at: Timestamp,
    /// Where it is in its life-cycle.
    pub phase: Phase,
    /// How many claims there have been; the number of the last one.
    pub claims: u64,
    /// Triggers that wait for a guard to clear.
    #[serde(default)]
    pub held: Reasons,
    /// The newest transition seen of each alarm.
    #[serde(default)]
    pub alarms: AlarmsSeen,
    /// The newest starts, oldest first.
    #[serde(default)]
    pub starts: Vec<Start>,
    /// The newest start of an execution that is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_started_at: Option<Timestamp>,
    /// Executions that are not ours, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignRun>,
    /// Failed runs since the last success.
    #[serde(default)]
    pub failures: u32,
    /// When the last run succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded_at: Option<Timestamp>,
    /// When the last run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// Set after AWS had no capacity for a start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_capacity: Option<NoCapacity>,
    /// Set after a start could never work under the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misconfigured: Option<Misconfigured>,
    /// Set while the breaker is open: a person must reset it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_open: Option<BreakerOpen>,
    /// When executions would have started, had the policy not only observed; oldest
    /// first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_starts: Vec<Timestamp>,
    /// The training data that waits for a start.
    #[serde(default)]
    pub data: Waiting,
    /// The run that ended last, without its causes and parameters, unless it succeeded
    /// or another has started since: AWS can retry it. A claim that has not started may
    /// carry what it gave back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Run>,
    /// The package that the last successful run of a gated model should have
    /// registered, until it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<AwaitedPackage>,
    /// What runs in the environment, in a slot that deploys.
    #[serde(default, skip_serializing_if = "Deployment::is_empty")]
    pub deployment: Deployment,
    /// What is known of the package, in a slot that decides about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Box<Review>>,
    /// What must still be done elsewhere.
    #[serde(default, skip_serializing_if = "Errands::is_empty")]
    pub errands: Errands,
    /// What became of causes whose askers wait for an answer, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// Set while a person pauses the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// When somebody must look at the slot again, if nothing happens before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// Where a slot is in its life-cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is in flight.
    Idle,
    /// A claim is written; the start call may or may not have reached AWS.
    Starting(Arc<Claim>),
    /// AWS runs the execution.
    Running(Run),
}

impl Phase {
    /// The claim that is in flight.
    pub fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Idle => None,
            Self::Starting(claim) => Some(claim),
            Self::Running(run) => Some(&run.claim),
        }
    }

    /// The claim that is in flight, to be changed.
    pub fn claim_mut(&mut self) -> Option<&mut Claim> {
        self.shared_claim().map(Arc::make_mut)
    }

    /// The claim that is in flight, as it is shared.
    pub(crate) const fn shared_claim(&mut self) -> Option<&mut Arc<Claim>> {
        match self {
            Self::Idle => None,
            Self::Starting(claim) | Self::Running(Run { claim, .. }) => Some(claim),
        }
    }
}

/// The written-ahead intent to start one execution.
///
/// It is complete: whoever resumes it sends exactly the request that the first
/// worker would have sent. The slot, the record and the command share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its number within the slot.
    pub number: u64,
    /// Its token.
    pub token: ClientRequestToken,
    /// What it starts.
    pub target: Target,
    /// The final parameters.
    pub parameters: BTreeMap<PipelineParameterName, String>,
    /// `PipelineExecutionDescription`: one line about why.
    pub description: String,
    /// The kind of the trigger that led to it.
    pub kind: TriggerKind,
    /// The package that it deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<ModelPackageArn>,
    /// The causes that it carries.
    pub reasons: Reasons,
    /// The training data that it takes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Taken>,
    /// The version of the policy that made it.
    pub policy_version: u64,
    /// When it was written.
    pub claimed_at: Timestamp,
    /// Which attempt holds the lease, from 1.
    pub attempt: u32,
    /// Until when the claim belongs to that attempt. Its worker stops sending
    /// earlier: the rest covers skewed clocks and lagging lists.
    pub lease_until: Timestamp,
    /// From when on another worker may resume it.
    pub resume_at: Timestamp,
}

/// An execution of ours that AWS runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The claim that it fulfils.
    pub claim: Arc<Claim>,
    /// The execution.
    pub execution: Execution,
    /// When it started, at the latest.
    pub started_at: Timestamp,
}

impl Run {
    /// What is remembered of it when it is over: its end has dealt with its causes.
    pub(crate) fn closed(&self) -> Self {
        let claim = &self.claim;
        let claim = Claim {
            number: claim.number,
            token: claim.token,
            target: claim.target.clone(),
            parameters: BTreeMap::new(),
            description: claim.description.clone(),
            kind: claim.kind,
            package: claim.package.clone(),
            reasons: Reasons::default(),
            data: claim.data.clone(),
            policy_version: claim.policy_version,
            claimed_at: claim.claimed_at,
            attempt: claim.attempt,
            lease_until: claim.lease_until,
            resume_at: claim.resume_at,
        };
        Self {
            claim: Arc::new(claim),
            execution: self.execution.clone(),
            started_at: self.started_at,
        }
    }
}

/// A package that a run should have registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedPackage {
    /// The run's claim.
    pub claim: u64,
    /// The claim's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ClientRequestToken>,
    /// The version of the policy that made the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// When the run started: the package is younger.
    pub started_at: Timestamp,
    /// When the run ended.
    pub ended_at: Timestamp,
    /// When to look for it next.
    pub look_at: Timestamp,
}

/// What became of a cause whose asker waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// A digest of the asker's key, which may be long.
    pub key: String,
    /// What became of it.
    pub fate: Fate,
    /// The execution that carried it last, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// When.
    pub at: Timestamp,
}

/// What can become of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// An execution that carried it succeeded.
    Served,
    /// An execution that carried it found no improvement.
    NoImprovement,
    /// Too many executions that carried it failed.
    GivenUp,
    /// A person stopped the execution that carried it.
    Discarded,
    /// The policy only observes.
    Observed,
}

/// An entry of the start history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When the execution started, at the latest.
    pub at: Timestamp,
    /// The claim's number.
    pub claim: u64,
}

/// An execution of the model's pipeline that no claim of this slot started, or
/// that was retried after it had ended.
///
/// It keeps the model from being retrained twice at once and counts for the
/// interval, but it serves no cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRun {
    /// The execution.
    pub execution: Execution,
    /// When it started, as far as is known.
    pub started_at: Timestamp,
    /// When to look whether it still runs.
    pub look_at: Timestamp,
}

/// AWS had no capacity for a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoCapacity {
    /// How often in a row.
    pub times: u32,
    /// When to try again.
    pub until: Timestamp,
}

/// A start could never work under this version of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misconfigured {
    /// What is wrong, shortened.
    pub what: String,
    /// The version under which it is wrong.
    pub policy_version: u64,
    /// Parameter Store counts anew when a parameter is deleted and made again, so
    /// the policy itself tells whether it has changed.
    pub policy_digest: String,
    /// Since when.
    pub since: Timestamp,
}

/// Too many runs have failed in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerOpen {
    /// How many.
    pub failures: u32,
    /// Since when.
    pub since: Timestamp,
}

/// A person's pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who paused.
    pub by: String,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

/// How many starts are remembered.
pub const MAX_STARTS: usize = 100;

/// How many settled causes are remembered. An asker looks every minute or so.
pub const MAX_SETTLED: usize = 10;

/// How many foreign runs are remembered. An account runs 20 at once by default.
pub const MAX_FOREIGN_RUNS: usize = 20;

impl Slot {
    /// The slot of a model about which nothing is known yet.
    pub fn new() -> Self {
        Self {
            version: 0,
            updated_at: Timestamp::UNIX_EPOCH,
            phase: Phase::Idle,
            claims: 0,
            held: Reasons::default(),
            alarms: AlarmsSeen::default(),
            starts: Vec::new(),
            foreign_started_at: None,
            foreign: Vec::new(),
            failures: 0,
            succeeded_at: None,
            failed_at: None,
            no_capacity: None,
            misconfigured: None,
            breaker_open: None,
            observed_starts: Vec::new(),
            data: Waiting::default(),
            closed: None,
            awaited: None,
            deployment: Deployment::default(),
            review: None,
            errands: Errands::default(),
            settled: Vec::new(),
            paused: None,
            due_at: None,
        }
    }

    /// When the last execution started, whoever started it.
    pub fn last_start(&self) -> Option<Timestamp> {
        let ours = self.starts.iter().map(|start| start.at);
        ours.chain(self.foreign_started_at).max()
    }

    pub(crate) fn record_start(&mut self, start: Start) {
        self.starts.push(start);
        let excess = self.starts.len().saturating_sub(MAX_STARTS);
        self.starts.drain(..excess);
    }

    pub(crate) fn record_observed_start(&mut self, at: Timestamp) {
        self.observed_starts.push(at);
        let excess = self.observed_starts.len().saturating_sub(MAX_STARTS);
        self.observed_starts.drain(..excess);
    }

    /// Records what became of those causes whose askers wait.
    pub(crate) fn settle(
        &mut self,
        reasons: &Reasons,
        fate: Fate,
        execution: Option<&Execution>,
        at: Timestamp,
    ) {
        for reason in reasons.iter() {
            if let Cause::Code { key, .. } = &reason.cause {
                self.settled.push(Settled {
                    key: digest(key),
                    fate,
                    execution: execution.cloned(),
                    at,
                });
            }
        }
        let excess = self.settled.len().saturating_sub(MAX_SETTLED);
        self.settled.drain(..excess);
    }

    /// The version of the policy that made the claim of this token, if the claim is one
    /// of the last.
    pub fn policy_version_of(&self, token: &ClientRequestToken) -> Option<u64> {
        let closed = self.closed.as_ref().map(|run| &*run.claim);
        let claims = self.phase.claim().into_iter().chain(closed);
        let awaited = self.awaited.as_ref();
        { claims }
            .find(|claim| claim.token == *token)
            .map(|claim| claim.policy_version)
            .or_else(|| {
                let awaited = awaited.filter(|awaited| awaited.token.as_ref() == Some(token));
                awaited?.policy_version
            })
    }

    /// Where a cause that a release asked for is now.
    pub fn of_code(&self, key: &str) -> OfCode<'_> {
        let is_asked = |reasons: &Reasons| {
            reasons
                .iter()
                .any(|reason| matches!(&reason.cause, Cause::Code { key: of, .. } if of == key))
        };
        let in_flight = self.phase.claim().map(|claim| &claim.reasons);
        let mut waiting = in_flight.into_iter().chain([&self.held]);
        let digest = digest(key);
        let mut settled = self.settled.iter().rev();
        let settled = settled.find(|settled| settled.key == digest);
        match settled {
            _ if waiting.clone().any(is_asked) => OfCode::Waits,
            Some(settled) => OfCode::Settled(settled),
            // It may be among those that are only counted.
            None if waiting.any(|reasons| reasons.unlisted() > 0) => OfCode::Waits,
            None => OfCode::Unknown,
        }
    }
}

/// Where a cause is that a release asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfCode<'a> {
    /// It is held, or an execution carries it.
    Waits,
    /// This became of it.
    Settled(&'a Settled),
    /// It never came, or was settled long ago.
    Unknown,
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

/// The newest transition seen of each alarm, bounded.
///
/// Keyed by a digest of the ARN, because an alarm's name may be a kilobyte long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmsSeen(BTreeMap<Digest, AlarmSeen>);

/// The newest transition seen of one alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmSeen {
    /// The state that it entered.
    pub state: AlarmState,
    /// When.
    pub at: Timestamp,
}

/// How many alarms are remembered.
pub const MAX_ALARMS: usize = 100;

impl AlarmsSeen {
    /// The newest transition seen of this alarm.
    pub fn newest(&self, alarm: &AlarmArn) -> Option<AlarmSeen> {
        self.newest_of(Digest::of(alarm.as_str()))
    }

    pub(crate) fn newest_of(&self, alarm: Digest) -> Option<AlarmSeen> {
        self.0.get(&alarm).copied()
    }

    /// Records a transition. Entries from before `horizon` go: transitions that
    /// old are stale by age alone.
    pub(crate) fn record(&mut self, alarm: Digest, seen: AlarmSeen, horizon: Timestamp) {
        self.0.retain(|_, known| known.at >= horizon);
        self.0.insert(alarm, seen);
        while self.0.len() > MAX_ALARMS {
            let oldest = self
                .0
                .iter()
                .min_by_key(|(_, known)| known.at)
                .map(|(key, _)| *key);
            match oldest {
                Some(key) => self.0.remove(&key),
                None => break,
            };
        }
    }
}
