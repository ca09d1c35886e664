//! Policies go to Parameter Store and come back.

use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use retrain_sandbox::Service;
use retrainctl::{Exit, Failure};

use crate::scene::{MODEL, Scene};

pub(crate) const CHURN: &str = r#"{
  "pipeline": {"name": "churn-training"},
  "drift": {"alarms": [{"alarm_name": "churn-*"}]},
  "min_interval": "6h"
}"#;

/// A directory of its own, with these files.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("policies-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

pub(crate) fn apply<'a>(folder: &'a Folder, more: &[&'a str]) -> Vec<&'a str> {
    let line = ["policy", "apply", folder.path(), "--why", "a calmer rule"];
    [&line, more].concat()
}

pub(crate) fn puts(scene: &Scene) -> usize {
    let calls = scene.deployment.sandbox.calls();
    calls.count(Service::Ssm, "PutParameter")
}

/// The sample model's policy as it is stored.
pub(crate) async fn stored(scene: &Scene) -> String {
    scene.does(&["policy", "export", MODEL]).await.out
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
    let (printed, ()) = tokio::join!(scene.run(&line), other);
    assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
    assert!(
        printed.err.contains("is version 3 now, not 2")
            && printed.err.contains("--name /retrain/policies/churn:2"),
        "{printed:?}"
    );
    assert!(printed.out.ends_with("churn: version 3\n"), "{printed:?}");
}

#[tokio::test]
async fn nothing_is_put_over_what_nobody_has_seen() {
    let scene = Scene::start().await;
    scene.deployment.put_policy("churn", "{}").unwrap();
    let other = CHURN.replace("churn-training", "attrition-training");
    let files = [("churn.json", CHURN), ("attrition.json", other.as_str())];
    let folder = Folder::new("unseen", &files);
    // While the person thinks about the question; the first model is done by then.
    let hold = retrain_sandbox::FaultKind::HoldBefore;
    let fault = retrain_sandbox::Fault::on(Service::Ssm, "GetParameter", hold);
    let fault = scene.deployment.sandbox.faults().inject(fault.skip(1));
    let line = apply(&folder, &["--yes"]);
    let somebody = async {
        fault.held().await;
        scene.deployment.put_policy("churn", "{ }").unwrap();
        fault.release();
    };
    let (printed, ()) = tokio::join!(scene.run(&line), somebody);
    let Err(failure @ Failure::Invalid(_)) = &printed.exit else {
        panic!("{printed:?}")
    };
    assert_eq!(
        failure.to_string(),
        "nothing was put over it: the policy of churn was version 1 when it was read, and is \
         version 2 now: somebody else changes it; put before that: attrition"
    );
    assert_eq!(puts(&scene), 1);
}

/// What is written to a terminal, by whomever.
#[derive(Clone, Default)]
struct Terminal(Rc<RefCell<Vec<u8>>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_person_sees_what_they_are_asked_about() {
    let scene = Scene::start().await;
    let folder = Folder::new("seen", &[("churn.json", CHURN)]);
    scene.says.replace(Some(false));
    for line in [
        apply(&folder, &[]),
        ["policy", "remove", MODEL, "--why", "x"].to_vec(),
    ] {
        let terminal = Terminal::default();
        // As the binary writes: its output is buffered, its questions are not.
        let mut out = BufWriter::new(terminal.clone());
        scene
            .write(&line, &mut out, &mut terminal.clone())
            .await
            .unwrap();
        let shown = String::from_utf8(terminal.0.take()).unwrap();
        let (plan, _) = shown.split_once("[y/N]").unwrap();
        assert!(
            plan.contains("churn: has a policy now\n") || plan.contains("version 1, goes\n"),
            "{shown}"
        );
    }
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
    // Nothing is written before everything can be.
    std::fs::remove_file(folder.0.join("fraud-detection.json")).unwrap();
    scene.deployment.put_policy("a", CHURN).unwrap();
    scene.run(&line).await.exit.unwrap_err();
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
    scene.does(&[&line[..], &["--overwrite"]].concat()).await;
    assert_eq!(folder.read("churn.json").trim_end(), CHURN);
    let missing = scene.run(&["policy", "export", "ranking"]).await;
    assert!(
        matches!(&missing.exit, Err(Failure::Invalid(why)) if why.contains("/retrain/policies/ranking")),
        "{missing:?}"
    );
}
