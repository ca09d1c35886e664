//! Policies go to Parameter Store and come back.

use std::path::{Path, PathBuf};

use retrain_sandbox::Service;
use retrain_sandbox::cloudwatch::{Alarm, StateValue};
use retrainctl::{Exit, Failure};

use crate::scene::{MODEL, Scene};

const CHURN: &str = r#"{
  "pipeline": {"name": "churn-training"},
  "drift": {"alarms": [{"alarm_name": "churn-*"}]},
  "min_interval": "6h"
}"#;

/// A directory of its own, with these files.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("policies-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

fn apply<'a>(folder: &'a Folder, more: &[&'a str]) -> Vec<&'a str> {
    let line = ["policy", "apply", folder.path(), "--why", "a calmer rule"];
    [&line, more].concat()
}

fn puts(scene: &Scene) -> usize {
    let calls = scene.deployment.sandbox.calls();
    calls.count(Service::Ssm, "PutParameter")
}

/// The sample model's policy as it is stored.
async fn stored(scene: &Scene) -> String {
    scene.does(&["policy", "export", MODEL]).await.out
}

fn in_alarm(scene: &Scene, name: &str) {
    let cloudwatch = scene.deployment.sandbox.cloudwatch();
    let alarm = Alarm::new(name).state(StateValue::Alarm);
    cloudwatch.put_alarm(alarm).unwrap();
}

#[tokio::test]
async fn only_what_changes_is_put_after_it_is_shown() {
    let scene = Scene::start().await;
    let known = stored(&scene).await;
    let value: serde_json::Value = serde_json::from_str(&known).unwrap();
    // What is written differently means the same.
    let files = [
        ("fraud-detection.json", format!("{value:#}\n")),
        ("churn.json", CHURN.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let folder = Folder::new("changes", &files);
    let dry = scene.does(&apply(&folder, &["--dry-run"])).await;
    assert_eq!(dry.out, "churn: has a policy now\n");
    assert!(
        dry.err
            .contains("1 policy would be put under /retrain/policies")
    );
    assert_eq!(puts(&scene), 0);
    let done = scene.does(&apply(&folder, &["--yes"])).await;
    assert_eq!(done.out, "churn: has a policy now\nchurn: version 1\n");
    assert_eq!(puts(&scene), 1);
    let calls = scene.deployment.sandbox.calls().take();
    let put = calls.iter().find(|call| call.operation == "PutParameter");
    let put = &put.unwrap().request;
    assert_eq!(put["Description"], "ana: a calmer rule");
    assert_eq!(put["Value"], CHURN);

    let calmer = known.replace("6h", "1d");
    std::fs::write(folder.0.join("fraud-detection.json"), calmer).unwrap();
    let done = scene
        .does(&apply(&folder, &["--yes", "--json"]))
        .await
        .json();
    assert_eq!(done["versions"], serde_json::json!({"fraud-detection": 2}));
    assert_eq!(done["unchanged"], serde_json::json!(["churn"]));
    let change = &done["changes"]["changed"]["fraud-detection"][0];
    assert_eq!(change["meaning"], "starts are further apart");
    let again = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(again.err.contains("nothing to do"), "{again:?}");
    assert_eq!(puts(&scene), 1);
}

#[tokio::test]
async fn nothing_is_put_that_would_break_a_policy() {
    let scene = Scene::start().await;
    let broken = CHURN.replace("min_interval", "min_intervall");
    let thief = CHURN.replace("churn-training", "fraud-detection-training");
    let cases = [
        ("misspelt", "churn.json", &broken, "nothing was applied: "),
        (
            "late",
            "z.json",
            &thief,
            "belongs to the model fraud-detection",
        ),
        // It comes first by name: the stored policy would be the one that is invalid.
        (
            "early",
            "a.json",
            &thief,
            "the policy of fraud-detection is invalid",
        ),
    ];
    for (name, file, text, why) in cases {
        let folder = Folder::new(name, &[(file, text), ("ok.json", CHURN)]);
        let printed = scene.run(&apply(&folder, &["--yes"])).await;
        let Err(failure @ Failure::Invalid(_)) = &printed.exit else {
            panic!("{printed:?}")
        };
        assert!(failure.to_string().contains(why), "{failure}");
    }
    assert_eq!(puts(&scene), 0);
    // What was invalid before does not stand in the way, and can be mended.
    scene.deployment.put_policy("churn", "{}").unwrap();
    let folder = Folder::new("mends", &[("churn.json", CHURN)]);
    let mended = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(
        mended
            .out
            .contains("churn: replaces a policy that is invalid")
    );
    assert!(mended.out.contains("churn: version 2"), "{mended:?}");
}

#[tokio::test]
async fn a_person_is_asked_before_anything_is_put() {
    let scene = Scene::start().await;
    let folder = Folder::new("asked", &[("churn.json", CHURN)]);
    let nobody = scene.run(&apply(&folder, &[])).await;
    assert!(matches!(&nobody.exit, Err(Failure::Usage(why)) if why.contains("--yes")));
    scene.says.replace(Some(false));
    let no = scene.run(&apply(&folder, &[])).await;
    assert!(matches!(no.exit, Ok(Exit::No)), "{no:?}");
    assert!(
        no.err.contains("Put 1 policy under /retrain/policies?"),
        "{no:?}"
    );
    assert_eq!(puts(&scene), 0);
    scene.says.replace(Some(true));
    scene.does(&apply(&folder, &[])).await;
    assert_eq!(puts(&scene), 1);
}

#[tokio::test]
async fn whoever_puts_at_the_same_time_is_not_overlooked() {
    let scene = Scene::start().await;
    scene.deployment.put_policy("churn", "{}").unwrap();
    let folder = Folder::new("race", &[("churn.json", CHURN)]);
    let hold = retrain_sandbox::FaultKind::HoldBefore;
    let fault = retrain_sandbox::Fault::on(Service::Ssm, "PutParameter", hold);
    let fault = scene.deployment.sandbox.faults().inject(fault);
    let line = apply(&folder, &["--yes"]);
    let other = async {
        fault.held().await;
        scene.deployment.put_policy("churn", "{ }").unwrap();
        fault.release();
    };
    let (printed, ()) = tokio::join!(scene.does(&line), other);
    assert!(
        printed.err.contains("is version 3 now, not 2"),
        "{printed:?}"
    );
    assert!(printed.out.ends_with("churn: version 3\n"), "{printed:?}");
}

#[tokio::test]
async fn what_fails_midway_says_what_was_put() {
    let scene = Scene::start().await;
    let other = CHURN.replace("churn-training", "ranking-training");
    let files = [("churn.json", CHURN), ("ranking.json", other.as_str())];
    let folder = Folder::new("midway", &files);
    let no = retrain_sandbox::FaultKind::Refuse {
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    let fault = retrain_sandbox::Fault::on(Service::Ssm, "PutParameter", no);
    scene.deployment.sandbox.faults().inject(fault.skip(1));
    let printed = scene.run(&apply(&folder, &["--yes"])).await;
    let failure = printed.exit.unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    assert!(
        failure.to_string().ends_with("put before that: churn"),
        "{failure}"
    );
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
    assert!(
        put.err
            .contains("no trigger is held for 2 alarms: --hold-alarms")
    );
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
async fn a_stored_policy_comes_back_as_it_was_put() {
    let scene = Scene::start().await;
    scene.deployment.put_policy("churn", CHURN).unwrap();
    let folder = Folder::new("export", &[]);
    let line = ["policy", "export", "--to", folder.path()];
    let done = scene.does(&line).await;
    assert!(done.err.starts_with("2 files written to "), "{done:?}");
    assert_eq!(folder.read("churn.json").trim_end(), CHURN);
    assert_eq!(folder.read("fraud-detection.json"), stored(&scene).await);
    assert!(scene.does(&line).await.err.starts_with("0 files written"));
    // What was exported means what is stored.
    let same = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(same.err.contains("nothing to do"), "{same:?}");

    let mine = CHURN.replace("6h", "7h");
    std::fs::write(folder.0.join("churn.json"), &mine).unwrap();
    let refused = scene.run(&line).await;
    assert!(matches!(&refused.exit, Err(Failure::Invalid(why)) if why.contains("--overwrite")));
    assert_eq!(folder.read("churn.json"), mine);
    scene.does(&[&line[..], &["--overwrite"]].concat()).await;
    assert_eq!(folder.read("churn.json").trim_end(), CHURN);
    let missing = scene.run(&["policy", "export", "ranking"]).await;
    assert!(
        matches!(&missing.exit, Err(Failure::Invalid(why)) if why.contains("/retrain/policies/ranking")),
        "{missing:?}"
    );
}

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

#[tokio::test]
async fn a_policy_stays_while_something_is_being_started() {
    let scene = Scene::start().await;
    let lost = retrain_sandbox::Fault::on(
        Service::SageMaker,
        "StartPipelineExecution",
        retrain_sandbox::FaultKind::ServerErrorAfter,
    );
    scene.deployment.sandbox.faults().inject(lost);
    scene.alarm("fraud-detection-data-quality").await;
    let busy = scene.run(&remove(&["--yes"])).await;
    assert!(matches!(busy.exit, Ok(Exit::No)), "{busy:?}");
    assert!(busy.err.contains("try again in a minute"), "{busy:?}");
    assert!(stored(&scene).await.contains("fraud-detection-training"));
    scene.wait(jiff::SignedDuration::from_mins(5));
    let done = scene.does(&remove(&["--yes", "--json"])).await.json();
    assert_eq!(done["removed"], true);
    assert_eq!(done["settled"][0]["outcome"], "retired");
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
