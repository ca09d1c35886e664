//! What alarms, data, schedules, executions and people do, whatever the controller does.

use jiff::SignedDuration;
use retrain_local::sample;
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::{Execution, ExecutionStatus as Status};
use serde_json::{Value, json};

use super::model::DATA;
use super::post::Told;
use super::process::Function;
use super::town::{Happening, Size, Town};
use crate::oracle::runs::Runs;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Something that happens in the world.
pub(crate) enum Deed {
    /// An alarm of the model's changes.
    Alarm(usize),
    Object(usize),
    Schedule(usize),
    /// A person starts an execution past the controller.
    ByHand(usize),
    /// A person retries the execution that failed last.
    Retry(usize),
    /// A model is paused, or all are.
    Pause(Option<usize>),
    Resume(Option<usize>),
    RunEnds(usize, String),
    Decide {
        model: usize,
        package: String,
        again: bool,
    },
    Edit(String),
    DeploymentEnds(usize, String),
    Promote(usize, u64),
}

impl Town {
    /// What recurs begins.
    pub(crate) fn begin(&mut self) {
        let Size { models, .. } = self.size;
        for model in 0..models {
            for deed in [
                Deed::Alarm(model),
                Deed::Object(model),
                Deed::Schedule(model),
                Deed::ByHand(model),
                Deed::Retry(model),
                Deed::Pause(Some(model)),
            ] {
                self.recurs(deed);
            }
        }
        self.recurs(Deed::Pause(None));
        self.after(MINUTE, Happening::Reconcile);
        self.after(HOUR, Happening::Redrive);
        self.after(HOUR * 5, Happening::Outage);
    }

    /// It happens about so often.
    fn recurs(&mut self, deed: Deed) {
        let days = match deed {
            Deed::Alarm(_) => 5,
            Deed::Object(_) => 4,
            Deed::Schedule(_) => 20,
            Deed::ByHand(_) | Deed::Retry(_) => 30,
            Deed::Pause(Some(_)) => 60,
            Deed::Pause(None) => 15,
            _ => return,
        };
        let pause = self.about(HOUR * 24 * days / self.size.pace);
        self.after(pause, Happening::World(deed));
    }

    pub(crate) fn deed(&mut self, deed: Deed) {
        let recurs = self.is_stormy;
        match &deed {
            Deed::Alarm(model) if recurs => self.alarm_changes(*model),
            Deed::Object(model) if recurs => self.data_arrives(*model),
            Deed::Schedule(model) if recurs => self.schedule(*model),
            Deed::ByHand(model) if recurs => self.by_hand(*model),
            Deed::Retry(model) if recurs => self.retry(*model),
            Deed::Pause(model) if recurs => self.pause(*model),
            Deed::Resume(model) => self.order(*model, "resume"),
            Deed::RunEnds(model, arn) => self.run_ends(*model, arn),
            Deed::Decide {
                model,
                package,
                again,
            } => self.decide(*model, package, *again),
            Deed::Edit(package) => self.edit(package),
            Deed::DeploymentEnds(model, id) => self.deployment_ends(*model, id),
            Deed::Promote(model, version) => self.promote(*model, *version),
            _ => return,
        }
        if recurs {
            self.recurs(deed);
        }
    }

    fn alarm_changes(&mut self, model: usize) {
        let n = self.dice.roll(3);
        let now = self.now();
        let alarm = format!("{}-{n}", self.models[model].name);
        let was_on = self.models[model].alarmed.remove(&n).is_some();
        let (event, told) = if was_on {
            ("drift-alarm/ok", Told::Clear)
        } else {
            self.models[model].alarmed.insert(n, now);
            let alarm = alarm.clone();
            ("drift-alarm/alarm", Told::Alarm { alarm, at: now })
        };
        let event = sample(event).unwrap().at(now).of_alarm(&alarm);
        self.announce(model, told, Function::DriftAlarm, event.event().clone());
    }

    fn data_arrives(&mut self, model: usize) {
        let rows = self.dice.roll(700);
        let key = format!("{}/{}.csv", self.models[model].name, self.now());
        let object = NewObject::new("x").metadata("row-count", &rows.to_string());
        let s3 = self.deployment.sandbox.s3();
        s3.put_object(DATA, &key, object).unwrap();
        let event = s3.events().pop().unwrap().eventbridge();
        self.announce(model, Told::Object { rows }, Function::DataArrival, event);
    }

