//! Ten thousand objects at once, and what they cost. `BURST_SEED=N` plays another
//! burst.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use retrain_core::data::Tally;
use retrain_core::slot::Phase;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use crate::data::{Yard, returned, tally};
use crate::dice::{Dice, setting};

const EVENTS: usize = 10_000;
const WORKERS: usize = 8;
const BATCH: usize = 500;

/// After so many receipts the queue gives a message up.
const MAX_RECEIPTS: u32 = 10;

/// A function's call that ends after so many polls, wherever it is then, as a process
/// does that is killed. What it had sent arrives, or does not.
struct Cut<F> {
    call: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.call.as_mut().poll(context).map(Some)
    }
}

/// Messages that wait to be delivered, and those that were given up.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Value, u32)>,
    given_up: Vec<Value>,
    in_flight: usize,
}

impl Queue {
    fn receive(&mut self) -> Vec<(Value, u32)> {
        let batch: Vec<_> = self
            .waiting
            .drain(..BATCH.min(self.waiting.len()))
            .collect();
        self.in_flight += usize::from(!batch.is_empty());
        batch
    }

    /// Takes back what is not done.
    fn settle(&mut self, batch: Vec<(Value, u32)>, failed: impl Fn(usize) -> bool) {
        self.in_flight -= 1;
        for (place, (body, receipts)) in batch.into_iter().enumerate() {
            match receipts + 1 {
                _ if !failed(place) => {}
                MAX_RECEIPTS => self.given_up.push(body),
                receipts => self.waiting.push_back((body, receipts)),
            }
        }
    }
}

/// The objects of a burst: for each key its newest rows.
struct Burst {
    truth: BTreeMap<String, u64>,
    events: Vec<Value>,
    poisonous: Value,
}

impl Burst {
    /// A tenth of the events overwrite an object, nearly a third are told twice, some
    /// keys are as long as keys can be, and one message makes no sense.
    fn put(yard: &Yard, dice: &mut Dice) -> Self {
        let mut truth = BTreeMap::new();
        let mut events = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        let poisonous = json!({"detail-type": "Object Created", "source": "aws.s3"});
        events.push(poisonous.clone());
        while events.len() < EVENTS {
            if !keys.is_empty() && dice.percent(30) {
                events.push(events[dice.place(events.len())].clone());
                continue;
            }
            let overwrites = keys.len() > 100 && dice.roll(70) < 10;
            let key = if overwrites {
                keys[dice.place(keys.len())].clone()
            } else {
                let key = key(keys.len(), dice);
                keys.push(key.clone());
                key
            };
            let rows = dice.roll(100);
            events.push(yard.put(&key, rows));
            truth.insert(key, rows);
        }
        dice.shuffle(&mut events);
        Self {
            truth,
            events,
            poisonous,
        }
    }

    fn rows(&self) -> u64 {
        self.truth.values().sum()
    }

    fn tally(&self) -> Tally {
        tally(self.rows(), self.truth.len() as u64)
    }
}

fn key(number: usize, dice: &mut Dice) -> String {
    let stem = format!("{number:05}");
    let long = if dice.percent(5) { 1_010 } else { 20 };
    format!("{stem}{}.csv", "k".repeat(long - stem.len()))
}

/// One worker: receives, delivers, and is killed, early once and then now and again. It
/// leaves its whole batch to the queue. Says how often it died.
async fn work(yard: Arc<Yard>, queue: Arc<Mutex<Queue>>, mut dice: Dice) -> usize {
    let mut killed = 0;
    let function = yard.bench.deployment.data_arrival();
    let clock = yard.bench.deployment.clock();
    loop {
        let batch = queue.lock().unwrap().receive();
        if batch.is_empty() {
            if queue.lock().unwrap().in_flight == 0 {
                return killed;
            }
            tokio::task::yield_now().await;
            continue;
        }
        let event = yard.batch(batch.iter().map(|(body, _)| body.clone()));
        let polls = match dice.roll(100) {
            _ if killed == 0 => 1 + dice.roll(40),
            0..20 => 1 + dice.roll(400),
            _ => u64::MAX,
        };
        let call = Box::pin(function.handle_at(&event, &clock));
        let done = Cut { call, polls }.await;
        killed += usize::from(done.is_none());
        let failed: BTreeSet<usize> = match done {
            Some(Ok(reply)) => returned(&event, &reply),
            Some(Err(_)) | None => (0..batch.len()).collect(),
        };
        let mut queue = queue.lock().unwrap();
        queue.settle(batch, |place| failed.contains(&place));
    }
}

fn misfortunes(yard: &Yard, dice: &mut Dice) {
    for _ in 0..15 {
        let conflict = FaultKind::TransactionConflict;
        let fault = Fault::on(Service::DynamoDb, "TransactWriteItems", conflict);
        yard.bench.inject(fault.skip(dice.roll(100)));
        let (operation, kind) = match dice.roll(3) {
            0 => ("BatchGetItem", FaultKind::ServerError),
            1 => ("TransactWriteItems", FaultKind::DropAfter),
            _ => ("TransactWriteItems", FaultKind::DropBefore),
        };
        let fault = Fault::on(Service::DynamoDb, operation, kind);
        yard.bench.inject(fault.skip(dice.roll(100)));
        let fault = Fault::on(Service::S3, "HeadObject", FaultKind::Throttle);
        yard.bench.inject(fault.skip(dice.roll(5_000)).times(3));
    }
}

