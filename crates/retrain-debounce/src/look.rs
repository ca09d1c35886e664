//! Reading many slots at once, for whoever only looks.

use std::collections::BTreeMap;

use retrain_controller::PortError;
use retrain_core::facts::ControllerState;
use retrain_core::lane::SlotKey;
use retrain_core::slot::Slot;

use crate::DynamoStore;
use crate::items::{self, Key};
use crate::load::{MAX_READS, take};

/// How many slots are read in one call: a slot may have 64 KB, and DynamoDB answers at
/// most 16 MB.
const AT_ONCE: usize = 90;

/// What the table holds of some slots.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The epoch and the controller's switch; nothing if no function has ever used the
    /// table.
    pub controller: Option<ControllerState>,
    /// Those of the slots that were ever written.
    pub slots: BTreeMap<SlotKey, Slot>,
}

impl DynamoStore {
    /// The controller's switch and these slots as they are now. Nothing is written, not
    /// even what a new table lacks.
    pub async fn look(&self, slots: &[SlotKey]) -> Result<Seen, PortError> {
        let mut seen = Seen::default();
        // The switch is wanted also where no slot is.
        let mut rest = slots;
        loop {
            let (now, later) = rest.split_at(rest.len().min(AT_ONCE));
            self.look_at(now, &mut seen).await?;
            if later.is_empty() {
                return Ok(seen);
            }
            rest = later;
        }
    }

    async fn look_at(&self, slots: &[SlotKey], seen: &mut Seen) -> Result<(), PortError> {
        let mut keys = vec![Key::controller()];
        keys.extend(slots.iter().map(Key::slot));
        for _ in 0..MAX_READS {
            let Some(mut found) = self.read_all(&keys).await? else {
                continue;
            };
            seen.controller = take(&mut found, &Key::controller())
                .map(items::read_controller)
                .transpose()?;
            for slot in slots {
                if let Some(item) = take(&mut found, &Key::slot(slot)) {
                    seen.slots.insert(slot.clone(), items::read_slot(item)?);
                }
            }
            return Ok(());
        }
        Err(PortError::retryable(
            "read slots",
            format!("no whole answer in {MAX_READS} reads"),
        ))
    }
}
