//! Promise 6: the books on every version of every object, kept without generations.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;

use super::aws::pick;
use super::world::{Op, World};
use crate::data::{Arrivals, KnownObjects, ObjectId, ObjectVersion, Taken, Tally};
use crate::sequencer::Sequencer;
use crate::step::*;

/// Where the rows of a version are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting,
    InFlight,
    Consumed,
}

/// The version of an object that counts.
#[derive(Clone, Debug)]
struct Counts {
    version: ObjectVersion,
    place: Place,
}

/// The ground truth about data.
#[derive(Default)]
pub(super) struct Books {
    counting: BTreeMap<ObjectId, Counts>,
    /// What each claim took, whatever was overwritten later.
    took: BTreeMap<u64, Vec<(ObjectId, Sequencer)>>,
    /// What runs have consumed, by what the slot says.
    consumed: BTreeSet<(ObjectId, Sequencer)>,
    /// The claims whose runs have consumed what they took.
    settled: BTreeSet<u64>,
}

impl Books {
    fn is_news(&self, object: &ObjectVersion) -> bool {
        let known = self.counting.get(&object.id());
        known.is_none_or(|known| known.version.sequencer < object.sequencer)
    }

    /// Nothing was written: there must have been nothing to count.
    pub(super) fn is_known(&self, event: &Event) {
        if let Event::Data(arrivals) = event {
            for object in &arrivals.objects {
                assert!(!self.is_news(object), "promise 6: {object:?} is forgotten");
            }
        }
    }

    pub(super) fn account(&mut self, event: &Event, outcome: &Outcome) {
        if let Event::Data(arrivals) = event {
            for object in &arrivals.objects {
                if self.is_news(object) {
                    let counts = Counts {
                        version: object.clone(),
                        place: Place::Waiting,
                    };
                    self.counting.insert(object.id(), counts);
                }
            }
        }
        match outcome {
            Outcome::Claimed { claim } if claim.data.is_some() => self.take(claim.number),
            Outcome::WouldStart { .. } => self.move_all(Place::Waiting, Place::Consumed),
            Outcome::NotStarted { .. }
            | Outcome::Yielded { .. }
            | Outcome::Abandoned { .. }
            | Outcome::Failed { .. }
            | Outcome::Interrupted { .. }
            | Outcome::Stopped { .. } => self.move_all(Place::InFlight, Place::Waiting),
            Outcome::Reopened { claim, .. } => self.take_again(*claim),
            Outcome::Succeeded { claim, .. } | Outcome::NoImprovement { claim, .. } => {
                self.take_again(*claim);
                self.move_all(Place::InFlight, Place::Consumed);
                if !self.settled.insert(*claim) {
                    return;
                }
                for version in self.took.get(claim).into_iter().flatten() {
                    assert!(
                        self.consumed.insert(version.clone()),
                        "promise 6: {version:?} is consumed twice"
                    );
                }
            }
            _ => {}
        }
    }

    fn move_all(&mut self, from: Place, to: Place) {
        for counts in self.counting.values_mut() {
            if counts.place == from {
                counts.place = to;
            }
        }
    }

    fn take(&mut self, claim: u64) {
        let mut took = Vec::new();
        for (id, counts) in &mut self.counting {
            if counts.place == Place::Waiting {
                counts.place = Place::InFlight;
                took.push((id.clone(), counts.version.sequencer.clone()));
            }
        }
        self.took.insert(claim, took);
    }

    /// The run of the claim goes on, with what it had and nobody has overwritten.
    fn take_again(&mut self, claim: u64) {
        for (id, sequencer) in self.took.get(&claim).into_iter().flatten() {
            if let Some(counts) = self.counting.get_mut(id)
                && counts.version.sequencer == *sequencer
                && counts.place == Place::Waiting
            {
                counts.place = Place::InFlight;
            }
        }
    }

