//! The switch of the whole controller.

use retrain_core::order::{Order, OrderKind};

use super::*;
use crate::Switched;
use crate::items::Item;

fn order(kind: OrderKind, key: Option<&str>) -> Order {
    Order {
        key: key.map(str::to_owned),
        ..Order::new(kind, "ana", "an outage")
    }
}

#[tokio::test]
async fn an_order_with_a_key_is_obeyed_once_until_its_marker_has_expired() {
    let bench = Bench::start().await;
    let pause = order(OrderKind::Pause, Some("k"));
    let resume = order(OrderKind::Resume, Some("k"));
    let later = now() + SignedDuration::from_hours(36 * 24);
    let orders = [
        // What comes to nothing is remembered; a key is one of its kind of order.
        (&resume, now(), Switched::AlreadySo),
        (&pause, now(), Switched::Changed),
        (&pause, now(), Switched::Duplicate),
        (&resume, now(), Switched::Duplicate),
        (&resume, later, Switched::Changed),
        (&pause, later, Switched::Changed),
        (&pause, later, Switched::Duplicate),
    ];
    for (order, at, became) in orders {
        assert_eq!(bench.store.would_switch(order, at).await.unwrap(), became);
        assert_eq!(bench.store.switch(order, at).await.unwrap(), became);
    }
    let paused = bench.store.controller(later).await.unwrap().paused;
    assert_eq!(paused, Some(pause.pause(later)));
}

#[tokio::test]
async fn an_order_without_a_key_is_obeyed_as_often_as_it_comes() {
    let bench = Bench::start().await;
    let orders = [
        (OrderKind::Pause, Switched::Changed),
        (OrderKind::Pause, Switched::AlreadySo),
        (OrderKind::Resume, Switched::Changed),
        (OrderKind::Pause, Switched::Changed),
    ];
    for (kind, became) in orders {
        let switched = bench.store.switch(&order(kind, None), now()).await;
        assert_eq!(switched.unwrap(), became);
    }
    let approve = order(OrderKind::Approve, None);
    let error = bench.store.switch(&approve, now()).await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal, "{error}");
}

/// Ana's pause is known. While it is written that nothing changes, somebody resumes, and Bob
/// pauses: his name stays.
#[tokio::test]
async fn a_pause_is_not_overwritten_with_an_older_one() {
    let bench = Bench::start().await;
    let ana = order(OrderKind::Pause, None);
    bench.store.switch(&ana, now()).await.unwrap();
    let again = order(OrderKind::Pause, Some("k"));
    let read = bench.store.read_switch(&again, now()).await.unwrap();
    assert_eq!(read.would, Switched::AlreadySo);
    let bob = Order::new(OrderKind::Pause, "bob", "a migration");
    for order in [&order(OrderKind::Resume, None), &bob] {
        let switched = bench.store.switch(order, now()).await.unwrap();
        assert_eq!(switched, Switched::Changed);
    }
    let slower = bench.store.write_switch(&again, &read, now());
    assert!(!slower.await.unwrap(), "it was written");
    let paused = bench.store.controller(now()).await.unwrap().paused;
    assert_eq!(paused, Some(bob.pause(now())));
}

/// Of two people who pause, the second hears that it is so already.
#[tokio::test]
async fn of_two_pauses_the_first_stays() {
    let bench = Bench::start().await;
    let [ana, bob] = ["ana", "bob"].map(|by| Order::new(OrderKind::Pause, by, "an outage"));
    let read = bench.store.read_switch(&bob, now()).await.unwrap();
    bench.store.switch(&ana, now()).await.unwrap();
    let slower = bench.store.write_switch(&bob, &read, now());
    assert!(!slower.await.unwrap(), "it was written");
    let switched = bench.store.switch(&bob, now()).await.unwrap();
    assert_eq!(switched, Switched::AlreadySo);
    let paused = bench.store.controller(now()).await.unwrap().paused;
    assert_eq!(paused, Some(ana.pause(now())));
}

