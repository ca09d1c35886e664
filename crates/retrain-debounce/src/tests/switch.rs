//! The switch of the whole controller.

use retrain_core::order::{Order, OrderKind};

use super::*;
use crate::Switched;

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
