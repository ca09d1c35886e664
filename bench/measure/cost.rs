//! What an event asks of AWS, and what that costs.

mod units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use retrain_local::sample;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::units::Units;
use crate::candidate::{Candidate, groups};
use crate::endpoint::{Call, Endpoint};
use crate::lambda::workspace;
use crate::numbers::{median, round};
use crate::process::Process;
use crate::scenario::Scenario;
use crate::world::World;

/// `bench/prices.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prices {
    pub(crate) of: String,
    lambda_request_usd: f64,
    lambda_gb_second_usd: f64,
    dynamodb_read_request_unit_usd: f64,
    dynamodb_write_request_unit_usd: f64,
    s3_get_or_head_usd: f64,
    sqs_request_usd: f64,
    cloudwatch_logs_gb_usd: f64,
    parameter_store_standard_usd: f64,
    pub(crate) call_ms: f64,
    pub(crate) call_ms_of: String,
}

impl Prices {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(workspace().join("bench/prices.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// An event and its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) function: String,
    pub(crate) event: String,
    /// In their order; what follows `+` was asked side by side with what is before it.
    pub(crate) calls: Vec<String>,
    pub(crate) reads: f64,
    pub(crate) writes: f64,
    pub(crate) log_bytes: usize,
    /// What the function works, and waits if calls take as long as is assumed.
    pub(crate) work_ms: f64,
    pub(crate) billed_ms: f64,
    pub(crate) usd_per_million: f64,
}

impl Row {
    /// How many calls it takes.
    pub(crate) fn count(&self) -> u32 {
        let of_group = |group: &String| match group.split_once(' ') {
            Some((count, _)) if count.parse::<u32>().is_ok() => count.parse().unwrap(),
            _ => 1 + u32::try_from(group.matches(" + ").count()).unwrap(),
        };
        self.calls.iter().map(of_group).sum()
    }

    /// The calls in their order, or, of many, their number.
    pub(crate) fn shown_calls(&self) -> String {
        match self.calls.as_slice() {
            [] => "none".to_owned(),
            few if few.len() < 8 => few.join(", "),
            _ => format!("{} in {} turns", self.count(), self.calls.len()),
        }
    }
}

/// What is told to a warm function.
struct Case {
    scenario: Scenario,
    event: &'static str,
    candidate: Candidate,
}

pub(crate) async fn measure(endpoint: &Arc<Endpoint>) -> Vec<Row> {
    let ours = |scenario, event| Case {
        scenario,
        event,
        candidate: Candidate::Controller,
    };
    let peer = |scenario, event| Case {
        candidate: Candidate::Peer,
        ..ours(scenario, event)
    };
    let cases = [
        ours(Scenario::Suppressed, "an alarm of no model"),
        ours(Scenario::Suppressed, "an alarm told twice: duplicate"),
        ours(Scenario::Suppressed, "suppressed: held behind a run"),
        ours(Scenario::Started, "started"),
        ours(Scenario::Counted, "10 objects counted"),
        ours(Scenario::Counted, "500 objects counted"),
        ours(Scenario::Succeeded, "run succeeded"),
        ours(Scenario::Known, "package of which nothing is new"),
        ours(Scenario::NothingDue, "nothing due"),
        peer(Scenario::Suppressed, "Python peer: suppressed"),
        peer(Scenario::Started, "Python peer: started"),
    ];
    let prices = Prices::read();
    let mut rows = Vec::new();
    for case in cases {
        crate::say(&format!("cost: {}", case.event));
        rows.push(row(&case, endpoint, &prices).await);
    }
    rows
}

async fn row(case: &Case, endpoint: &Arc<Endpoint>, prices: &Prices) -> Row {
    let (world, event) = case.scenario.prepare().await;
    let event = match case.event {
        "an alarm of no model" => other_model(&world),
        "500 objects counted" => world.objects("many", 500),
        _ => event,
    };
    let table = &world.deployment.settings().table;
    let mut function = case.candidate.function(case.scenario, table, Path::new(""));
    let region = ("AWS_DEFAULT_REGION".to_owned(), "us-east-1".to_owned());
    function.environment.extend([region]);
    let program = case.candidate.program(case.scenario);
    let process = Process::start(&function, &program, endpoint.environment(false));
    endpoint.forward(world.url(), Duration::ZERO);
    for warming in warming(case, &world, &event) {
        process.tell(&warming).await;
    }
    let logged = process.lambda.output().len();
    endpoint.record(world.url());
    process.tell(&event).await;
    let log_bytes = own_lines(&process.lambda.output()[logged..]);
    let calls = endpoint.take_calls();
    let tape = endpoint.tape();
    let units = Units::of(&calls, &tape);
    endpoint.replay(tape);
    let told_before = process.durations_ms().count();
    for _ in 0..30 {
        endpoint.take_calls();
        process.tell(&event).await;
    }
    let work_ms = median(&mut process.durations_ms().skip(told_before).collect::<Vec<_>>());
    let groups = groups(&calls);
    let billed_ms = work_ms + prices.call_ms * number(groups.len());
    let gb = f64::from(u32::try_from(function.memory_mib).unwrap()) / 1_024.0;
    let count = |of: fn(&Call) -> bool| number(calls.iter().filter(|call| of(call)).count());
    // Of a queue's batch: it is received, and deleted.
    let sqs = if case.scenario == Scenario::Counted {
        2.0
    } else {
        0.0
    };
    let usd = prices.lambda_request_usd
        + prices.lambda_gb_second_usd * gb * billed_ms / 1_000.0
        + prices.dynamodb_read_request_unit_usd * units.reads
        + prices.dynamodb_write_request_unit_usd * units.writes
        + prices.s3_get_or_head_usd * count(|call| call.service == "s3")
        + prices.parameter_store_standard_usd * count(|call| call.service == "ssm")
        + prices.sqs_request_usd * sqs
        + prices.cloudwatch_logs_gb_usd * number(log_bytes) / 1e9;
    Row {
        function: case.scenario.function().to_owned(),
        event: case.event.to_owned(),
        calls: groups.iter().map(|group| shown(group)).collect(),
        reads: units.reads,
        writes: units.writes,
        log_bytes,
        work_ms: round(work_ms),
        billed_ms: round(billed_ms),
        usd_per_million: (usd * 1e8).round() / 100.0,
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// `GetParameter + ListModelPackages`, `16 HeadObject`.
fn shown(group: &[Value]) -> String {
    let name = |call: &Value| call["operation"].as_str().unwrap().to_owned();
    let first = name(&group[0]);
    if group.len() > 1 && group.iter().all(|call| name(call) == first) {
        return format!("{} {first}", group.len());
    }
    group.iter().map(name).collect::<Vec<_>>().join(" + ")
}

/// What the function has said, without the emulator's own lines.
fn own_lines(output: &str) -> usize {
    let is_own = |line: &&str| line.starts_with('{');
    output
        .lines()
        .filter(is_own)
        .map(|line| line.len() + 1)
        .sum()
}

/// An alarm that no policy names, but that could be one of drift.
fn other_model(world: &World) -> Value {
    let at = world.deployment.sandbox.clock().now();
    sample("drift-alarm/other-model")
        .unwrap()
        .at(at)
        .event()
        .clone()
}

/// What makes a function read its policies, and the state that the event meets.
fn warming(case: &Case, world: &World, event: &Value) -> Vec<Value> {
    match (case.scenario, case.candidate) {
        (Scenario::Suppressed, Candidate::Peer) => vec![event.clone()],
        (_, Candidate::Peer) => vec![],
        (Scenario::Suppressed, _) if case.event.ends_with("duplicate") => vec![event.clone()],
        (Scenario::Suppressed | Scenario::Started, _) => vec![other_model(world)],
        (Scenario::Counted, _) => vec![world.objects("warming", 1)],
        (Scenario::Succeeded, _) => {
            vec![
                sample("execution-status/of-another-pipeline")
                    .unwrap()
                    .event()
                    .clone(),
            ]
        }
        (Scenario::Known | Scenario::NothingDue, _) => vec![event.clone()],
    }
}
