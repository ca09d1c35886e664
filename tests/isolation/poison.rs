//! A model whose every call fails, and one that floods, harm no other.

use super::neighbours::{Neighbours, OTHERS, POISON, Refusal, assert_same};

/// A day of all models: alarms, data in mixed batches, runs that end, and the reconciler.
/// `burst` is how many alarms and objects the poisonous model has each time.
async fn day(neighbours: &mut Neighbours, burst: usize) {
    let is_there = burst > 0;
    for round in 0..3 {
        neighbours.wait(10);
        for n in 0..burst {
            // It may fail, or not: that is its own affair.
            let _ = neighbours.alarm(POISON, &format!("{round}-{n}")).await;
        }
        for model in OTHERS {
            // What the round before has held runs since, so that this is held again.
            let expected = if round == 0 { "claimed" } else { "held" };
            let outcome = neighbours.alarm(model, &format!("a{round}")).await.unwrap();
            assert_eq!(outcome, expected, "{model} in round {round}");
        }
        let mut bodies = Vec::new();
        for n in 0..burst * 10 {
            bodies.push(neighbours.object(POISON, &format!("{round}/{n}.csv"), 10));
        }
        for model in OTHERS {
            let object = neighbours.object(model, &format!("{round}.csv"), 700);
            // Between those of the poisonous one.
            bodies.insert(bodies.len() / 2, object);
        }
        let messages = bodies.len();
        let poisonous: Vec<bool> = bodies
            .iter()
            .map(|body| body.to_string().contains(POISON))
            .collect();
        let returned = neighbours.deliver(bodies).await;
        assert!(
            returned.iter().all(|place| poisonous[*place]),
            "{returned:?} of {messages}"
        );
        // A run that fails because of one model has looked at all others.
        neighbours.wait(20);
        let _ = neighbours.reconcile().await;
        for model in OTHERS {
            neighbours.succeed(model).await;
        }
        if is_there {
            // Its run may have ended, or never begun.
            for run in neighbours.executions(POISON) {
                let _ = neighbours.tell(&run.arn).await;
            }
        }
        // After the interval the reconciler starts what is held, within one run.
        for model in OTHERS {
            let outcome = neighbours.alarm(model, &format!("b{round}")).await.unwrap();
            assert_eq!(outcome, "held", "{model} in round {round}");
        }
        neighbours.wait(6 * 60);
        let _ = neighbours.reconcile().await;
        for model in OTHERS {
            assert_eq!(neighbours.executions(model).len(), round + 2, "{model}");
        }
    }
}

/// What the day is like where there is no poisonous model at all.
async fn undisturbed() -> Neighbours {
    let mut neighbours = Neighbours::start(false, None).await;
    day(&mut neighbours, 0).await;
    neighbours
}

#[tokio::test]
async fn a_model_whose_every_call_fails_neither_delays_nor_harms_the_others() {
    let expected = undisturbed().await.others().await;
    for refusal in [Refusal::Throttled, Refusal::Down, Refusal::Denied] {
        let mut neighbours = Neighbours::start(true, Some(refusal)).await;
        day(&mut neighbours, 3).await;
        assert_eq!(neighbours.executions(POISON), [], "{refusal:?}");
        assert_same(&neighbours.others().await, &expected);
    }
}

/// The slot is there and due, and cannot be read any more.
#[tokio::test]
async fn a_slot_that_cannot_be_looked_at_keeps_no_other_from_its_look() {
    let mut neighbours = Neighbours::start(true, None).await;
    // The one that cannot be looked at is the first that is due of its shard.
    for model in [POISON].into_iter().chain(OTHERS) {
        neighbours.alarm(model, "a").await.unwrap();
        neighbours.wait(1);
    }
    assert_eq!(neighbours.shards().await.len(), 1);
    for refusal in [Refusal::Throttled, Refusal::Down, Refusal::Denied] {
        neighbours.refuse(Some(refusal));
        neighbours.wait(20);
        let failure = neighbours.reconcile().await.unwrap_err();
        let text = failure.to_string();
        assert!(failure.error_type().ends_with("DependencyFailed"), "{text}");
        // Each of the others was described.
        for model in OTHERS {
            let described = neighbours.calls(model, "DescribePipelineExecution");
            assert_eq!(described, 1, "{model}: {refusal:?}");
        }
    }
    // The refusals are over, and so it is looked at like all others.
    neighbours.refuse(None);
    neighbours.wait(20);
    let mut looked = neighbours.reconcile().await.unwrap();
    looked.sort();
    assert_eq!(looked, ["m004", "m014", "m016", POISON]);
}

#[tokio::test]
async fn a_model_that_floods_neither_delays_nor_harms_the_others() {
    let expected = undisturbed().await.others().await;
    let mut neighbours = Neighbours::start(true, None).await;
    day(&mut neighbours, 45).await;
    assert_same(&neighbours.others().await, &expected);
    // What floods is bounded, and still served: all that came is in flight or waits.
    let slot = neighbours.slot(POISON).await;
    let is_held = slot.held.iter().next().is_some();
    assert!(is_held || slot.phase.claim().is_some(), "{slot:?}");
    let size = serde_json::to_string(&slot).unwrap().len();
    assert!(size < 64 * 1024, "{size}");
}
