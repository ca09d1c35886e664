//! What the table holds of one model, in memory.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};
use retrain_core::data::{KnownObjects, ObjectId, ObjectRecord, ObjectVersion};
use retrain_core::decision::Decision;
use retrain_core::event::Event;
use retrain_core::facts::Seen;
use retrain_core::policy::PolicyInForce;
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::Slot;
use retrain_core::step::{Command, Commit};
use retrain_core::trigger::DedupeKey;

use super::tally::Tally;

/// How long a trigger is remembered, as the table remembers it.
pub(super) const MARKER_LIFE: SignedDuration = SignedDuration::from_hours(35 * 24);

/// What the table holds of one model.
pub(super) struct Model<'a> {
    pub(super) policy: &'a PolicyInForce,
    pub(super) slot: Box<Slot>,
    pub(super) seen: HashMap<DedupeKey, (Seen, Timestamp), RandomState>,
    objects: HashMap<ShortId, Known, RandomState>,
    pub(super) tally: Tally,
}

/// The first half of an object's digest: as good a name as all of it, without memory of
/// its own.
type ShortId = u128;

fn short(id: &ObjectId) -> Option<ShortId> {
    ShortId::from_str_radix(id.as_str().get(..32)?, 16).ok()
}

/// What counting needs to know of an object.
struct Known {
    sequencer: Box<str>,
    rows: u64,
    bytes: u64,
    is_uncounted: bool,
    generation: u64,
}

impl<'a> Model<'a> {
    /// A model about which nothing is known yet.
    pub(super) fn new(policy: &'a PolicyInForce) -> Self {
        Self {
            policy,
            slot: Box::new(Slot::new()),
            seen: HashMap::default(),
            objects: HashMap::default(),
            tally: Tally::new(&policy.model),
        }
    }

    /// What is remembered of the objects of an event.
    pub(super) fn known(&self, event: &Event) -> KnownObjects {
        let Event::Data(arrivals) = event else {
            return KnownObjects::new();
        };
        let ids = arrivals.ids().into_iter();
        ids.filter_map(|id| {
            let record = self.objects.get(&short(&id)?)?.record()?;
            Some((id, record))
        })
        .collect()
    }

    /// Keeps what a step leaves behind, and gives what is to be told and done.
    pub(super) fn commit(
        &mut self,
        commit: Commit,
        now: Timestamp,
    ) -> (Option<Decision>, Vec<Command>) {
        let Commit {
            slot,
            marker,
            decision,
            objects,
            commands,
        } = commit;
        self.slot = slot;
        if let Some((key, seen)) = marker {
            self.seen.insert(key, (seen, now + MARKER_LIFE));
        }
        for write in objects {
            let record = write.record;
            let id = short(&record.version.id());
            self.objects.extend(id.map(|id| (id, Known::of(&record))));
        }
        if let Some(decision) = &decision {
            self.tally.decided(decision, self.slot.held.len());
        }
        (decision, commands)
    }
}

impl Known {
    fn of(record: &ObjectRecord) -> Self {
        let ObjectVersion {
            sequencer,
            rows,
            bytes,
            uncounted,
            ..
        } = &record.version;
        Self {
            sequencer: sequencer.as_str().trim_start_matches('0').into(),
            rows: *rows,
            bytes: *bytes,
            is_uncounted: uncounted.is_some(),
            generation: record.generation,
        }
    }

    /// The record, without the names that no decision looks at.
    fn record(&self) -> Option<ObjectRecord> {
        let digits = if self.sequencer.is_empty() {
            "0"
        } else {
            &self.sequencer
        };
        Some(ObjectRecord {
            version: ObjectVersion {
                bucket: String::new(),
                key: String::new(),
                version_id: None,
                etag: None,
                sequencer: Sequencer::parse(digits)?,
                rows: self.rows,
                bytes: self.bytes,
                uncounted: self.is_uncounted.then(String::new),
            },
            generation: self.generation,
        })
    }
}
