//! A month of one model, with lost, doubled and late events, failing runs, lost
//! answers, conflicts, schedules and people, judged from the outside.
//!
//! `make month` plays a thousand of them, as fast as the machine can; seeds that fail
//! are named in the end, and each can be played alone with `MONTH_SEED=N`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use retrain_core::period::Period;
use retrain_core::slot::Phase;
use retrain_local::{Deployment, Sample, sample};
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{FaultKind, Options, Service};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::data::{batch, returned};
use crate::dice::Dice;
use crate::oracle::runs::{Rules, Runs, running};
use crate::seeds::Seeds;

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

/// What the policy allows. All clocks are one here.
const RULES: Rules = Rules {
    min_interval: SignedDuration::from_hours(6),
    budget: 12,
    window: SignedDuration::from_hours(7 * 24),
};

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
    /// How many executions there were when a person retried one last.
    retried: BTreeMap<String, usize>,
}

impl Month {
    async fn begin(seed: u64) -> Self {
        let deployment = Deployment::start(Options::default()).await.unwrap();
        deployment.put_policy("fraud-detection", POLICY).unwrap();
        // It does not change, so the functions need not read it ever anew.
        let bench = Bench::of(deployment.keep_policies(Period::from_days(100)));
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
            retried: BTreeMap::new(),
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
            if self.dice.percent(4) {
                self.retry().await;
            }
            self.executions_end().await;
            self.late_events().await;
            // Its schedule is not punctual either.
            if self.dice.percent(60) {
                self.reconcile().await;
            }
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

    /// A person retries an execution that has failed: the newest, while nothing runs,
    /// or any. SageMaker's events are best effort.
    async fn retry(&mut self) {
        let executions = self.bench.executions();
        let chosen = if self.dice.percent(60) {
            let newest = executions.last();
            newest.filter(|_| running(&executions).is_empty())
        } else {
            executions.get(self.dice.place(executions.len().max(1)))
        };
        let Some(chosen) = chosen.filter(|chosen| chosen.status == Status::Failed) else {
            return;
        };
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        sagemaker.reopen(&chosen.arn).unwrap();
        self.ends.remove(&chosen.arn);
        self.retried.insert(chosen.arn.clone(), executions.len());
        for _ in 0..self.dice.roll(3) {
            self.tell(&chosen.arn).await;
        }
    }

    async fn executions_end(&mut self) {
        let now = self.bench.now();
        self.bench.deployment.sandbox.calls().take();
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
        let runs = Runs::new(&executions, &self.retried);
        runs.judge().and_then(|()| runs.judge_times(RULES)).unwrap();
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
        // A retry that nobody tells is noticed at the next start, if there is one.
        for execution in self.retried.keys() {
            self.tell(execution).await;
        }
        // Longer than the budget's window.
        for _ in 0..200 {
            let executions = running(&self.bench.executions());
            let slot = self.bench.slot().await;
            if executions.is_empty() && slot.phase == Phase::Idle && slot.due_at.is_none() {
                break;
            }
            for execution in executions {
                self.bench
                    .deployment
                    .sandbox
                    .sagemaker()
                    .finish(&execution.arn, Status::Succeeded, None)
                    .unwrap();
                if self.retried.contains_key(&execution.arn) {
                    self.tell(&execution.arn).await;
                }
            }
            self.bench.wait(MINUTE * 60);
            if slot.due_at.is_some_and(|due_at| due_at <= self.bench.now()) {
                self.reconcile().await;
                self.judge();
            }
        }
        let executions = self.bench.executions();
        let runs = Runs::new(&executions, &self.retried);
        let starts = runs.ours().len();
        assert!(starts >= 10, "a month of {starts} starts shows nothing");
        let slot = self.bench.slot().await;
        assert!(slot.held.is_empty(), "promise 3: held for ever: {slot:?}");
        assert_eq!(slot.phase, Phase::Idle, "promise 11: a run never ends");
        for (alarm, since) in &self.alarmed {
            assert!(
                runs.have_served(*since),
                "promise 3: alarm {alarm} since {since} was never served"
            );
        }
        let waiting = slot.data.tally.rows;
        assert!(waiting < 1_000, "promise 3: {waiting} rows start nothing");
        assert_eq!(
            runs.consumed("ManifestUri") + waiting,
            self.rows,
            "promise 6: what was consumed or waits is not what arrived"
        );
    }
}

const SEEDS: Seeds = Seeds {
    one: "MONTH_SEED",
    first: "MONTH_FIRST",
    many: "MONTH_SEEDS",
};

async fn month(seed: u64) {
    let mut month = Box::pin(Month::begin(seed)).await;
    Box::pin(month.play()).await;
}

#[test]
fn a_month_keeps_the_promises() {
    SEEDS.play_all(2, |seed| SEEDS.play(seed, move || month(seed)).is_some());
}
