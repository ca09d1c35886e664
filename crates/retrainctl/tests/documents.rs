//! What the documents show is what the binary prints.
//!
//! Every block of a document that is marked `console` is played from top to bottom in a
//! directory that has the repository's `events` and `examples`: after each line that
//! begins with `$ ` comes what the command prints. With `UPDATE_DOCUMENTS=1` the real
//! output is written into the document.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// A place like the repository's root, in which files may be written.
fn workplace(document: &str) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("played-{document}"));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    for shared in ["events", "examples"] {
        symlink(root().join(shared), place.join(shared)).unwrap();
    }
    place
}

/// Variables of the environment.
type Variables = [(String, String)];

/// What a command prints: data first, then words, and the exit code if it is not 0.
fn printed(command: &str, place: &Path, variables: &Variables) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_retrainctl"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(place)
        .env("PATH", path)
        .envs(variables.iter().cloned())
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text += std::str::from_utf8(&output.stderr).unwrap();
    match output.status.code() {
        Some(0) => text,
        code => format!("{text}(exit code {})\n", code.unwrap()),
    }
}

/// The document with what its commands print now, and how many commands it has.
fn played(name: &str, text: &str, variables: &Variables) -> (String, usize) {
    let place = workplace(name);
    let (mut played, mut commands) = (String::new(), 0);
    let (mut is_block, mut is_output) = (false, false);
    // A variable is there once the reader has been told to set it.
    let mut known = Vec::new();
    for line in text.lines() {
        let exported = line.strip_prefix("export ").unwrap_or_default();
        let exported = exported.split_once('=').map(|(name, _)| name);
        known.extend(
            { variables.iter() }
                .filter(|(name, _)| Some(name.as_str()) == exported)
                .cloned(),
        );
        match (is_block, line) {
            (false, "```console") => is_block = true,
            (true, "```") => (is_block, is_output) = (false, false),
            _ => {}
        }
        let command = line.strip_prefix("$ ").filter(|_| is_block);
        if is_output && command.is_none() {
            continue;
        }
        played += line;
        played += "\n";
        if let Some(command) = command {
            played += &printed(command, &place, &known);
            commands += 1;
            is_output = true;
        }
    }
    assert!(!is_block, "{name}: a block does not end");
    (played, commands)
}

fn shows_what_is_printed(path: &str, least: usize) {
    compare(path, least, &[], str::to_owned);
}

/// Plays a document, and compares what is printed once `same` has made it the same on
/// every day.
fn compare(path: &str, least: usize, variables: &Variables, same: impl Fn(&str) -> String) {
    let file = root().join(path);
    let text = std::fs::read_to_string(&file).unwrap();
    let (played, commands) = played(&path.replace('/', "-"), &text, variables);
    let played = same(&played);
    assert!(commands >= least, "{path} has only {commands} commands");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(&file, played).unwrap();
        return;
    }
    let differ = text.lines().zip(played.lines()).find(|(is, was)| is != was);
    assert!(
        text == played,
        "{path} is out of date at {differ:?}: run this test with UPDATE_DOCUMENTS=1"
    );
}

/// The tutorial's own `export` lines; its sandbox is this one.
#[cfg(feature = "aws")]
fn exports(text: &str, endpoint: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("export "));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .filter(|(name, _)| *name != "PATH")
        .map(|(name, value)| match name {
            "AWS_ENDPOINT_URL" => (name.to_owned(), endpoint.to_owned()),
            _ => (name.to_owned(), value.to_owned()),
        })
        .collect()
}

/// Moments of these days, and tokens, as others: they are never the same again.
#[cfg(feature = "aws")]
fn any_day(text: &str) -> String {
    let today = jiff::Timestamp::now();
    let near = |word: &str| {
        let moment = word.parse::<jiff::Timestamp>();
        moment.is_ok_and(|moment| moment.duration_since(today).as_hours().abs() < 24 * 60)
    };
    let is_token = |word: &str| word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let part = |c: char| c.is_ascii_alphanumeric() || "-:.".contains(c);
    let mut same = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !part(c)).unwrap_or(from.len()));
        same += before;
        same += match word.trim_end_matches(['.', ':']) {
            moment if near(moment) => "2026-01-05T06:00:00Z",
            token if is_token(token) => "0123456789abcdef0123456789abcdef",
            _ => word,
        };
        rest = after;
    }
    same + rest
}

#[cfg(feature = "aws")]
#[test]
fn the_tutorial_can_be_followed_line_by_line() {
    let options = retrain_sandbox::Options {
        clock: retrain_sandbox::VirtualClock::following(),
        ..retrain_sandbox::Options::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let deployment = runtime.block_on(retrain_local::Deployment::start(options));
    let endpoint = deployment.as_ref().unwrap().sandbox.endpoint_url();
    let path = "docs/TUTORIAL.md";
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let variables = exports(&text, endpoint);
    assert_eq!(variables.len(), 8);
    compare(path, 20, &variables, any_day);
}

/// The lines of a document's blocks for a shell that call the binary.
#[cfg(feature = "aws")]
fn called(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines);
    let calls = lines.filter(|line| line.starts_with("retrainctl "));
    calls.map(str::to_owned).collect()
}

/// The words of a command line, as a shell reads them.
#[cfg(feature = "aws")]
fn words(line: &str) -> Vec<String> {
    let shell = r#"
        output() { echo "https://sqs.us-east-1.amazonaws.com/111122223333/$1"; }
        retrainctl() { printf '%s\n' retrainctl "$@"; }
        queue=$(output queue)
    "#;
    let output = Command::new("sh")
        .args(["-ec", &format!("{shell}\n{line}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[cfg(feature = "aws")]
#[test]
fn commands_that_need_an_account_are_known_with_their_options() {
    use clap::Parser as _;

    for (path, least) in [("docs/RUNBOOK.md", 6), ("docs/RETRAINCTL.md", 5)] {
        let lines = called(path);
        assert!(lines.len() >= least, "{path} has only {lines:?}");
        for line in lines {
            let parsed = retrainctl::cli::Cli::try_parse_from(words(&line));
            parsed.unwrap_or_else(|error| panic!("{path}: {line}: {error}"));
        }
    }
}

#[test]
fn the_manual_shows_what_is_printed() {
    shows_what_is_printed("docs/RETRAINCTL.md", 9);
}

#[test]
fn the_readme_shows_what_is_printed() {
    shows_what_is_printed("README.md", 1);
}
