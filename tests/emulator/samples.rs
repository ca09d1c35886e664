//! Every sample event comes to the decision that events/README.md promises.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;

use super::lambda::{Lambda, Reply};
use super::{World, invoke, say, turn};
use crate::approvals::bench_before;
use crate::samples::{Row, rows, run};

/// The function that a malformed sample is for, by the beginning of its name; drift-alarm
/// for all others.
const INVALID: [(&str, &str); 4] = [
    ("data-", "data-arrival"),
    ("execution-", "execution-status"),
    ("package-", "model-approval"),
    ("request-", "reconciler"),
];

fn function_of(sample: &str) -> &str {
    let (folder, name) = sample.split_once('/').unwrap();
    if folder != "invalid" {
        return folder;
    }
    let found = INVALID
        .iter()
        .find(|(beginning, _)| name.starts_with(beginning));
    found.map_or("drift-alarm", |(_, function)| function)
}

/// The sample, retold as if it had happened yesterday: the samples' world is that of the
/// fifth of January 2026, and old alarms are stale.
fn retold(sample: &str, now: Timestamp) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events");
    let text = std::fs::read_to_string(path.join(sample).with_extension("json")).unwrap();
    let told = date(2026, 1, 5);
    let yesterday = now.to_zoned(TimeZone::UTC).date().yesterday().unwrap();
    let days = told.until(yesterday).unwrap().get_days();
    let mut text = text;
    // From the last day on, so that none is moved twice.
    for day in (1..=5).rev() {
        let day = date(2026, 1, day);
        let moved = day.checked_add(Span::new().days(days)).unwrap();
        text = text.replace(&day.to_string(), &moved.to_string());
    }
    serde_json::from_str(&with_moved_milliseconds(
        &text,
        i64::from(days) * 86_400_000,
    ))
    .unwrap()
}

/// The text with its epoch milliseconds of that time moved.
fn with_moved_milliseconds(text: &str, by: i64) -> String {
    let mut moved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("1767") {
        let (before, from) = rest.split_at(at);
        let digits = from
            .find(|next: char| !next.is_ascii_digit())
            .unwrap_or(from.len());
        let (number, after) = from.split_at(digits);
        moved.push_str(before);
        match number.parse::<i64>() {
            Ok(milliseconds) if digits == 13 => moved += &(milliseconds + by).to_string(),
            _ => moved.push_str(number),
        }
        rest = after;
    }
    moved + rest
}

/// What a reply says, in the words of the table.
pub(super) fn word(reply: &Reply) -> String {
    let answer = match reply {
        Reply::Error(kind, _) => return kind.clone(),
        Reply::Answer(answer) => answer,
        Reply::TimedOut | Reply::Exited(_) => panic!("{reply:?}"),
    };
    let answers = answer.get("answers").unwrap_or(answer);
    let first = if answers.is_array() {
        answers.get(0)
    } else {
        Some(answers)
    };
    let Some(first) = first else {
        // The reconciler tells how many slots it left, data-arrival what it ignored.
        return if answer.get("left").is_some() {
            "looked"
        } else {
            "ignored"
        }
        .to_owned();
    };
    let outcome = |of: &Value| of["outcome"].as_str().unwrap_or_default().to_owned();
    match outcome(first).as_str() {
        "claimed" => outcome(&first["then"][0]),
        other => other.to_owned(),
    }
}

/// What a batch came to: the table tells whether anything was counted.
async fn word_of_batch(world: &World, event: &Value, failed: usize) -> &'static str {
    if world.bench.slot().await.version > 0 {
        return "counted";
    }
    let messages = event["Records"].as_array().map_or(0, Vec::len);
    assert!(failed == 0 || failed == messages, "{failed} of {messages}");
    if failed == 0 { "ignored" } else { "returned" }
}

/// What has been measured of a function.
#[derive(Default)]
struct Measured {
    init_ms: Vec<f64>,
    peak_kib: u64,
    events: usize,
}

impl Measured {
    fn note(&mut self, lambda: &Lambda) {
        self.init_ms.extend(lambda.init_ms());
        self.peak_kib = self.peak_kib.max(lambda.peak_kib().unwrap_or_default());
    }
}

#[tokio::test]
async fn every_sample_is_decided_as_documented() {
    let Some(_turn) = turn().await else { return };
    let mut by_function: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows() {
        let function = function_of(&row.sample).to_owned();
        by_function.entry(function).or_default().push(row);
    }
    for function in &World::new().await.functions {
        assert!(
            by_function.contains_key(&function.name),
            "{}",
            function.name
        );
    }
    for (function, rows) in by_function {
        let mut measured = Measured::default();
        let mut world: Option<(World, Arc<Lambda>)> = None;
        for row in rows {
            let event = retold(&row.sample, Timestamp::now());
            let has_past = ["model-approval/", "reconciler/"]
                .iter()
                .any(|folder| row.sample.starts_with(folder));
            let (within, lambda) = match world.take() {
                Some(unchanged) if !has_past => unchanged,
                _ => {
                    let new = if has_past {
                        World::after(async |bench| bench_before(&event, bench).await).await
                    } else {
                        World::new().await
                    };
                    let lambda = new.start(&function);
                    (new, lambda)
                }
            };
            if function == "execution-status" {
                run(&within.bench, &event).await;
            }
            let reply = invoke(&lambda, &event).await;
            let found = match &reply {
                Reply::Answer(answer) if answer.get("batchItemFailures").is_some() => {
                    let failed = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
                    word_of_batch(&within, &event, failed).await.to_owned()
                }
                reply => word(reply),
            };
            assert!(row.promises(&found), "{}: {found}: {reply:?}", row.sample);
            measured.events += 1;
            measured.note(&lambda);
            // A world in which nothing was written is as good as new.
            let calls = within.bench.deployment.sandbox.calls().take();
            let reads = ["BatchGet", "Describe", "Get", "List", "Query"];
            if calls
                .iter()
                .all(|call| reads.iter().any(|read| call.operation.starts_with(read)))
            {
                world = Some((within, lambda));
            }
        }
        measured.init_ms.sort_by(f64::total_cmp);
        let median = measured.init_ms.get(measured.init_ms.len() / 2);
        say(&format!(
            "emulator: {function}: {} events as documented, init {:.1} ms, peak memory {:.1} MiB",
            measured.events,
            median.copied().unwrap_or_default(),
            f64::from(u32::try_from(measured.peak_kib).unwrap_or(u32::MAX)) / 1024.0,
        ));
    }
}
