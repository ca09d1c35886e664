//! Every sample event leads to the decision that events/README.md promises.

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::bench::Bench;

struct Row {
    sample: String,
    decision: String,
}

fn rows() -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events/README.md");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let sample = cells.get(1)?.strip_prefix('`')?.strip_suffix(".json`")?;
            Some(Row {
                sample: sample.to_owned(),
                decision: (*cells.get(4)?).to_owned(),
            })
        })
        .collect()
}

/// What the function does with the sample, in the words of the table.
async fn decision(sample: &str) -> Vec<String> {
    let bench = Bench::start().await;
    // The samples happen on the sandbox's first day.
    bench.wait(SignedDuration::from_hours(23));
    let event = retrain_local::sample(sample).unwrap();
    match bench.deliver(event.event()).await {
        Ok(answers) => answers
            .into_iter()
            .map(|answer| match answer.outcome.as_str() {
                "claimed" => {
                    assert_eq!(answer.then[0].outcome, "started", "{sample}");
                    "started".to_owned()
                }
                other => other.to_owned(),
            })
            .collect(),
        Err(failure) => vec![failure.error_type()],
    }
}

#[tokio::test]
async fn every_sample_is_decided_as_documented() {
    let rows = rows();
    assert!(rows.len() >= 50, "{} rows", rows.len());
    for row in rows {
        let found = decision(&row.sample).await;
        let first = &found[0];
        let matches = match row.decision.split([' ', ':']).next().unwrap() {
            "terminal" => {
                let name = row.decision.split('`').nth(1).unwrap();
                first.strip_prefix("Terminal.") == Some(name)
            }
            word => word.trim_end_matches([';', ',']) == first,
        };
        assert!(
            matches,
            "{}: documented {:?}, found {found:?}",
            row.sample, row.decision
        );
    }
}
