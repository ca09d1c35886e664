//! Policies go.

use retrain_sandbox::{Fault, FaultKind, Service};
use retrainctl::{Exit, Failure};

use crate::asks::release;
use crate::policies::{Folder, apply, stored};
use crate::scene::{MODEL, RELEASED, Scene};

fn remove<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let line = ["policy", "remove", MODEL, "--why", "it is replaced"];
    [&line, more].concat()
}

#[tokio::test]
async fn a_policy_goes_after_what_waits_and_runs_is_settled() {
    let scene = Scene::released().await;
    scene.alarm("fraud-detection-data-quality").await;
    scene.alarm("fraud-detection-model-quality").await;
    scene
        .does(&["pause", MODEL, "-e", "staging", "-w", "x"])
        .await;
    let before = scene.table().await;
    let dry = scene.does(&remove(&["--dry-run"])).await;
    assert_eq!(dry.lines("discarded:").len(), 1, "{dry:?}");
    assert_eq!(dry.lines("goes on, but nobody waits for it").len(), 1);
    assert_eq!(dry.lines("nobody is reminded any more").len(), 1);
    assert_eq!(scene.table().await, before);
    scene.says.replace(Some(false));
    let no = scene.run(&remove(&[])).await;
    assert!(matches!(no.exit, Ok(Exit::No)), "{no:?}");
    assert_eq!(scene.table().await, before);

    let done = scene.does(&remove(&["--yes"])).await;
    assert!(
        done.err
            .contains("removed /retrain/policies/fraud-detection")
    );
    let retired = done.lines("retired: the policy goes: ");
    // Also where nothing has happened yet; staging was paused before.
    assert_eq!(retired.len(), 3, "{done:?}");
    let history = scene.does(&["history", MODEL]).await.out;
    assert!(
        history.contains("\"ana\" removes the policy: \"it is replaced\""),
        "{history}"
    );
    assert!(
        history.contains("2 cause(s) discarded; arn:aws:sagemaker:"),
        "{history}"
    );
    assert_eq!(scene.does(&["due", "--json"]).await.out, "[]\n");
    let gone = scene.run(&remove(&["--yes"])).await;
    assert!(
        matches!(&gone.exit, Err(Failure::Invalid(why)) if why.contains("there is no policy")),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_model_that_has_a_policy_again_waits_for_a_person() {
    let scene = Scene::start().await;
    let folder = Folder::new("again", &[("fraud-detection.json", &stored(&scene).await)]);
    scene.alarm("fraud-detection-data-quality").await;
    scene.does(&remove(&["--yes"])).await;
    let put = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(
        put.err.contains("fraud-detection#retrain is paused"),
        "{put:?}"
    );
    scene.wait(jiff::SignedDuration::from_hours(7));
    scene.alarm("fraud-detection-data-quality").await;
    let executions = || scene.deployment.sandbox.sagemaker().executions().len();
    assert_eq!(executions(), 1);
    scene.does(&["resume", MODEL, "-w", "back", "--yes"]).await;
    // The first execution still runs: it is found before a second one starts.
    scene.reconcile().await;
    assert_eq!(executions(), 1);
    scene
        .training_ends(retrain_sandbox::sagemaker::ExecutionStatus::Succeeded)
        .await;
    scene.wait(jiff::SignedDuration::from_hours(7));
    scene.reconcile().await;
    assert_eq!(executions(), 2);
}

/// SageMaker's next answer to a start is lost.
fn start_is_lost(scene: &Scene, kind: FaultKind) {
    let lost = Fault::on(Service::SageMaker, "StartPipelineExecution", kind);
    scene.deployment.sandbox.faults().inject(lost);
}

#[tokio::test]
async fn a_policy_stays_while_something_is_being_started() {
    let scene = Scene::start().await;
    start_is_lost(&scene, FaultKind::ServerErrorAfter);
    scene.alarm("fraud-detection-data-quality").await;
    let busy = scene.run(&remove(&["--yes", "--json"])).await;
    assert!(matches!(busy.exit, Ok(Exit::No)), "{busy:?}");
    assert!(busy.err.contains("try again in a minute"), "{busy:?}");
    let told = busy.json();
    assert_eq!(told["removed"], false);
    assert_eq!(told["settled"], serde_json::json!([]));
    assert!(stored(&scene).await.contains("fraud-detection-training"));
    // The execution exists, and nobody has heard of it: it is found before it is let go.
    scene.wait(jiff::SignedDuration::from_mins(5));
    let done = scene.does(&remove(&["--yes", "--json"])).await.json();
    assert_eq!(done["removed"], true);
    assert_eq!(done["settled"][0]["outcome"], "retired");
    let execution = &scene.deployment.sandbox.sagemaker().executions()[0].arn;
    let reason = done["settled"][0]["reason"].as_str().unwrap();
    assert!(reason.contains(execution.as_str()), "{done:#}");
}

#[tokio::test]
async fn a_start_that_nobody_finishes_is_given_up_by_a_person_alone() {
    let scene = Scene::start().await;
    start_is_lost(&scene, FaultKind::ServerError);
    scene.alarm("fraud-detection-data-quality").await;
    scene.does(&["pause", MODEL, "-w", "x"]).await;
    for _ in 0..3 {
        scene.wait(jiff::SignedDuration::from_hours(1));
        let busy = scene.run(&remove(&["--yes"])).await;
        assert!(matches!(busy.exit, Ok(Exit::No)), "{busy:?}");
        assert!(busy.err.contains("`retrainctl cancel`"), "{busy:?}");
    }
    scene.wait(jiff::SignedDuration::from_hours(1));
    scene.does(&["cancel", MODEL, "-w", "x", "--yes"]).await;
    let done = scene.does(&remove(&["--yes"])).await;
    assert_eq!(
        done.lines("retired: the policy goes: 1").len(),
        1,
        "{done:?}"
    );
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 0);
}

#[tokio::test]
async fn what_a_policy_has_dropped_does_not_keep_it() {
    let scene = Scene::released().await;
    release(&scene, "2").await;
    // A rollback waits, and a package that nobody has decided about.
    scene.register();
    scene.hear_of_packages().await;
    let held = ["promote", MODEL, "2", "--to", "staging"];
    scene
        .does(&["pause", MODEL, "-e", "staging", "-w", "x"])
        .await;
    scene
        .run(&[&held[..], &["--why", "x", "--yes", "--force"]].concat())
        .await;
    let mut policy: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    policy["environments"].as_array_mut().unwrap().remove(0);
    policy["model_package_group"] = "fraud-detection-2".into();
    scene
        .deployment
        .put_policy(MODEL, &policy.to_string())
        .unwrap();
    let done = scene.does(&remove(&["--yes"])).await;
    assert!(done.err.contains("removed /retrain"), "{done:?}");
    let settled = done.lines("retired: the policy goes").join("\n");
    assert!(settled.contains("deploy#staging: "), "{done:?}");
    assert!(
        settled.contains("model-package/fraud-detection/3: "),
        "{done:?}"
    );
    assert_eq!(scene.does(&["due", "--json"]).await.out, "[]\n");
}

#[tokio::test]
async fn a_start_in_a_dropped_environment_can_be_given_up() {
    let scene = Scene::released().await;
    let lost = Fault::on(
        Service::CodePipeline,
        "StartPipelineExecution",
        FaultKind::ServerError,
    );
    scene.deployment.sandbox.faults().inject(lost.times(9));
    release_starts(&scene).await;
    let mut policy: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    policy["environments"].as_array_mut().unwrap().remove(0);
    scene
        .deployment
        .put_policy(MODEL, &policy.to_string())
        .unwrap();
    scene.wait(jiff::SignedDuration::from_hours(2));
    let busy = scene.run(&remove(&["--yes"])).await;
    assert!(matches!(busy.exit, Ok(Exit::No)), "{busy:?}");
    assert!(busy.err.contains("deploy#staging"), "{busy:?}");
    scene.wait(jiff::SignedDuration::from_hours(2));
    let cancel = ["cancel", MODEL, "-e", "staging", "-w", "x", "--yes"];
    let cancelled = scene.does(&cancel).await;
    assert!(cancelled.out.contains("abandoned"), "{cancelled:?}");
    scene.does(&remove(&["--yes"])).await;
}

/// The package is approved, and its deployment to staging begins.
async fn release_starts(scene: &Scene) {
    for role in ["technical", "fairness"] {
        let sign = ["sign-off", MODEL, "2", "--role", role, "-w", "x", "--yes"];
        scene.does(&sign).await;
    }
    scene.hear_of_packages().await;
    scene.wait(jiff::SignedDuration::from_mins(2));
    scene.reconcile().await;
}

#[tokio::test]
async fn what_comes_after_a_policy_is_gone_is_settled_by_the_same_command() {
    let scene = Scene::released().await;
    scene.does(&remove(&["--yes"])).await;
    // A function that still knows the policy hears of a package.
    scene.deployment.put_policy(MODEL, RELEASED).unwrap();
    scene.register();
    scene.hear_of_packages().await;
    let parameter = format!("/retrain/policies/{MODEL}");
    let ssm = scene.deployment.sandbox.ssm();
    ssm.delete_parameter(&parameter).unwrap();
    assert_ne!(scene.does(&["due", "--json"]).await.out, "[]\n");
    scene.wait(jiff::SignedDuration::from_hours(1));
    let done = scene.does(&remove(&["--yes"])).await;
    assert!(done.out.contains("has no policy"), "{done:?}");
    assert_eq!(scene.does(&["due", "--json"]).await.out, "[]\n");
    let gone = scene.run(&remove(&["--yes"])).await;
    assert!(matches!(gone.exit, Err(Failure::Invalid(_))), "{gone:?}");
}

#[tokio::test]
async fn a_policy_that_nobody_has_seen_stays() {
    let scene = Scene::start().await;
    let fault = Fault::on(Service::Ssm, "GetParameter", FaultKind::HoldBefore);
    // Before anything is settled, and after that.
    for (skip, why) in [(0, "nothing was done: "), (1, "the policy stays: ")] {
        let faults = scene.deployment.sandbox.faults();
        let fault = faults.inject(fault.clone().skip(skip));
        let text = stored(&scene).await;
        let somebody = async {
            fault.held().await;
            scene.deployment.put_policy(MODEL, &text).unwrap();
            fault.release();
        };
        let line = remove(&["--yes"]);
        let (printed, ()) = tokio::join!(scene.run(&line), somebody);
        assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
        assert!(printed.err.contains(why), "{printed:?}");
        assert_eq!(stored(&scene).await, text);
    }
}

#[tokio::test]
async fn an_invalid_policy_can_only_go_while_nothing_depends_on_it() {
    let scene = Scene::start().await;
    scene.deployment.put_policy("churn", "{}").unwrap();
    let line = ["policy", "remove", "churn", "--why", "a mistake", "--yes"];
    scene.does(&line).await;
    scene.alarm("fraud-detection-data-quality").await;
    scene.deployment.put_policy(MODEL, "{}").unwrap();
    let kept = scene.run(&remove(&["--yes"])).await;
    assert!(
        matches!(&kept.exit, Err(Failure::Invalid(why)) if why.contains("apply a valid one")),
        "{kept:?}"
    );
}
