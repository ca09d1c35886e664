//! The functions in Lambda's runtime emulator, beside what one would write instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::{Candidate, write_calls};
use crate::endpoint::{Call, Endpoint, Tape};
use crate::lambda::Reply;
use crate::numbers::{median, percentile, round};
use crate::process::Process;
use crate::scenario::Scenario;
use crate::template::Function;
use crate::tls::Tls;

/// One candidate in one scenario. Times are in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) function: String,
    pub(crate) candidate: String,
    /// From the start of the process to its question for the first event.
    pub(crate) init_ms: f64,
    /// From the first event to its answer, the process's start among it.
    pub(crate) cold_plain_ms: f64,
    pub(crate) cold_tls_ms: f64,
    /// The duration of a later event, as Lambda tells it.
    pub(crate) warm_ms: f64,
    pub(crate) warm_p99_ms: f64,
    pub(crate) warm_tls_ms: f64,
    /// Against the sandbox, with a table that keeps what is written.
    pub(crate) sandbox_cold_ms: Option<f64>,
    pub(crate) sandbox_warm_ms: Option<f64>,
    pub(crate) sandbox_warm_p99_ms: Option<f64>,
    pub(crate) peak_mib: f64,
    pub(crate) zip_bytes: Option<u64>,
    pub(crate) cold_calls: usize,
    pub(crate) warm_calls: usize,
}

/// How long everything is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often each process is started.
    pub(crate) rounds: usize,
    /// How many further events each process gets.
    pub(crate) warm: usize,
}

impl Effort {
    pub(crate) const fn of(is_short: bool) -> Self {
        if is_short {
            Self {
                rounds: 2,
                warm: 20,
            }
        } else {
            Self {
                rounds: 9,
                warm: 60,
            }
        }
    }
}

/// A candidate with all it needs.
struct Entry {
    scenario: Scenario,
    candidate: Candidate,
    function: Function,
    program: PathBuf,
    event: Value,
    tape: Tape,
    cold_calls: usize,
    warm_calls: usize,
}

/// What was measured of one entry.
#[derive(Default)]
struct Samples {
    init: Vec<f64>,
    cold: BTreeMap<bool, Vec<f64>>,
    warm: BTreeMap<bool, Vec<f64>>,
    peak_kib: Vec<f64>,
}

pub(crate) async fn measure(
    endpoint: &Arc<Endpoint>,
    tls: &Tls,
    folder: &Path,
    effort: Effort,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut entries = Vec::new();
    for scenario in Scenario::ALL {
        crate::say(&format!(
            "functions: {}, {}",
            scenario.function(),
            scenario.name()
        ));
        entries.extend(rehearse(scenario, endpoint, tls, folder).await);
    }
    let mut samples: Vec<Samples> = entries.iter().map(|_| Samples::default()).collect();
    for turn in 0..effort.rounds {
        crate::say(&format!(
            "functions: round {} of {}",
            turn + 1,
            effort.rounds
        ));
        for is_tls in [false, true] {
            for (entry, samples) in entries.iter().zip(&mut samples) {
                run(entry, samples, endpoint, is_tls, effort).await;
            }
        }
    }
    for (entry, samples) in entries.iter().zip(&samples) {
        let live = live(entry, endpoint, effort).await;
        rows.push(row(entry, samples, live));
    }
    rows
}

