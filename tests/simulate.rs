//! A backtest decides what the functions decide: the same events, at the same moments,
//! through `retrainctl simulate` and through the functions on the sandbox.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use retrain_core::decision::Decision;
use retrain_core::event::{Event, ExecutionReport, ExecutionStatus};
use retrain_core::period::Period;
use retrain_local::sample;
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrainctl::simulate::{Assumptions, Happened, Logged, Rows, decisions, logged};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::data::{BUCKET, batch};

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {
        "InputDataUri": "{training_data_uri}",
        "BaselineModelPackageArn": "{baseline_model_package_arn|none}",
        "ManifestUri": "{data_rows}",
        "ControllerToken": "{token}"
    },
    "training_data_uri_parameter": "/fraud-detection/training-data-uri",
    "model_package_group": "fraud-detection",
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "data": {
        "objects": [{"bucket": "fraud-detection-data", "prefix": "training/"}],
        "trusted_row_count": "row-count",
        "min_rows": 300,
        "quiet_period": "10m",
        "max_wait": "8h"
    },
    "min_interval": "3h",
    "min_interval_by_kind": {"schedule": "1h"},
    "budget": {"starts": 9, "window": "2d"},
    "back_off": {"initial": "30m", "cap": "2h", "max_failures": 2},
    "breaker_after_failures": 3,
    "blackouts": [{"from": "01:00", "to": "04:00", "time_zone": "Europe/Berlin"}]
}"#;

const ROWS: u64 = 100;

/// An event and when it comes.
struct Coming {
    at: Timestamp,
    event: Value,
}

/// Three days of everything that a recording can tell.
struct Days {
    bench: Bench,
    begin: Timestamp,
    coming: Vec<Coming>,
}

impl Days {
    fn at(&self, hours: f64) -> Timestamp {
        self.begin + SignedDuration::try_from_secs_f64(hours * 3_600.0).unwrap()
    }

    fn add(&mut self, hours: f64, event: Value) {
        let at = self.at(hours);
        self.coming.push(Coming { at, event });
    }

    /// An alarm is in ALARM from one hour to another.
    fn alarm(&mut self, name: &str, from: f64, to: f64) {
        for (state, hours) in [("alarm", from), ("ok", to)] {
            let told = sample(&format!("drift-alarm/{state}")).unwrap();
            let told = told
                .at(self.at(hours))
                .of_alarm(&format!("fraud-detection-{name}"));
            self.add(hours, told.event().clone());
        }
    }

    /// Objects arrive, a minute from one to the next.
    fn objects(&mut self, hours: f64, keys: &[&str]) {
        for (minute, key) in (0_u32..).zip(keys) {
            let s3 = self.bench.deployment.sandbox.s3();
            s3.events();
            let object = NewObject::new("x").metadata("row-count", &ROWS.to_string());
            s3.put_object(BUCKET, &format!("training/{key}"), object)
                .unwrap();
            let mut event = s3.events().first().unwrap().eventbridge();
            let hours = hours + f64::from(minute) / 60.0;
            event["time"] = json!(format!("{:.0}", self.at(hours)));
            self.add(hours, event);
        }
    }

    fn request(&mut self, hours: f64, request: Value) {
        self.add(hours, request);
    }

