//! A month of one model, with lost, doubled and late events, failing runs, lost
//! answers, conflicts, schedules and people, judged from the outside.
//!
//! `MONTH_SEEDS=1000 cargo test -p integration month` plays more of them; a seed that
//! fails is named and can be played alone with `MONTH_SEED=N`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use retrain_core::slot::Phase;
use retrain_local::{Sample, sample};
use retrain_sandbox::sagemaker::{Execution, ExecutionStatus as Status};
use retrain_sandbox::{FaultKind, Service};
use serde_json::json;

use crate::bench::Bench;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAYS: i64 = 30;
const ALARMS: [&str; 3] = [
    "fraud-detection-a",
    "fraud-detection-b",
    "fraud-detection-c",
];

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "min_interval": "6h",
    "budget": {"starts": 12, "window": "7d"},
    "back_off": {"initial": "30m", "cap": "6h", "max_failures": 20},
    "breaker_after_failures": 100
}"#;

/// A small generator, so that a seed means the same month everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.roll(100) < chance
    }
}

struct Month {
    bench: Bench,
    /// Warm functions.
    reconciler: reconciler::Handler,
    execution_status: execution_status::Handler,
    dice: Dice,
    /// Alarms in ALARM, since when.
    alarmed: BTreeMap<usize, Timestamp>,
    /// Events that are still under way.
    late: VecDeque<Sample>,
    /// When executions will end.
    ends: BTreeMap<String, Timestamp>,
}

impl Month {
    async fn begin(seed: u64) -> Self {
        let bench = Bench::start().await;
        bench
            .deployment
            .put_policy("fraud-detection", POLICY)
            .unwrap();
        Self {
            reconciler: bench.deployment.reconciler(),
            execution_status: bench.deployment.execution_status(),
            bench,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            alarmed: BTreeMap::new(),
            late: VecDeque::new(),
            ends: BTreeMap::new(),
        }
    }

    async fn play(&mut self) {
        let last = self.bench.now() + SignedDuration::from_hours(24 * DAYS);
        while self.bench.now() < last {
            let minutes = i32::try_from(10 + self.dice.roll(110)).unwrap();
            self.bench.wait(MINUTE * minutes);
            self.misfortune();
            if self.dice.percent(25) {
                self.alarm_changes().await;
            }
            if self.dice.percent(3) {
                self.schedule().await;
            }
            if self.dice.percent(2) {
                self.by_hand().await;
            }
            self.executions_end().await;
            self.late_events().await;
            self.reconcile().await;
            self.judge();
        }
        self.calm_down().await;
    }

    /// The next call of some operation goes wrong.
    fn misfortune(&mut self) {
        let (service, operation) = match self.dice.roll(12) {
            0..=3 => (Service::SageMaker, "StartPipelineExecution"),
            4 => (Service::SageMaker, "ListPipelineExecutions"),
            5 => (Service::SageMaker, "DescribePipelineExecution"),
            6 => (Service::DynamoDb, "TransactWriteItems"),
            7 => (Service::DynamoDb, "BatchGetItem"),
            _ => return,
        };
        let kind = match self.dice.roll(5) {
            0 => FaultKind::Throttle,
            1 => FaultKind::ServerError,
            2 => FaultKind::ServerErrorAfter,
            3 => FaultKind::DropBefore,
            _ => FaultKind::DropAfter,
        };
        self.bench.fail(service, operation, kind);
    }

    async fn alarm_changes(&mut self) {
        let n = usize::try_from(self.dice.roll(3)).unwrap();
        let now = self.bench.now();
        let event = if self.alarmed.remove(&n).is_some() {
            sample("drift-alarm/ok")
        } else {
            self.alarmed.insert(n, now);
            sample("drift-alarm/alarm")
        };
        let event = event.unwrap().at(now).of_alarm(ALARMS[n]);
        for _ in 0..=self.dice.roll(3) {
            if self.dice.percent(30) {
                self.late.push_back(event.clone());
            } else {
                self.deliver(&event).await;
            }
        }
    }

    async fn late_events(&mut self) {
        while self.dice.percent(60) {
            let Some(event) = self.late.pop_back() else {
                return;
            };
            self.deliver(&event).await;
        }
    }

    /// As Lambda does: what fails is delivered again, and in the end redriven.
    async fn deliver(&self, event: &Sample) {
        for _ in 0..20 {
            if self.bench.deliver(event.event()).await.is_ok() {
                return;
            }
        }
        panic!("an event is never understood");
    }

    async fn schedule(&self) {
        let request = json!({
            "request": "retrain",
            "model": "fraud-detection",
            "schedule": "arn:aws:scheduler:us-east-1:111122223333:schedule/default/weekly",
            "scheduled_time": self.bench.now().to_string(),
        });
        let clock = self.bench.deployment.clock();
        // A failure is told; the oracle only judges alarms.
        let _ = Box::pin(self.reconciler.handle_at(&request, &clock)).await;
    }