/// Lets every candidate handle the scenario's event once, to see what it calls and what AWS
/// answers.
async fn rehearse(
    scenario: Scenario,
    endpoint: &Arc<Endpoint>,
    tls: &Tls,
    folder: &Path,
) -> Vec<Entry> {
    let calls = folder.join(format!(
        "calls-of-{}.json",
        scenario.name().replace(' ', "-")
    ));
    let mut entries = Vec::new();
    for candidate in Candidate::of(scenario) {
        let (world, event) = scenario.prepare().await;
        let table = &world.deployment.settings().table;
        let mut function = candidate.function(scenario, table, &calls);
        let bundle = tls.bundle.to_str().unwrap();
        // What the SDK for Rust reads, what boto3 reads, and what Lambda sets.
        let variables = [
            ("SSL_CERT_FILE", bundle),
            ("AWS_CA_BUNDLE", bundle),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        function.environment.extend(variables);
        let mut entry = Entry {
            scenario,
            candidate,
            program: candidate.program(scenario),
            function,
            event,
            tape: Tape::default(),
            cold_calls: 0,
            warm_calls: 0,
        };
        if candidate == Candidate::Peer && scenario == Scenario::Suppressed {
            // What keeps it from starting must have happened.
            endpoint.forward(world.url(), Duration::ZERO);
            entry.start(endpoint, false).tell(&entry.event).await;
        }
        endpoint.record(world.url());
        entry.start(endpoint, false).tell(&entry.event).await;
        entry.tape = endpoint.tape();
        // Some that it decided is in the sandbox now, but not on the tape.
        endpoint.replay(entry.tape.clone());
        let process = entry.start(endpoint, false);
        let cold = entry.calls(&process, endpoint).await;
        let warm = entry.calls(&process, endpoint).await;
        if candidate == Candidate::Controller {
            write_calls(&calls, &cold, &warm);
        }
        (entry.cold_calls, entry.warm_calls) = (cold.len(), warm.len());
        entries.push(entry);
    }
    entries
}

impl Entry {
    fn start(&self, endpoint: &Endpoint, is_tls: bool) -> Process {
        Process::start(&self.function, &self.program, endpoint.environment(is_tls))
    }

    /// The calls of the event.
    async fn calls(&self, process: &Process, endpoint: &Endpoint) -> Vec<Call> {
        endpoint.take_calls();
        let told = process.tell(&self.event).await;
        self.check(&told.reply);
        endpoint.take_calls()
    }

    /// Whether an answer is what the scenario is about.
    fn check(&self, reply: &Reply) {
        let Reply::Answer(answer) = reply else {
            panic!("{:?} of {:?}: {reply:?}", self.candidate, self.scenario)
        };
        let expected = match (self.candidate, self.scenario) {
            (Candidate::Controller, _) => self.scenario.answer(),
            (Candidate::Peer, Scenario::Started) => "started",
            (Candidate::Peer, _) => "suppressed",
            _ => "done",
        };
        let answer = answer.to_string();
        assert!(
            answer.contains(expected),
            "{:?} of {:?}: {answer}",
            self.candidate,
            self.scenario
        );
    }
}

async fn run(
    entry: &Entry,
    samples: &mut Samples,
    endpoint: &Endpoint,
    is_tls: bool,
    effort: Effort,
) {
    endpoint.replay(entry.tape.clone());
    let process = entry.start(endpoint, is_tls);
    let cold = process.tell(&entry.event).await;
    entry.check(&cold.reply);
    samples.cold.entry(is_tls).or_default().push(cold.took_ms);
    for _ in 0..effort.warm {
        endpoint.take_calls();
        let warm = process.tell(&entry.event).await;
        entry.check(&warm.reply);
    }
    let warm = process.durations_ms().skip(1);
    samples.warm.entry(is_tls).or_default().extend(warm);
    samples.init.extend(process.lambda.init_ms());
    if is_tls {
        samples.peak_kib.push(process.peak_kib());
    }
}

/// The same against the sandbox, which keeps what is written; for those that decide.
async fn live(entry: &Entry, endpoint: &Endpoint, effort: Effort) -> Option<[f64; 3]> {
    // Neither start nor end can happen twice.
    if entry.candidate.repeats_calls()
        || entry.candidate == Candidate::FloorEmpty
        || matches!(entry.scenario, Scenario::Started | Scenario::Succeeded)
    {
        return None;
    }
    let mut cold = Vec::new();
    let mut warm = Vec::new();
    for _ in 0..effort.rounds.div_ceil(3) {
        let (world, event) = entry.scenario.prepare().await;
        endpoint.forward(world.url(), Duration::ZERO);
        if entry.candidate == Candidate::Peer {
            entry.start(endpoint, false).tell(&event).await;
        }
        let process = entry.start(endpoint, false);
        let first = process.tell(&event).await;
        entry.check(&first.reply);
        cold.push(first.took_ms);
        for turn in 1..=effort.warm / 2 {
            let again = entry.scenario.again(&world, &event, turn);
            entry.check(&process.tell(&again).await.reply);
        }
        warm.extend(process.durations_ms().skip(1));
    }
    Some([
        median(&mut cold),
        median(&mut warm),
        percentile(&mut warm, 99),
    ])
}

fn row(entry: &Entry, samples: &Samples, live: Option<[f64; 3]>) -> Row {
    let of = |samples: &BTreeMap<bool, Vec<f64>>, is_tls: bool| {
        let mut values = samples[&is_tls].clone();
        round(median(&mut values))
    };
    Row {
        scenario: entry.scenario.name().to_owned(),
        function: entry.scenario.function().to_owned(),
        candidate: entry.candidate.name().to_owned(),
        init_ms: round(median(&mut samples.init.clone())),
        cold_plain_ms: of(&samples.cold, false),
        cold_tls_ms: of(&samples.cold, true),
        warm_ms: of(&samples.warm, false),
        warm_p99_ms: round(percentile(&mut samples.warm[&false].clone(), 99)),
        warm_tls_ms: of(&samples.warm, true),
        sandbox_cold_ms: live.map(|[cold, ..]| round(cold)),
        sandbox_warm_ms: live.map(|[_, warm, _]| round(warm)),
        sandbox_warm_p99_ms: live.map(|[.., p99]| round(p99)),
        peak_mib: round(median(&mut samples.peak_kib.clone()) / 1_024.0),
        zip_bytes: entry.candidate.zip_bytes(entry.scenario),
        cold_calls: entry.cold_calls,
        warm_calls: entry.warm_calls,
    }
}