    /// What a claim took, nobody has overwritten, and no run has consumed.
    fn left_of(&self, claim: u64) -> Tally {
        let took = self
            .took
            .get(&claim)
            .filter(|_| !self.settled.contains(&claim));
        let took = took.into_iter().flatten();
        let counts = took.filter_map(|(id, sequencer)| {
            let counts = self.counting.get(id)?;
            (counts.version.sequencer == *sequencer).then_some(counts)
        });
        counts
            .filter(|counts| counts.place != Place::Consumed)
            .fold(Tally::default(), |sum, counts| {
                sum.plus(counts.version.tally())
            })
    }

    /// What AWS has trained on, whatever the slot says: the runs of these claims have
    /// succeeded.
    pub(super) fn check_trained(&self, claims: impl Iterator<Item = u64>) {
        let mut trained = BTreeSet::new();
        for version in claims.filter_map(|claim| self.took.get(&claim)).flatten() {
            assert!(
                trained.insert(version),
                "promise 6: two runs have trained on {version:?}"
            );
        }
    }

    fn sum(&self, wanted: impl Fn(&Counts) -> bool) -> Tally {
        let counting = self.counting.values().filter(|counts| wanted(counts));
        counting.fold(Tally::default(), |sum, counts| {
            sum.plus(counts.version.tally())
        })
    }

    pub(super) fn check(&self, slot: &Slot, store: &KnownObjects) {
        let waiting = self.sum(|counts| counts.place == Place::Waiting);
        assert_eq!(slot.data.tally, waiting, "promise 6: what waits");
        let left = |taken: Option<&Taken>| {
            taken.map_or(Tally::default(), |taken| {
                taken.tally.minus(taken.superseded)
            })
        };
        let carries = slot.phase.claim().and_then(|claim| claim.data.as_ref());
        let in_flight = self.sum(|counts| counts.place == Place::InFlight);
        assert_eq!(left(carries), in_flight, "promise 6: what is in flight");
        if let Some(closed) = &slot.closed {
            let back = self.left_of(closed.claim.number);
            let left = left(closed.claim.data.as_ref());
            assert_eq!(left, back, "promise 6: what the last run gave back");
        }
        let counting = self.counting.iter().map(|(id, of)| (id, &of.version));
        let stored = store.iter().map(|(id, of)| (id, &of.version));
        assert!(counting.eq(stored), "promise 6: what is remembered");
    }

    pub(super) fn all_is_consumed(&self, slot: &Slot) {
        assert_eq!(slot.data.tally, Tally::default(), "promise 6: it waits");
        for counts in self.counting.values() {
            assert!(
                counts.place == Place::Consumed || counts.version.tally() == Tally::default(),
                "promise 6: {counts:?} is forgotten"
            );
        }
    }
}

impl World {
    pub(super) fn put(&mut self, key: u8, rows: u8, countable: bool) {
        let sequencer = self.puts.len() + 1;
        self.puts.push(ObjectVersion {
            bucket: "fraud-data".into(),
            key: format!("in/{}", key % 4),
            version_id: None,
            etag: None,
            sequencer: Sequencer::parse(&format!("{sequencer:X}")).unwrap(),
            rows: rows.into(),
            bytes: u64::from(rows) * 7,
            uncounted: (!countable).then(|| "it is encrypted".into()),
        });
    }

    pub(super) fn arrive(&mut self, picks: &[u8]) {
        let objects = picks.iter().filter_map(|n| pick(&self.puts, *n).cloned());
        let objects: Vec<ObjectVersion> = objects.collect();
        if !objects.is_empty() {
            self.deliver(&Event::Data(Arrivals {
                objects,
                ..Arrivals::default()
            }));
        }
    }

    /// S3 tells about everything that it has not told about, and about one object more.
    pub(super) fn all_arrives(&mut self) {
        self.apply(&Op::Put {
            key: 0,
            rows: 200,
            countable: true,
        });
        let objects = self.puts.clone();
        self.take(&Event::Data(Arrivals {
            objects,
            ..Arrivals::default()
        }));
        self.check();
    }
}
