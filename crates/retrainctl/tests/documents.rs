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

/// What a command prints: data first, then words, and the exit code if it is not 0.
fn printed(command: &str, place: &Path) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_retrainctl"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(place)
        .env("PATH", path)
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
fn played(name: &str, text: &str) -> (String, usize) {
    let place = workplace(name);
    let (mut played, mut commands) = (String::new(), 0);
    let (mut is_block, mut is_output) = (false, false);
    for line in text.lines() {
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
            played += &printed(command, &place);
            commands += 1;
            is_output = true;
        }
    }
    assert!(!is_block, "{name}: a block does not end");
    (played, commands)
}

fn shows_what_is_printed(path: &str, least: usize) {
    let file = root().join(path);
    let text = std::fs::read_to_string(&file).unwrap();
    let (played, commands) = played(&path.replace('/', "-"), &text);
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

#[test]
fn the_manual_shows_what_is_printed() {
    shows_what_is_printed("docs/RETRAINCTL.md", 9);
}

#[test]
fn the_readme_shows_what_is_printed() {
    shows_what_is_printed("README.md", 1);
}
