//! A month of one model, with lost, doubled and late events, failing runs, lost
//! answers, conflicts, schedules and people, judged from the outside.
//!
//! `make month` plays a thousand of them, as fast as the machine can; a seed that fails
//! is named and can be played alone with `MONTH_SEED=N`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use retrain_core::slot::Phase;
use retrain_local::{Sample, sample};
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::{Execution, ExecutionStatus as Status};
use retrain_sandbox::{FaultKind, Service};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::data::{batch, returned};
use crate::dice::{Dice, setting};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAYS: i64 = 30;
const ALARMS: [&str; 3] = [
    "fraud-detection-a",
    "fraud-detection-b",
    "fraud-detection-c",
];

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {
        "InputDataUri": "s3://fraud/",
        "ManifestUri": "{data_rows}",
        "ControllerToken": "{token}"
    },
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "data": {
        "objects": [{"bucket": "fraud-detection-data", "prefix": "training/"}],
        "trusted_row_count": "row-count",
        "min_rows": 1000,
        "quiet_period": "30m"
    },
    "min_interval": "6h",
    "budget": {"starts": 12, "window": "7d"},
    "back_off": {"initial": "30m", "cap": "6h", "max_failures": 20},
    "breaker_after_failures": 100
}"#;

struct Month {
    bench: Bench,
    /// Warm functions.
    reconciler: reconciler::Handler,
    execution_status: execution_status::Handler,
    data_arrival: data_arrival::Handler,
    dice: Dice,
    /// Alarms in ALARM, since when.
    alarmed: BTreeMap<usize, Timestamp>,
    /// Events that are still under way.
    late: VecDeque<Sample>,
    /// All rows that have ever arrived.
    rows: u64,
    /// Events of objects that are still under way.
    mail: Vec<Value>,
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
            data_arrival: bench.deployment.data_arrival(),
            bench,
            dice: Dice::new(seed),
            alarmed: BTreeMap::new(),
            late: VecDeque::new(),
            rows: 0,
            mail: Vec::new(),
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
            if self.dice.percent(20) {
                self.data_arrives();
            }
            self.data_is_delivered().await;
            if self.dice.percent(3) {
                self.schedule().await;
            }
            if self.dice.percent(2) {
                self.by_hand().await;
            }
            if self.dice.percent(2) {
                self.retry().await;
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

    /// An object arrives, and is told up to three times.
    fn data_arrives(&mut self) {
        let rows = self.dice.roll(300);
        let key = format!("training/{}.csv", self.bench.now());
        let object = NewObject::new("x").metadata("row-count", &rows.to_string());
        let s3 = self.bench.deployment.sandbox.s3();
        s3.put_object("fraud-detection-data", &key, object).unwrap();
        self.rows += rows;
        let event = s3.events().pop().unwrap().eventbridge();
        for _ in 0..=self.dice.roll(3) {
            self.mail.push(event.clone());
        }
    }

    /// The queue delivers most of what it has. What is returned comes again.
    async fn data_is_delivered(&mut self) {
        self.dice.shuffle(&mut self.mail);
        let late = self.mail.split_off(self.dice.place(self.mail.len() + 1));
        let bodies = std::mem::replace(&mut self.mail, late);
        if bodies.is_empty() {
            return;
        }
        let batch = batch(self.bench.now(), bodies.iter().cloned());
        let clock = self.bench.deployment.clock();
        let reply = Box::pin(self.data_arrival.handle_at(&batch, &clock)).await;
        let failed = match reply {
            Ok(reply) => returned(&batch, &reply),
            Err(_) => (0..bodies.len()).collect(),
        };
        self.mail
            .extend(failed.into_iter().map(|place| bodies[place].clone()));
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

    /// A person retries the newest execution of the controller's, if it has failed.
    async fn retry(&mut self) {
        let executions = self.bench.executions();
        let Some(last) = executions.last() else {
            return;
        };
        if last.status == Status::Failed && running(&executions).is_empty() {
            let sagemaker = self.bench.deployment.sandbox.sagemaker();
            sagemaker.reopen(&last.arn).unwrap();
            self.ends.remove(&last.arn);
            self.tell(&last.arn).await;
        }
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
        while !self.mail.is_empty() {
            self.data_is_delivered().await;
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
        let executions = self.bench.executions();
        let ours = executions.iter().filter(|run| !run.started_by_hand);
        let succeeded: Vec<&Execution> = ours
            .clone()
            .filter(|run| run.status == Status::Succeeded)
            .collect();
        let starts = ours.count();
        assert!(starts >= 10, "a month of {starts} starts shows nothing");
        let slot = self.bench.slot().await;
        assert!(slot.held.is_empty(), "promise 3: held for ever: {slot:?}");
        assert_eq!(slot.phase, Phase::Idle, "promise 11: a run never ends");
        for (alarm, since) in &self.alarmed {
            assert!(
                succeeded.iter().any(|run| run.start_time >= *since),
                "promise 3: alarm {alarm} since {since} was never served"
            );
        }
        let waiting = slot.data.tally.rows;
        let rows_of = |run: &&Execution| run.parameters["ManifestUri"].parse::<u64>().unwrap();
        let consumed = succeeded.iter().map(rows_of);
        assert!(waiting < 1_000, "promise 3: {waiting} rows start nothing");
        assert_eq!(
            consumed.sum::<u64>() + waiting,
            self.rows,
            "promise 6: what was consumed or waits is not what arrived"
        );
    }
}

fn running(executions: &[Execution]) -> Vec<Execution> {
    let running = executions
        .iter()
        .filter(|execution| execution.status == Status::Executing);
    running.cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_keeps_the_promises() {
    let seeds = if let Some(seed) = setting("MONTH_SEED") {
        seed..=seed
    } else {
        let first = setting("MONTH_FIRST").unwrap_or(1);
        first..=first + setting("MONTH_SEEDS").unwrap_or(2) - 1
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
