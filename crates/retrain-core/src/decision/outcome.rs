//! What was decided.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Interruption, Rollback, Stale, Unchanged, Wanted};
use crate::data::Tally;
use crate::event::{Refusal, Withdrawal};
use crate::execution::Execution;
use crate::gate::Verdict;
use crate::guard::Guard;
use crate::names::{ModelPackageArn, MonitoringScheduleName};
use crate::omitted::is_default;
use crate::package::{
    BaselineAnswer, PackageApproval, PackageStatus, RegisteredPackage, ReportUris,
};
use crate::reason::Reasons;
use crate::review::{Contested, Write};
use crate::slot::Claim;
use crate::trigger::TriggerKind;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The trigger was decided before. Not recorded again.
    Duplicate {
        /// The decision that it led to.
        decision: u64,
        /// The claim that took it, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<u64>,
    },
    /// The event tells nothing new. Not recorded.
    Unchanged {
        /// Why.
        because: Unchanged,
    },
    /// The trigger is out of date.
    Stale {
        /// Why.
        because: Stale,
    },
    /// The trigger waits for a guard to clear.
    Held {
        /// The guard.
        #[serde(flatten)]
        guard: Guard,
    },
    /// The trigger was dropped, as the policy wants.
    Dropped {
        /// The guard.
        #[serde(flatten)]
        guard: Guard,
    },
    /// An execution is about to be started.
    Claimed {
        /// The intent.
        claim: Arc<Claim>,
    },
    /// An execution would be started, but the policy only observes.
    WouldStart {
        /// The kind of the trigger that leads to it.
        kind: TriggerKind,
        /// The causes that it would carry.
        reasons: Reasons,
        /// The training data that it would take.
        #[serde(default)]
        data: Tally,
    },
    /// An unfinished claim is taken up again.
    Resumed {
        /// The intent, with its new lease.
        claim: Arc<Claim>,
    },
    /// AWS runs the execution.
    Started {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// Whether it was found running instead of started by this worker.
        adopted: bool,
        /// The causes that it carries.
        reasons: Reasons,
    },
    /// AWS definitely did not start the execution; the causes are held again.
    NotStarted {
        /// The claim's number.
        claim: u64,
        /// What AWS said.
        refusal: Refusal,
        /// How many causes are held again.
        held_again: usize,
    },
    /// Nothing has started for the claim, and the run whose causes and data it carries
    /// was retried: the claim is given back.
    Yielded {
        /// The claim's number.
        claim: u64,
        /// The run that was retried.
        execution: Execution,
        /// How many causes are held again.
        held_again: usize,
    },
    /// Nothing has started, and the claim is not sent any more: its package was
    /// withdrawn.
    NotSent {
        /// The claim's number.
        claim: u64,
        /// How many causes, of other packages, are held again.
        held_again: usize,
    },
    /// Nobody knows whether AWS started the execution; the claim is resumed later.
    StartUnknown {
        /// The claim's number.
        claim: u64,
        /// What happened.
        what: String,
        /// When it is resumed.
        resume_at: Timestamp,
    },
    /// The alarm is over: what it asked for is not started any more.
    AlarmCleared {
        /// How many held causes are withdrawn.
        withdrawn: usize,
        /// How many causes in a claim or run are marked, so that a refusal or a
        /// failure does not bring them back.
        marked: usize,
    },
    /// The execution succeeded; its causes are served.
    Succeeded {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// The causes that it served.
        served: usize,
        /// The training data that it consumed.
        #[serde(default)]
        consumed: Tally,
        /// The steps that should have trained, but took an earlier result from the
        /// cache: there may be no new model.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cached_training: Vec<String>,
    },
    /// The execution has trained and found the new model no better than the old one.
    NoImprovement {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// AWS's failure reason, shortened: what the Fail step says.
        failure: Option<String>,
        /// How many drift alarms are still in ALARM and held again.
        held_again: usize,
        /// How many drift alarms have stayed through too many such runs and are given
        /// up.
        given_up: usize,
        /// The causes that are settled otherwise.
        served: usize,
        /// Set when the alarms' present state could not be read; then they are taken
        /// to be in ALARM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unreadable: Option<String>,
    },
    /// Another execution has overtaken this one, or its pipeline was changed under it.
    /// Its causes are held again.
    Interrupted {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// What happened to it.
        how: Interruption,
        /// How many causes are held again.
        held_again: usize,
        /// How many causes have been interrupted or failed too often and are given up.
        given_up: usize,
    },
    /// The execution was retried after it had ended: it runs again, with the causes
    /// that its end had held again.
    Reopened {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// The causes that it carries again.
        reasons: Reasons,
    },
    /// Training data was counted; it is not enough yet, or a guard holds it.
    Counted {
        /// What is new.
        arrived: Tally,
        /// How many objects were known already.
        repeated: u64,
        /// How many objects could not be counted.
        uncounted: usize,
        /// What waits now.
        waiting: Tally,
        /// What the policy wants, as far as it has minimums.
        wanted: Wanted,
        /// When what waits is enough, if time alone can make it so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready_at: Option<Timestamp>,
        /// What holds it, once it is enough.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held_by: Option<Guard>,
    },
    /// The package that a run has registered was found.
    PackageSeen {
        /// The run's claim.
        claim: u64,
        /// The package, as the registry has it now.
        #[serde(flatten)]
        found: RegisteredPackage,
    },
    /// A run of a gated model has registered no package, or none that shows.
    NoPackage {
        /// The run's claim.
        claim: u64,
    },
    /// Causes have found no company within the policy's window and are dropped.
    Unconfirmed {
        /// The causes.
        reasons: Reasons,
    },
    /// The execution failed.
    Failed {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// AWS's failure reason, shortened.
        failure: Option<String>,
        /// How many causes are held again, behind the back-off.
        held_again: usize,
        /// How many causes have failed too often and are given up.
        given_up: usize,
        /// Whether this failure opened the breaker.
        breaker_opened: bool,
    },
    /// A person stopped the execution; its causes are discarded.
    Stopped {
        /// The claim's number.
        claim: u64,
        /// The execution.
        execution: Execution,
        /// How many causes are discarded.
        discarded: usize,
        /// The training data that waits again; it starts nothing before more comes.
        #[serde(default)]
        waits_again: Tally,
    },
    /// AWS runs two executions for one claim. The second is treated as foreign.
    SecondExecution {
        /// The claim's number.
        claim: u64,
        /// The execution that the slot runs.
        known: Execution,
        /// The other one.
        second: Execution,
    },
    /// A person gave the claim up; its causes are held again.
    Abandoned {
        /// The claim's number.
        claim: u64,
        /// How many causes are held again.
        held_again: usize,
    },
    /// An execution that is not ours runs the model's pipeline.
    ForeignRunSeen {
        /// The execution.
        execution: Execution,
        /// Whether an earlier claim had started it. A person has retried it then, when
        /// another had been sent already: its data may be trained on twice.
        #[serde(default, skip_serializing_if = "is_default")]
        retried: bool,
    },
    /// An execution that is not ours has ended.
    ForeignRunEnded {
        /// The execution.
        execution: Execution,
    },
    /// A package that is not approved is not deployed; what asked for it is dropped.
    NotApproved {
        /// The package.
        package: ModelPackageArn,
        /// `ModelPackageStatus`.
        status: PackageStatus,
        /// `ModelApprovalStatus`.
        approval: PackageApproval,
        /// How many causes are dropped.
        dropped: usize,
    },
    /// A package shall not run, or not yet: what asked for it is dropped.
    Withdrawn {
        /// The package.
        package: ModelPackageArn,
        /// Why.
        because: Withdrawal,
        /// How many held causes are dropped.
        dropped: usize,
        /// How many causes in a claim or run are marked, so that a refusal or a failure
        /// does not bring them back.
        marked: usize,
        /// What follows where the environment runs it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollback: Option<Rollback>,
    },
    /// The environment does not run the package any more.
    RolledBack {
        /// The package, if one ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        package: Option<ModelPackageArn>,
        /// What is known about it.
        what: String,
    },
    /// A monitoring schedule was to get the baselines of a package.
    Baseline {
        /// The schedule.
        schedule: MonitoringScheduleName,
        /// The package.
        package: ModelPackageArn,
        /// What became of it.
        #[serde(flatten)]
        answer: BaselineAnswer,
    },
    /// A package was seen in a new state that calls for nothing yet.
    PackageNoted {
        /// `ModelPackageStatus`.
        status: PackageStatus,
        /// `ModelApprovalStatus`.
        approval: PackageApproval,
    },
    /// A person must decide about a package.
    AwaitsPerson {
        /// Why.
        why: String,
        /// What the gate says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Box<Verdict>>,
        /// The reports of the package.
        #[serde(default, skip_serializing_if = "is_default")]
        reports: ReportUris,
        /// Where a person sees the execution that has made it: its lineage begins there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lineage_url: Option<String>,
    },
    /// A person who must decide about a package is reminded.
    Reminded {
        /// Since when it waits.
        since: Timestamp,
        /// Why.
        why: String,
        /// How often they were reminded before.
        reminders: u32,
    },
    /// A decision about a package would be written, but the policy only observes.
    WouldDecide {
        /// What the gate says.
        verdict: Box<Verdict>,
    },
    /// The controller writes to a package.
    Writing {
        /// The intent.
        write: Box<Write>,
        /// What the gate says, if that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Box<Verdict>>,
    },
    /// SageMaker has taken what the controller wrote.
    Wrote {
        /// The write's number.
        number: u64,
    },
    /// What the controller wanted to write was not written.
    NotWritten {
        /// The write's number.
        number: u64,
        /// Why.
        why: String,
    },
    /// Nobody knows whether SageMaker has taken what the controller wrote.
    WriteUnknown {
        /// The write's number.
        number: u64,
        /// What happened.
        what: String,
        /// When it is looked at again.
        resume_at: Timestamp,
    },
    /// The package may be deployed.
    Approved {
        /// Whether the controller has written it.
        by_controller: bool,
        /// How many environments are told.
        told: usize,
    },
    /// The package must not be deployed.
    Rejected {
        /// Whether the controller has written it.
        by_controller: bool,
        /// How many environments are told.
        told: usize,
    },
    /// The package is no longer approved, or rejected: somebody has set it back, or
    /// deletes it.
    Undecided {
        /// `ModelPackageStatus`.
        status: PackageStatus,
        /// How many environments are told.
        told: usize,
    },
    /// The controller's decision has covered up a person's. Nothing is deployed before a
    /// person decides again.
    Contested {
        /// What the person decided, what the controller wrote, and when.
        #[serde(flatten)]
        contested: Contested,
        /// How many environments are told.
        told: usize,
    },
    /// A sign-off was recorded.
    SignedOff {
        /// Where the package stands now.
        standing: String,
    },
    /// A sign-off, or a decision, changes nothing.
    NotTaken {
        /// Why.
        why: String,
    },
    /// The model's policy goes: what waited or ran is settled.
    Retired {
        /// How many causes are discarded.
        discarded: usize,
        /// The execution that goes on, but for which nobody waits any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execution: Option<Execution>,
    },
    /// A person paused the model.
    Paused,
    /// A person resumed the model.
    Unpaused,
    /// A person reset the breaker.
    BreakerReset,
}