    async fn begin() -> Self {
        let bench = Bench::start().await;
        bench
            .deployment
            .put_policy("fraud-detection", POLICY)
            .unwrap();
        let mut days = Self {
            begin: bench.now(),
            bench,
            coming: Vec::new(),
        };
        days.alarm("a", 0.5, 1.0);
        // Inside the interval, and gone before it ends; then one that stays.
        days.alarm("b", 1.6, 2.0);
        days.alarm("b", 2.2, 6.0);
        days.objects(4.0, &["1", "2", "3", "4"]);
        // An overwrite, and too few: they wait for the longest time.
        days.objects(12.0, &["1", "5"]);
        days.alarm("c", 18.5, 30.0);
        days.alarm("a", 20.0, 26.0);
        let by = json!("ana");
        let pause = json!({
            "request": "pause", "model": "fraud-detection", "key": "p", "by": by, "why": "a test",
        });
        days.request(21.0, pause.clone());
        days.objects(22.0, &["6", "7", "8", "9"]);
        days.request(
            27.0,
            json!({"request": "resume", "model": "fraud-detection", "by": by, "why": "a test"}),
        );
        // With its key, it is not paused once more.
        days.request(27.5, pause);
        let manual = json!({
            "request": "retrain", "model": "fraud-detection", "key": "k", "by": by,
            "why": "a test", "force": true,
        });
        days.request(28.5, manual);
        days.alarm("d", 33.0, 33.5);
        days.alarm("d", 34.0, 34.5);
        days.alarm("d", 35.0, 60.0);
        days.request(
            50.0,
            json!({"request": "reset_breaker", "model": "fraud-detection", "by": by, "why": "a test"}),
        );
        days.objects(52.0, &["a", "b", "c"]);
        let everything = json!({
            "request": "pause_controller", "key": "p", "by": by, "why": "a test",
        });
        days.request(53.0, everything.clone());
        days.request(
            54.0,
            json!({"request": "resume_controller", "by": by, "why": "a test"}),
        );
        days.request(54.1, everything);
        // The first is held by the pause, the second is not.
        days.alarm("a", 53.2, 58.0);
        days.alarm("b", 54.5, 59.0);
        // EventBridge delivers at least once.
        let again = days.coming.iter().step_by(5);
        let again: Vec<Coming> = again
            .map(|coming| Coming {
                at: coming.at + SignedDuration::from_mins(2),
                event: coming.event.clone(),
            })
            .collect();
        days.coming.extend(again);
        days.coming.sort_by_key(|coming| coming.at);
        days
    }

    /// The events as a recording: what has no moment of its own is wrapped with it.
    fn recorded(&self) -> String {
        let lines = self.coming.iter();
        let lines: Vec<String> = lines
            .map(|Coming { at, event }| json!({"at": at, "event": event}).to_string())
            .collect();
        lines.join("\n")
    }

    /// Time passes. Where the backtest has seen nothing due, nothing is: the reconciler,
    /// which runs every five minutes, would have had nothing to do.
    async fn goes_to(&self, at: Timestamp) {
        let every = SignedDuration::from_mins(5).as_secs();
        let runs_before = |moment: Timestamp| (moment.as_second() - 1).div_euclid(every);
        let last_run = Timestamp::from_second(runs_before(at) * every).unwrap();
        let now = self.bench.now();
        if let Some(due_at) = self.bench.slot().await.due_at
            && last_run > now
        {
            assert!(due_at > last_run, "{due_at} was due at {last_run}");
        }
        self.bench.wait(at.duration_since(now));
    }

    /// The event reaches its function.
    async fn comes(&self, number: usize) {
        let event = &self.coming[number].event;
        let deployment = &self.bench.deployment;
        let clock = deployment.clock();
        if event.get("request").is_some() {
            let function = deployment.reconciler();
            Box::pin(function.handle_at(event, &clock)).await.unwrap();
        } else if event["source"] == "aws.s3" {
            let function = deployment.data_arrival();
            let batch = batch(self.bench.now(), [event.clone()]);
            Box::pin(function.handle_at(&batch, &clock)).await.unwrap();
        } else {
            self.bench.deliver(event).await.unwrap();
        }
    }

    /// The execution ends as it was assumed, and SageMaker tells.
    async fn ends(&self, report: &ExecutionReport) {
        let told = report.execution.to_string();
        let executions = self.bench.executions();
        let execution = executions.iter().find(|known| known.arn == told).unwrap();
        let status = match report.status {
            ExecutionStatus::Succeeded => Status::Succeeded,
            ExecutionStatus::Failed => Status::Failed,
            other => panic!("{other:?}"),
        };
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        sagemaker
            .finish(&execution.arn, status, report.failure.as_deref())
            .unwrap();
        self.bench.tell(&execution.arn).await;
    }
}

