//! The reconciler among many models, of which few are due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use jiff::{SignedDuration, Timestamp};
use retrain_core::lane::SlotKey;
use retrain_core::names::ModelName;
use retrain_core::token::digest;
use retrain_debounce::DUE_SHARDS;
use retrain_local::MODEL;
use serde::{Deserialize, Serialize};

use crate::candidate::Candidate;
use crate::endpoint::{Call, Endpoint};
use crate::numbers::{median, round};
use crate::policies::policy;
use crate::process::Process;
use crate::scenario::Scenario;
use crate::world::World;

type Item = HashMap<String, AttributeValue>;

/// A number of models.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) models: usize,
    /// How many of them were due.
    pub(crate) due: usize,
    /// How many runs it took until nothing was due.
    pub(crate) runs: usize,
    /// Of all these runs.
    pub(crate) queries: usize,
    pub(crate) calls: usize,
    pub(crate) took_ms: f64,
}

pub(crate) async fn measure(endpoint: &Arc<Endpoint>, is_short: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for models in [100, 1_000, 10_000, 100_000] {
        if is_short && models > 10_000 {
            continue;
        }
        crate::say(&format!("due: {models} models"));
        rows.extend(rows_of(models, endpoint).await);
    }
    rows
}

async fn rows_of(models: usize, endpoint: &Arc<Endpoint>) -> [Row; 2] {
    let (world, event) = Scenario::NothingDue.prepare().await;
    let field = Field::new(&world).await;
    let later = world.deployment.sandbox.clock().now() + SignedDuration::from_hours(1);
    field.plant(1..=models, later).await;
    let due = models / 100;
    for number in 1..=due {
        let (name, policy) = policy(number);
        world.deployment.put_policy(&name, &policy).unwrap();
    }
    endpoint.forward(world.url(), Duration::ZERO);
    let table = &world.deployment.settings().table;
    let controller = Candidate::Controller;
    let mut function = controller.function(Scenario::NothingDue, table, "".as_ref());
    // Policies have a table of their own.
    let ttl = ("RETRAIN_POLICY_TTL".to_owned(), "1h".to_owned());
    function.environment.extend([ttl]);
    let program = controller.program(Scenario::NothingDue);
    let process = Process::start(&function, &program, endpoint.environment(false));
    process.tell(&event).await;
    let mut none = Row {
        models,
        due: 0,
        runs: 1,
        queries: 0,
        calls: 0,
        took_ms: 0.0,
    };
    let mut took = Vec::new();
    for _ in 0..10 {
        world.deployment.sandbox.calls().take();
        endpoint.take_calls();
        took.push(process.tell(&event).await.took_ms);
        let calls = endpoint.take_calls();
        (none.queries, none.calls) = (queries(&calls), calls.len());
    }
    none.took_ms = round(median(&mut took));
    let some = look(
        &world,
        &field,
        &process,
        endpoint,
        Row {
            due,
            ..none.clone()
        },
    )
    .await;
    [none, some]
}

/// Makes the first models due, and lets the reconciler look until nothing is.
async fn look(
    world: &World,
    field: &Field,
    process: &Process,
    endpoint: &Endpoint,
    empty: Row,
) -> Row {
    let past = world.deployment.sandbox.clock().now() - SignedDuration::from_mins(1);
    field.plant(1..=empty.due, past).await;
    let event =
        serde_json::json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    let mut row = Row {
        runs: 0,
        queries: 0,
        calls: 0,
        took_ms: 0.0,
        ..empty
    };
    let mut looked = 0;
    while looked < row.due {
        endpoint.take_calls();
        let told = process.tell(&event).await;
        let calls = endpoint.take_calls();
        let found = calls
            .iter()
            .filter(|call| call.operation == "BatchGetItem")
            .count();
        assert!(found > 0, "{:?}", told.reply);
        looked += found;
        row.runs += 1;
        row.queries += queries(&calls);
        row.calls += calls.len();
        row.took_ms = round(row.took_ms + told.took_ms);
    }
    row
}

fn queries(calls: &[Call]) -> usize {
    calls
        .iter()
        .filter(|call| call.operation == "Query")
        .count()
}

/// A table full of slots, which are the sample model's but for their names.
struct Field {
    client: Client,
    table: String,
    slot: Item,
}

impl Field {
    async fn new(world: &World) -> Self {
        let (client, table) = world.deployment.dynamodb();
        let items = client.scan().table_name(table).send().await.unwrap();
        let is_slot = |item: &&Item| item.get("item").is_some_and(|kind| *kind == text("slot"));
        let slot = items.items().iter().find(is_slot).unwrap().clone();
        Self {
            client,
            table: table.to_owned(),
            slot,
        }
    }

    /// Writes slots that are due at this time, past the functions.
    async fn plant(&self, numbers: impl Iterator<Item = usize>, due_at: Timestamp) {
        let items: Vec<Item> = numbers.map(|number| self.slot_of(number, due_at)).collect();
        for items in items.chunks(25) {
            let put = |item: &Item| {
                let put = PutRequest::builder().set_item(Some(item.clone()));
                let put = put.build().unwrap();
                WriteRequest::builder().put_request(put).build()
            };
            let puts = items.iter().map(put).collect();
            let call = self.client.batch_write_item();
            call.request_items(&self.table, puts).send().await.unwrap();
        }
    }

    fn slot_of(&self, number: usize, due_at: Timestamp) -> Item {
        let (name, _) = policy(number);
        let key = SlotKey::retrain(ModelName::parse(&name).unwrap());
        let head = u8::from_str_radix(&digest(&key.to_string())[..2], 16).unwrap();
        let mut item = self.slot.clone();
        let pk = item["pk"].as_s().unwrap().replace(MODEL, &name);
        let due_at = text(&format!("{due_at:.3}"));
        item.insert("pk".to_owned(), text(&pk));
        item.insert(
            "due_shard".to_owned(),
            text(&(head % DUE_SHARDS).to_string()),
        );
        item.insert("due_at".to_owned(), due_at.clone());
        if let Some(AttributeValue::M(slot)) = item.get_mut("slot") {
            slot.insert("due_at".to_owned(), due_at);
        }
        item
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}
