//! What one commit writes, and under which conditions: the commit protocol as data.
//!
//! A store adds keys, lifetimes and its own words for the conditions, and nothing else.

use retrain_core::data::ObjectRecord;
use retrain_core::decision::Decision;
use retrain_core::facts::Seen;
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::Slot;
use retrain_core::step::Commit;
use retrain_core::trigger::DedupeKey;

/// One item of the transaction that writes a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put<'a> {
    /// What is written.
    pub item: Item<'a>,
    /// Under which condition. If one of the transaction's conditions fails, nothing of it
    /// is written.
    pub condition: Condition<'a>,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The slot.
    Slot(&'a Slot),
    /// The marker of a trigger.
    Marker(&'a DedupeKey, &'a Seen),
    /// The decision.
    Decision(&'a Decision),
    /// What is remembered of an object.
    Object(&'a ObjectRecord),
}

/// What must be so of the item that is stored under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Nothing: nobody else can write under this key.
    None,
    /// There is none.
    Absent,
    /// There is none, or it has expired. What expires is deleted days later.
    AbsentOrExpired,
    /// Its version is this one.
    Version(u64),
    /// Its sequencer is this one.
    Sequencer(&'a Sequencer),
}

/// The transaction that writes a commit: all of it, or nothing.
///
/// The slot comes first, under the condition that nobody has written it since it was
/// read. A number of a decision belongs to one version of the slot, so a decision needs
/// no condition of its own.
pub fn transaction(commit: &Commit) -> impl Iterator<Item = Put<'_>> {
    let slot = Put {
        item: Item::Slot(&commit.slot),
        condition: match commit.slot.version.saturating_sub(1) {
            0 => Condition::Absent,
            read => Condition::Version(read),
        },
    };
    let marker = commit.marker.iter().map(|(key, seen)| Put {
        item: Item::Marker(key, seen),
        condition: Condition::AbsentOrExpired,
    });
    let decision = commit.decision.iter().map(|decision| Put {
        item: Item::Decision(decision),
        condition: Condition::None,
    });
    let objects = commit.objects.iter().map(|write| Put {
        item: Item::Object(&write.record),
        condition: { write.expected.as_ref() }.map_or(Condition::Absent, Condition::Sequencer),
    });
    [slot]
        .into_iter()
        .chain(marker)
        .chain(decision)
        .chain(objects)
}
