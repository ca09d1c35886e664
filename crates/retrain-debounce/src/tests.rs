//! The store's contract, against an embedded DynamoDB through the SDK's client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use retrain_controller::{Class, Committed, MAX_OBJECTS, SlotStore, Wanted};
use retrain_core::data::{Generations, ObjectRecord, ObjectVersion, ObjectWrite};
use retrain_core::decision::{Decision, Outcome};
use retrain_core::event::Event;
use retrain_core::facts::Seen;
use retrain_core::lane::SlotKey;
use retrain_core::names::ModelName;
use retrain_core::sequencer::Sequencer;
use retrain_core::slot::Slot;
use retrain_core::step::Commit;
use retrain_core::trigger::{Cause, DedupeKey, Trigger};
use retrain_sandbox::{Fault, FaultKind, Options, Sandbox, Service};

use crate::items::Key;
use crate::{DUE_SHARDS, DynamoStore, create_table};

mod switch;

const TABLE: &str = "retrain";

fn wanted<'a>(slot: &'a SlotKey, marker: Option<&'a DedupeKey>) -> Wanted<'a> {
    Wanted {
        marker,
        ..Wanted::slot(slot)
    }
}

struct Bench {
    sandbox: Sandbox,
    client: Client,
    store: DynamoStore,
}

impl Bench {
    /// The next transaction goes wrong.
    fn fail_write(&self, kind: FaultKind) {
        let fault = Fault::on(Service::DynamoDb, "TransactWriteItems", kind);
        self.sandbox.faults().inject(fault);
    }

    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(sandbox.endpoint_url())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        create_table(&client, TABLE).await.unwrap();
        let store = DynamoStore::new(client.clone(), TABLE);
        Self {
            sandbox,
            client,
            store,
        }
    }

    async fn slot(&self) -> Slot {
        self.store
            .load(wanted(&key(), None), now())
            .await
            .unwrap()
            .slot
    }

    /// All slots that are due, by name.
    async fn due(&self, at: Timestamp) -> Vec<crate::Due> {
        let mut found = Vec::new();
        for shard in 0..DUE_SHARDS {
            found.extend(self.store.due(shard, at, 10).await.unwrap());
        }
        found.sort_by_key(|due| due.slot.to_string());
        found
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        self.store.commit(&key(), commit, now()).await.unwrap()
    }

    async fn item(&self, key: Key) -> Option<crate::items::Item> {
        let answer = self
            .client
            .get_item()
            .table_name(TABLE)
            .set_key(Some(key.attributes()))
            .send()
            .await;
        answer.unwrap().item
    }
}

fn now() -> Timestamp {
    "2026-01-05T06:00:00Z".parse().unwrap()
}

fn key() -> SlotKey {
    SlotKey::retrain(ModelName::parse("fraud-detection").unwrap())
}

fn trigger(name: &str) -> DedupeKey {
    let cause = Cause::Manual {
        key: name.to_owned(),
        by: "ana".to_owned(),
        why: "test".to_owned(),
        force: false,
    };
    Trigger { cause, at: now() }.dedupe_key()
}

/// The commit that follows a read of `slot`, as the core would make it.
fn next(slot: &Slot, marker: Option<&str>) -> Commit {
    let mut slot = slot.clone();
    slot.version += 1;
    slot.updated_at = now();
    let number = slot.version;
    Commit {
        slot: slot.into(),
        marker: marker.map(|name| {
            (
                trigger(name),
                Seen {
                    decision: number,
                    claim: None,
                },
            )
        }),
        decision: Some(Decision {
            slot: key(),
            number,
            at: now(),
            event: Event::Tick,
            outcome: Outcome::Paused,
            policy_version: 1,
            console_url: None,
        }),
        objects: Vec::new(),
        commands: Vec::new(),
    }
}

#[tokio::test]
async fn a_new_table_gets_one_epoch_and_an_empty_slot() {
    let bench = Bench::start().await;
    let first = bench.store.load(wanted(&key(), None), now()).await.unwrap();
    let later = now() + SignedDuration::from_hours(1);
    let again = bench
        .store
        .load(wanted(&key(), Some(&trigger("a"))), later)
        .await
        .unwrap();
    assert_eq!(first.slot, Slot::new());
    assert_eq!(first.controller, again.controller);
    assert_eq!(again.seen, None);
}

