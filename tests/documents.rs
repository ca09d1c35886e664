//! What is written down is what is true.

use std::path::PathBuf;

use retrain_core::policy::Policy;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_committed_policy_schema_is_current() {
    let committed: serde_json::Value =
        serde_json::from_str(&read("docs/policy.schema.json")).unwrap();
    let current = schemars::schema_for!(Policy).to_value();
    assert!(
        committed == current,
        "docs/policy.schema.json is out of date: run `make schema`"
    );
}

/// The README shows what `make demo` prints: `make readme` writes it there.
#[tokio::test]
async fn the_readme_shows_the_real_output_of_the_demo() {
    let mut printed = Vec::new();
    Box::pin(retrain_local::demo::play(&mut printed, false))
        .await
        .unwrap();
    let readme = read("README.md");
    let (_, rest) = readme.split_once("<!-- demo -->\n```text\n").unwrap();
    let (shown, _) = rest.split_once("```\n<!-- /demo -->").unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(shown.trim_end(), printed.trim_end(), "run `make readme`");
}

#[test]
fn the_readme_names_every_setting() {
    let readme = read("README.md");
    for name in retrain_lambda::Settings::VARIABLES {
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md does not name {name}"
        );
    }
}

#[test]
fn the_policy_in_the_readme_is_one() {
    let readme = read("README.md");
    let (_, rest) = readme
        .split_once("```json\n")
        .expect("a policy in README.md");
    let (policy, rest) = rest.split_once("```").unwrap();
    Policy::parse(policy).unwrap();
    // The second one adds fields to the first.
    let (_, rest) = rest.split_once("```json\n").expect("more of the policy");
    let (more, _) = rest.split_once("```").unwrap();
    let (first, _) = policy.rsplit_once('}').unwrap();
    Policy::parse(&format!("{first}, {more} }}")).unwrap();
}

#[test]
fn the_policy_document_names_every_placeholder() {
    let text = read("docs/POLICY.md");
    for placeholder in retrain_core::policy::Placeholder::ALL {
        assert!(
            text.contains(&format!("`{{{placeholder}}}`")),
            "docs/POLICY.md does not name {placeholder}"
        );
    }
}

/// The threat model names what fails when a control is gone.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let text = read("docs/THREATS.md");
    let mut named = 0;
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let Some(tests) = row.split('|').nth(4).filter(|cell| cell.contains('`')) else {
            continue;
        };
        for test in tests.split(", ") {
            let mut words = test.split('`').filter(|word| !word.trim().is_empty());
            let file = read(words.next().unwrap());
            for name in words {
                assert!(file.contains(name), "{test}");
            }
            named += 1;
        }
    }
    assert!(named > 20, "only {named} are found");
}
