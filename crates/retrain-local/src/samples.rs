//! The sample events, retold for another moment or alarm.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

/// A sample event.
#[derive(Clone, Debug)]
pub struct Sample(Value);

/// Reads a sample: `sample("drift-alarm/alarm")`.
pub fn sample(name: &str) -> std::io::Result<Sample> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(name)
        .with_extension("json");
    let text = std::fs::read_to_string(path)?;
    Ok(Sample(serde_json::from_str(&text)?))
}

impl Sample {
    /// The same event of another alarm (EventBridge samples only).
    #[must_use]
    pub fn of_alarm(mut self, name: &str) -> Self {
        let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}");
        self.set("/resources/0", json!(arn));
        self.set("/detail/alarmName", json!(name));
        self
    }

    /// The same event at another moment (EventBridge samples only).
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.set("/time", json!(format!("{at:.0}")));
        // CloudWatch writes the offset of states without a colon.
        let text = format!("{at:.3}").replace('Z', "+0000");
        self.set("/detail/state/timestamp", json!(text));
        self
    }

    /// The same event of another execution of the sample model's pipeline.
    #[must_use]
    pub fn of_execution(mut self, arn: &str) -> Self {
        self.set("/resources/1", json!(arn));
        self.set("/detail/pipelineExecutionArn", json!(arn));
        self
    }

    /// The event as it is delivered.
    pub const fn event(&self) -> &Value {
        &self.0
    }

    fn set(&mut self, pointer: &str, value: Value) {
        if let Some(place) = self.0.pointer_mut(pointer) {
            *place = value;
        }
    }
}
