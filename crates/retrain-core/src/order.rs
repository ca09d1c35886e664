//! What people ask of a slot, or of the whole controller.

use alloc::string::String;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lane::Lane;
use crate::names::shortened;
use crate::slot::Pause;
use crate::trigger::DedupeKey;

/// Something that a person asks of a slot, or of the whole controller, other than a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What.
    #[serde(rename = "order")]
    pub kind: OrderKind,
    /// The caller's key, if there is one: asking twice with one key is asking once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What can be asked of a slot, other than a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// To start nothing until somebody resumes.
    Pause,
    /// To go on. It also clears a misconfiguration and the wait for capacity.
    Resume,
    /// To close the breaker.
    ResetBreaker,
    /// To give up an unfinished claim. Its causes are held again.
    Abandon,
    /// To run what the environment ran before.
    RollBack,
    /// To approve the package.
    Approve,
    /// To reject the package.
    Reject,
    /// To settle what waits or runs: the policy goes.
    Retire,
}

impl Order {
    /// An order without a key.
    pub fn new(kind: OrderKind, by: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            key: None,
            by: by.into(),
            why: why.into(),
        }
    }

    /// The key under which it is remembered, if it has one.
    pub fn dedupe_key(&self) -> Option<DedupeKey> {
        let key = self.key.as_ref()?;
        Some(DedupeKey::of_order(self.kind, key))
    }

    /// The pause that it asks for, in bounded length.
    pub fn pause(&self, since: Timestamp) -> Pause {
        Pause {
            by: shortened(&self.by, 100),
            why: shortened(&self.why, 300),
            since,
        }
    }
}

impl OrderKind {
    /// Its name, as records spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::ResetBreaker => "reset_breaker",
            Self::Abandon => "abandon",
            Self::RollBack => "roll_back",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Retire => "retire",
        }
    }

    /// Whether it pauses or resumes, if it does either: nothing else can be asked of the whole
    /// controller.
    pub const fn pauses(self) -> Option<bool> {
        match self {
            Self::Pause => Some(true),
            Self::Resume => Some(false),
            _ => None,
        }
    }

    /// Whether it can be asked of this lane.
    pub(crate) const fn is_of(self, lane: &Lane) -> bool {
        match self {
            Self::Retire => true,
            Self::Approve | Self::Reject => matches!(lane, Lane::Package(_)),
            Self::RollBack => matches!(lane, Lane::Deploy(_)),
            Self::Pause | Self::Resume | Self::ResetBreaker | Self::Abandon => {
                !matches!(lane, Lane::Package(_))
            }
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = match self.kind {
            OrderKind::Pause => "pauses",
            OrderKind::Resume => "resumes",
            OrderKind::ResetBreaker => "resets the breaker",
            OrderKind::Abandon => "gives the claim up",
            OrderKind::RollBack => "rolls back",
            OrderKind::Approve => "approves",
            OrderKind::Reject => "rejects",
            OrderKind::Retire => "removes the policy",
        };
        write!(f, "{:?} {does}: {:?}", self.by, self.why)
    }
}
