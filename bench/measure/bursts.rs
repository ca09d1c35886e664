//! Many objects at once, and many workers that count them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::candidate::Candidate;
use crate::endpoint::Endpoint;
use crate::lambda::Reply;
use crate::numbers::round;
use crate::process::Process;
use crate::scenario::Scenario;
use crate::world::World;

/// How long each call takes here; at AWS it takes about that.
const CALL: Duration = Duration::from_millis(10);

/// The template's `BatchSize`.
const BATCH: usize = 500;

/// A number of workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) workers: usize,
    pub(crate) objects: usize,
    pub(crate) took_ms: f64,
    pub(crate) objects_per_second: f64,
    pub(crate) objects_per_second_and_worker: f64,
    /// All that were sent, those that met another worker's among them.
    pub(crate) transactions_per_1000_objects: f64,
    pub(crate) call_ms: u64,
}

/// Batches that wait.
type Queue = Arc<Mutex<VecDeque<Value>>>;

pub(crate) async fn measure(endpoint: &Arc<Endpoint>, is_short: bool) -> Vec<Row> {
    let batches = if is_short { 4 } else { 32 };
    let mut rows = Vec::new();
    for workers in [1, 2, 4, 8, 16] {
        crate::say(&format!("bursts: {workers} workers"));
        rows.push(row(workers, batches, endpoint).await);
    }
    rows
}

async fn row(workers: usize, batches: usize, endpoint: &Arc<Endpoint>) -> Row {
    let world = World::quiet().await;
    world.count_data(1_000_000_000);
    endpoint.forward(world.url(), CALL);
    let processes: Vec<Process> = (0..workers).map(|_| start(&world, endpoint)).collect();
    for (worker, process) in processes.iter().enumerate() {
        // It starts, and reads its policies.
        process
            .tell(&world.objects(&format!("first-{worker}"), 1))
            .await;
    }
    let batch = |number| world.objects(&format!("batch-{number}"), BATCH);
    let queue: Queue = Arc::new(Mutex::new((0..batches).map(batch).collect()));
    endpoint.take_calls();
    let began = Instant::now();
    let working = processes
        .iter()
        .map(|process| tokio::spawn(work(process.clone(), Arc::clone(&queue))));
    for worker in working.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    let calls = endpoint.take_calls();
    let writes = calls
        .iter()
        .filter(|call| call.operation == "TransactWriteItems")
        .count();
    let objects = batches * BATCH;
    let number = |count: usize| f64::from(u32::try_from(count).unwrap());
    let speed = number(objects) / took;
    Row {
        workers,
        objects,
        took_ms: round(took * 1_000.0),
        objects_per_second: speed.round(),
        objects_per_second_and_worker: (speed / number(workers)).round(),
        transactions_per_1000_objects: round(number(writes) * 1_000.0 / number(objects)),
        call_ms: CALL.as_millis().try_into().unwrap(),
    }
}

fn start(world: &World, endpoint: &Endpoint) -> Process {
    let table = &world.deployment.settings().table;
    let controller = Candidate::Controller;
    let function = controller.function(Scenario::Counted, table, "".as_ref());
    let program = controller.program(Scenario::Counted);
    Process::start(&function, &program, endpoint.environment(false))
}

/// Takes batches until none is left. What a batch returns is delivered again.
async fn work(process: Process, queue: Queue) {
    loop {
        let Some(mut batch) = queue.lock().unwrap().pop_front() else {
            return;
        };
        let told = process.tell(&batch).await;
        let Reply::Answer(answer) = &told.reply else {
            panic!("{:?}", told.reply)
        };
        let failed = answer["batchItemFailures"].as_array().unwrap();
        if !failed.is_empty() {
            let returned: Vec<&Value> = failed.iter().map(|one| &one["itemIdentifier"]).collect();
            let records = batch["Records"].as_array().unwrap();
            let again = records
                .iter()
                .filter(|record| returned.contains(&&record["messageId"]));
            batch = json!({"Records": again.collect::<Vec<_>>()});
            queue.lock().unwrap().push_back(batch);
        }
    }
}
