//! Counting training data: which objects are counted, and what a start takes.
//!
//! A generation is what one training run will consume. Every object is remembered
//! with the generation in which it was counted last, so that an overwrite replaces
//! its old rows wherever they are now: among those that wait, or on a claim.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::omitted::is_default;
use crate::sequencer::Sequencer;
use crate::token::digest_of;

/// How much data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes, as the objects are stored.
    pub bytes: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows.saturating_add(other.rows),
            objects: self.objects.saturating_add(other.objects),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// What is left without `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            rows: self.rows.saturating_sub(other.rows),
            objects: self.objects.saturating_sub(other.objects),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} row(s) in {} object(s)", self.rows, self.objects)
    }
}

/// The generations whose data is together: consecutive ones, because the data of a
/// failed run joins that which came meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// The oldest.
    pub from: u64,
    /// The newest.
    pub to: u64,
}

impl Generations {
    /// Whether this generation is among them.
    pub const fn contain(&self, generation: u64) -> bool {
        self.from <= generation && generation <= self.to
    }
}

/// The data that waits for a start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its generations; the newest is the one in which objects are counted now.
    pub generations: Generations,
    /// How much it is.
    pub tally: Tally,
    /// When the first of its rows were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// When an object was counted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// When an object said that its batch is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_at: Option<Timestamp>,
    /// Set after a run with this data was stopped or given up: it calls for a start
    /// again only together with a further object.
    #[serde(default, skip_serializing_if = "is_default")]
    pub needs_more: bool,
}

/// The data that a claim took with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Its generations.
    pub generations: Generations,
    /// How much it was.
    pub tally: Tally,
    /// How much of it has been overwritten since, and is counted anew.
    #[serde(default)]
    pub superseded: Tally,
    /// When the first of its rows were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// When an object was counted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// When an object said that its batch is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_at: Option<Timestamp>,
    /// Whether it called for a start only together with a further object.
    #[serde(default, skip_serializing_if = "is_default")]
    pub needs_more: bool,
}

impl Waiting {
    /// Takes everything; what comes now belongs to the next generation.
    pub(crate) fn take(&mut self) -> Taken {
        let Self {
            generations,
            tally,
            first_at,
            last_at,
            complete_at,
            needs_more,
        } = core::mem::take(self);
        let next = generations.to.saturating_add(1);
        self.generations = Generations {
            from: next,
            to: next,
        };
        Taken {
            generations,
            tally,
            superseded: Tally::default(),
            first_at,
            last_at,
            complete_at,
            needs_more,
        }
    }

    /// Takes back what a claim had taken and no run has consumed. `unwanted` data calls
    /// for a start again only together with a further object, which may have come
    /// already.
    pub(crate) fn give_back(&mut self, taken: &Taken, unwanted: bool) {
        if self.last_at.is_none() {
            self.needs_more = unwanted || taken.needs_more;
        }
        self.generations.from = taken.generations.from;
        self.tally = self.tally.plus(taken.tally.minus(taken.superseded));
        let first = [self.first_at, taken.first_at].into_iter().flatten().min();
        self.first_at = first.filter(|_| self.tally.rows > 0);
        self.last_at = self.last_at.max(taken.last_at);
        self.complete_at = self.complete_at.max(taken.complete_at);
    }

    /// Takes out again what was given back, because its run goes on after all. What is
    /// left has come after the claim, at `claimed_at`.
    pub(crate) fn withdraw(&mut self, taken: &Taken, claimed_at: Timestamp) {
        self.generations.from = taken.generations.to.saturating_add(1);
        self.tally = self.tally.minus(taken.tally.minus(taken.superseded));
        self.first_at = self
            .first_at
            .filter(|_| self.tally.rows > 0)
            .map(|at| at.max(claimed_at));
        self.complete_at = self.complete_at.filter(|at| Some(*at) > taken.complete_at);
        self.last_at = self.last_at.filter(|at| Some(*at) > taken.last_at);
    }
}

/// Identifies an object: a digest, because a key may have 1,024 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// The identity of the object with this key in this bucket.
    pub fn of(bucket: &str, key: &str) -> Self {
        Self(digest_of(&[bucket, key]))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object version whose rows are known, or known to be uncountable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version, in a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The entity tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its place among the versions of the object.
    pub sequencer: Sequencer,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Why its rows cannot be counted, for a reason that lies in the object. It counts
    /// for nothing then, and what it has overwritten does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted: Option<String>,
}

impl ObjectVersion {
    /// The identity of its object.
    pub fn id(&self) -> ObjectId {
        ObjectId::of(&self.bucket, &self.key)
    }

