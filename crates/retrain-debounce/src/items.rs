//! Items: keys, attributes, and the way between them and values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use retrain_controller::PortError;
use retrain_core::data::{ObjectId, ObjectRecord};
use retrain_core::decision::Decision;
use retrain_core::facts::{ControllerState, Seen};
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::shortened;
use retrain_core::slot::{Pause, Slot};
use retrain_core::token::digest;
use retrain_core::trigger::DedupeKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::due::shard_of;
use crate::error::unreadable;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The schema of the items that this release writes. It reads this one and the
/// previous, and leaves newer ones to newer releases.
const SCHEMA: u32 = 1;

/// Longer than any `max_event_age` may be: whatever arrives later is stale.
const MARKER_LIFE: SignedDuration = SignedDuration::from_hours(35 * 24);

/// A year and a month: last year's retraining can still be explained. What was decided about
/// packages and their deployments is kept for good.
const DECISION_LIFE: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Until then an object's rows are replaced when it is overwritten, and a repeated
/// event of it is recognised. Longer than data waits for a start: a manifest must find
/// every object that was counted.
const OBJECT_LIFE: SignedDuration = SignedDuration::from_hours(1_800 * 24);

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";
pub(crate) const EXPIRES_AT: &str = "expires_at";
pub(crate) const SEQUENCER: &str = "sequencer";
pub(crate) const GENERATION_OF: &str = "generation_of";
pub(crate) const DUE_SHARD: &str = "due_shard";
pub(crate) const DUE_AT: &str = "due_at";

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn controller() -> Self {
        Self {
            pk: "controller".to_owned(),
            sk: "controller".to_owned(),
        }
    }

    pub(crate) fn slot(slot: &SlotKey) -> Self {
        Self {
            pk: slot.to_string(),
            sk: "slot".to_owned(),
        }
    }

    pub(crate) fn marker(slot: &SlotKey, key: &DedupeKey) -> Self {
        Self {
            pk: slot.to_string(),
            sk: seen(key),
        }
    }

    /// The marker of an order to the whole controller.
    pub(crate) fn switch_marker(key: &DedupeKey) -> Self {
        Self {
            sk: seen(key),
            ..Self::controller()
        }
    }

    pub(crate) fn decision(slot: &SlotKey, number: u64) -> Self {
        Self {
            pk: slot.to_string(),
            // As many digits as a u64 can have, so that text sorts as numbers do.
            sk: format!("{DECISION_PREFIX}{number:020}"),
        }
    }

    pub(crate) fn object(slot: &SlotKey, object: &ObjectId) -> Self {
        Self {
            pk: format!("{slot}#objects"),
            sk: object.as_str().to_owned(),
        }
    }

    pub(crate) fn attributes(self) -> Item {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    pub(crate) fn is_of(&self, item: &Item) -> bool {
        text(item, PK) == Some(self.pk.as_str()) && text(item, SK) == Some(self.sk.as_str())
    }
}

fn seen(key: &DedupeKey) -> String {
    format!("seen#{}", digest(key.as_str()))
}

pub(crate) const DECISION_PREFIX: &str = "decision#";

