//! The switch of the whole controller.

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use retrain_controller::PortError;
use retrain_core::facts::ControllerState;
use retrain_core::slot::Pause;

use crate::DynamoStore;
use crate::commit::{action, was_cancelled_for};
use crate::error::failed;
use crate::items;
use crate::load::string;

impl DynamoStore {
    /// Pauses the controller, or lets it start again, together with a record of who did
    /// and why. Says whether that changes anything.
    pub async fn switch(&self, pause: bool, by: &Pause, now: Timestamp) -> Result<bool, PortError> {
        let doing = "switch the controller";
        let state = self.controller(now).await?;
        if state.paused.is_some() == pause {
            return Ok(false);
        }
        let switched = ControllerState {
            epoch: state.epoch.clone(),
            paused: pause.then(|| by.clone()),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(items::controller_item(&switched)?))
            .condition_expression(if pause {
                "epoch = :epoch AND attribute_not_exists(paused)"
            } else {
                "epoch = :epoch AND attribute_exists(paused)"
            })
            .expression_attribute_values(":epoch", string(state.epoch.as_str()));
        let record = Put::builder()
            .table_name(&self.table)
            .set_item(Some(items::switch_item(pause, by, now)?));
        let answer = self
            .client
            .transact_write_items()
            .transact_items(action(put)?)
            .transact_items(action(record)?)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            // Somebody else was faster. Only what is read now says what they did: a pause
            // must never be taken for one that was not made.
            Err(error) if was_cancelled_for(&error, &["ConditionalCheckFailed"]) => {
                let state = self.controller(now).await?;
                if state.paused.is_some() == pause {
                    Ok(false)
                } else {
                    Err(PortError::retryable(doing, error))
                }
            }
            Err(error) => Err(failed(doing, error)),
        }
    }
}
