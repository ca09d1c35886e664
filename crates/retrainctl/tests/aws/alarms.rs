//! Alarms that went off before anybody looked for them.

use retrain_sandbox::cloudwatch::{Alarm, StateValue};
use retrain_sandbox::{Fault, FaultKind, Service};
use retrainctl::Failure;

use crate::policies::{Folder, apply, puts, stored};
use crate::scene::{MODEL, Scene};

fn in_alarm(scene: &Scene, name: &str) {
    let cloudwatch = scene.deployment.sandbox.cloudwatch();
    let alarm = Alarm::new(name).state(StateValue::Alarm);
    cloudwatch.put_alarm(alarm).unwrap();
}

#[tokio::test]
async fn alarms_that_went_off_before_are_listed_and_held_if_wanted() {
    let scene = Scene::start().await;
    for name in ["fraud-detection-psi", "fraud-detection-ks", "churn-psi"] {
        in_alarm(&scene, name);
    }
    scene.wait(jiff::SignedDuration::from_hours(20 * 24));
    let calmer = stored(&scene).await.replace("6h", "1d");
    let folder = Folder::new("alarms", &[("fraud-detection.json", &calmer)]);
    let listed = scene.does(&apply(&folder, &["--dry-run"])).await;
    let lines = listed.lines("custom alarm");
    assert_eq!(lines.len(), 2, "{listed:?}");
    assert!(
        lines[0].contains("\"fraud-detection-ks\" since"),
        "{lines:?}"
    );
    assert!(lines[0].ends_with("(20d ago)"), "{lines:?}");

    // Nobody is asked, and nothing is held that was not asked for.
    let put = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(put.err.contains("no trigger is held for 2 alarms: "));
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 0);

    let calmer = calmer.replace("1d", "2d");
    let folder = Folder::new("alarms", &[("fraud-detection.json", &calmer)]);
    let held = scene
        .does(&apply(&folder, &["--yes", "--hold-alarms"]))
        .await;
    assert!(held.out.contains("claimed: claim 1"), "{held:?}");
    assert!(
        held.out.contains("held: the execution of claim 1"),
        "{held:?}"
    );
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 1);
    let history = scene.does(&["history", MODEL, "--json"]).await;
    let evidence = r#"when \"ana\" applied the policy: \"a calmer rule\""#;
    assert!(history.out.contains(evidence), "{}", history.out);
    let history = history.json();
    assert_eq!(history[0]["policy_version"], 3, "{history}");

    // It knows both now: one runs, one waits.
    let calmer = calmer.replace("2d", "3d");
    let folder = Folder::new("alarms", &[("fraud-detection.json", &calmer)]);
    let again = scene
        .does(&apply(&folder, &["--yes", "--hold-alarms"]))
        .await;
    assert_eq!(again.lines("which it knows").len(), 2, "{again:?}");
    assert!(!again.out.contains("held: "), "{again:?}");
}

#[tokio::test]
async fn alarms_can_be_held_after_the_policies_were_put() {
    let scene = Scene::start().await;
    in_alarm(&scene, "fraud-detection-psi");
    let calmer = stored(&scene).await.replace("6h", "1d");
    let folder = Folder::new("later", &[("fraud-detection.json", &calmer)]);
    let put = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(put.err.contains("the same command with --hold-alarms"));
    let held = scene
        .does(&apply(&folder, &["--yes", "--hold-alarms"]))
        .await;
    assert!(held.err.contains("every policy is stored as it is"));
    assert!(held.out.contains("claimed: claim 1"), "{held:?}");
    let history = scene.does(&["history", MODEL, "--json"]).await.json();
    assert_eq!(history[0]["policy_version"], 2, "{history}");
}

#[tokio::test]
async fn an_alarm_is_told_as_its_event_tells_it() {
    let scene = Scene::start().await;
    in_alarm(&scene, "fraud-detection-psi");
    let folder = Folder::new("told", &[("fraud-detection.json", &stored(&scene).await)]);
    let hold = apply(&folder, &["--yes", "--hold-alarms"]);
    let went_off = scene.deployment.sandbox.clock().now();
    scene.wait(jiff::SignedDuration::from_mins(3));
    scene.does(&hold).await;
    // Its event was under way all the time.
    scene.alarm_at("fraud-detection-psi", went_off).await;
    let history = scene.does(&["history", MODEL, "--json"]).await.json();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history:#}");
    assert_eq!(
        history[1]["event"]["at"],
        serde_json::json!(went_off),
        "{history:#}"
    );
    // It stays in ALARM through a training, and a person wants another one.
    scene
        .training_ends(retrain_sandbox::sagemaker::ExecutionStatus::Succeeded)
        .await;
    let again = scene.does(&hold).await;
    assert!(again.out.contains(": held: "), "{again:?}");
}

#[tokio::test]
async fn nothing_is_held_for_an_alarm_that_is_over() {
    let scene = Scene::start().await;
    in_alarm(&scene, "fraud-detection-psi");
    let calmer = stored(&scene).await.replace("6h", "1d");
    let folder = Folder::new("over", &[("fraud-detection.json", &calmer)]);
    let fault = Fault::on(Service::Ssm, "PutParameter", FaultKind::HoldBefore);
    let fault = scene.deployment.sandbox.faults().inject(fault);
    let line = apply(&folder, &["--yes", "--hold-alarms"]);
    let over = async {
        fault.held().await;
        let cloudwatch = scene.deployment.sandbox.cloudwatch();
        cloudwatch
            .set_state("fraud-detection-psi", StateValue::Ok)
            .unwrap();
        fault.release();
    };
    let (printed, ()) = tokio::join!(scene.does(&line), over);
    assert!(
        printed
            .err
            .contains("the alarm \"fraud-detection-psi\" is over"),
        "{printed:?}"
    );
    assert_eq!(scene.does(&["history", MODEL, "--json"]).await.out, "[]\n");
}

#[tokio::test]
async fn what_holding_needs_is_known_before_anything_is_put() {
    let scene = Scene::start().await;
    in_alarm(&scene, "fraud-detection-psi");
    let calmer = stored(&scene).await.replace("6h", "1d");
    let folder = Folder::new("unready", &[("fraud-detection.json", &calmer)]);
    scene.lacks_registry.set(true);
    // A person would be asked whether to hold.
    scene.says.replace(Some(true));
    let printed = scene.run(&apply(&folder, &[])).await;
    assert!(
        matches!(&printed.exit, Err(Failure::Usage(why)) if why.contains("RETRAIN_MODEL_PACKAGES")),
        "{printed:?}"
    );
    assert_eq!(puts(&scene), 0);
}