#[derive(Serialize, Deserialize)]
struct SlotItem<T> {
    item: String,
    schema: u32,
    version: u64,
    slot: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MarkerItem {
    item: String,
    schema: u32,
    key: String,
    #[serde(flatten)]
    seen: Seen,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct DecisionItem<T> {
    item: String,
    schema: u32,
    decision: T,
    /// The decision in one sentence, for whoever reads the table.
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ObjectItem<T> {
    item: String,
    schema: u32,
    object: T,
    /// For the condition of the next write.
    sequencer: String,
    /// The key of the index by generation.
    generation_of: String,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ControllerItem {
    item: String,
    schema: u32,
    #[serde(flatten)]
    state: ControllerState,
}

#[derive(Serialize, Deserialize)]
struct SwitchItem {
    item: String,
    schema: u32,
    pause: bool,
    #[serde(flatten)]
    by: Pause,
}

#[derive(Serialize, Deserialize)]
struct SwitchMarkerItem {
    item: String,
    schema: u32,
    key: String,
    expires_at: i64,
}

pub(crate) fn slot_item(key: &SlotKey, slot: &Slot) -> Result<Item, PortError> {
    let due_at = slot.due_at.map(moment);
    put(
        Key::slot(key),
        &SlotItem {
            item: "slot".to_owned(),
            schema: SCHEMA,
            version: slot.version,
            slot,
            due_shard: due_at.is_some().then(|| shard_of(key)),
            due_at,
        },
    )
}

pub(crate) fn read_slot(item: Item) -> Result<Slot, PortError> {
    let found: SlotItem<Slot> = read(item)?;
    Ok(found.slot)
}

pub(crate) fn marker_item(
    key: &SlotKey,
    trigger: &DedupeKey,
    seen: &Seen,
    now: Timestamp,
) -> Result<Item, PortError> {
    put(
        Key::marker(key, trigger),
        &MarkerItem {
            item: "marker".to_owned(),
            schema: SCHEMA,
            key: shortened(trigger.as_str(), 500),
            seen: seen.clone(),
            expires_at: expiry(now, MARKER_LIFE),
        },
    )
}

/// The marker, unless it has expired: TTL deletes days late.
pub(crate) fn read_marker(item: Item, now: Timestamp) -> Result<Option<Seen>, PortError> {
    let found: MarkerItem = read(item)?;
    Ok((found.expires_at >= now.as_second()).then_some(found.seen))
}

pub(crate) fn decision_item(key: &SlotKey, decision: &Decision) -> Result<Item, PortError> {
    let expires = match key.lane {
        Lane::Retrain => true,
        // Who approved what, and what served when, is asked years later.
        Lane::Deploy(_) | Lane::Package(_) => false,
    };
    put(
        Key::decision(key, decision.number),
        &DecisionItem {
            item: "decision".to_owned(),
            schema: SCHEMA,
            decision,
            text: shortened(&decision.to_string(), 1_000),
            expires_at: expires.then(|| expiry(decision.at, DECISION_LIFE)),
        },
    )
}

pub(crate) fn read_decision(item: Item) -> Result<Decision, PortError> {
    let found: DecisionItem<Decision> = read(item)?;
    Ok(found.decision)
}

pub(crate) fn object_item(
    key: &SlotKey,
    object: &ObjectRecord,
    now: Timestamp,
) -> Result<Item, PortError> {
    put(
        Key::object(key, &object.version.id()),
        &ObjectItem {
            item: "object".to_owned(),
            schema: SCHEMA,
            object,
            sequencer: object.version.sequencer.as_str().to_owned(),
            generation_of: generation_of(key, object.generation),
            expires_at: expiry(now, OBJECT_LIFE),
        },
    )
}

pub(crate) fn read_object(item: Item) -> Result<ObjectRecord, PortError> {
    let found: ObjectItem<ObjectRecord> = read(item)?;
    Ok(found.object)
}

/// The key under which the index by generation lists objects.
pub(crate) fn generation_of(key: &SlotKey, generation: u64) -> String {
    format!("{key}#{generation}")
}

pub(crate) fn controller_item(state: &ControllerState) -> Result<Item, PortError> {
    put(
        Key::controller(),
        &ControllerItem {
            item: "controller".to_owned(),
            schema: SCHEMA,
            state: state.clone(),
        },
    )
}

/// The record of a switch of the whole controller. It never expires: there are few.
pub(crate) fn switch_item(pause: bool, by: &Pause, now: Timestamp) -> Result<Item, PortError> {
    let key = Key {
        sk: format!("switch#{}", moment(now)),
        ..Key::controller()
    };
    put(
        key,
        &SwitchItem {
            item: "switch".to_owned(),
            schema: SCHEMA,
            pause,
            by: by.clone(),
        },
    )
}

/// The marker of an order to the whole controller.
pub(crate) fn switch_marker_item(key: &DedupeKey, now: Timestamp) -> Result<Item, PortError> {
    put(
        Key::switch_marker(key),
        &SwitchMarkerItem {
            item: "marker".to_owned(),
            schema: SCHEMA,
            key: shortened(key.as_str(), 500),
            expires_at: expiry(now, MARKER_LIFE),
        },
    )
}

/// Whether the marker still counts: TTL deletes days late.
pub(crate) fn read_switch_marker(item: Item, now: Timestamp) -> Result<bool, PortError> {
    let found: SwitchMarkerItem = read(item)?;
    Ok(found.expires_at >= now.as_second())
}

pub(crate) fn read_controller(item: Item) -> Result<ControllerState, PortError> {
    let found: ControllerItem = read(item)?;
    Ok(found.state)
}

fn put(key: Key, value: &impl Serialize) -> Result<Item, PortError> {
    let mut item: Item = serde_dynamo::to_item(value)
        .map_err(|error| PortError::terminal("write an item", error))?;
    item.extend(key.attributes());
    Ok(item)
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, PortError> {
    let schema = item
        .get("schema")
        .and_then(|value| value.as_n().ok()?.parse::<u32>().ok());
    let name = format!(
        "{}/{}",
        text(&item, PK).unwrap_or("?"),
        text(&item, SK).unwrap_or("?")
    );
    match schema {
        None => Err(unreadable(&name, "it has no schema number")),
        Some(newer) if newer > SCHEMA => Err(PortError::retryable(
            format!("read {name}"),
            format!("its schema {newer} is newer than this release's {SCHEMA}"),
        )),
        Some(_) => serde_dynamo::from_item(item).map_err(|error| unreadable(&name, error)),
    }
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn expiry(from: Timestamp, life: SignedDuration) -> i64 {
    from.as_second().saturating_add(life.as_secs())
}

/// A moment as text that sorts: RFC 3339, UTC, always three decimals.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}