    async fn by_hand(&mut self) {
        let name = format!("by-hand-{}", self.bench.executions().len());
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        let execution = sagemaker
            .start_by_hand("fraud-detection-training", &name)
            .unwrap();
        self.tell(&execution).await;
    }

    async fn executions_end(&mut self) {
        let now = self.bench.now();
        for execution in running(&self.bench.executions()) {
            let minutes = i32::try_from(20 + self.dice.roll(160)).unwrap();
            let end = *self
                .ends
                .entry(execution.arn.clone())
                .or_insert(now + MINUTE * minutes);
            if now < end {
                continue;
            }
            let status = if self.dice.percent(70) {
                Status::Succeeded
            } else {
                Status::Failed
            };
            self.bench
                .deployment
                .sandbox
                .sagemaker()
                .finish(&execution.arn, status, None)
                .unwrap();
            // SageMaker's events are best effort.
            for _ in 0..self.dice.roll(3) {
                self.tell(&execution.arn).await;
            }
        }
    }

    async fn tell(&self, execution: &str) {
        let event = sample("execution-status/succeeded")
            .unwrap()
            .of_execution(execution);
        let clock = self.bench.deployment.clock();
        let _ = Box::pin(self.execution_status.handle_at(event.event(), &clock)).await;
    }

    async fn reconcile(&self) {
        let clock = self.bench.deployment.clock();
        let _ = Box::pin(self.reconciler.run(&clock)).await;
    }

    /// Promises 1, 2, 5 and 9, by what SageMaker has seen.
    fn judge(&self) {
        let executions = self.bench.executions();
        let ours: Vec<&Execution> = executions
            .iter()
            .filter(|execution| !execution.started_by_hand)
            .collect();
        let in_flight = ours
            .iter()
            .filter(|execution| execution.status == Status::Executing)
            .count();
        assert!(
            in_flight <= 1,
            "promise 1: {in_flight} executions in flight"
        );
        for pair in ours.windows(2) {
            let gap = pair[1].start_time.duration_since(pair[0].start_time);
            assert!(gap >= SignedDuration::from_hours(6), "promise 2: {gap:?}");
        }
        for window in ours.windows(13) {
            let span = window[12].start_time.duration_since(window[0].start_time);
            assert!(
                span >= SignedDuration::from_hours(7 * 24),
                "promise 9: {span:?}"
            );
        }
        let tokens: std::collections::BTreeSet<_> =
            ours.iter().map(|execution| &execution.token).collect();
        assert_eq!(
            tokens.len(),
            ours.len(),
            "promise 5: a token was used twice"
        );
    }

    /// From here on nothing goes wrong. Every alarm that stayed is served by a run
    /// that began after it, and nothing is left.
    async fn calm_down(&mut self) {
        self.bench.deployment.sandbox.faults().clear();
        while let Some(event) = self.late.pop_front() {
            self.deliver(&event).await;
        }
        for _ in 0..200 {
            for execution in running(&self.bench.executions()) {
                self.bench
                    .deployment
                    .sandbox
                    .sagemaker()
                    .finish(&execution.arn, Status::Succeeded, None)
                    .unwrap();
            }
            self.bench.wait(MINUTE * 60);
            self.reconcile().await;
            self.judge();
        }
        let ours = self
            .bench
            .executions()
            .iter()
            .filter(|execution| !execution.started_by_hand)
            .count();
        assert!(ours >= 10, "a month of {ours} starts shows nothing");
        let slot = self.bench.slot().await;
        assert!(slot.held.is_empty(), "promise 3: held for ever: {slot:?}");
        assert_eq!(slot.phase, Phase::Idle, "promise 11: a run never ends");
        let executions = self.bench.executions();
        for (alarm, since) in &self.alarmed {
            let served = executions.iter().any(|execution| {
                execution.status == Status::Succeeded
                    && !execution.started_by_hand
                    && execution.start_time >= *since
            });
            assert!(
                served,
                "promise 3: alarm {alarm} since {since} was never served"
            );
        }
    }
}

fn running(executions: &[Execution]) -> Vec<Execution> {
    let running = executions
        .iter()
        .filter(|execution| execution.status == Status::Executing);
    running.cloned().collect()
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_keeps_the_promises() {
    let seeds = match setting("MONTH_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=setting("MONTH_SEEDS").unwrap_or(2),
    };
    for seed in seeds {
        let month = tokio::spawn(async move {
            let mut month = Box::pin(Month::begin(seed)).await;
            Box::pin(month.play()).await;
        });
        assert!(
            month.await.is_ok(),
            "MONTH_SEED={seed} broke a promise, as printed above"
        );
    }
}
