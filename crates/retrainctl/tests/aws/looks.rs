//! `status`, `history`, `held` and `due`.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::ExecutionStatus as Trained;
use retrainctl::{Exit, Failure};

use crate::scene::{MODEL, Scene};

#[tokio::test]
async fn a_table_that_was_never_used_is_shown_and_not_written() {
    let scene = Scene::start().await;
    let status = scene.does(&["status"]).await;
    let line = "fraud-detection retrain - 0 - - -";
    assert_eq!(status.lines(MODEL), [line]);
    let page = scene.does(&["status", MODEL]).await;
    assert!(page.out.contains("nothing has ever happened"), "{page:?}");
    assert_eq!(scene.does(&["held", "--json"]).await.out, "[]\n");
    assert_eq!(scene.does(&["due", "--json"]).await.out, "[]\n");
    let history = scene.does(&["history", MODEL]).await;
    assert_eq!(history.out, "");
    assert!(history.err.contains("nothing was decided"), "{history:?}");
    assert!(scene.table().await.is_empty());
}

#[tokio::test]
async fn what_waits_is_shown_with_its_guard_and_its_time() {
    let scene = Scene::start().await;
    scene.alarm("fraud-detection-data-quality").await;
    scene.training_ends(Trained::Succeeded).await;
    scene.wait(SignedDuration::from_hours(1));
    scene.alarm("fraud-detection-model-quality").await;
    scene.wait(SignedDuration::from_mins(30));

    let before = scene.table().await;
    let held = scene.does(&["held", "--json"]).await.json();
    let [one] = held.as_array().unwrap().as_slice() else {
        panic!("{held}")
    };
    assert_eq!(one["guard"]["guard"], "min_interval");
    let clock = scene.deployment.sandbox.clock().now();
    let until: jiff::Timestamp = one["until"].as_str().unwrap().parse().unwrap();
    // Six hours after the start an hour and a half ago.
    assert_eq!(until.duration_since(clock), SignedDuration::from_mins(270));
    let table = scene.does(&["held", MODEL]).await;
    let line = &table.lines("model-quality")[0];
    assert!(line.contains(" 30m ago 1 "), "{line}");
    assert!(line.contains("the minimum interval of 6h"), "{line}");

    let status = scene.does(&["status"]).await.lines(MODEL);
    let line = "fraud-detection retrain idle 1 in 4h30m 1h30m ago 1h30m ago";
    assert_eq!(status, [line]);
    let due = scene.does(&["due"]).await.lines(MODEL);
    assert!(due[0].ends_with("in 4h30m fraud-detection retrain"));
    assert_eq!(
        scene.does(&["due", "--within", "4h", "--json"]).await.out,
        "[]\n"
    );
    let soon = scene
        .does(&["due", "--within", "5h", "--json"])
        .await
        .json();
    assert_eq!(soon[0]["model"], MODEL);
    assert_eq!(scene.table().await, before);

    // What cleared is not kept by anything, although nobody has looked yet.
    scene.wait(SignedDuration::from_hours(5));
    let held = scene.does(&["held", "--json"]).await.json();
    assert!(held[0]["guard"].is_null(), "{held}");
    let overdue = scene.does(&["due", "--within", "0s"]).await.lines(MODEL);
    assert!(overdue[0].contains(" 30m ago "), "{overdue:?}");
}

#[tokio::test]
async fn the_history_is_that_of_the_table_newest_first() {
    let scene = Scene::start().await;
    scene.alarm("fraud-detection-data-quality").await;
    scene.training_ends(Trained::Failed).await;
    let history = scene.does(&["history", MODEL, "--json"]).await.json();
    let outcomes: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|decision| decision["outcome"]["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "started", "claimed"]);
    let newest = scene.does(&["history", MODEL, "-n", "1"]).await.out;
    assert!(newest.contains("#3 failed"), "{newest}");
    assert!(!newest.contains("#2"), "{newest}");
    assert!(newest.contains("the step Train failed"), "{newest}");
}

#[tokio::test]
async fn a_models_page_shows_its_run_its_packages_and_its_environments() {
    let scene = Scene::released().await;
    scene.alarm("fraud-detection-data-quality").await;
    let page = scene.does(&["status", MODEL]).await;
    let execution = scene.deployment.sandbox.sagemaker().executions();
    let execution = &execution.last().unwrap().arn;
    for shown in [
        "running claim 1",
        execution,
        "waits for a person",
        "fraud-detection deploy#staging",
        "fraud-detection deploy#production",
        "Completed, PendingManualApproval",
    ] {
        assert!(page.out.contains(shown), "{shown}: {}", page.out);
    }
    let json = scene.does(&["status", MODEL, "--json"]).await.json();
    let lanes = json["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 4, "{json:#}");
    assert!(lanes.iter().any(|lane| lane["slot"]["review"].is_object()));
}

#[tokio::test]
async fn what_a_person_should_look_at_is_said() {
    let scene = Scene::start().await;
    let why = ["--why", "an outage", "--yes"];
    scene.does(&[&["pause", MODEL][..], &why].concat()).await;
    scene
        .does(&[&["pause", "--everything"][..], &why].concat())
        .await;
    scene.deployment.put_policy("broken", "{}").unwrap();
    let status = scene.does(&["status"]).await.out;
    assert!(
        status.contains("THE CONTROLLER IS PAUSED by \"ana\""),
        "{status}"
    );
    assert!(
        status.contains("\"ana\" paused it: \"an outage\""),
        "{status}"
    );
    assert!(
        status.contains("INVALID POLICY of broken, version 1"),
        "{status}"
    );
    let page = scene.does(&["status", "broken"]).await.out;
    assert!(page.contains("INVALID POLICY"), "{page}");
}

#[tokio::test]
async fn a_model_of_which_nothing_is_known_is_an_error() {
    let scene = Scene::start().await;
    for command in ["status", "held"] {
        let printed = scene.run(&[command, "fraud-detectoin"]).await;
        assert!(
            matches!(&printed.exit, Err(Failure::Invalid(why)) if why.contains("fraud-detectoin")),
            "{printed:?}"
        );
        assert_eq!(printed.exit.unwrap_err().exit(), Exit::No);
    }
}
