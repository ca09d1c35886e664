//! One transaction per decision.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put as PutItem, TransactWriteItem};
use jiff::Timestamp;
use retrain_controller::{
    Committed, Condition, Item, Loaded, PortError, Put, SlotStore, Wanted, transaction,
};
use retrain_core::data::{Generations, ObjectRecord};
use retrain_core::lane::SlotKey;
use retrain_core::step::Commit;

use crate::DynamoStore;
use crate::error::failed;
use crate::items::{self, EXPIRES_AT, SEQUENCER};
use crate::load::string;

const DOING: &str = "commit a decision";

impl SlotStore for DynamoStore {
    async fn load(&self, wanted: Wanted<'_>, now: Timestamp) -> Result<Loaded, PortError> {
        self.load_slot(wanted, now).await
    }

    async fn objects(
        &self,
        slot: &SlotKey,
        generations: Generations,
    ) -> Result<Vec<ObjectRecord>, PortError> {
        self.objects_of(slot, generations).await
    }

    async fn commit(
        &self,
        slot: &SlotKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, PortError> {
        let actions = transaction(commit)
            .map(|put| self.put(slot, &put, now))
            .collect::<Result<_, _>>()?;
        // The SDK draws a fresh request token for this attempt and repeats it in
        // its own retries, so that a commit is applied at most once.
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Committed::Written),
            Err(error) if was_lost(&error) => Ok(Committed::LostRace),
            Err(error) if was_cancelled_for(&error, &["ValidationError"]) => {
                Err(PortError::terminal(DOING, error))
            }
            Err(error) => Err(failed(DOING, error)),
        }
    }
}

impl DynamoStore {
    fn put(
        &self,
        key: &SlotKey,
        put: &Put<'_>,
        now: Timestamp,
    ) -> Result<TransactWriteItem, PortError> {
        let item = match put.item {
            Item::Slot(slot) => items::slot_item(key, slot)?,
            Item::Marker(trigger, seen) => items::marker_item(key, trigger, seen, now)?,
            Item::Decision(decision) => items::decision_item(key, decision)?,
            Item::Object(record) => items::object_item(key, record, now)?,
        };
        let builder = PutItem::builder()
            .table_name(&self.table)
            .set_item(Some(item));
        action(match put.condition {
            Condition::None => builder,
            Condition::Absent => builder.condition_expression("attribute_not_exists(pk)"),
            Condition::AbsentOrExpired => if_absent_or_expired(builder, now),
            Condition::Version(read) => builder
                .condition_expression("#version = :read")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":read", AttributeValue::N(read.to_string())),
            Condition::Sequencer(read) => builder
                .condition_expression("#sequencer = :read")
                .expression_attribute_names("#sequencer", SEQUENCER)
                .expression_attribute_values(":read", string(read.as_str())),
        })
    }
}

/// TTL deletes days late.
pub(crate) fn if_absent_or_expired(put: PutBuilder, now: Timestamp) -> PutBuilder {
    put.condition_expression("attribute_not_exists(pk) OR #expires_at < :now")
        .expression_attribute_names("#expires_at", EXPIRES_AT)
        .expression_attribute_values(":now", AttributeValue::N(now.as_second().to_string()))
}

pub(crate) fn action(put: PutBuilder) -> Result<TransactWriteItem, PortError> {
    let put = put
        .build()
        .map_err(|error| PortError::terminal(DOING, error))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Whether another worker was faster: its version or marker is there, or its transaction
/// is under way. Throttling is another matter.
pub(crate) fn was_lost(error: &SdkError<TransactWriteItemsError>) -> bool {
    was_cancelled_for(error, &["ConditionalCheckFailed", "TransactionConflict"])
}

/// Whether the transaction was cancelled for one of these reasons.
fn was_cancelled_for(error: &SdkError<TransactWriteItemsError>, codes: &[&str]) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| reason.code())
        .any(|code| codes.contains(&code))
}