    /// What it comes to.
    pub fn tally(&self) -> Tally {
        if self.uncounted.is_some() {
            return Tally::default();
        }
        Tally {
            rows: self.rows,
            objects: 1,
            bytes: self.bytes,
        }
    }
}

/// Objects that arrived together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// The objects; a record shows at most [`SHOWN`], first those that could not be
    /// counted.
    pub objects: Vec<ObjectVersion>,
    /// The objects that say that a batch is complete, marked as uncounted. They are
    /// remembered like the others, so that each says it once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completions: Vec<ObjectVersion>,
    /// How many objects a record leaves out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub not_shown: usize,
}

/// How many objects the record of a decision shows.
pub const SHOWN: usize = 5;

impl Arrivals {
    /// What the record of a decision shows of them: all could be megabytes.
    pub(crate) fn shown(&self) -> Self {
        let uncounted = self
            .objects
            .iter()
            .filter(|object| object.uncounted.is_some());
        let counted = self
            .objects
            .iter()
            .filter(|object| object.uncounted.is_none());
        let objects: Vec<_> = uncounted.chain(counted).take(SHOWN).cloned().collect();
        let completions: Vec<_> = self.completions.iter().take(SHOWN).cloned().collect();
        Self {
            not_shown: self.len() - objects.len() - completions.len(),
            objects,
            completions,
        }
    }

    /// How many objects there are.
    pub const fn len(&self) -> usize {
        self.objects.len() + self.completions.len() + self.not_shown
    }

    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The identities of all objects that it shows.
    pub fn ids(&self) -> BTreeSet<ObjectId> {
        let objects = self.objects.iter().chain(&self.completions);
        objects.map(ObjectVersion::id).collect()
    }
}

/// What is remembered of an object that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The version that was counted last.
    #[serde(flatten)]
    pub version: ObjectVersion,
    /// The generation in which it was counted.
    pub generation: u64,
}

/// A change of what is remembered of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectWrite {
    /// What to remember.
    pub record: ObjectRecord,
    /// What must be remembered still for the write to be right.
    pub expected: Option<Sequencer>,
}

/// What has been remembered, by object.
pub type KnownObjects = BTreeMap<ObjectId, ObjectRecord>;

/// Counts arrivals.
pub(crate) struct Counter<'a> {
    pub(crate) waiting: &'a mut Waiting,
    /// The data that is in flight, and that a run had which may yet go on. That is also
    /// among the waiting data, or in flight again.
    pub(crate) taken: Vec<&'a mut Taken>,
    pub(crate) known: &'a KnownObjects,
}

/// What counting came to.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) writes: BTreeMap<ObjectId, ObjectWrite>,
    /// What is new.
    pub(crate) tally: Tally,
    /// How many objects were known, in this version or a later one.
    pub(crate) repeated: u64,
    /// How many objects could not be counted.
    pub(crate) uncounted: usize,
    /// Whether there is data that was not known.
    pub(crate) has_data: bool,
    /// Whether an object said for the first time that a batch is complete.
    pub(crate) completes: bool,
}

impl Counter<'_> {
    /// Counts every object once, each in the newest version that is known.
    pub(crate) fn count(mut self, arrivals: &Arrivals) -> Counted {
        let mut counted = Counted::default();
        let data = arrivals.objects.iter().map(|object| (object, false));
        let completions = arrivals.completions.iter().map(|object| (object, true));
        for (object, completes) in data.chain(completions) {
            let id = object.id();
            let in_store = self.known.get(&id);
            let known = counted
                .writes
                .get(&id)
                .map_or(in_store, |write| Some(&write.record));
            match known {
                Some(known) if known.version.sequencer >= object.sequencer => {
                    counted.repeated += 1;
                    continue;
                }
                Some(known) => self.replace(known),
                None => {}
            }
            self.waiting.tally = self.waiting.tally.plus(object.tally());
            counted.tally = counted.tally.plus(object.tally());
            counted.uncounted += usize::from(!completes && object.uncounted.is_some());
            counted.has_data |= !completes;
            counted.completes |= completes;
            counted.writes.insert(
                id,
                ObjectWrite {
                    record: ObjectRecord {
                        version: object.clone(),
                        generation: self.waiting.generations.to,
                    },
                    expected: in_store.map(|known| known.version.sequencer.clone()),
                },
            );
        }
        counted
    }

    /// Takes the rows of an overwritten version out of where they are.
    fn replace(&mut self, known: &ObjectRecord) {
        let old = known.version.tally();
        if self.waiting.generations.contain(known.generation) {
            self.waiting.tally = self.waiting.tally.minus(old);
        }
        for taken in &mut self.taken {
            if taken.generations.contain(known.generation) {
                taken.superseded = taken.superseded.plus(old);
            }
        }
    }
}
