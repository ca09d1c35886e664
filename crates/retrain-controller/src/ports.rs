//! What the controller needs from the world, one capability each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use retrain_core::data::{Generations, KnownObjects, ObjectId, ObjectRecord};
use retrain_core::decision::Decision;
use retrain_core::event::{ExecutionReport, Refusal};
use retrain_core::execution::Execution;
use retrain_core::facts::{ControllerState, ManifestWanted, Seen};
use retrain_core::gate::Report;
use retrain_core::lane::SlotKey;
use retrain_core::names::{
    AlarmArn, ModelPackageArn, ModelPackageGroupName, MonitoringScheduleName, ParameterName,
    PipelineExecutionArn,
};
use retrain_core::package::{
    BaselineAnswer, Baselines, PackageDescription, PackageUpdate, RegisteredPackage,
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

    /// Lets this much time pass, so that other workers go first.
    fn pause(&self, pause: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(pause)
    }
}

/// Keeps slots, markers and decisions.
pub trait SlotStore: Sync {
    /// Reads what is wanted and the controller's state, consistently: the marker
    /// must not be newer than the slot. A slot that was never written is a new one;
    /// an expired marker is none.
    fn load(
        &self,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Loaded, PortError>> + Send;

    /// Writes everything in the commit, or nothing.
    ///
    /// What it writes under which conditions is the commit's
    /// [`transaction`](crate::transaction()). Everything that the controller promises
    /// about concurrency rests on these conditions.
    fn commit(
        &self,
        slot: &SlotKey,
        commit: &Commit,
        now: Timestamp,
    ) -> impl Future<Output = Result<Committed, PortError>> + Send;

    /// The objects that were counted last in one of these generations. What was
    /// written a moment ago may be missing.
    fn objects(
        &self,
        slot: &SlotKey,
        generations: Generations,
    ) -> impl Future<Output = Result<Vec<ObjectRecord>, PortError>> + Send;
}

/// What a decision needs from the store.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The slot.
    pub slot: &'a SlotKey,
    /// The marker of a trigger.
    pub marker: Option<&'a DedupeKey>,
    /// Objects; at most [`MAX_OBJECTS`].
    pub objects: &'a [ObjectId],
}

impl<'a> Wanted<'a> {
    /// A slot, and nothing besides.
    pub const fn slot(slot: &'a SlotKey) -> Self {
        Self {
            slot,
            marker: None,
            objects: &[],
        }
    }
}

/// How many objects one event may tell of: with the slot and the decision, their
/// items fill a transaction of DynamoDB's.
pub const MAX_OBJECTS: usize = 98;

/// What a store knows.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The slot.
    pub slot: Slot,
    /// The marker that was asked for, if it is there.
    pub seen: Option<Seen>,
    /// What is remembered of the objects that were asked for.
    pub objects: KnownObjects,
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
        execution: &Execution,
    ) -> impl Future<Output = Result<ExecutionReport, PortError>> + Send;
}

/// What became of a start call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// AWS runs the execution.
    Accepted(Execution),
    /// AWS answered that it did not start it.
    Refused(Refusal),
    /// Nobody knows: a timeout, a server error, a lost connection.
    Unknown(String),
}

/// An execution that was found by its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The execution.
    pub execution: Execution,
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

    /// The newest package that was registered in the group after this moment, whatever
    /// its state.
    fn newest_since(
        &self,
        group: &ModelPackageGroupName,
        after: Timestamp,
    ) -> impl Future<Output = Result<Option<RegisteredPackage>, PortError>> + Send;
}

/// Describes model packages and writes decisions about them.
pub trait Packages: Sync {
    /// Describes a package as it is now; nothing if there is none.
    fn describe_package(
        &self,
        package: &ModelPackageArn,
    ) -> impl Future<Output = Result<Option<PackageDescription>, PortError>> + Send;

    /// Writes to a package: one call, never repeated by a lower layer, over within
    /// `timeout` whatever happens.
    fn update_package(
        &self,
        update: &PackageUpdate,
        timeout: Duration,
    ) -> impl Future<Output = Updated> + Send;

    /// The parameters of a SageMaker pipeline's execution; nothing if it is gone.
    fn execution_parameters(
        &self,
        execution: &PipelineExecutionArn,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, PortError>> + Send;
}

/// What became of a write to a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is written.
    Written,
    /// SageMaker refused, and would again.
    Refused(String),
    /// Nobody knows: a timeout, a throttle, a conflict, a server error, a lost
    /// connection.
    Unknown(String),
}

/// Points monitoring schedules at baselines.
pub trait Monitoring: Sync {
    /// Sees to it that the schedule monitors against those of the package's baselines
    /// that its type of monitoring uses. Doing it again changes nothing.
    fn refresh_baseline(
        &self,
        schedule: &MonitoringScheduleName,
        package: &ModelPackageArn,
        baselines: &Baselines,
    ) -> impl Future<Output = Result<BaselineAnswer, PortError>> + Send;
}

/// Reads the reports of model packages.
pub trait Reports: Sync {
    /// The report at this URI. What makes it unreadable for good is part of the
    /// report; an error may pass.
    fn report(&self, uri: &str) -> impl Future<Output = Result<Report, PortError>> + Send;
}

/// Reads the state of CloudWatch alarms.
pub trait Alarms: Sync {
    /// Those of the alarms that are in ALARM now. One that does not exist is not.
    fn in_alarm(
        &self,
        alarms: &[AlarmArn],
    ) -> impl Future<Output = Result<BTreeSet<AlarmArn>, PortError>> + Send;
}

/// Writes manifests of training data.
pub trait Manifests: Sync {
    /// Writes the manifest and gives its URI. Writing it again replaces it.
    fn write(
        &self,
        wanted: &ManifestWanted,
        objects: &[ObjectRecord],
    ) -> impl Future<Output = Result<String, PortError>> + Send;
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
