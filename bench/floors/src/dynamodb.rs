//! DynamoDB's calls.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use lambda_runtime::Error;
use serde_json::Value;

use crate::{Call, Clients};

impl Call {
    pub(crate) async fn batch_get_item(&self, clients: &Clients) -> Result<(), Error> {
        let mut call = clients.dynamodb.batch_get_item();
        for (table, wanted) in members(&self.request["RequestItems"]) {
            let keys = wanted["Keys"].as_array();
            let keys = keys.into_iter().flatten().map(item).collect();
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .set_consistent_read(wanted["ConsistentRead"].as_bool());
            call = call.request_items(table, keys.build()?);
        }
        call.send().await?;
        Ok(())
    }

    pub(crate) async fn transact_write_items(&self, clients: &Clients) -> Result<(), Error> {
        let mut call = clients.dynamodb.transact_write_items();
        for action in self.request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
        {
            call = call.transact_items(put(&action["Put"])?);
        }
        call.send().await?;
        Ok(())
    }

    pub(crate) async fn query(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.dynamodb.query();
        call.set_table_name(self.text("TableName"))
            .set_index_name(self.text("IndexName"))
            .set_key_condition_expression(self.text("KeyConditionExpression"))
            .set_expression_attribute_values(Some(item(&self.request["ExpressionAttributeValues"])))
            .set_expression_attribute_names(names(&self.request))
            .set_limit(self.number("Limit"))
            .send()
            .await?;
        Ok(())
    }
}

fn put(action: &Value) -> Result<TransactWriteItem, Error> {
    let text = |member: &str| action[member].as_str().map(str::to_owned);
    let values = action.get("ExpressionAttributeValues").map(item);
    let put = Put::builder()
        .set_table_name(text("TableName"))
        .set_item(Some(item(&action["Item"])))
        .set_condition_expression(text("ConditionExpression"))
        .set_expression_attribute_names(names(action))
        .set_expression_attribute_values(values);
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

fn names(of: &Value) -> Option<HashMap<String, String>> {
    let names = of.get("ExpressionAttributeNames")?;
    let name = |(key, value): (&String, &Value)| (key.clone(), plain(value));
    Some(members(names).map(name).collect())
}

fn item(value: &Value) -> HashMap<String, AttributeValue> {
    let attribute = |(name, value): (&String, &Value)| (name.clone(), attribute(value));
    members(value).map(attribute).collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let Some((kind, value)) = members(value).next() else {
        return AttributeValue::Null(true);
    };
    match kind.as_str() {
        "S" => AttributeValue::S(plain(value)),
        "N" => AttributeValue::N(plain(value)),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap_or_default()),
        "L" => AttributeValue::L(
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(attribute)
                .collect(),
        ),
        "M" => AttributeValue::M(item(value)),
        _ => AttributeValue::Null(true),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