/// What a decision says, without what only one of the two can know.
fn said(decision: &Decision) -> String {
    let Decision {
        at, event, outcome, ..
    } = decision;
    format!("{at} {event}: {}: {outcome}", outcome.name())
}

/// Plays a recording under the policy, in a directory of the test's own.
fn played(
    test: &str,
    recorded: &str,
    assumptions: &Assumptions,
    after: SignedDuration,
) -> Vec<Logged> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&directory).unwrap();
    let (events, policy) = (
        directory.join("events.jsonl"),
        directory.join("fraud-detection.json"),
    );
    std::fs::write(&events, recorded).unwrap();
    std::fs::write(&policy, POLICY).unwrap();
    logged(&[events], &policy, assumptions, after).unwrap()
}

/// As the table remembers it: for 35 days since it was obeyed, not since it came last.
#[test]
fn a_backtest_forgets_an_order_to_everything_when_the_table_does() {
    let begin: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
    let asks = |request: &str, more: Value| {
        let mut event = json!({"request": request, "by": "ana", "why": "a test"});
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        event
    };
    let pause = asks("pause_controller", json!({"key": "k"}));
    let retrain = |key| asks("retrain", json!({"model": "fraud-detection", "key": key}));
    let coming = [
        (0, pause.clone()),
        (1, asks("resume_controller", json!({}))),
        (20 * 24, pause.clone()),
        (20 * 24 + 12, retrain("a")),
        (36 * 24, pause),
        (36 * 24 + 12, retrain("b")),
    ];
    let lines = coming.map(|(hours, event)| {
        json!({"at": begin + SignedDuration::from_hours(hours), "event": event}).to_string()
    });
    let (assumed, after) = (Assumptions::default(), SignedDuration::ZERO);
    let log = played("simulate-switch", &lines.join("\n"), &assumed, after);
    let found: Vec<&str> = decisions(&log)
        .filter(|decision| matches!(decision.event, Event::Trigger(_)))
        .map(|decision| decision.outcome.name())
        .collect();
    assert_eq!(found, ["claimed", "held"]);
}

#[tokio::test]
async fn a_backtest_decides_what_the_functions_decide() {
    let days = Days::begin().await;
    let assumptions = Assumptions {
        run_time: Period::from_mins(50),
        failure_share: 0.4,
        seed: 3,
        rows: Rows::PerObject(ROWS),
        ..Assumptions::default()
    };
    let after = SignedDuration::from_hours(24);
    let log = played("simulate", &days.recorded(), &assumptions, after);

    for entry in &log {
        days.goes_to(entry.at).await;
        match &entry.happened {
            Happened::Event(number) => days.comes(*number).await,
            Happened::Ended(report) => days.ends(report).await,
            Happened::Reconciled => {
                days.bench.reconcile().await;
            }
        }
    }
    let found: Vec<String> = days.bench.decisions().await.iter().map(said).collect();
    let simulated: Vec<String> = decisions(&log).map(said).collect();
    for (found, simulated) in found.iter().zip(&simulated) {
        assert_eq!(found, simulated);
    }
    assert_eq!(found.len(), simulated.len());
    // It was worth comparing.
    for outcome in [
        "started",
        "held",
        "failed",
        "succeeded",
        "counted",
        "alarm_cleared",
        "paused",
        "unpaused",
    ] {
        let is_told = |said: &String| said.contains(&format!(": {outcome}: "));
        assert!(simulated.iter().any(is_told), "{outcome}: {simulated:#?}");
    }
    let by_everything = simulated
        .iter()
        .filter(|said| said.contains("paused the controller"));
    assert_eq!(by_everything.count(), 1, "{simulated:#?}");
}
