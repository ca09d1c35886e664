//! What the controller needs from the world, one capability each.

use std::time::Duration;

use jiff::Timestamp;
use retrain_core::decision::Decision;
use retrain_core::event::{ExecutionReport, Refusal};
use retrain_core::facts::{ControllerState, Seen};
use retrain_core::lane::SlotKey;
use retrain_core::names::{
    ModelPackageArn, ModelPackageGroupName, ParameterName, PipelineExecutionArn,
};
use retrain_core::slot::{Claim, Slot};
use retrain_core::step::Commit;
use retrain_core::trigger::DedupeKey;

use crate::error::PortError;

/// Tells the time during one invocation.
///
/// It must never run backwards while the invocation lasts and must count the time
/// for which the machine was suspended: a thawed worker has to notice that its
/// lease is over.
pub trait Clock: Sync {
    /// The time.
    fn now(&self) -> Timestamp;
}

/// Keeps slots, markers and decisions.
pub trait SlotStore: Sync {
    /// Reads the slot, the marker of a trigger if one is asked for, and the
    /// controller's state, consistently: the marker must not be newer than the
    /// slot. A slot that was never written is a new one; an expired marker is none.
    fn load(
        &self,
        slot: &SlotKey,
        marker: Option<&DedupeKey>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Loaded, PortError>> + Send;

    /// Writes everything in the commit, or nothing.
    ///
    /// It writes only if the stored version is the one before the commit's and the
    /// marker is absent or expired. Everything that the controller promises about
    /// concurrency rests on these two conditions.
    fn commit(
        &self,
        slot: &SlotKey,
        commit: &Commit,
        now: Timestamp,
    ) -> impl Future<Output = Result<Committed, PortError>> + Send;
}

/// What a store knows.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The slot.
    pub slot: Slot,
    /// The marker that was asked for, if it is there.
    pub seen: Option<Seen>,
    /// The epoch and the controller's switch.
    pub controller: ControllerState,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is written.
    Written,
    /// Another worker wrote first. Load and step again.
    LostRace,
}

/// Starts, finds and describes executions.
pub trait Executions: Sync {
    /// Starts the claim's execution: one call, never repeated by a lower layer,
    /// over within `timeout` whatever happens.
    fn start(&self, claim: &Claim, timeout: Duration) -> impl Future<Output = Started> + Send;

    /// Finds the execution that carries the claim and started no earlier than
    /// `earliest`.
    fn find(
        &self,
        claim: &Claim,
        earliest: Timestamp,
    ) -> impl Future<Output = Result<Option<Found>, PortError>> + Send;

    /// Describes an execution as it is now. One that does not exist any more is
    /// reported as gone.
    fn describe(
        &self,
        execution: &PipelineExecutionArn,
    ) -> impl Future<Output = Result<ExecutionReport, PortError>> + Send;
}

/// What became of a start call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// AWS runs the execution.
    Accepted(PipelineExecutionArn),
    /// AWS answered that it did not start it.
    Refused(Refusal),
    /// Nobody knows: a timeout, a server error, a lost connection.
    Unknown(String),
}

/// An execution that was found by its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The execution.
    pub execution: PipelineExecutionArn,
    /// When it started.
    pub started_at: Timestamp,
}

/// Hears of every decision as soon as it is committed, also when what follows it
/// fails.
pub trait Observer: Sync {
    /// A decision was committed.
    fn decided(&self, decision: &Decision);
}

/// Reads the model registry.
pub trait Registry: Sync {
    /// The newest approved package of the group.
    fn newest_approved(
        &self,
        group: &ModelPackageGroupName,
    ) -> impl Future<Output = Result<Option<ModelPackageArn>, PortError>> + Send;
}

/// Reads parameters of the team's own.
pub trait Parameters: Sync {
    /// The value of a parameter, if it exists.
    fn parameter(
        &self,
        name: &ParameterName,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<String>, PortError>> + Send;
}
