//! What a person asks of the controller.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::ExecutionStatus as Trained;
use retrainctl::{Exit, Failure};

use crate::scene::{MODEL, Scene};

fn because<'a>(line: &[&'a str]) -> Vec<&'a str> {
    [line, &["--why", "a fix is out", "--yes"]].concat()
}

#[tokio::test]
async fn a_person_pauses_and_resumes_a_model_and_it_is_on_record() {
    let scene = Scene::start().await;
    let paused = scene.does(&["pause", MODEL, "-w", "an outage"]).await;
    assert!(paused.out.starts_with("fraud-detection: paused: "));
    scene.alarm("fraud-detection-data-quality").await;
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 0);
    // A resume starts what was held, at the next look.
    let resumed = scene.does(&because(&["resume", MODEL])).await;
    assert!(resumed.out.contains("unpaused"), "{resumed:?}");
    let history = scene.does(&["history", MODEL]).await.out;
    assert!(
        history.contains("\"ana\" pauses: \"an outage\""),
        "{history}"
    );
    assert!(
        history.contains("\"ana\" resumes: \"a fix is out\""),
        "{history}"
    );
    let held = scene.does(&["held", "--json"]).await.json();
    assert!(held[0]["guard"].is_null(), "{held}");
}

#[tokio::test]
async fn a_dry_run_says_what_comes_and_leaves_everything_as_it_was() {
    let scene = Scene::released().await;
    scene.does(&because(&["pause", "--everything"])).await;
    let before = scene.table().await;
    let would: [(&[&str], &str); 8] = [
        (&["pause", MODEL], "paused"),
        (&["pause", "--everything"], "unchanged"),
        (&["resume", "--everything"], "controller_resumed"),
        (&["reset-breaker", MODEL], "unchanged"),
        (&["trigger", MODEL], "held"),
        (&["cancel", MODEL, "-e", "staging"], "unchanged"),
        (&["reject", MODEL, "2"], "writing"),
        (
            &["sign-off", MODEL, "2", "--role", "fairness"],
            "signed_off",
        ),
    ];
    scene.deployment.sandbox.calls().take();
    for (line, outcome) in would {
        let dry = ["--why", "to see", "--dry-run", "--json"];
        let printed = scene.does(&[line, &dry].concat()).await;
        let answer = printed.json();
        assert_eq!(answer["outcome"], outcome, "{line:?}: {answer}");
        assert_eq!(answer["dry_run"], true);
    }
    assert_eq!(scene.table().await, before);
    let calls = scene.deployment.sandbox.calls().take();
    let writes = calls.iter().filter(|call| {
        ["TransactWrite", "Put", "Update", "Start", "Delete"]
            .iter()
            .any(|verb| call.operation.starts_with(verb))
    });
    assert_eq!(writes.count(), 0);
    // What is refused is foreseen, too.
    let refused = ["approve", MODEL, "2", "--why", "to see", "--dry-run"];
    let refused = scene.run(&refused).await;
    assert!(matches!(refused.exit, Ok(Exit::No)), "{refused:?}");
    assert!(refused.out.contains("would be not_taken"), "{refused:?}");
    // What was foreseen comes.
    let real = scene.does(&because(&["reject", MODEL, "2"])).await;
    assert!(real.out.contains("writing"), "{real:?}");
}