    fn schedule(&mut self, model: usize) {
        let (name, now) = (&self.models[model].name, self.now());
        let schedule = format!("arn:aws:scheduler:us-east-1:111122223333:schedule/default/{name}");
        let at = now.to_string();
        let (request, key) = if self.dice.percent(50) {
            let request = json!({"request": "retrain", "model": name, "schedule": schedule,
                "scheduled_time": at});
            (
                request,
                format!("schedule|{schedule}|{}", now.as_millisecond()),
            )
        } else {
            let request = json!({"request": "retrain", "model": name, "key": at, "by": "ana",
                "why": "chaos"});
            (request, format!("manual|{at}"))
        };
        let told = Told::Wish { key, at: now };
        self.announce(model, told, Function::Reconciler, request);
    }

    /// A model, or all, is paused, and goes on some hours later.
    fn pause(&mut self, model: Option<usize>) {
        self.order(model, "pause");
        let pause = self.about(HOUR * if model.is_some() { 10 } else { 1 });
        self.after(pause, Happening::World(Deed::Resume(model)));
    }

    pub(crate) fn order(&mut self, model: Option<usize>, order: &str) {
        let request = match model {
            Some(model) => json!({"request": order, "model": self.models[model].name,
                "by": "ana", "why": "chaos"}),
            None => json!({"request": format!("{order}_controller"), "by": "ana",
                "why": "chaos"}),
        };
        let model = model.unwrap_or_default();
        self.announce(model, Told::Order, Function::Reconciler, request);
    }

    fn by_hand(&mut self, model: usize) {
        let name = format!("by-hand-{}", self.known.len());
        let sagemaker = self.deployment.sandbox.sagemaker();
        let pipeline = self.models[model].training();
        let execution = sagemaker.start_by_hand(&pipeline, &name).unwrap();
        self.tell(model, &execution);
        self.runs_are_noticed();
    }

    /// The executions of a model's pipeline, oldest first.
    pub(crate) fn executions(&self, model: usize) -> Vec<Execution> {
        let pipeline = self.models[model].training();
        let mut executions = self.deployment.sandbox.sagemaker().executions();
        executions.retain(|execution| execution.pipeline == pipeline);
        executions
    }

    fn retry(&mut self, model: usize) {
        let executions = self.executions(model);
        let idle = executions.iter().all(|run| run.status.is_terminal());
        let newest = executions.last().filter(|_| idle);
        let Some(newest) = newest.filter(|run| run.status == Status::Failed) else {
            return;
        };
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker.reopen(&newest.arn).unwrap();
        let retried = &mut self.models[model].retried;
        retried.insert(newest.arn.clone(), executions.len());
        self.tell(model, &newest.arn);
        self.will_end(model, newest.arn.clone());
    }

    fn will_end(&mut self, model: usize, arn: String) {
        let pause = MINUTE * 20 + self.about(HOUR);
        self.after(pause, Happening::World(Deed::RunEnds(model, arn)));
    }

    fn run_ends(&mut self, model: usize, arn: &str) {
        let status = if self.is_stormy && self.dice.percent(25) {
            Status::Failed
        } else {
            Status::Succeeded
        };
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker.finish(arn, status, None).unwrap();
        self.tell(model, arn);
        if status == Status::Succeeded && self.models[model].is_gated && self.is_stormy {
            self.register(model);
        }
    }

    /// SageMaker tells of an execution, unless the event is lost.
    pub(crate) fn tell(&mut self, model: usize, arn: &str) {
        let mut event: Value = sample("execution-status/succeeded")
            .unwrap()
            .of_execution(arn)
            .event()
            .clone();
        let pipeline = arn.split("/execution/").next().unwrap();
        event["resources"][0] = json!(pipeline);
        event["detail"]["pipelineArn"] = json!(pipeline);
        self.announce(model, Told::Status, Function::ExecutionStatus, event);
    }

    /// What has been started since is judged, and will end.
    pub(crate) fn runs_are_noticed(&mut self) {
        let executions = self.deployment.sandbox.sagemaker().executions();
        for execution in executions {
            if self.known.contains(&execution.arn) {
                continue;
            }
            let model = number(&execution.pipeline);
            self.known.insert(execution.arn.clone());
            self.record(&execution.display_name);
            self.will_end(model, execution.arn);
            self.judge(model);
        }
    }

    /// What can be seen of the promises at any time.
    fn judge(&self, number: usize) {
        let executions = self.executions(number);
        let model = &self.models[number];
        let runs = Runs::new(&executions, &model.retried);
        let times = || match self.size.rules(model.rules) {
            Some(rules) => runs.judge_times(rules),
            None => Ok(()),
        };
        let judged = runs.judge().and_then(|()| times());
        judged.unwrap_or_else(|broken| {
            panic!(
                "{} at {}: {broken}: {executions:#?}",
                model.name,
                self.now()
            )
        });
    }
}

/// The model whose pipeline or group that is.
pub(crate) fn number(name: &str) -> usize {
    let model = name.split('-').next().unwrap();
    model.strip_prefix('m').unwrap().parse().unwrap()
}
