//! The built binary against the sandbox: settings from the environment, exit codes.

use std::process::{Command, Output, Stdio};

use retrain_local::Deployment;
use retrain_sandbox::{Options, VirtualClock};

use crate::scene::MODEL;

/// Runs the binary with only these variables, besides what the sandbox needs.
async fn retrainctl(deployment: &Deployment, settings: bool, line: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retrainctl"));
    command
        .args(line)
        .env_clear()
        .env("AWS_ENDPOINT_URL", deployment.sandbox.endpoint_url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "sandbox")
        .env("AWS_SECRET_ACCESS_KEY", "sandbox")
        .env("USER", "ana")
        .stdin(Stdio::null());
    if settings {
        command
            .env("RETRAIN_TABLE", &deployment.settings().table)
            .env(
                "RETRAIN_POLICY_PATH",
                deployment.settings().policies.to_string(),
            )
            .env(
                "RETRAIN_MODEL_PACKAGES",
                "arn:aws:sagemaker:us-east-1:111122223333:model-package",
            );
    }
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_says_where_the_controller_is() {
    let options = Options {
        clock: VirtualClock::following(),
        ..Options::default()
    };
    let deployment = Deployment::start(options).await.unwrap();
    let run = async |settings, line: &[&str]| retrainctl(&deployment, settings, line).await;
    let nowhere = run(false, &["status"]).await;
    assert_eq!(nowhere.status.code(), Some(2), "{nowhere:?}");
    assert!(
        text(&nowhere.stderr).contains("RETRAIN_TABLE"),
        "{nowhere:?}"
    );
    let options = [
        "status",
        "--table",
        "retrain",
        "--policy-path",
        "/retrain/policies",
    ];
    assert_eq!(run(false, &options).await.status.code(), Some(0));

    // A reason that would clear the screen is shown, and asks for nothing else.
    let why = "\u{1b}[2Jgone";
    let paused = run(true, &["pause", MODEL, "--why", why]).await;
    assert_eq!(paused.status.code(), Some(0), "{paused:?}");
    let page = run(true, &["status", MODEL]).await;
    assert_eq!(page.status.code(), Some(0), "{page:?}");
    let shown = text(&page.stdout);
    assert!(shown.contains("[2Jgone"), "{shown}");
    assert!(!page.stdout.contains(&0x1b), "{page:?}");

    let unasked = run(true, &["trigger", MODEL, "--why", "new code"]).await;
    assert_eq!(unasked.status.code(), Some(2), "{unasked:?}");
    let no_such = run(true, &["trigger", "nobody", "--why", "x", "--yes"]).await;
    assert_eq!(no_such.status.code(), Some(3), "{no_such:?}");
    let no_table = run(true, &["status", "--table", "nowhere"]).await;
    assert_eq!(no_table.status.code(), Some(1), "{no_table:?}");
    assert!(text(&no_table.stderr).contains("ResourceNotFoundException"));
}