#[tokio::test]
async fn a_run_is_started_by_force_inside_the_interval_and_once_per_key() {
    let scene = Scene::start().await;
    scene.alarm("fraud-detection-data-quality").await;
    scene.training_ends(Trained::Succeeded).await;
    let held = scene.does(&because(&["trigger", MODEL])).await;
    assert!(held.out.contains("held: the minimum interval"), "{held:?}");
    let forced = because(&["trigger", MODEL, "--force", "--key", "hotfix"]);
    let started = scene.does(&forced).await;
    assert!(started.out.contains("claimed"), "{started:?}");
    assert!(started.out.contains("then started"), "{started:?}");
    let again = scene.does(&forced).await;
    assert!(again.out.contains("duplicate"), "{again:?}");
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_asked_about() {
    let scene = Scene::start().await;
    let line = ["trigger", MODEL, "--why", "new code"];
    let nobody = scene.run(&line).await;
    assert!(matches!(&nobody.exit, Err(Failure::Usage(why)) if why.contains("--yes")));
    scene.says.replace(Some(false));
    let no = scene.run(&line).await;
    assert!(matches!(no.exit, Ok(Exit::No)), "{no:?}");
    assert!(no.err.contains("would be claimed"), "{no:?}");
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 0);
    scene.says.replace(Some(true));
    scene.does(&line).await;
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn a_package_goes_from_sign_offs_to_production_and_back() {
    let scene = Scene::released().await;
    // Nobody deploys what is not approved.
    let early = scene
        .run(&because(&["promote", MODEL, "2", "--to", "production"]))
        .await;
    assert!(matches!(early.exit, Ok(Exit::No)), "{early:?}");
    release(&scene, "2").await;
    let nothing = because(&["rollback", MODEL, "-e", "production"]);
    let nothing = scene.run(&nothing).await;
    assert!(matches!(nothing.exit, Ok(Exit::No)), "{nothing:?}");
    assert!(nothing.out.contains("nothing to go back to"), "{nothing:?}");
    scene.register();
    scene.hear_of_packages().await;
    release(&scene, "3").await;
    let page = scene.does(&["status", MODEL]).await;
    let serves = page.lines("serves ");
    assert_eq!(serves.len(), 2, "{}", page.out);
    assert!(
        serves
            .iter()
            .all(|line| line.ends_with("fraud-detection/3"))
    );
    let back = because(&["rollback", MODEL, "-e", "production"]);
    let back = scene.does(&back).await;
    assert!(back.out.contains("then claimed"), "{back:?}");
    scene.deployment_succeeds().await;
    let page = scene.does(&["status", MODEL]).await;
    assert!(
        page.lines("serves ")[0].ends_with("fraud-detection/2"),
        "{}",
        page.out
    );
    let history = ["history", MODEL, "-e", "production"];
    let history = scene.does(&history).await.out;
    assert!(
        history.contains("\"ana\" rolls back: \"a fix is out\""),
        "{history}"
    );
}

#[tokio::test]
async fn a_person_rejects_a_package() {
    let scene = Scene::released().await;
    scene.does(&because(&["reject", MODEL, "2"])).await;
    scene.hear_of_packages().await;
    let packages = scene.deployment.sandbox.sagemaker().packages();
    let newest = packages.last().unwrap();
    assert_eq!(format!("{:?}", newest.approval_status), "Rejected");
}

#[tokio::test]
async fn a_request_that_can_never_be_met_says_why() {
    let scene = Scene::released().await;
    let cases: [(&[&str], &str); 4] = [
        (&["pause", "nobody"], "no policy is stored"),
        (&["pause", MODEL, "-e", "test"], "no environment test"),
        (
            &[
                "approve",
                MODEL,
                "arn:aws:sagemaker:us-east-1:111122223333:model-package/other/1",
            ],
            "has no package",
        ),
        (&["rollback", MODEL, "-e", "test"], "no environment test"),
    ];
    for (line, why) in cases {
        let printed = scene.run(&because(line)).await;
        let Err(failure @ Failure::Invalid(_)) = &printed.exit else {
            panic!("{printed:?}")
        };
        assert!(failure.to_string().contains(why), "{failure}");
    }
    let bad = scene.run(&because(&["approve", MODEL, "seven"])).await;
    assert!(matches!(bad.exit, Err(Failure::Usage(_))), "{bad:?}");
}

/// All roles sign, staging follows by itself, and a person promotes to production.
pub(crate) async fn release(scene: &Scene, package: &str) {
    for role in ["technical", "fairness"] {
        // A reason of several lines makes no lines of its own.
        let why = "fine\n2026-01-05T00:00:00Z  #9 rejected (policy 2)";
        let sign = [
            "sign-off", MODEL, package, "--role", role, "--why", why, "--yes",
        ];
        let signed = scene.does(&sign).await;
        let history = scene.does(&["status", MODEL]).await;
        for line in signed.out.lines().chain(history.out.lines()) {
            assert!(
                !line.trim().starts_with("2026-01-05T00:00:00Z  #9"),
                "{line}"
            );
        }
    }
    scene.hear_of_packages().await;
    // No person's word can cross the controller's any more.
    scene.wait(SignedDuration::from_mins(2));
    scene.reconcile().await;
    scene.deployment_succeeds().await;
    scene.wait(SignedDuration::from_hours(1));
    let promote = because(&["promote", MODEL, package, "--to", "production"]);
    let promoted = scene.does(&promote).await;
    assert!(promoted.out.contains("claimed"), "{promoted:?}");
    scene.deployment_succeeds().await;
    scene.wait(SignedDuration::from_hours(1));
}
