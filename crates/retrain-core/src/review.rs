//! What is known of one model package, and what the controller has done about it.

use alloc::boxed::Box;
use alloc::string::String;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::{Signoffs, Verdict};
use crate::names::ModelPackageArn;
use crate::omitted::is_default;
use crate::package::{LifeCycle, PackageApproval, PackageStatus, PackageUpdate};

/// What is known of one model package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The package.
    pub package: ModelPackageArn,
    /// `ModelPackageStatus`, when it was described last.
    pub status: PackageStatus,
    /// `ModelApprovalStatus`, when it was described last.
    pub approval: PackageApproval,
    /// Since when it is known to be so.
    pub changed_at: Timestamp,
    /// The `ModelLifeCycle` that was acted on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_cycle: Option<LifeCycle>,
    /// What the gate says. It looks once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Box<Verdict>>,
    /// What people have signed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signoffs: Signoffs,
    /// The last write of the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Box<Write>>,
    /// How many writes there have been.
    #[serde(default, skip_serializing_if = "is_default")]
    pub writes: u64,
    /// Whether the package says what it was made of, as far as that is known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pinned: bool,
    /// Set when the controller's decision has covered up a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contested: Option<Contested>,
    /// Set while a person must decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// When the registry is asked again, if nothing is heard before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
}

/// The written-ahead intent to write to a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Its number within the slot.
    pub number: u64,
    /// What is written.
    pub update: PackageUpdate,
    /// Which attempt holds the lease, from 1.
    pub attempt: u32,
    /// From when on another worker may take it up; nothing once it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Timestamp>,
    /// When the first attempt described the package: what was decided by then was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When it was written, at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// What a person decided while the write was under way, should it land on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossed: Option<PackageApproval>,
}

/// A person's decision that the controller's has covered up: it fell between the
/// controller's look and its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contested {
    /// What the person decided.
    pub theirs: PackageApproval,
    /// What the controller wrote.
    pub ours: PackageApproval,
    /// When the person decided.
    pub at: Timestamp,
}

/// A wait for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
    /// When they are reminded next.
    pub remind_at: Timestamp,
    /// How often they were.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reminders: u32,
}

impl Review {
    /// A package of which nothing is known yet.
    pub(crate) const fn new(package: ModelPackageArn, now: Timestamp) -> Self {
        Self {
            package,
            status: PackageStatus::InProgress,
            approval: PackageApproval::PendingManualApproval,
            changed_at: now,
            life_cycle: None,
            verdict: None,
            signoffs: Signoffs::none(),
            write: None,
            writes: 0,
            pinned: false,
            contested: None,
            waits: None,
            look_at: None,
        }
    }

    /// Whether the package may be deployed, as far as is known.
    pub fn is_deployable(&self) -> bool {
        self.status == PackageStatus::Completed
            && self.approval == PackageApproval::Approved
            && self.contested.is_none()
    }

    /// The decision that is being written.
    pub(crate) fn open_decision(&self) -> Option<&Write> {
        self.open_write()
            .filter(|write| write.update.approval.is_some())
    }

    /// Whether the controller has ever decided about the package, as far as is known.
    pub(crate) fn has_decision(&self) -> bool {
        let write = self.write.as_deref();
        write.is_some_and(|write| write.update.approval.is_some())
    }

    /// The write that is not settled.
    pub(crate) fn open_write(&self) -> Option<&Write> {
        self.write
            .as_deref()
            .filter(|write| write.resume_at.is_some())
    }
}
