use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
    ScalarAttributeType, TransactWriteItem,
};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

use crate::client;

async fn table() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let client = Client::new(&client::config(&sandbox));
    client
        .create_table()
        .table_name("slots")
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("pk")
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap(),
        )
        .key_schema(
            KeySchemaElement::builder()
                .attribute_name("pk")
                .key_type(KeyType::Hash)
                .build()
                .unwrap(),
        )
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    (sandbox, client)
}

fn put(key: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name("slots")
        .item("pk", AttributeValue::S(key.to_owned()))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .unwrap();
    TransactWriteItem::builder().put(put).build()
}

async fn count(client: &Client) -> i32 {
    let scan = client.scan().table_name("slots").consistent_read(true);
    scan.send().await.unwrap().count()
}

#[tokio::test]
async fn the_sdk_reads_and_writes_and_its_calls_are_recorded() {
    let (sandbox, client) = table().await;
    let write = || {
        client
            .transact_write_items()
            .transact_items(put("a"))
            .send()
    };
    write().await.unwrap();
    let refused = write().await.unwrap_err().into_service_error();
    assert!(refused.is_transaction_canceled_exception());
    assert_eq!(count(&client).await, 1);

    assert_eq!(
        sandbox
            .calls()
            .count(Service::DynamoDb, "TransactWriteItems"),
        2
    );
    let codes: Vec<String> = sandbox
        .calls()
        .take()
        .into_iter()
        .map(|call| format!("{} {:?}", call.operation, call.outcome))
        .collect();
    assert!(
        codes[2].contains("TransactionCanceledException"),
        "{codes:?}"
    );
}

#[tokio::test]
async fn a_transaction_conflict_names_itself_for_every_item() {
    let (sandbox, client) = table().await;
    let conflict = Fault::on(
        Service::DynamoDb,
        "TransactWriteItems",
        FaultKind::TransactionConflict,
    );
    sandbox.faults().inject(conflict);
    let refused = client
        .transact_write_items()
        .transact_items(put("a"))
        .transact_items(put("b"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else {
        panic!("{refused:?}");
    };
    let codes: Vec<_> = cancelled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code().unwrap())
        .collect();
    assert_eq!(codes, ["TransactionConflict", "TransactionConflict"]);
    assert_eq!(count(&client).await, 0);

    let single = Fault::any(Service::DynamoDb, FaultKind::TransactionConflict);
    sandbox.faults().inject(single);
    let refused = client
        .delete_item()
        .table_name("slots")
        .key("pk", AttributeValue::S("a".to_owned()))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_transaction_conflict_exception());
}

#[tokio::test]
async fn a_throttled_table_says_so_and_a_lost_answer_was_a_write() {
    let (sandbox, client) = table().await;
    let write = || {
        client
            .transact_write_items()
            .transact_items(put("a"))
            .send()
    };
    sandbox
        .faults()
        .inject(Fault::any(Service::DynamoDb, FaultKind::Throttle));
    let refused = write().await.unwrap_err().into_service_error();
    assert_eq!(
        refused.code(),
        Some("ProvisionedThroughputExceededException")
    );
    sandbox
        .faults()
        .inject(Fault::any(Service::DynamoDb, FaultKind::DropAfter));
    assert!(write().await.unwrap_err().as_service_error().is_none());
    assert_eq!(count(&client).await, 1);
}
