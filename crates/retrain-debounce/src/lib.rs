#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )
)]

mod commit;
mod due;
mod error;
mod items;
mod load;
mod look;
mod switch;
mod table;
#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::Client;

pub use self::due::{DUE_SHARDS, Due};
pub use self::look::Seen;
pub use self::switch::Switched;
pub use self::table::create_table;

/// Keeps slots, markers and decisions in one DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// A store on this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}
