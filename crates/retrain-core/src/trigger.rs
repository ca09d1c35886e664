//! What asks for retraining, and what a claim or a held entry remembers of it.

use alloc::string::String;
use core::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::drift::DriftKind;
use crate::names::{AlarmArn, EnvironmentName, ModelPackageArn};
use crate::order::OrderKind;
use crate::reason::{MAX_EVIDENCE_BYTES, within_bytes};

/// The kind of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TriggerKind {
    /// A drift alarm.
    Drift,
    /// A calendar.
    Schedule,
    /// A person.
    Manual,
    /// The last success is too long ago.
    Age,
    /// Enough new training data.
    Data,
    /// A change of the code, asked for by a release pipeline.
    Code,
    /// A package to deploy.
    Deployment,
}

impl TriggerKind {
    /// Its name, as policies, records and metrics spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Schedule => "schedule",
            Self::Age => "age",
            Self::Manual => "manual",
            Self::Data => "data",
            Self::Code => "code",
            Self::Deployment => "deployment",
        }
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that asks for retraining. Two triggers with the same [`Cause::id`]
/// are the same cause, asking again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A CloudWatch alarm on drift.
    Drift {
        /// The alarm.
        alarm: AlarmArn,
        /// The kind of drift.
        drift: DriftKind,
        /// CloudWatch's sentence about it, shortened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// An `EventBridge` schedule.
    Schedule {
        /// The schedule's ARN.
        schedule: String,
    },
    /// The last success is older than the policy's `max_age`.
    Age {
        /// When the last run succeeded.
        last_success: Timestamp,
    },
    /// Enough new training data has been counted.
    Data {
        /// How many rows, when they were enough.
        rows: u64,
        /// In how many objects.
        objects: u64,
    },
    /// A release pipeline, whose stage waits for what becomes of it.
    Code {
        /// The caller's key, such as the release pipeline's execution id.
        key: String,
        /// The commit that is released, if the caller tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// A package shall run in an environment.
    Deployment {
        /// The package.
        package: ModelPackageArn,
        /// Why.
        #[serde(flatten)]
        because: Deploys,
    },
    /// A person.
    Manual {
        /// The caller's key: asking twice with one key is asking once.
        key: String,
        /// Who asked.
        by: String,
        /// Why.
        why: String,
        /// Whether the start may ignore the interval, the back-off, the budget and
        /// blackout hours.
        force: bool,
    },
}

/// Why a package shall run in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Deploys {
    /// It was approved.
    Approved,
    /// The environment before this one runs it.
    Promoted {
        /// That environment.
        from: EnvironmentName,
    },
    /// The package that the environment runs was rejected, or a person wants it gone.
    RolledBack {
        /// That package.
        from: ModelPackageArn,
    },
    /// A person asks for it.
    Asked {
        /// The caller's key: asking twice with one key is asking once.
        key: String,
        /// Who asked.
        by: String,
        /// Why.
        why: String,
        /// Whether it may be deployed although the environment before has not run it,
        /// and may ignore the interval, the back-off and blackout hours.
        force: bool,
    },
}

impl Deploys {
    /// Whether it waits for a person where a person promotes.
    pub const fn waits_for_promotion(&self) -> bool {
        matches!(self, Self::Approved | Self::Promoted { .. })
    }
}

impl Cause {
    /// Its kind.
    pub const fn kind(&self) -> TriggerKind {
        match self {
            Self::Drift { .. } => TriggerKind::Drift,
            Self::Schedule { .. } => TriggerKind::Schedule,
            Self::Age { .. } => TriggerKind::Age,
            Self::Manual { .. } => TriggerKind::Manual,
            Self::Data { .. } => TriggerKind::Data,
            Self::Code { .. } => TriggerKind::Code,
            Self::Deployment { .. } => TriggerKind::Deployment,
        }
    }

    /// What makes two triggers the same cause.
    pub fn id(&self) -> &str {
        match self {
            Self::Drift { alarm, .. } => alarm.as_str(),
            Self::Schedule { schedule } => schedule,
            Self::Age { .. } => "max_age",
            Self::Data { .. } => "data",
            Self::Deployment { package, .. } => package.as_str(),
            Self::Manual { key, .. } | Self::Code { key, .. } => key,
        }
    }

    /// The cause with its free text cut: a slot keeps many of them.
    pub(crate) fn shortened(self) -> Self {
        match self {
            Self::Drift {
                alarm,
                drift,
                evidence,
            } => Self::Drift {
                alarm,
                drift,
                evidence: evidence.map(|text| within_bytes(&text, MAX_EVIDENCE_BYTES)),
            },
            Self::Manual {
                key,
                by,
                why,
                force,
            } => Self::Manual {
                key,
                by: within_bytes(&by, 100),
                why: within_bytes(&why, MAX_EVIDENCE_BYTES),
                force,
            },
            Self::Code { key, commit } => Self::Code {
                key,
                commit: commit.map(|text| within_bytes(&text, MAX_EVIDENCE_BYTES)),
            },
            Self::Deployment {
                package,
                because:
                    Deploys::Asked {
                        key,
                        by,
                        why,
                        force,
                    },
            } => Self::Deployment {
                package,
                because: Deploys::Asked {
                    key,
                    by: within_bytes(&by, 100),
                    why: within_bytes(&why, MAX_EVIDENCE_BYTES),
                    force,
                },
            },
            Self::Schedule { .. }
            | Self::Age { .. }
            | Self::Data { .. }
            | Self::Deployment { .. } => self,
        }
    }

