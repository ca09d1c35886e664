//! All policies in one object of S3.

use retrain_local::Deployment;
use retrain_sandbox::s3::Versioning;
use retrain_sandbox::{Fault, FaultKind, Options, Service};
use retrainctl::{Exit, Failure};
use serde_json::json;

use crate::policies::{CHURN, Folder, apply};
use crate::scene::{MODEL, Scene};

const URI: &str = "s3://policies/retrain.jsonl.gz";

/// A controller whose policies are in a bundle, once there is one.
async fn bundled() -> Scene {
    let deployment = Deployment::start(Options::default()).await.unwrap();
    let s3 = deployment.sandbox.s3();
    s3.create_bucket("policies", Versioning::Enabled).unwrap();
    Scene::on(deployment.bundle_policies(URI).unwrap())
}

/// The same, and what Parameter Store has is in it.
async fn moved() -> Scene {
    let scene = bundled().await;
    scene
        .does(&["policy", "bundle", URI, "--why", "many", "--yes"])
        .await;
    scene.deployment.sandbox.calls().take();
    scene
}

fn puts(scene: &Scene) -> usize {
    scene
        .deployment
        .sandbox
        .calls()
        .count(Service::S3, "PutObject")
}

#[tokio::test]
async fn what_parameter_store_has_is_copied_with_its_versions() {
    let scene = bundled().await;
    scene.deployment.put_policy("churn", "{not json").unwrap();
    scene.deployment.put_policy("churn", CHURN).unwrap();
    scene.deployment.put_policy("broken", "{not json").unwrap();
    let line = ["policy", "bundle", URI, "--why", "many"];
    let dry = scene.does(&[&line[..], &["--dry-run"]].concat()).await;
    assert_eq!(
        dry.out,
        "broken: version 1\nchurn: version 2\nfraud-detection: version 1\n"
    );
    let nobody = scene.run(&line).await;
    assert!(matches!(&nobody.exit, Err(Failure::Usage(why)) if why.contains("--yes")));
    scene.says.replace(Some(false));
    assert!(matches!(scene.run(&line).await.exit, Ok(Exit::No)));
    assert_eq!(puts(&scene), 0);
    scene.says.replace(Some(true));
    let done = scene.does(&line).await;
    assert!(done.err.contains("3 models copied"), "{done:?}");
    let export = ["policy", "export", "broken", "churn", MODEL];
    let copied = scene.does(&export).await.out;
    let in_parameters = [&export[..], &["--policy-path", "/retrain/policies"]].concat();
    assert_eq!(copied, scene.does(&in_parameters).await.out);

    let again = scene.does(&[&line[..], &["--json"]].concat()).await;
    assert_eq!(again.json()["unchanged"], 3);
    assert_eq!(puts(&scene), 1);
    // What has changed in Parameter Store meanwhile comes with a higher version.
    scene.deployment.put_policy("churn", "{}").unwrap();
    let later = scene
        .does(&[&line[..], &["--json", "--yes"]].concat())
        .await;
    assert_eq!(later.json()["versions"], json!({"churn": 3}));
}

#[tokio::test]
async fn apply_writes_once_and_only_what_changes() {
    let scene = moved().await;
    let known = scene.does(&["policy", "export", MODEL]).await.out;
    let files = [
        ("fraud-detection.json", known.as_str()),
        ("churn.json", CHURN),
    ];
    let folder = Folder::new("bundle-changes", &files);
    let dry = scene.does(&apply(&folder, &["--dry-run"])).await;
    assert!(
        dry.err
            .contains(&format!("1 policy would be put into {URI}"))
    );
    assert_eq!(puts(&scene), 0);
    let done = scene.does(&apply(&folder, &["--yes"])).await;
    assert_eq!(done.out, "churn: has a policy now\nchurn: version 2\n");
    assert_eq!(puts(&scene), 1);
    let again = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(again.err.contains("nothing to do"), "{again:?}");
    assert_eq!(puts(&scene), 1);

    let calmer = known.replace("6h", "1d");
    std::fs::write(folder.0.join("fraud-detection.json"), &calmer).unwrap();
    let done = scene.does(&apply(&folder, &["--yes", "--json"])).await;
    assert_eq!(done.json()["versions"], json!({"fraud-detection": 3}));
    assert_eq!(scene.does(&["policy", "export", MODEL]).await.out, calmer);
    let status = scene.does(&["status", "--json"]).await.json();
    assert!(status.to_string().contains("churn"), "{status}");
    let calls = scene.deployment.sandbox.calls();
    assert_eq!(calls.count(Service::Ssm, "PutParameter"), 0);
    assert_eq!(calls.count(Service::Ssm, "GetParametersByPath"), 0);
}

