//! The built binary, told by options and the AWS CLI's files whose AWS it is about.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use retrain_local::Deployment;
use retrain_sandbox::{Options, VirtualClock};

/// `status` with no variables but those of the files and these.
async fn status(files: &Path, variables: &[(&str, &str)], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retrainctl"));
    command
        .args(["status", "--table", "retrain"])
        .args(["--policy-path", "/retrain/policies"])
        .args(options)
        .env_clear()
        .env("AWS_CONFIG_FILE", files.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", files.join("credentials"))
        // No machine asks the metadata service of another one.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_says_whose_aws_it_is() {
    let options = Options {
        clock: VirtualClock::following(),
        ..Options::default()
    };
    let deployment = Deployment::start(options).await.unwrap();
    let endpoint = deployment.sandbox.endpoint_url();
    let files = Path::new(env!("CARGO_TARGET_TMPDIR")).join("account");
    fs::create_dir_all(&files).unwrap();
    let config = format!(
        "[profile team]\nregion = us-east-1\nendpoint_url = {endpoint}\n\
         [profile nowhere]\nendpoint_url = {endpoint}\n\
         [profile nobody]\nregion = us-east-1\nendpoint_url = {endpoint}\n"
    );
    fs::write(files.join("config"), config).unwrap();
    let keys = "aws_access_key_id = sandbox\naws_secret_access_key = sandbox\n";
    let credentials = format!("[team]\n{keys}[nowhere]\n{keys}");
    fs::write(files.join("credentials"), credentials).unwrap();
    let run = async |variables: &[_], options: &[_]| {
        let done = status(&files, variables, options).await;
        let said = String::from_utf8(done.stderr).unwrap();
        (done.status.code(), said)
    };

    // By option and by variable; without either there is nobody to be.
    assert_eq!(
        run(&[], &["--profile", "team"]).await,
        (Some(0), String::new())
    );
    let by_variable = run(&[("AWS_PROFILE", "team")], &[]).await;
    assert_eq!(by_variable, (Some(0), String::new()));
    assert_eq!(run(&[], &[]).await.0, Some(1));

    // The region of the option is used, and without one there is no AWS to ask.
    let nowhere = ["--profile", "nowhere", "--region", "us-east-1"];
    assert_eq!(run(&[], &nowhere).await, (Some(0), String::new()));
    assert_eq!(run(&[], &["--profile", "nowhere"]).await.0, Some(1));

    // Whoever names a profile does not mean the credentials that lie around.
    let others = [
        ("AWS_ACCESS_KEY_ID", "sandbox"),
        ("AWS_SECRET_ACCESS_KEY", "sandbox"),
    ];
    assert_eq!(run(&others, &["--profile", "nobody"]).await.0, Some(1));
}
