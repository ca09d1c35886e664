//! The built binary: exit codes, and what goes to which output.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the binary from the root of the workspace.
fn retrainctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_retrainctl"))
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A directory of this test's own, with files in it.
struct Files(PathBuf);

impl Files {
    fn new(test: &str, files: &[(&str, &[u8])]) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in files {
            std::fs::write(directory.join(name), bytes).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

const POLICIES: &str = "examples/simulate/policies";
const MONTH: &str = "events/month.jsonl.gz";

#[test]
fn exit_codes_are_those_of_the_help() {
    let bad = Files::new(
        "exit-codes",
        &[
            ("m.json", b"{}"),
            (
                "unclosed.json",
                br#"{"drift": {"alarms": [{"endpoint": "e"}}}"#,
            ),
            ("none.jsonl", b""),
        ],
    );
    let (policy, unclosed) = (bad.path("m.json"), bad.path("unclosed.json"));
    let empty = bad.path("none.jsonl");
    let alarm = "events/drift-alarm/alarm.json";
    let table: [(&[&str], i32); 17] = [
        (&["--help"], 0),
        (&["--version"], 0),
        (&["policy", "schema"], 0),
        (&["policy", "new"], 0),
        (&["policy", "check", POLICIES], 0),
        (&["policy", "diff", POLICIES, POLICIES], 0),
        (&["explain", alarm, "-p", POLICIES], 0),
        (&["policy", "check", "no/such/file"], 1),
        (&["simulate", "no/such/file", "-p", POLICIES], 1),
        (&["nonsense"], 2),
        (&["simulate", MONTH], 2),
        (&["simulate", MONTH, "-p", POLICIES, "-p", POLICIES], 2),
        (&["policy", "check", &policy], 3),
        (&["policy", "check", &unclosed], 3),
        (&["policy", "diff", POLICIES, "examples/simulate/calmer"], 3),
        (&["simulate", MONTH, "-p", &policy], 3),
        (&["simulate", &empty, "-p", POLICIES], 3),
    ];
    for (arguments, expected) in table {
        let output = retrainctl(arguments);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        // Whatever is wrong is said, and where no table can hold it.
        assert!(expected == 0 || !output.stderr.is_empty() || expected == 3);
    }
}

#[test]
fn data_and_words_go_different_ways() {
    let broken = Files::new(
        "ways",
        &[("e.jsonl", b"{\"source\": \"aws.s3\"}\nnonsense\n")],
    );
    let events = broken.path("e.jsonl");
    let output = retrainctl(&["simulate", MONTH, &events, "-p", POLICIES, "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["events"]["unreadable"], 2);
    let words = text(&output.stderr);
    assert!(words.contains("e.jsonl:1: "), "{words}");
    assert!(words.contains("e.jsonl:2: is not JSON"), "{words}");
    let strict = ["simulate", MONTH, &events, "-p", POLICIES, "--strict"];
    assert_eq!(retrainctl(&strict).status.code(), Some(3));
}

/// A single clock that counts from 1970 would make a backtest of half a century.
#[test]
fn a_moment_that_cannot_be_right_is_shown_with_its_line() {
    let lines = |moments: [&str; 2]| {
        let asks = r#"{"request": "pause", "model": "churn", "by": "ana", "why": "a test"}"#;
        moments
            .map(|at| format!(r#"{{"at": "{at}", "event": {asks}}}"#))
            .join("\n")
    };
    let good = lines(["2026-01-05T06:00:00Z", "2026-01-06T06:00:00Z"]);
    let lost = lines(["1970-01-01T00:00:09Z", "2026-01-04T06:00:00Z"]);
    let files = Files::new(
        "moments",
        &[
            ("good.jsonl", good.as_bytes()),
            ("lost.jsonl", lost.as_bytes()),
        ],
    );
    let (good, lost) = (files.path("good.jsonl"), files.path("lost.jsonl"));
    let output = retrainctl(&["simulate", &good, &lost, "-p", POLICIES]);
    assert_eq!(output.status.code(), Some(3));
    let words = text(&output.stderr);
    for end in [
        format!("from 1970-01-01T00:00:09Z ({lost}:1)"),
        format!("to 2026-01-06T06:00:00Z ({good}:2)"),
    ] {
        assert!(words.contains(&end), "{words}");
    }
    let output = retrainctl(&["simulate", &good, "-p", POLICIES]);
    assert_eq!(output.status.code(), Some(0));
    let late = lines(["9955-01-02T06:00:00Z", "9955-01-01T06:00:00Z"]);
    let files = Files::new("late-moments", &[("late.jsonl", late.as_bytes())]);
    let late = files.path("late.jsonl");
    let output = retrainctl(&["simulate", &late, "-p", POLICIES]);
    assert_eq!(output.status.code(), Some(3));
    let words = text(&output.stderr);
    let moment = format!("9955-01-02T06:00:00Z ({late}:1) is too late");
    assert!(words.contains(&moment), "{words}");
}

/// The same events in every form that they may be kept in.
#[test]
fn the_form_of_the_input_makes_no_difference() {
    let alarm = std::fs::read_to_string(root().join("events/drift-alarm/alarm.json")).unwrap();
    let ok = std::fs::read_to_string(root().join("events/drift-alarm/ok.json")).unwrap();
    let line = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value.to_string()
    };
    let (a, b) = (line(&alarm), line(&ok));
    let lines = format!("{a}\n\n{b}\n");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let array = format!(" [\n{a},\n{b}\n]");
    let on_one_line = format!("{b}{a}");
    let printed = format!("{alarm}{ok}");
    let forms: [(&str, Vec<u8>); 6] = [
        ("lines.jsonl", lines.clone().into_bytes()),
        ("lines.gz", gzip.finish().unwrap()),
        ("array.json", array.into_bytes()),
        ("joined", on_one_line.into_bytes()),
        ("printed.json", printed.into_bytes()),
        ("reversed.jsonl", format!("{b}\n{a}").into_bytes()),
    ];
    let files: Vec<(&str, &[u8])> = forms.iter().map(|(name, of)| (*name, &of[..])).collect();
    let files = Files::new("forms", &files);
    let report = |path: &str| {
        let output = retrainctl(&["simulate", path, "-p", POLICIES, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let expected = report(&files.path("lines.jsonl"));
    assert!(expected.contains(r#""read": 2"#), "{expected}");
    for (name, _) in &forms {
        assert_eq!(report(&files.path(name)), expected, "{name}");
    }
    let folder = Files::new(
        "forms-folder",
        &[
            ("1.json", alarm.as_bytes()),
            ("2.json", ok.as_bytes()),
            ("README.md", b"no event"),
        ],
    );
    assert_eq!(report(folder.0.to_str().unwrap()), expected);
}

#[test]
fn what_the_example_prints_is_accepted_and_does_what_it_says() {
    let new = retrainctl(&["policy", "new", "fraud-detection"]);
    let files = Files::new("new", &[("fraud-detection.json", &new.stdout)]);
    let checked = retrainctl(&["policy", "check", &files.path("fraud-detection.json")]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    let policy = files.path("fraud-detection.json");
    let explained = retrainctl(&["explain", "events/drift-alarm/alarm.json", "-p", &policy]);
    // It only observes, and it is Monday, 7 o'clock in Berlin.
    assert!(text(&explained.stdout).contains("outcome  would_start: "));
}

#[test]
fn two_models_of_one_pipeline_are_found() {
    let policy = br#"{"pipeline": {"name": "p"}, "min_interval": "6h"}"#;
    let other = br#"{"pipeline": {"name": "P"}, "min_interval": "6h"}"#;
    let files = Files::new("shared", &[("a.json", policy), ("b.json", other)]);
    let output = retrainctl(&["policy", "check", files.0.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stdout);
    assert!(
        told.contains("b.json:1:15: error: pipeline.name: belongs to the model a"),
        "{told}"
    );
}

#[test]
fn the_schema_is_the_committed_one() {
    let committed = std::fs::read_to_string(root().join("docs/policy.schema.json")).unwrap();
    let printed = text(&retrainctl(&["policy", "schema"]).stdout);
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&committed), value(&printed));
}

#[test]
fn a_slot_in_a_file_is_what_an_event_meets() {
    let slot = br#"{
        "version": 7, "updated_at": "2026-01-05T05:00:00Z", "phase": "idle", "claims": 1,
        "starts": [{"at": "2026-01-05T04:00:00Z", "claim": 1}],
        "failures": 1, "failed_at": "2026-01-05T05:45:00Z"
    }"#;
    let files = Files::new("state", &[("slot.json", slot)]);
    let output = retrainctl(&[
        "explain",
        "events/drift-alarm/alarm.json",
        "-p",
        POLICIES,
        "-s",
        &files.path("slot.json"),
    ]);
    insta::assert_snapshot!(text(&output.stdout));
}

/// Every command, by what is typed.
fn commands() -> Vec<String> {
    use clap::CommandFactory as _;
    fn below(of: &clap::Command, typed: &str, all: &mut Vec<String>) {
        for one in of.get_subcommands() {
            let typed = format!("{typed}{}", one.get_name());
            all.push(typed.clone());
            below(one, &format!("{typed} "), all);
        }
    }
    let mut all = Vec::new();
    below(&retrainctl::cli::Cli::command(), "", &mut all);
    all
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = retrainctl(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = text(&output.stdout);
        // What makes text safe for terminals has changed nothing.
        assert!(!script.contains("\\u00"), "{shell}");
        for command in commands() {
            let word = command.rsplit(' ').next().unwrap();
            assert!(script.contains(word), "{shell} does not know {command}");
        }
    }
    assert_eq!(retrainctl(&["completions", "tcsh"]).status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    let script = text(&retrainctl(&["completions", "bash"]).stdout);
    let complete = |typed: &str| {
        let ask = format!(
            "{script}\nCOMP_WORDS=({typed})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _retrainctl retrainctl \"${{COMP_WORDS[COMP_CWORD]}}\" x\n\
             printf '%s ' \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(complete("retrainctl simul"), "simulate ");
    assert!(complete("retrainctl policy che").contains("check"));
    assert!(complete("retrainctl simulate --html-m").contains("--html-models"));
}

#[test]
fn every_command_has_a_manual_page() {
    let files = Files::new("man", &[]);
    let folder = files.0.to_str().unwrap();
    let output = retrainctl(&["man", "--to", folder]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut pages = commands();
    pages.push(String::new());
    for command in &pages {
        let words = ["retrainctl"].into_iter().chain(command.split_whitespace());
        let name = words.collect::<Vec<_>>().join("-");
        let page = std::fs::read_to_string(files.path(&format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), pages.len());
    let simulate = std::fs::read_to_string(files.path("retrainctl-simulate.1")).unwrap();
    assert!(simulate.contains("bytes\\-per\\-row"), "{simulate}");
    let own = text(&retrainctl(&["man"]).stdout);
    assert!(own.contains(".TH retrainctl 1") && own.contains("Exit codes"));
}
