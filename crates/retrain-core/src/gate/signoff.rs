//! Sign-offs of people, one role after the other.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::text::one_line;

/// A role that signs off models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Role {
    /// Whether the model is good enough and can be operated.
    Technical,
    /// Whether it treats people fairly.
    Fairness,
    /// Whether rules and contracts allow it.
    Compliance,
}

/// What a person says for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// The model may go on.
    Approves,
    /// It must not.
    Rejects,
}

/// One person's word for one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signoff {
    role: Role,
    opinion: Opinion,
    who: String,
    why: String,
    at: Timestamp,
}

/// Why something is not a sign-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSignoff {
    /// Nobody, or a name that is none.
    #[error("who: must have 1 to 256 characters")]
    Who,
    /// No reason, or a novel.
    #[error("why: must have 1 to 1024 characters")]
    Why,
}

impl Signoff {
    /// A sign-off by somebody, for a reason, at a moment.
    pub fn new(
        role: Role,
        opinion: Opinion,
        who: &str,
        why: &str,
        at: Timestamp,
    ) -> Result<Self, InvalidSignoff> {
        let line = |text: &str, max: usize| {
            let line = one_line(text.trim());
            ((1..=max).contains(&line.chars().count()) && !line.trim().is_empty()).then_some(line)
        };
        Ok(Self {
            role,
            opinion,
            who: line(who, 256).ok_or(InvalidSignoff::Who)?,
            why: line(why, 1_024).ok_or(InvalidSignoff::Why)?,
            at,
        })
    }

    /// For which role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What is said.
    pub const fn opinion(&self) -> Opinion {
        self.opinion
    }

    /// Who says it.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Why.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// When it was said.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// The sign-offs of one model package, recorded one by one.
///
/// A role's first word stays, except that an approval may become a rejection: in
/// whatever order and however often they are told, the same sign-offs lead to the same
/// [`Standing`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signoffs(BTreeMap<Role, Signoff>);

/// What became of a sign-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It counts.
    New,
    /// An approval of the same role is now a rejection.
    Withdrawn,
    /// The role has spoken, and its word stays.
    AlreadySaid,
    /// The gate does not ask this role.
    NotRequired,
}

/// Where a package stands with its sign-offs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The gate asks for none. Then they approve nothing either.
    NoneRequired,
    /// These roles have not spoken.
    Waiting(BTreeSet<Role>),
    /// Every required role approves.
    Complete,
    /// A role rejects.
    Rejected(&'a Signoff),
}

impl Signoffs {
    /// None yet.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Records a sign-off.
    pub fn record(&mut self, signoff: Signoff, required: &BTreeSet<Role>) -> Recorded {
        if !required.contains(&signoff.role) {
            return Recorded::NotRequired;
        }
        let recorded = match (self.0.get(&signoff.role), signoff.opinion) {
            (None, _) => Recorded::New,
            (Some(said), Opinion::Rejects) if said.opinion == Opinion::Approves => {
                Recorded::Withdrawn
            }
            (Some(_), _) => return Recorded::AlreadySaid,
        };
        self.0.insert(signoff.role, signoff);
        recorded
    }

    /// Where the package stands. A recorded rejection rejects, also when the policy has
    /// since stopped asking its role.
    pub fn standing(&self, required: &BTreeSet<Role>) -> Standing<'_> {
        let rejects = |signoff: &&Signoff| signoff.opinion == Opinion::Rejects;
        if let Some(rejection) = self.0.values().find(rejects) {
            return Standing::Rejected(rejection);
        }
        if required.is_empty() {
            return Standing::NoneRequired;
        }
        let missing: BTreeSet<Role> = required
            .iter()
            .filter(|role| !self.0.contains_key(role))
            .copied()
            .collect();
        if missing.is_empty() {
            Standing::Complete
        } else {
            Standing::Waiting(missing)
        }
    }

    /// What has been recorded, by role.
    pub fn iter(&self) -> impl Iterator<Item = &Signoff> {
        self.0.values()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Technical => "technical",
            Self::Fairness => "fairness",
            Self::Compliance => "compliance",
        })
    }
}

impl fmt::Display for Signoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opinion = match self.opinion {
            Opinion::Approves => "approved",
            Opinion::Rejects => "rejected",
        };
        let Self {
            role, who, at, why, ..
        } = self;
        write!(f, "{role} {opinion} by {who} at {at}: {why}")
    }
}

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneRequired => f.write_str("no sign-off is required"),
            Self::Complete => f.write_str("every required role has signed off"),
            Self::Rejected(signoff) => signoff.fmt(f),
            Self::Waiting(missing) => {
                let missing: Vec<String> = missing
                    .iter()
                    .map(|role| alloc::format!("{role}"))
                    .collect();
                write!(f, "waiting for {}", missing.join(", "))
            }
        }
    }
}