impl Outcome {
    /// Its name in logs, metrics and records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::Unchanged { .. } => "unchanged",
            Self::Stale { .. } => "stale",
            Self::Held { .. } => "held",
            Self::Dropped { .. } => "dropped",
            Self::Claimed { .. } => "claimed",
            Self::WouldStart { .. } => "would_start",
            Self::Resumed { .. } => "resumed",
            Self::Started { .. } => "started",
            Self::NotStarted { .. } => "not_started",
            Self::Yielded { .. } => "yielded",
            Self::NotSent { .. } => "not_sent",
            Self::StartUnknown { .. } => "start_unknown",
            Self::AlarmCleared { .. } => "alarm_cleared",
            Self::Succeeded { .. } => "succeeded",
            Self::NoImprovement { .. } => "no_improvement",
            Self::Interrupted {
                how: Interruption::Superseded,
                ..
            } => "superseded",
            Self::Interrupted {
                how: Interruption::Canceled,
                ..
            } => "canceled",
            Self::Reopened { .. } => "reopened",
            Self::Counted { .. } => "counted",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::PackageSeen { .. } => "package_seen",
            Self::NoPackage { .. } => "no_package",
            Self::Failed { .. } => "failed",
            Self::Stopped { .. } => "stopped",
            Self::SecondExecution { .. } => "second_execution",
            Self::Abandoned { .. } => "abandoned",
            Self::ForeignRunSeen { .. } => "foreign_run_seen",
            Self::ForeignRunEnded { .. } => "foreign_run_ended",
            Self::NotApproved { .. } => "not_approved",
            Self::Withdrawn { .. } => "withdrawn",
            Self::RolledBack { .. } => "rolled_back",
            Self::Baseline {
                answer: BaselineAnswer::Refreshed { .. },
                ..
            } => "baseline_refreshed",
            Self::Baseline {
                answer: BaselineAnswer::NoBaseline { .. },
                ..
            } => "no_baseline",
            Self::Baseline {
                answer: BaselineAnswer::Refused { .. },
                ..
            } => "baseline_refused",
            Self::PackageNoted { .. } => "package_noted",
            Self::AwaitsPerson { .. } => "awaits_person",
            Self::Reminded { .. } => "reminded",
            Self::WouldDecide { .. } => "would_decide",
            Self::Writing { .. } => "writing",
            Self::Wrote { .. } => "wrote",
            Self::NotWritten { .. } => "not_written",
            Self::WriteUnknown { .. } => "write_unknown",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Undecided { .. } => "undecided",
            Self::Contested { .. } => "contested",
            Self::SignedOff { .. } => "signed_off",
            Self::NotTaken { .. } => "not_taken",
            Self::Retired { .. } => "retired",
            Self::Paused => "paused",
            Self::Unpaused => "unpaused",
            Self::BreakerReset => "breaker_reset",
        }
    }

    /// The execution that it is about, if it is about one.
    pub const fn execution(&self) -> Option<&Execution> {
        match self {
            Self::Started { execution, .. }
            | Self::Succeeded { execution, .. }
            | Self::NoImprovement { execution, .. }
            | Self::Failed { execution, .. }
            | Self::Stopped { execution, .. }
            | Self::Interrupted { execution, .. }
            | Self::Reopened { execution, .. }
            | Self::Yielded { execution, .. }
            | Self::ForeignRunSeen { execution, .. }
            | Self::ForeignRunEnded { execution }
            | Self::SecondExecution {
                second: execution, ..
            }
            | Self::Retired {
                execution: Some(execution),
                ..
            } => Some(execution),
            _ => None,
        }
    }
}
