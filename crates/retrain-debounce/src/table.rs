//! The table as this crate expects it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use retrain_controller::PortError;

use crate::error::failed;
use crate::items::{DUE_AT, DUE_SHARD, EXPIRES_AT, GENERATION_OF, PK, SK};

/// The name of the sparse index.
pub(crate) const DUE_INDEX: &str = "due";

/// The name of the index that lists objects by generation.
pub(crate) const GENERATION_INDEX: &str = "generation";

/// Creates the table, for a sandbox or a test. In an account, the template does.
pub async fn create_table(client: &Client, name: &str) -> Result<(), PortError> {
    const DOING: &str = "create the table";
    describe(client, name)
        .map_err(|error| PortError::terminal(DOING, error))?
        .send()
        .await
        .map_err(|error| failed(DOING, error))?;
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(EXPIRES_AT)
        .build()
        .map_err(|error| PortError::terminal(DOING, error))?;
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl)
        .send()
        .await
        .map_err(|error| failed(DOING, error))?;
    Ok(())
}

fn describe(
    client: &Client,
    name: &str,
) -> Result<CreateTableFluentBuilder, aws_sdk_dynamodb::error::BuildError> {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name(DUE_INDEX)
        .key_schema(key(DUE_SHARD, KeyType::Hash)?)
        .key_schema(key(DUE_AT, KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()?;
    let by_generation = GlobalSecondaryIndex::builder()
        .index_name(GENERATION_INDEX)
        .key_schema(key(GENERATION_OF, KeyType::Hash)?)
        .key_schema(key(SK, KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::All)
                .build(),
        )
        .build()?;
    Ok(client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PK)?)
        .attribute_definitions(attribute(SK)?)
        .attribute_definitions(attribute(DUE_SHARD)?)
        .attribute_definitions(attribute(DUE_AT)?)
        .attribute_definitions(attribute(GENERATION_OF)?)
        .key_schema(key(PK, KeyType::Hash)?)
        .key_schema(key(SK, KeyType::Range)?)
        .global_secondary_indexes(index)
        .global_secondary_indexes(by_generation))
}
