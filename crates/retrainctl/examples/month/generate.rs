//! Events of a month that never was: the same ones for the same seed.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

const ACCOUNT: &str = "us-east-1:111122223333";

/// What happens to one model.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// How many times a month drift begins.
    pub(crate) drifts: u64,
    /// How many of 100 drifts flap: they come and go for hours.
    pub(crate) flapping: u64,
    /// How many batches of training data come a month.
    pub(crate) batches: u64,
    /// How many objects a batch has.
    pub(crate) objects: u64,
}

/// The models of the sample month.
#[allow(dead_code, reason = "not every user of this module wants it")]
pub(crate) fn sample() -> Vec<Model> {
    let model = |name: &str, drifts, flapping, batches, objects| Model {
        name: name.to_owned(),
        drifts,
        flapping,
        batches,
        objects,
    };
    vec![
        model("churn", 3, 0, 20, 6),
        model("fraud-detection", 22, 60, 12, 8),
        model("ranking", 9, 20, 0, 0),
    ]
}

/// So many models, each with something of everything.
#[allow(dead_code, reason = "not every user of this module wants it")]
pub(crate) fn many(models: u64) -> Vec<Model> {
    let model = |number| Model {
        name: format!("model-{number:04}"),
        drifts: 4 + number % 17,
        flapping: number % 50,
        batches: number % 25,
        objects: 4,
    };
    (1..=models).map(model).collect()
}

/// Writes the events of these models, in the order in which they come.
pub(crate) fn write(
    models: &[Model],
    from: Timestamp,
    days: i64,
    seed: u64,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut events = Vec::new();
    for (number, model) in (1_u64..).zip(models) {
        let mut story = Story {
            model,
            dice: Dice::new(seed.wrapping_add(number * 7_919)),
            from,
            seconds: days * 86_400,
            sequence: 0,
            events: &mut events,
        };
        story.tell();
    }
    events.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
    for event in &events {
        writeln!(out, "{}", event.text)?;
    }
    Ok(events.len() as u64)
}

struct Event {
    at: Timestamp,
    text: String,
}

struct Story<'a> {
    model: &'a Model,
    dice: Dice,
    from: Timestamp,
    seconds: i64,
    sequence: u64,
    events: &'a mut Vec<Event>,
}