#[tokio::test]
async fn what_is_committed_is_read_back() {
    let bench = Bench::start().await;
    let commit = next(&bench.slot().await, Some("a"));
    assert_eq!(bench.commit(&commit).await, Committed::Written);
    let loaded = bench
        .store
        .load(wanted(&key(), Some(&trigger("a"))), now())
        .await
        .unwrap();
    assert_eq!(loaded.slot, *commit.slot);
    assert_eq!(
        loaded.seen,
        Some(Seen {
            decision: 1,
            claim: None
        })
    );
    let decisions = bench.store.decisions(&key(), 10).await.unwrap();
    assert_eq!(decisions, [commit.decision.unwrap()]);
}

#[tokio::test]
async fn a_read_is_one_call_and_so_is_a_commit() {
    let bench = Bench::start().await;
    let slot = bench.slot().await;
    bench.sandbox.calls().take();
    bench
        .store
        .load(wanted(&key(), Some(&trigger("a"))), now())
        .await
        .unwrap();
    bench.commit(&next(&slot, Some("a"))).await;
    let calls: Vec<String> = bench
        .sandbox
        .calls()
        .take()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(calls, ["BatchGetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn a_stale_version_writes_nothing() {
    let bench = Bench::start().await;
    let read = bench.slot().await;
    assert_eq!(
        bench.commit(&next(&read, Some("a"))).await,
        Committed::Written
    );
    for marker in [Some("b"), None] {
        assert_eq!(
            bench.commit(&next(&read, marker)).await,
            Committed::LostRace
        );
    }
    let first = bench.slot().await;
    assert_eq!(bench.commit(&next(&first, None)).await, Committed::Written);
    assert_eq!(bench.commit(&next(&first, None)).await, Committed::LostRace);
    let loaded = bench
        .store
        .load(wanted(&key(), Some(&trigger("b"))), now())
        .await
        .unwrap();
    assert_eq!((loaded.slot.version, loaded.seen), (2, None));
    assert_eq!(bench.store.decisions(&key(), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_marker_is_written_once_and_takes_the_slot_with_it() {
    let bench = Bench::start().await;
    bench.commit(&next(&bench.slot().await, Some("a"))).await;
    let commit = next(&bench.slot().await, Some("a"));
    assert_eq!(bench.commit(&commit).await, Committed::LostRace);
    assert_eq!(bench.slot().await.version, 1);
}

#[tokio::test]
async fn an_expired_marker_is_none_although_it_is_still_there() {
    let bench = Bench::start().await;
    bench.commit(&next(&bench.slot().await, Some("a"))).await;
    let item = bench
        .item(Key::marker(&key(), &trigger("a")))
        .await
        .unwrap();
    let expires_at: i64 = item["expires_at"].as_n().unwrap().parse().unwrap();
    assert!(
        expires_at >= now().as_second() + 30 * 86_400,
        "markers outlive every max_event_age"
    );
    let last = Timestamp::from_second(expires_at).unwrap();
    let after = last + SignedDuration::from_secs(1);
    let seen = |loaded: retrain_controller::Loaded| loaded.seen.is_some();
    assert!(seen(
        bench
            .store
            .load(wanted(&key(), Some(&trigger("a"))), last)
            .await
            .unwrap()
    ));
    assert!(!seen(
        bench
            .store
            .load(wanted(&key(), Some(&trigger("a"))), after)
            .await
            .unwrap()
    ));
    let commit = next(&bench.slot().await, Some("a"));
    assert_eq!(
        bench.store.commit(&key(), &commit, last).await.unwrap(),
        Committed::LostRace
    );
    assert_eq!(
        bench.store.commit(&key(), &commit, after).await.unwrap(),
        Committed::Written
    );
}

#[tokio::test]
async fn only_slots_that_are_due_are_in_the_index_in_the_order_of_their_time() {
    let bench = Bench::start().await;
    let at = |minutes: i64| now() + SignedDuration::from_mins(minutes);
    for (model, due_at) in [
        ("a", Some(at(-2))),
        ("b", Some(at(-1))),
        ("c", Some(at(1))),
        ("d", None),
    ] {
        let slot = SlotKey::retrain(ModelName::parse(model).unwrap());
        let mut commit = next(&Slot::new(), None);
        commit.slot.due_at = due_at;
        bench.store.commit(&slot, &commit, now()).await.unwrap();
    }
    let due = async |at| {
        let found = bench.due(at).await;
        found
            .iter()
            .map(|due| due.slot.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(due(now()).await, ["a#retrain", "b#retrain"]);
    assert_eq!(due(at(1)).await, ["a#retrain", "b#retrain", "c#retrain"]);
    // Once a slot is no longer due, it leaves the index.
    let slot = SlotKey::retrain(ModelName::parse("a").unwrap());
    let read = bench
        .store
        .load(wanted(&slot, None), now())
        .await
        .unwrap()
        .slot;
    let mut commit = next(&read, None);
    commit.slot.due_at = None;
    bench.store.commit(&slot, &commit, now()).await.unwrap();
    assert_eq!(due(now()).await, ["b#retrain"]);
}

#[tokio::test]
async fn every_due_slot_can_be_had_however_far_ahead() {
    let bench = Bench::start().await;
    for n in 0..40 {
        let slot = SlotKey::retrain(ModelName::parse(format!("m{n}")).unwrap());
        let mut commit = next(&Slot::new(), None);
        commit.slot.due_at = Some(now() + SignedDuration::from_hours(n * 1_000));
        bench.store.commit(&slot, &commit, now()).await.unwrap();
    }
    let all = bench.store.all_due().await.unwrap();
    let names: std::collections::BTreeSet<String> =
        all.iter().map(|due| due.slot.to_string()).collect();
    assert_eq!((all.len(), names.len()), (40, 40));
}

#[tokio::test]
async fn decisions_about_packages_and_deployments_are_kept_for_good() {
    let bench = Bench::start().await;
    let model = || ModelName::parse("fraud-detection").unwrap();
    for (lane, expires) in [
        ("retrain", true),
        ("deploy#production", false),
        (
            "package#arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud/7",
            false,
        ),
    ] {
        let slot: SlotKey = format!("{}#{lane}", model()).parse().unwrap();
        let commit = next(&Slot::new(), None);
        bench.store.commit(&slot, &commit, now()).await.unwrap();
        let item = bench.item(Key::decision(&slot, 1)).await.unwrap();
        assert_eq!(item.contains_key("expires_at"), expires, "{lane}");
        assert_eq!(bench.store.decisions(&slot, 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn decisions_are_read_until_they_are_enough() {
    let bench = Bench::start().await;
    for _ in 0..230 {
        bench.commit(&next(&bench.slot().await, None)).await;
    }
    let mut asked = Vec::new();
    let enough = |read: &[Decision]| {
        asked.push(read.len());
        read.len() > 150
    };
    let read = bench.store.decisions_until(&key(), enough).await.unwrap();
    assert_eq!((read.len(), read[0].number), (200, 230));
    assert_eq!(asked, [0, 100, 200]);
    assert_eq!(bench.store.decisions(&key(), 210).await.unwrap().len(), 210);
}

#[tokio::test]
async fn a_slot_that_cannot_be_looked_at_is_postponed_unless_it_changed() {
    let bench = Bench::start().await;
    let mut commit = next(&Slot::new(), None);
    commit.slot.due_at = Some(now());
    bench.commit(&commit).await;
    let due = async |at| bench.due(at).await;
    let later = now() + SignedDuration::from_mins(5);
    let seen = due(now()).await;
    bench.store.postpone(&seen[0], later).await.unwrap();
    assert_eq!(due(now()).await, []);
    let postponed = due(later).await;
    assert_eq!(postponed.len(), 1);
    // Somebody else decides about the slot: an old look postpones it no more.
    let mut commit = next(&bench.slot().await, None);
    commit.slot.due_at = Some(now());
    bench.commit(&commit).await;
    bench
        .store
        .postpone(&postponed[0], later + SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert_eq!(due(now()).await.len(), 1);
}

#[tokio::test]
async fn a_torn_read_is_read_again() {
    let bench = Bench::start().await;
    bench.commit(&next(&bench.slot().await, Some("a"))).await;
    // As if the slot had been read before the commit that wrote the marker.
    let mut old = bench.item(Key::slot(&key())).await.unwrap();
    old.insert("version".into(), AttributeValue::N("0".into()));
    let slot = old
        .get_mut("slot")
        .and_then(|slot| slot.as_m().ok().cloned())
        .unwrap();
    let mut slot = slot;
    slot.insert("version".into(), AttributeValue::N("0".into()));
    old.insert("slot".into(), AttributeValue::M(slot));
    bench
        .client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(old))
        .send()
        .await
        .unwrap();
    let error = bench
        .store
        .load(wanted(&key(), Some(&trigger("a"))), now())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Retryable);
}

#[tokio::test]
async fn conflicts_are_lost_races_and_throttling_is_not() {
    let bench = Bench::start().await;
    let commit = next(&bench.slot().await, Some("a"));
    let fail = |kind| bench.fail_write(kind);
    fail(FaultKind::TransactionConflict);
    assert_eq!(bench.commit(&commit).await, Committed::LostRace);
    for kind in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::DropBefore,
    ] {
        fail(kind);
        let error = bench
            .store
            .commit(&key(), &commit, now())
            .await
            .unwrap_err();
        assert_eq!(error.class(), Class::Retryable, "{error:?}");
    }
    assert_eq!(bench.commit(&commit).await, Committed::Written);
    let code = "AccessDeniedException".to_owned();
    fail(FaultKind::Refuse {
        code,
        message: "no".to_owned(),
    });
    let error = bench
        .store
        .commit(&key(), &commit, now())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Terminal, "{error:?}");
}

#[tokio::test]
async fn items_of_a_newer_release_are_left_to_it() {
    let bench = Bench::start().await;
    bench.commit(&next(&bench.slot().await, None)).await;
    let mut item = bench.item(Key::slot(&key())).await.unwrap();
    item.insert("schema".into(), AttributeValue::N("2".into()));
    bench
        .client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(item.clone()))
        .send()
        .await
        .unwrap();
    let error = bench
        .store
        .load(wanted(&key(), None), now())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Retryable);
    item.insert("schema".into(), AttributeValue::N("1".into()));
    item.remove("slot");
    bench
        .client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
    let error = bench
        .store
        .load(wanted(&key(), None), now())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Terminal);
}

/// 32 workers race for the same version, a hundred times over: one wins each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_racing_workers_one_wins() {
    const WORKERS: usize = 32;
    const ROUNDS: usize = 100;
    let bench = Arc::new(Bench::start().await);
    bench.slot().await;
    for round in 0..ROUNDS {
        let read = bench.slot().await;
        let wins = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (bench, wins, read) = (Arc::clone(&bench), Arc::clone(&wins), read.clone());
                tokio::spawn(async move {
                    // Half of them race for the marker too.
                    let name = if worker % 2 == 0 {
                        format!("{round}")
                    } else {
                        format!("{round}-{worker}")
                    };
                    if bench.commit(&next(&read, Some(&name))).await == Committed::Written {
                        wins.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(wins.load(Ordering::Relaxed), 1, "round {round}");
    }
    assert_eq!(bench.slot().await.version, ROUNDS as u64);
    let decisions = bench.store.decisions(&key(), 1_000).await.unwrap();
    assert_eq!(decisions.len(), ROUNDS);
}

fn object(name: &str, sequencer: &str, rows: u64, generation: u64) -> ObjectRecord {
    ObjectRecord {
        version: ObjectVersion {
            bucket: "fraud-detection-data".to_owned(),
            key: name.to_owned(),
            version_id: None,
            etag: Some("e".to_owned()),
            sequencer: Sequencer::parse(sequencer).unwrap(),
            rows,
            bytes: 10,
            uncounted: None,
        },
        generation,
    }
}

fn counting(slot: &Slot, objects: Vec<(ObjectRecord, Option<&str>)>) -> Commit {
    let writes = objects.into_iter().map(|(record, expected)| ObjectWrite {
        record,
        expected: expected.and_then(Sequencer::parse),
    });
    Commit {
        objects: writes.collect(),
        ..next(slot, None)
    }
}

#[tokio::test]
async fn a_look_at_many_slots_finds_those_that_are_there_and_writes_nothing() {
    let bench = Bench::start().await;
    let keys: Vec<SlotKey> = (0..200)
        .map(|n| SlotKey::retrain(ModelName::parse(format!("m{n}")).unwrap()))
        .collect();
    let seen = bench.store.look(&keys).await.unwrap();
    assert!(seen.controller.is_none() && seen.slots.is_empty());
    assert_eq!(bench.item(Key::controller()).await, None);

    bench.store.controller(now()).await.unwrap();
    let commit = next(&Slot::new(), None);
    // The first and the last of each call.
    for n in [0, 89, 90, 179, 180, 199] {
        let slot = &keys[n];
        let written = bench.store.commit(slot, &commit, now()).await.unwrap();
        assert_eq!(written, Committed::Written);
    }
    bench.sandbox.calls().take();
    let seen = bench.store.look(&keys).await.unwrap();
    assert!(seen.controller.is_some());
    let found: Vec<usize> = (0..200)
        .filter(|n| seen.slots.contains_key(&keys[*n]))
        .collect();
    assert_eq!(found, [0, 89, 90, 179, 180, 199]);
    assert!(seen.slots.values().all(|slot| *slot == *commit.slot));
    assert_eq!(bench.sandbox.calls().take().len(), 3);
    // The switch is known also where no slot is asked for.
    let seen = bench.store.look(&[]).await.unwrap();
    assert!(seen.controller.is_some());
}

#[tokio::test]
async fn objects_are_remembered_with_the_slot_or_not_at_all() {
    let bench = Bench::start().await;
    let longest = "k".repeat(1_024);
    let first = object(&longest, "9", 5, 0);
    let commit = counting(&Slot::new(), vec![(first.clone(), None)]);
    assert_eq!(bench.commit(&commit).await, Committed::Written);

    // A worker that has read the object as it was loses, whatever it read of the slot.
    let slot = bench.slot().await;
    for stale in [None, Some("8")] {
        let newer = object(&longest, "10", 7, 0);
        let commit = counting(&slot, vec![(newer, stale), (object("b", "1", 1, 0), None)]);
        assert_eq!(bench.commit(&commit).await, Committed::LostRace);
    }
    let newer = object(&longest, "10", 7, 1);
    let commit = counting(&slot, vec![(newer.clone(), Some("9"))]);
    assert_eq!(bench.commit(&commit).await, Committed::Written);

    let ids = [first.version.id(), object("b", "1", 1, 0).version.id()];
    let (key, marker) = (key(), None);
    let wanted = Wanted {
        objects: &ids,
        ..wanted(&key, marker)
    };
    let loaded = bench.store.load(wanted, now()).await.unwrap();
    assert_eq!(loaded.objects, [(first.version.id(), newer)].into());
}

#[tokio::test]
async fn a_generation_lists_its_objects_and_a_transaction_takes_as_many_as_there_may_be() {
    let bench = Bench::start().await;
    let all: Vec<_> = (0..MAX_OBJECTS)
        .map(|n| (object(&format!("part-{n}"), "1", 1, n as u64 % 2), None))
        .collect();
    let commit = counting(&Slot::new(), all);
    assert_eq!(bench.commit(&commit).await, Committed::Written);
    let count = async |from, to| {
        let generations = Generations { from, to };
        let objects = bench.store.objects(&key(), generations).await.unwrap();
        objects.len()
    };
    assert_eq!(count(0, 0).await, MAX_OBJECTS / 2);
    assert_eq!(count(0, 1).await, MAX_OBJECTS);
    assert_eq!(count(2, 9).await, 0);
}
