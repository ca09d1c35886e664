//! One consistent read of everything that a decision needs from the table.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use retrain_controller::{Loaded, PortError, Wanted};
use retrain_core::data::{Generations, KnownObjects, ObjectRecord};
use retrain_core::decision::Decision;
use retrain_core::facts::ControllerState;
use retrain_core::lane::SlotKey;
use retrain_core::slot::Slot;
use retrain_core::token::Epoch;

use crate::DynamoStore;
use crate::error::failed;
use crate::items::{self, DECISION_PREFIX, GENERATION_OF, Item, Key, PK, SK};
use crate::table::GENERATION_INDEX;

/// How often a read is repeated that was torn or only partly answered.
pub(crate) const MAX_READS: u32 = 5;

/// How many decisions are read in one call.
const DECISIONS_AT_ONCE: i32 = 100;

impl DynamoStore {
    pub(crate) async fn load_slot(
        &self,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<Loaded, PortError> {
        let slot = wanted.slot;
        let marker_key = wanted.marker.map(|key| Key::marker(slot, key));
        let mut keys = vec![Key::controller(), Key::slot(slot)];
        keys.extend(marker_key.clone());
        keys.extend(wanted.objects.iter().map(|id| Key::object(slot, id)));
        for _ in 0..MAX_READS {
            let Some(mut found) = self.read_all(&keys).await? else {
                continue;
            };
            let Some(controller) = take(&mut found, &Key::controller()) else {
                self.make_controller(now).await?;
                continue;
            };
            let stored = take(&mut found, &Key::slot(slot))
                .map(items::read_slot)
                .transpose()?;
            let stored = stored.unwrap_or_else(Slot::new);
            let seen = match &marker_key {
                Some(key) => take(&mut found, key)
                    .map(|item| items::read_marker(item, now))
                    .transpose()?,
                None => None,
            }
            .flatten();
            // The items of a batch are read one by one. A marker that is newer than
            // the slot shows that a commit came between the two reads.
            if seen
                .as_ref()
                .is_some_and(|seen| seen.decision > stored.version)
            {
                continue;
            }
            return Ok(Loaded {
                slot: stored,
                seen,
                objects: known_objects(found)?,
                controller: items::read_controller(controller)?,
            });
        }
        Err(PortError::retryable(
            format!("read slot {slot}"),
            format!("no consistent answer in {MAX_READS} reads"),
        ))
    }

    /// The epoch and the controller's switch.
    pub async fn controller(&self, now: Timestamp) -> Result<ControllerState, PortError> {
        let (item, _) = self.read_with_controller(vec![], now).await?;
        items::read_controller(item)
    }

    /// The controller item, which is made where the table lacks it, and those with these keys.
    pub(crate) async fn read_with_controller(
        &self,
        mut keys: Vec<Key>,
        now: Timestamp,
    ) -> Result<(Item, Vec<Item>), PortError> {
        keys.push(Key::controller());
        for _ in 0..MAX_READS {
            let Some(mut found) = self.read_all(&keys).await? else {
                continue;
            };
            match take(&mut found, &Key::controller()) {
                Some(item) => return Ok((item, found)),
                None => self.make_controller(now).await?,
            }
        }
        Err(PortError::retryable(
            "read the controller item",
            format!("no answer in {MAX_READS} reads"),
        ))
    }

    /// All items with these keys, or nothing if DynamoDB answered only in part.
    pub(crate) async fn read_all(&self, keys: &[Key]) -> Result<Option<Vec<Item>>, PortError> {
        let doing = "read the slot";
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().cloned().map(Key::attributes).collect()))
            .consistent_read(true)
            .build()
            .map_err(|error| PortError::terminal(doing, error))?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.table, keys)
            .send()
            .await
            .map_err(|error| failed(doing, error))?;
        if answer.unprocessed_keys.is_some_and(|rest| !rest.is_empty()) {
            return Ok(None);
        }
        let found = answer
            .responses
            .and_then(|mut tables| tables.remove(&self.table));
        Ok(Some(found.unwrap_or_default()))
    }

    /// Makes the item that a new table lacks. Whoever comes first decides the
    /// epoch.
    async fn make_controller(&self, now: Timestamp) -> Result<(), PortError> {
        let doing = "make the controller item";
        let state = ControllerState {
            epoch: Epoch::derive(&[&self.table, &now.to_string()]),
            paused: None,
        };
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(items::controller_item(&state)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed(doing, error)),
        }
    }

    pub(crate) async fn objects_of(
        &self,
        slot: &SlotKey,
        generations: Generations,
    ) -> Result<Vec<ObjectRecord>, PortError> {
        let mut objects = Vec::new();
        for generation in generations.from..=generations.to {
            let mut pages = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(GENERATION_INDEX)
                .key_condition_expression("#of = :of")
                .expression_attribute_names("#of", GENERATION_OF)
                .expression_attribute_values(":of", string(items::generation_of(slot, generation)))
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failed("list the objects of a start", error))?;
                for item in page.items.unwrap_or_default() {
                    objects.push(items::read_object(item)?);
                }
            }
        }
        Ok(objects)
    }

    /// The newest decisions about a slot, newest first, at most `limit`.
    pub async fn decisions(
        &self,
        slot: &SlotKey,
        limit: usize,
    ) -> Result<Vec<Decision>, PortError> {
        let enough = |read: &[Decision]| read.len() >= limit;
        let mut decisions = self.decisions_until(slot, enough).await?;
        decisions.truncate(limit);
        Ok(decisions)
    }

    /// The newest decisions about a slot, newest first, until they are enough or there are
    /// no more. It is asked now and then, not after each.
    pub async fn decisions_until(
        &self,
        slot: &SlotKey,
        mut enough: impl FnMut(&[Decision]) -> bool,
    ) -> Result<Vec<Decision>, PortError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", string(slot.to_string()))
            .expression_attribute_values(":prefix", string(DECISION_PREFIX))
            .consistent_read(true)
            .scan_index_forward(false)
            .into_paginator()
            .page_size(DECISIONS_AT_ONCE)
            .send();
        let mut decisions = Vec::new();
        while !enough(&decisions)
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| failed("read decisions", error))?;
            for item in page.items.unwrap_or_default() {
                decisions.push(items::read_decision(item)?);
            }
        }
        Ok(decisions)
    }
}

pub(crate) fn string(text: impl Into<String>) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text.into())
}

fn known_objects(items: Vec<Item>) -> Result<KnownObjects, PortError> {
    let records = items.into_iter().map(items::read_object);
    records
        .map(|record| record.map(|record| (record.version.id(), record)))
        .collect()
}

/// Takes the item with this key out of an answer, whose order means nothing.
pub(crate) fn take(found: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let at = found.iter().position(|item| key.is_of(item))?;
    Some(found.swap_remove(at))
}
