//! The index of slots that somebody must look at.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use retrain_controller::PortError;
use retrain_core::lane::SlotKey;
use retrain_core::token::digest;

use crate::DynamoStore;
use crate::error::failed;
use crate::items::{DUE_AT, DUE_SHARD, Item, Key, PK, moment, text};
use crate::load::string;
use crate::table::DUE_INDEX;

/// Into how many shards the index is divided: readers share the work, and one
/// busy shard does not starve the rest.
pub const DUE_SHARDS: u8 = 8;

const DOING: &str = "read what is due";

/// The shard of a slot. It never changes.
pub(crate) fn shard_of(slot: &SlotKey) -> String {
    let digest = digest(&slot.to_string());
    let head = digest
        .get(..2)
        .and_then(|hex| u8::from_str_radix(hex, 16).ok());
    (head.unwrap_or_default() % DUE_SHARDS).to_string()
}

impl DynamoStore {
    /// The slots of a shard that are due by `now`, the longest overdue first, at
    /// most `limit`. Slots of lanes that this release does not know are left out.
    ///
    /// The index is eventually consistent: a slot may be missing for a moment, or
    /// still be named after it was looked at. Looking twice does no harm.
    pub async fn due(&self, shard: u8, now: Timestamp, limit: u16) -> Result<Vec<Due>, PortError> {
        let query = self.due_of(shard, now).limit(i32::from(limit));
        let answer = query.send().await;
        let answer = answer.map_err(|error| failed(DOING, error))?;
        let items = answer.items.unwrap_or_default();
        Ok(items.iter().filter_map(Due::read).collect())
    }

    /// Every slot that is ever due, of all shards, however many there are.
    pub async fn all_due(&self) -> Result<Vec<Due>, PortError> {
        let mut all = Vec::new();
        for shard in 0..DUE_SHARDS {
            let query = self.due_of(shard, Timestamp::MAX);
            let mut pages = query.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failed(DOING, error))?;
                all.extend(page.items().iter().filter_map(Due::read));
            }
        }
        Ok(all)
    }

    fn due_of(&self, shard: u8, by: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("#shard = :shard AND #at <= :by")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#at", DUE_AT)
            .expression_attribute_values(":shard", string(shard.to_string()))
            .expression_attribute_values(":by", AttributeValue::S(moment(by)))
    }

    /// Makes a slot due later than it said, unless somebody has changed it since.
    ///
    /// It touches the index alone, so it works for slots that cannot be stepped:
    /// those whose look fails, or whose policy is gone. Without it they would stay
    /// at the head of their shard and starve the rest.
    pub async fn postpone(&self, due: &Due, until: Timestamp) -> Result<(), PortError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::slot(&due.slot).attributes()))
            .update_expression("SET #at = :until")
            .condition_expression("#at = :seen")
            .expression_attribute_names("#at", DUE_AT)
            .expression_attribute_values(":until", string(moment(until)))
            .expression_attribute_values(":seen", string(&due.at))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(somebody_changes_it) => Ok(()),
            Err(error) => Err(failed("postpone a slot", error)),
        }
    }
}

/// A slot that somebody must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The slot.
    pub slot: SlotKey,
    /// Since when, as the index has it.
    at: String,
}

impl Due {
    /// Since when it is due.
    pub fn since(&self) -> Option<Timestamp> {
        self.at.parse().ok()
    }

    fn read(item: &Item) -> Option<Self> {
        Some(Self {
            slot: text(item, PK)?.parse().ok()?,
            at: text(item, DUE_AT)?.to_owned(),
        })
    }
}

/// Whether the slot was changed, or is being changed: then it is not ours to put off.
fn somebody_changes_it(error: &UpdateItemError) -> bool {
    error.is_conditional_check_failed_exception() || error.is_transaction_conflict_exception()
}
