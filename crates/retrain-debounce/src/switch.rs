//! The switch of the whole controller.

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use jiff::Timestamp;
use retrain_controller::PortError;
use retrain_core::facts::ControllerState;
use retrain_core::order::Order;

use crate::DynamoStore;
use crate::commit::{action, if_absent_or_expired, was_lost};
use crate::error::failed;
use crate::items::{self, Key};
use crate::load::{MAX_READS, string};

const DOING: &str = "switch the controller";

/// What became of an order to the whole controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// It is paused now, or starts again.
    Changed,
    /// It was so already.
    AlreadySo,
    /// The order has been obeyed before.
    Duplicate,
}

/// The switch as it was read, and what an order would come to.
pub(crate) struct SwitchRead {
    state: ControllerState,
    /// The attribute itself, for the condition of the write: a newer release may have put more
    /// into it than this one knows.
    paused: Option<AttributeValue>,
    pub(crate) would: Switched,
}

impl DynamoStore {
    /// Pauses the controller, or lets it start again, together with a record of who did
    /// and why. An order with a key is remembered, also where it changes nothing.
    pub async fn switch(&self, order: &Order, now: Timestamp) -> Result<Switched, PortError> {
        for _ in 0..MAX_READS {
            let read = self.read_switch(order, now).await?;
            let is_to_write = match read.would {
                Switched::Changed => true,
                Switched::AlreadySo => order.key.is_some(),
                Switched::Duplicate => false,
            };
            // Where somebody else was faster, only what is read again says what they did: a
            // pause must never be taken for one that was not made.
            if !is_to_write || self.write_switch(order, &read, now).await? {
                return Ok(read.would);
            }
        }
        Err(PortError::retryable(
            DOING,
            format!("others switch it at the same time, {MAX_READS} times over"),
        ))
    }

    /// What [`switch`](Self::switch) would come to now. Nothing is switched.
    pub async fn would_switch(&self, order: &Order, now: Timestamp) -> Result<Switched, PortError> {
        Ok(self.read_switch(order, now).await?.would)
    }

    /// The switch as it is, and what the order would come to.
    pub(crate) async fn read_switch(
        &self,
        order: &Order,
        now: Timestamp,
    ) -> Result<SwitchRead, PortError> {
        let pause = pauses(order)?;
        let marker = order.dedupe_key().map(|key| Key::switch_marker(&key));
        let keys = marker.into_iter().collect();
        let (item, mut found) = self.read_with_controller(keys, now).await?;
        let paused = item.get("paused").cloned();
        let state = items::read_controller(item)?;
        let seen = found.pop().map(|item| items::read_switch_marker(item, now));
        let would = if seen.transpose()? == Some(true) {
            Switched::Duplicate
        } else if state.paused.is_some() == pause {
            Switched::AlreadySo
        } else {
            Switched::Changed
        };
        Ok(SwitchRead {
            state,
            paused,
            would,
        })
    }

    /// Writes what an order comes to; says whether nobody was faster.
    pub(crate) async fn write_switch(
        &self,
        order: &Order,
        read: &SwitchRead,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let pause = pauses(order)?;
        let mut state = read.state.clone();
        let mut puts = Vec::new();
        if read.would == Switched::Changed {
            let by = order.pause(now);
            puts.push(self.put_of(items::switch_item(pause, &by, now)?));
            state.paused = pause.then_some(by);
        }
        // On the condition that it is as it was read, also where nothing changes: then it was so.
        let controller = self
            .put_of(items::controller_item(&state)?)
            .condition_expression(match read.paused {
                Some(_) => "epoch = :epoch AND paused = :paused",
                None => "epoch = :epoch AND attribute_not_exists(paused)",
            })
            .expression_attribute_values(":epoch", string(read.state.epoch.as_str()));
        let controller = match read.paused.clone() {
            Some(paused) => controller.expression_attribute_values(":paused", paused),
            None => controller,
        };
        puts.push(controller);
        if let Some(key) = order.dedupe_key() {
            let marker = self.put_of(items::switch_marker_item(&key, now)?);
            puts.push(if_absent_or_expired(marker, now));
        }
        let actions = puts.into_iter().map(action).collect::<Result<_, _>>()?;
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if was_lost(&error) => Ok(false),
            Err(error) => Err(failed(DOING, error)),
        }
    }

    fn put_of(&self, item: items::Item) -> PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }
}

/// Whether the order pauses the controller; else it resumes it.
fn pauses(order: &Order) -> Result<bool, PortError> {
    order.kind.pauses().ok_or_else(|| {
        let other = order.kind.as_str();
        PortError::terminal(
            DOING,
            format!("{other} is nothing that it can be asked for"),
        )
    })
}
