//! One transaction per decision.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use retrain_controller::{Committed, Loaded, PortError, SlotStore, Wanted};
use retrain_core::data::{Generations, ObjectRecord, ObjectWrite};
use retrain_core::lane::SlotKey;
use retrain_core::step::Commit;

use crate::DynamoStore;
use crate::error::failed;
use crate::items::{self, EXPIRES_AT, Item, SEQUENCER};
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
        let mut actions = vec![self.put_slot(slot, commit)?];
        if let Some((trigger, seen)) = &commit.marker {
            let item = items::marker_item(slot, trigger, seen, now)?;
            actions.push(self.put_marker(item, now)?);
        }
        if let Some(decision) = &commit.decision {
            actions.push(self.put(items::decision_item(slot, decision)?)?);
        }
        for write in &commit.objects {
            actions.push(self.put_object(slot, write, now)?);
        }
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
            Err(error)
                if was_cancelled_for(
                    &error,
                    &["ConditionalCheckFailed", "TransactionConflict"],
                ) =>
            {
                Ok(Committed::LostRace)
            }
            Err(error) if was_cancelled_for(&error, &["ValidationError"]) => {
                Err(PortError::terminal(DOING, error))
            }
            Err(error) => Err(failed(DOING, error)),
        }
    }
}

impl DynamoStore {
    fn put_slot(&self, key: &SlotKey, commit: &Commit) -> Result<TransactWriteItem, PortError> {
        let item = items::slot_item(key, &commit.slot)?;
        let read_version = commit.slot.version.saturating_sub(1);
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = if read_version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("#version = :read")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":read", AttributeValue::N(read_version.to_string()))
        };
        action(put)
    }

    fn put_marker(&self, item: Item, now: Timestamp) -> Result<TransactWriteItem, PortError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR #expires_at < :now")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":now", AttributeValue::N(now.as_second().to_string()));
        action(put)
    }

    fn put_object(
        &self,
        key: &SlotKey,
        write: &ObjectWrite,
        now: Timestamp,
    ) -> Result<TransactWriteItem, PortError> {
        let item = items::object_item(key, &write.record, now)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        action(match &write.expected {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(read) => put
                .condition_expression("#sequencer = :read")
                .expression_attribute_names("#sequencer", SEQUENCER)
                .expression_attribute_values(":read", string(read.as_str())),
        })
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, PortError> {
        action(Put::builder().table_name(&self.table).set_item(Some(item)))
    }
}

pub(crate) fn action(
    put: aws_sdk_dynamodb::types::builders::PutBuilder,
) -> Result<TransactWriteItem, PortError> {
    let put = put
        .build()
        .map_err(|error| PortError::terminal(DOING, error))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Whether the transaction was cancelled for one of these reasons. A failed
/// condition or a conflict is a lost race: another worker's version or marker is
/// there, or its transaction is under way. Throttling is not.
pub(crate) fn was_cancelled_for(error: &SdkError<TransactWriteItemsError>, codes: &[&str]) -> bool {
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