#[tokio::test]
async fn an_order_is_obeyed_once_whatever_becomes_of_its_answers() {
    let bench = Bench::start().await;
    let fail = |kind| bench.fail_write(kind);
    let pause = order(OrderKind::Pause, Some("k"));
    fail(FaultKind::Throttle);
    let error = bench.store.switch(&pause, now()).await.unwrap_err();
    assert_eq!(error.class(), Class::Retryable, "{error}");
    // Another transaction was under way; after a second look it is written. Nobody hears it.
    fail(FaultKind::TransactionConflict);
    fail(FaultKind::DropAfter);
    let error = bench.store.switch(&pause, now()).await.unwrap_err();
    assert_eq!(error.class(), Class::Retryable, "{error}");
    let switched = bench.store.switch(&pause, now()).await.unwrap();
    assert_eq!(switched, Switched::Duplicate);
    assert!(
        bench
            .store
            .controller(now())
            .await
            .unwrap()
            .paused
            .is_some()
    );
}

/// Two workers bring one order. When the slower one comes to write, it has been obeyed, and
/// taken back: all is again as that one has read it, but for the marker.
#[tokio::test]
async fn what_was_obeyed_and_taken_back_meanwhile_is_not_obeyed_again() {
    let bench = Bench::start().await;
    let pause = order(OrderKind::Pause, Some("k"));
    let read = bench.store.read_switch(&pause, now()).await.unwrap();
    assert_eq!(read.would, Switched::Changed);
    for order in [&pause, &order(OrderKind::Resume, None)] {
        let switched = bench.store.switch(order, now()).await.unwrap();
        assert_eq!(switched, Switched::Changed);
    }
    let slower = bench.store.write_switch(&pause, &read, now());
    assert!(!slower.await.unwrap(), "it was written");
    let paused = bench.store.controller(now()).await.unwrap().paused;
    assert_eq!(paused, None);
}

/// Puts the controller item as something changes it.
async fn edit(bench: &Bench, change: impl FnOnce(&mut Item)) {
    let mut item = bench.item(Key::controller()).await.unwrap();
    change(&mut item);
    let put = bench.client.put_item().table_name(TABLE);
    put.set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn a_pause_of_a_newer_release_can_be_ended() {
    let bench = Bench::start().await;
    let pause = order(OrderKind::Pause, None);
    bench.store.switch(&pause, now()).await.unwrap();
    edit(&bench, |item| {
        let AttributeValue::M(paused) = item.get_mut("paused").unwrap() else {
            panic!()
        };
        paused.insert("ticket".to_owned(), AttributeValue::S("42".to_owned()));
    })
    .await;
    let resume = order(OrderKind::Resume, None);
    let switched = bench.store.switch(&resume, now()).await.unwrap();
    assert_eq!(switched, Switched::Changed);
}

#[tokio::test]
async fn an_epoch_that_has_changed_meanwhile_stays() {
    let bench = Bench::start().await;
    let pause = order(OrderKind::Pause, None);
    let read = bench.store.read_switch(&pause, now()).await.unwrap();
    let epoch = AttributeValue::S("another".to_owned());
    edit(&bench, |item| {
        item.insert("epoch".to_owned(), epoch.clone());
    })
    .await;
    let slower = bench.store.write_switch(&pause, &read, now());
    assert!(!slower.await.unwrap(), "it was written");
    assert_eq!(bench.item(Key::controller()).await.unwrap()["epoch"], epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_bring_one_order_one_obeys() {
    let bench = Arc::new(Bench::start().await);
    for round in 0..20 {
        let resume = order(OrderKind::Resume, None);
        bench.store.switch(&resume, now()).await.unwrap();
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let bench = Arc::clone(&bench);
                let pause = order(OrderKind::Pause, Some(&round.to_string()));
                tokio::spawn(async move { bench.store.switch(&pause, now()).await.unwrap() })
            })
            .collect();
        let mut changed = 0;
        for worker in workers {
            match worker.await.unwrap() {
                Switched::Changed => changed += 1,
                other => assert_eq!(other, Switched::Duplicate),
            }
        }
        assert_eq!(changed, 1, "round {round}");
    }
}