/// The acceptance: whatever happens on the way, what was counted is exactly
/// what is there, the policy's start happens once, and the burst costs few writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_events_are_counted_exactly_in_few_transactions() {
    let mut dice = Dice::new(setting("BURST_SEED").unwrap_or(1));
    let min_rows = 100_000;
    let yard = Arc::new(Yard::start(json!({"min_rows": min_rows})).await);
    let burst = Burst::put(&yard, &mut dice);
    misfortunes(&yard, &mut dice);
    let bodies = burst.events.iter().map(|body| (body.clone(), 0));
    let queue = Arc::new(Mutex::new(Queue {
        waiting: bodies.collect(),
        ..Queue::default()
    }));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let dice = Dice::new(dice.roll(u64::MAX));
            tokio::spawn(work(Arc::clone(&yard), Arc::clone(&queue), dice))
        })
        .collect();
    let mut killed = 0;
    for worker in workers {
        killed += worker.await.unwrap();
    }
    let bench = &yard.bench;
    let writes = bench.count(Service::DynamoDb, "TransactWriteItems");
    assert_eq!(killed.min(WORKERS), WORKERS, "each dies once at least");
    assert!(writes <= 300, "{writes} transactions");
    for body in &queue.lock().unwrap().given_up {
        assert_eq!(*body, burst.poisonous);
    }
    assert!(!queue.lock().unwrap().given_up.is_empty());

    // The worker of the one start may have died: then its claim is taken up.
    bench.deployment.sandbox.faults().clear();
    bench.outwait_leases();
    bench.reconcile().await;
    assert_eq!(bench.executions().len(), 1);
    assert_started_at_the_minimum(&yard, min_rows).await;
    let (taken, superseded) = yard.taken().await;
    let waiting = yard.waiting().await;
    assert_eq!(taken.minus(superseded).plus(waiting), burst.tally());

    // The run fails: everything waits again, and the next run takes it all.
    let execution = bench.end(Status::Failed);
    bench.tell(&execution).await;
    assert_eq!(yard.waiting().await, burst.tally());
    bench.outwait_leases();
    bench.reconcile().await;
    assert_eq!(yard.taken().await, (burst.tally(), Tally::default()));
    bench.succeed().await;

    // All of it once more: nothing changes, and nothing is written.
    let before = bench.slot().await;
    assert_eq!(before.data.tally, Tally::default());
    bench.deployment.sandbox.calls().take();
    for bodies in burst.events.chunks(BATCH) {
        let failed = yard.deliver(bodies).await;
        let poisonous = |place: &usize| bodies[*place] == burst.poisonous;
        assert!(failed.iter().all(poisonous));
    }
    assert_eq!(bench.count(Service::DynamoDb, "TransactWriteItems"), 0);
    assert_eq!(bench.count(Service::S3, "HeadObject"), 0);
    assert_eq!(bench.slot().await, before);
    assert_eq!(bench.slot().await.phase, Phase::Idle);
}

/// The one start took what was there when the minimum was reached, and no less.
async fn assert_started_at_the_minimum(yard: &Yard, min_rows: u64) {
    use retrain_core::decision::Outcome;
    let mut waiting = 0;
    for decision in yard.bench.decisions().await {
        match decision.outcome {
            Outcome::Counted { waiting: now, .. } => waiting = now.rows,
            Outcome::Claimed { claim } => {
                assert!(waiting < min_rows, "it was enough before");
                let taken = claim.data.as_ref().unwrap().tally;
                assert!(taken.rows >= min_rows, "it is not enough");
                return;
            }
            _ => {}
        }
    }
    panic!("nothing was started");
}

async fn calls_of(objects: usize) -> BTreeMap<String, usize> {
    let yard = Yard::start(json!({"min_rows": 1_000_000})).await;
    yard.deliver(&[yard.put("first.csv", 1)]).await;
    let bodies: Vec<Value> = (0..objects)
        .map(|number| yard.put(&format!("{number}.csv"), 1))
        .collect();
    yard.bench.deployment.sandbox.calls().take();
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.waiting().await.objects, objects as u64 + 1);
    let mut calls = BTreeMap::new();
    for call in yard.bench.deployment.sandbox.calls().take() {
        *calls.entry(call.operation).or_default() += 1;
    }
    // The test's own look at the slot.
    calls
        .entry("BatchGetItem".to_owned())
        .and_modify(|n| *n -= 1);
    calls
}

#[tokio::test]
async fn a_warm_batch_takes_a_head_for_each_object_and_three_calls_for_98() {
    for (objects, parts) in [(10, 1), (98, 1), (99, 2), (1_000, 11)] {
        let expected = BTreeMap::from([
            ("BatchGetItem".to_owned(), 2 * parts),
            ("HeadObject".to_owned(), objects),
            ("TransactWriteItems".to_owned(), parts),
        ]);
        assert_eq!(calls_of(objects).await, expected);
    }
}