impl Story<'_> {
    fn tell(&mut self) {
        for number in 0..self.model.drifts {
            let at = self.moment();
            let monitor = ["data-quality", "model-quality"][(number % 2) as usize];
            if self.dice.percent(self.model.flapping) {
                self.flaps(monitor, at);
            } else {
                let hours = 1 + self.dice.roll(30);
                self.drifts(monitor, at, hours * 3_600);
            }
        }
        for batch in 0..self.model.batches {
            let at = self.moment();
            self.batch(batch, at);
        }
    }

    /// A moment of the month, on a whole minute: alarms are evaluated so.
    fn moment(&mut self) -> Timestamp {
        let minutes = self.dice.roll(self.seconds.unsigned_abs() / 60);
        later(self.from, minutes * 60)
    }

    fn drifts(&mut self, monitor: &str, at: Timestamp, seconds: u64) {
        self.alarm(monitor, "ALARM", at);
        self.alarm(monitor, "OK", later(at, seconds));
    }

    fn flaps(&mut self, monitor: &str, mut at: Timestamp) {
        for _ in 0..4 + self.dice.roll(9) {
            let (up, down) = (10 + self.dice.roll(40), 10 + self.dice.roll(40));
            self.drifts(monitor, at, up * 60);
            at = later(at, (up + down) * 60);
        }
    }

    fn alarm(&mut self, monitor: &str, state: &str, at: Timestamp) {
        if self.is_over(at) {
            return;
        }
        let name = &self.model.name;
        let drift = self.dice.roll(40) + if state == "ALARM" { 21 } else { 0 };
        let space = if monitor == "data-quality" {
            "data-metrics"
        } else {
            "model-metrics"
        };
        let moment = format!("{at:.3}").replace('Z', "+0000");
        let text = format!(
            r#"{{"version":"0","id":"{}","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333","time":"{at:.0}","region":"us-east-1","resources":["arn:aws:cloudwatch:{ACCOUNT}:alarm:{name}-{monitor}"],"detail":{{"alarmName":"{name}-{monitor}","state":{{"value":"{state}","reason":"Threshold Crossed: 1 datapoint [0.{drift:02}] was compared with the threshold (0.2).","timestamp":"{moment}"}},"configuration":{{"metrics":[{{"id":"m1","metricStat":{{"metric":{{"namespace":"aws/sagemaker/Endpoints/{space}","name":"feature_baseline_drift_amount","dimensions":{{"Endpoint":"{name}-prod","MonitoringSchedule":"{name}-{monitor}"}}}},"period":3600,"stat":"Average"}},"returnData":true}}]}}}}}}"#,
            self.id()
        );
        // EventBridge delivers at least once.
        let times = if self.dice.percent(4) { 2 } else { 1 };
        for _ in 0..times {
            self.events.push(Event {
                at,
                text: text.clone(),
            });
        }
        if state == "ALARM" {
            self.run_of_then(at);
        }
    }

    /// What the rule of then has started: an execution for each ALARM.
    fn run_of_then(&mut self, at: Timestamp) {
        let name = &self.model.name;
        let number = self.dice.roll(1 << 40);
        let pipeline = format!("arn:aws:sagemaker:{ACCOUNT}:pipeline/{name}-training");
        let id = self.id();
        for (status, seconds) in [("Executing", 12), ("Succeeded", 4_200)] {
            let told = later(at, seconds);
            if self.is_over(told) {
                continue;
            }
            let text = format!(
                r#"{{"version":"0","id":"{id}","detail-type":"SageMaker Model Building Pipeline Execution Status Change","source":"aws.sagemaker","account":"111122223333","time":"{told:.0}","region":"us-east-1","resources":["{pipeline}","{pipeline}/execution/{number:012x}"],"detail":{{"pipelineArn":"{pipeline}","pipelineExecutionArn":"{pipeline}/execution/{number:012x}","pipelineExecutionDisplayName":"rule-{number:x}","currentPipelineExecutionStatus":"{status}","executionStartTime":"{at:.0}"}}}}"#
            );
            self.events.push(Event { at: told, text });
        }
    }

    /// Objects of one batch come within minutes.
    fn batch(&mut self, batch: u64, mut at: Timestamp) {
        for number in 0..self.model.objects {
            at = later(at, 5 + self.dice.roll(90));
            let overwrites = self.dice.percent(3) && number > 0;
            let number = if overwrites { number - 1 } else { number };
            self.object(&format!("{batch:04}/part-{number:05}.csv"), at);
        }
    }

    fn object(&mut self, key: &str, at: Timestamp) {
        if self.is_over(at) {
            return;
        }
        self.sequence += 1;
        let name = &self.model.name;
        let size = 60_000 + self.dice.roll(240_000);
        let sequencer = 0x0062_e99a_88dc_407a_u64 + self.sequence * 0x1_0000;
        let text = format!(
            r#"{{"version":"0","id":"{}","detail-type":"Object Created","source":"aws.s3","account":"111122223333","time":"{at:.0}","region":"us-east-1","resources":["arn:aws:s3:::{name}-data"],"detail":{{"version":"0","bucket":{{"name":"{name}-data"}},"object":{{"key":"training/{key}","size":{size},"etag":"b1946ac92492d2347c6235b4d2611184","sequencer":"{sequencer:016X}"}},"request-id":"N4N7GDK58NMKJ12R","requester":"111122223333","source-ip-address":"192.0.2.10","reason":"PutObject"}}}}"#,
            self.id()
        );
        self.events.push(Event { at, text });
    }

    fn is_over(&self, at: Timestamp) -> bool {
        at.duration_since(self.from).as_secs() > self.seconds
    }

    fn id(&self) -> String {
        format!("5f1c0a9e-7b1d-4c55-9a3e-{:012x}", self.events.len())
    }
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at + SignedDuration::from_secs(seconds.cast_signed())
}

/// Chance that a seed repeats.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

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