#[tokio::test]
async fn the_first_policies_make_the_bundle() {
    let scene = bundled().await;
    let folder = Folder::new("bundle-first", &[("churn.json", CHURN)]);
    let status = scene.run(&["status"]).await;
    assert!(
        matches!(&status.exit, Err(Failure::Aws(why)) if why.contains(URI)),
        "{status:?}"
    );
    let done = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(done.out.contains("churn: version 1"), "{done:?}");
}

#[tokio::test]
async fn of_two_people_at_once_one_is_told_and_nothing_is_lost() {
    let scene = moved().await;
    let folder = Folder::new("bundle-ana", &[("churn.json", CHURN)]);
    let late = Folder::new(
        "bundle-ben",
        &[("other.json", &CHURN.replace("churn", "other"))],
    );
    let fault = Fault::on(Service::S3, "PutObject", FaultKind::HoldBefore);
    let held = scene.deployment.sandbox.faults().inject(fault);
    let ben_line = apply(&late, &["--yes"]);
    let ben = scene.run(&ben_line);
    let ana = async {
        held.held().await;
        let ana = scene.does(&apply(&folder, &["--yes"])).await;
        held.release();
        ana
    };
    let (ben, ana) = tokio::join!(ben, ana);
    assert!(ana.out.contains("churn: version 2"), "{ana:?}");
    let Err(failure @ Failure::Invalid(_)) = &ben.exit else {
        panic!("{ben:?}")
    };
    assert!(failure.to_string().contains("somebody else has changed"));
    let ben = scene.does(&ben_line).await;
    assert!(ben.out.contains("other: version 3"), "{ben:?}");
    scene.does(&["policy", "export", "churn", "other"]).await;
}

#[tokio::test]
async fn a_policy_is_removed_from_the_bundle_while_others_change_it() {
    let scene = moved().await;
    let folder = Folder::new("bundle-removes", &[("churn.json", CHURN)]);
    scene.does(&apply(&folder, &["--yes"])).await;
    let conflict = FaultKind::Refuse {
        code: "ConditionalRequestConflict".to_owned(),
        message: "somebody writes".to_owned(),
    };
    let faults = scene.deployment.sandbox.faults();
    faults.inject(Fault::on(Service::S3, "PutObject", conflict));
    let remove = ["policy", "remove", "churn", "--why", "gone", "--yes"];
    let gone = scene.does(&remove).await;
    assert!(
        gone.err.contains(&format!("removed churn in {URI}")),
        "{gone:?}"
    );
    let export = scene.run(&["policy", "export", "churn"]).await;
    assert!(
        matches!(&export.exit, Err(Failure::Invalid(why)) if why.contains("no policy churn in"))
    );
    scene.does(&["policy", "export", MODEL]).await;
    // Its versions do not begin again.
    let again = scene.does(&apply(&folder, &["--yes"])).await;
    assert!(again.out.contains("churn: version 4"), "{again:?}");
}

#[tokio::test]
async fn an_option_goes_before_the_variable_of_the_other_place() {
    let scene = moved().await;
    let folder = Folder::new("bundle-option", &[("churn.json", CHURN)]);
    let path = ["--yes", "--policy-path", "/retrain/policies"];
    let done = scene.does(&apply(&folder, &path)).await;
    assert!(done.out.contains("churn: version 1"), "{done:?}");
    assert_eq!(puts(&scene), 0);
    let status = scene
        .does(&["status", "--json", "--policy-path", "/retrain/policies"])
        .await;
    assert!(status.out.contains("churn"), "{status:?}");
    assert!(
        !scene
            .does(&["status", "--json"])
            .await
            .out
            .contains("churn")
    );
}