    /// The alarm that tells of drift.
    pub const fn alarm(&self) -> Option<&AlarmArn> {
        match self {
            Self::Drift { alarm, .. } => Some(alarm),
            _ => None,
        }
    }

    /// The package that it wants deployed.
    pub const fn package(&self) -> Option<&ModelPackageArn> {
        match self {
            Self::Deployment { package, .. } => Some(package),
            _ => None,
        }
    }

    /// Whether it wants this package deployed.
    pub(crate) fn asks_for(&self, package: &ModelPackageArn) -> bool {
        self.package().is_some_and(|own| own.is_same(package))
    }

    /// Whether a person has asked for it by name.
    pub const fn is_asked(&self) -> bool {
        matches!(
            self,
            Self::Manual { .. }
                | Self::Deployment {
                    because: Deploys::Asked { .. },
                    ..
                }
        )
    }

    /// How much the cause says compared with another telling of it: a person's word
    /// about a package is not lost when a pipeline tells of the package once more.
    pub(crate) const fn weight(&self) -> u8 {
        match self {
            Self::Deployment { because, .. } => match because {
                Deploys::Approved | Deploys::Promoted { .. } => 0,
                Deploys::RolledBack { .. } => 1,
                Deploys::Asked { .. } => 2,
            },
            _ => 0,
        }
    }

    /// Whether a person demands the start in spite of interval, back-off, budget and
    /// blackout hours.
    pub const fn is_forced(&self) -> bool {
        matches!(
            self,
            Self::Manual { force: true, .. }
                | Self::Deployment {
                    because: Deploys::Asked { force: true, .. },
                    ..
                }
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drift { alarm, drift, .. } => {
                write!(f, "{drift} drift alarm {:?}", alarm.alarm_name())
            }
            Self::Schedule { schedule } => write!(f, "schedule {schedule:?}"),
            Self::Age { last_success } => write!(f, "the last success was at {last_success}"),
            Self::Manual { by, why, .. } => write!(f, "{by:?} asked: {why:?}"),
            Self::Deployment { package, because } => {
                write!(f, "package {} ", package.version())?;
                match because {
                    Deploys::Approved => f.write_str("was approved"),
                    Deploys::Promoted { from } => write!(f, "runs in {from}"),
                    Deploys::RolledBack { from } => {
                        write!(f, "ran before package {}, which shall go", from.version())
                    }
                    Deploys::Asked { by, why, .. } => write!(f, "was asked for by {by:?}: {why:?}"),
                }
            }
            Self::Data { rows, objects } => {
                write!(f, "{rows} new row(s) in {objects} object(s)")
            }
            Self::Code { key, commit } => {
                write!(f, "release {key:?}")?;
                commit
                    .as_ref()
                    .map_or(Ok(()), |commit| write!(f, " of commit {commit:?}"))
            }
        }
    }
}

/// A trigger as it is received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What asks.
    pub cause: Cause,
    /// When it happened, by the clock of whoever tells.
    pub at: Timestamp,
}

impl Trigger {
    /// The semantic key under which this very trigger is remembered.
    ///
    /// An event id would not do: AWS delivers one change under several ids, and
    /// one alarm transition through several envelopes.
    pub fn dedupe_key(&self) -> DedupeKey {
        match &self.cause {
            // The caller's key is the whole identity; asking later is not asking anew.
            cause @ (Cause::Manual { key, .. } | Cause::Code { key, .. }) => {
                DedupeKey(alloc::format!("{}|{key}", cause.kind()))
            }
            Cause::Deployment {
                because: Deploys::Asked { key, .. },
                ..
            } => DedupeKey(alloc::format!("asked|{key}")),
            cause => {
                let (kind, id, at) = (cause.kind(), cause.id(), self.at.as_millisecond());
                let mut key = String::with_capacity(id.len() + 32);
                key.extend([kind.as_str(), "|", id]);
                // A text takes everything.
                let _ = write!(key, "|{at}");
                DedupeKey(key)
            }
        }
    }
}

/// Identifies one trigger, however often and in whatever envelope it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupeKey(String);

impl DedupeKey {
    /// The key of what a person asks of a slot: a key is one of its kind.
    pub(crate) fn of_order(kind: OrderKind, key: &str) -> Self {
        Self(alloc::format!("{}|{key}", kind.as_str()))
    }

    /// The key as text; its length is not bounded, so stores digest it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(seconds: i64) -> Timestamp {
        Timestamp::new(1_767_571_200 + seconds, 0).unwrap()
    }

    pub(crate) fn alarm(name: &str) -> AlarmArn {
        AlarmArn::parse(alloc::format!(
            "arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"
        ))
        .unwrap()
    }

    pub(crate) fn drift(name: &str, seconds: i64) -> Trigger {
        Trigger {
            cause: Cause::Drift {
                alarm: alarm(name),
                drift: DriftKind::DataQuality,
                evidence: None,
            },
            at: at(seconds),
        }
    }

    #[test]
    fn the_key_of_a_trigger_is_its_meaning() {
        assert_eq!(drift("a", 1).dedupe_key(), drift("a", 1).dedupe_key());
        assert_ne!(drift("a", 1).dedupe_key(), drift("a", 2).dedupe_key());
        assert_ne!(drift("a", 1).dedupe_key(), drift("b", 1).dedupe_key());
    }
}
