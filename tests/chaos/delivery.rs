//! How events are delivered: by Lambda, or by the queue of data-arrival.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::post::{Delivery, Event, Told};
use super::process::{Answered, End, Function, Invocation, Process};
use super::town::{Frozen, Happening, Town};
use super::weather::misfortunes;
use crate::data::batch;

/// For how long Lambda lets an invocation last.
const TIMEOUT_SECONDS: i64 = 30;

impl Town {
    /// An event is produced, and delivered at least once, unless it is lost.
    pub(crate) fn announce(&mut self, model: usize, told: Told, function: Function, body: Value) {
        let may_be_lost = matches!(told, Told::Status);
        let lost = self.is_stormy && may_be_lost && self.dice.percent(30);
        let copies = match self.dice.roll(10) {
            _ if lost => 0,
            _ if !self.is_stormy => 1,
            0 => 3,
            1 | 2 => 2,
            _ => 1,
        };
        self.post.events.push(Event {
            model,
            told,
            function,
            body,
            lost,
            under_way: copies,
            ended: Vec::new(),
        });
        let event = self.post.events.len() - 1;
        for _ in 0..copies {
            let pause = if self.is_stormy && self.dice.percent(12) {
                self.about(SignedDuration::from_hours(1))
            } else {
                self.about(SignedDuration::from_secs(3))
            };
            let attempts = 0;
            self.after(pause, Happening::Deliver(Delivery { event, attempts }));
        }
    }

    pub(crate) fn redrive(&mut self, percent: u64) {
        let dice = &mut self.dice;
        let deliveries = self.post.redrive(|| dice.percent(percent));
        for delivery in deliveries {
            let pause = self.about(SignedDuration::from_secs(30));
            self.after(pause, Happening::Deliver(delivery));
        }
    }

    pub(crate) async fn deliver(&mut self, delivery: Delivery) {
        let event = &self.post.events[delivery.event];
        let function = event.function;
        if function == Function::DataArrival {
            if self.queue.is_empty() {
                let pause = self.about(SignedDuration::from_secs(30));
                self.after(pause, Happening::Receive);
            }
            self.queue.push(delivery);
            return;
        }
        let body = event.body.clone();
        self.invoke(function, body, vec![delivery]).await;
    }

    /// At most ten messages, in any order.
    pub(crate) async fn receive(&mut self) {
        self.dice.shuffle(&mut self.queue);
        let rest = self.queue.len().min(10);
        let rest = self.queue.split_off(rest);
        let deliveries = std::mem::replace(&mut self.queue, rest);
        if !self.queue.is_empty() {
            self.after(SignedDuration::from_secs(1), Happening::Receive);
        }
        if deliveries.is_empty() {
            return;
        }
        let bodies = deliveries
            .iter()
            .map(|delivery| self.post.events[delivery.event].body.clone());
        let body = batch(self.now(), bodies);
        self.invoke(Function::DataArrival, body, deliveries).await;
    }

    pub(crate) async fn reconcile(&mut self) {
        let look = json!({"source": "aws.scheduler"});
        self.invoke(Function::Reconciler, look, Vec::new()).await;
    }

    async fn invoke(&mut self, function: Function, body: Value, handed: Vec<Delivery>) {
        let plan = if self.is_stormy {
            let is_down = self.now() < self.down_until;
            misfortunes(&mut self.dice, function, is_down)
        } else {
            BTreeMap::new()
        };
        let pace = self.dice.roll(1_000);
        let process = self.process(function);
        self.invocations += 1;
        let end = process.invoke(body, plan, pace).await;
        match &end {
            End::Answered(_) | End::Failed(_) => {
                self.processes.entry(function).or_default().push(process);
            }
            // It is gone, or busy.
            End::Died { .. } | End::Frozen { .. } => {}
        }
        self.ends(end, handed);
    }

    /// A warm process, or a new one with a clock of its own.
    fn process(&mut self, function: Function) -> Process {
        let warm = self.processes.entry(function).or_default();
        if warm.len() > 1 {
            let place = self.dice.place(warm.len());
            return warm.swap_remove(place);
        }
        // AWS's clock is one of those that differ by at most the skew.
        let half = self.size.skew / 2;
        let skew = self.about(half) - half;
        Process::start(&self.deployment, function, skew, &self.wires, &self.late)
    }

    fn ends(&mut self, end: End, handed: Vec<Delivery>) {
        match end {
            End::Answered(Answered::Outcomes(outcomes)) => {
                for delivery in handed {
                    self.record(&outcomes);
                    self.post.understood(delivery, outcomes.clone());
                }
            }
            End::Answered(Answered::Returned(places)) => {
                for (place, delivery) in handed.into_iter().enumerate() {
                    if places.contains(&place) {
                        self.fails(delivery, "Batch.Returned: the message was returned");
                    } else {
                        self.post.understood(delivery, vec!["counted".to_owned()]);
                    }
                }
            }
            End::Failed(failure) => {
                let error = format!("{}: {failure}", failure.error_type());
                self.all_fail(handed, &error);
            }
            End::Died { timed_out: true } => self.all_fail(handed, "Function.TimedOut: 30 s"),
            End::Died { timed_out: false } => self.all_fail(handed, "Function.Died: exit status 1"),
            End::Frozen {
                invocation,
                seconds,
            } => self.freezes(invocation, seconds, handed),
        }
    }

    /// Lambda waits for no longer than an invocation may last. Meanwhile others are at it.
    fn freezes(&mut self, invocation: Invocation, seconds: i64, mut handed: Vec<Delivery>) {
        let freeze = SignedDuration::from_secs(seconds);
        if let (Some(first), true) = (handed.first(), self.dice.percent(50)) {
            let copy = Delivery {
                attempts: 0,
                ..*first
            };
            self.post.events[copy.event].under_way += 1;
            let pause = self.about(freeze / 2);
            self.after(pause, Happening::Deliver(copy));
        }
        if seconds > TIMEOUT_SECONDS {
            self.all_fail(std::mem::take(&mut handed), "Function.TimedOut: 30 s");
        }
        let frozen = Frozen {
            invocation,
            seconds,
            handed,
        };
        self.after(freeze, Happening::Thaw(Box::new(frozen)));
    }

    fn all_fail(&mut self, handed: Vec<Delivery>, error: &str) {
        for delivery in handed {
            self.fails(delivery, error);
        }
    }

    fn fails(&mut self, mut delivery: Delivery, error: &str) {
        self.record(&error);
        if let Some(pause) = self.post.failed(&mut delivery, error) {
            self.after(pause, Happening::Deliver(delivery));
        }
    }

    pub(crate) async fn thaws(&mut self, frozen: Frozen) {
        // Lambda has ended what was frozen for longer than an invocation may last, but
        // this process does not know.
        let is_over = frozen.seconds > TIMEOUT_SECONDS;
        let end = frozen.invocation.thaw(is_over).await;
        self.ends(end, frozen.handed);
    }
}
