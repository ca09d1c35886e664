//! Many models in one deployment, and the time of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::{SignedDuration, Timestamp};
use retrain_core::facts::Timing;
use retrain_core::period::Period;
use retrain_local::Deployment;
use retrain_sandbox::Options;
use retrain_sandbox::Seed;
use retrain_sandbox::s3::Versioning;

use super::line::LateCall;
use super::model::{DATA, Model, REPORTS};
use super::post::{Delivery, Post};
use super::process::{Function, Invocation, Process};
use crate::dice::Dice;
use crate::oracle::runs::Rules;

/// How large a town is, and for how long it is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) models: usize,
    pub(crate) days: i64,
    /// How far two clocks may differ, AWS's among them.
    pub(crate) skew: SignedDuration,
    /// Every so manieth model has a gate and environments.
    pub(crate) gated: usize,
    /// How many times as much happens to each model as in a soak.
    pub(crate) pace: i32,
    /// How often the reconciler runs, in minutes.
    pub(crate) reconcile: i64,
}

impl Size {
    /// What can be asked of the times, as AWS's clock sees them; nothing where the clocks
    /// differ by more than the controller was told.
    pub(crate) fn rules(self, rules: Rules) -> Option<Rules> {
        let max_skew = Timing::default().max_skew();
        (self.skew <= max_skew).then(|| Rules {
            min_interval: rules.min_interval - max_skew * 2,
            window: rules.window - max_skew * 2,
            ..rules
        })
    }
}

/// What will happen.
pub(crate) enum Happening {
    Deliver(Delivery),
    /// A batch is received from the queue of data-arrival.
    Receive,
    Thaw(Box<Frozen>),
    Late(Box<LateCall>),
    Reconcile,
    /// A service goes down for a while.
    Outage,
    Redrive,
    World(super::world::Deed),
}

/// An invocation that is frozen.
pub(crate) struct Frozen {
    pub(crate) invocation: Invocation,
    pub(crate) seconds: i64,
    /// What it was handed; nothing, if Lambda has given it up.
    pub(crate) handed: Vec<Delivery>,
}

pub(crate) struct Town {
    pub(crate) deployment: Deployment,
    pub(crate) size: Size,
    pub(crate) dice: Dice,
    pub(crate) models: Vec<Model>,
    pub(crate) post: Post,
    pub(crate) is_stormy: bool,
    pub(crate) down_until: Timestamp,
    happenings: BTreeMap<(Timestamp, u64), Happening>,
    happened: u64,
    pub(crate) queue: Vec<Delivery>,
    pub(crate) processes: BTreeMap<Function, Vec<Process>>,
    pub(crate) wires: SharedHttpClient,
    pub(crate) late: Arc<Mutex<Vec<LateCall>>>,
    /// Executions and deployments that were noticed.
    pub(crate) known: BTreeSet<String>,
    pub(crate) invocations: u64,
    /// A digest of all that happened.
    pub(crate) digest: u64,
}

impl Town {
    pub(crate) async fn found(seed: u64, size: Size) -> Self {
        let nothing = Seed::from_json("{}").unwrap();
        let deployment = Deployment::seeded(Options::default(), &nothing)
            .await
            .unwrap();
        let deployment = deployment.keep_policies(Period::from_days(100));
        let s3 = deployment.sandbox.s3();
        for bucket in [DATA, REPORTS] {
            s3.create_bucket(bucket, Versioning::Disabled).unwrap();
        }
        s3.notify_eventbridge(DATA, true).unwrap();
        let models: Vec<Model> = (0..size.models)
            .map(|number| Model::new(number, number.is_multiple_of(size.gated)))
            .collect();
        for model in &models {
            model.settle(&deployment);
        }
        Self {
            deployment,
            size,
            dice: Dice::new(seed),
            models,
            post: Post::default(),
            is_stormy: true,
            down_until: Timestamp::MIN,
            happenings: BTreeMap::new(),
            happened: 0,
            queue: Vec::new(),
            processes: BTreeMap::new(),
            wires: aws_smithy_http_client::Builder::new().build_http(),
            late: Arc::default(),
            known: BTreeSet::new(),
            invocations: 0,
            digest: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.deployment.sandbox.clock().now()
    }

    pub(crate) fn after(&mut self, time: SignedDuration, happening: Happening) {
        self.happened += 1;
        let at = self.now() + time;
        self.happenings.insert((at, self.happened), happening);
    }

    /// Some time, up to twice this.
    pub(crate) fn about(&mut self, time: SignedDuration) -> SignedDuration {
        let millis = u64::try_from(2 * time.as_millis()).unwrap();
        SignedDuration::from_millis(self.dice.roll(millis.max(1)).cast_signed())
    }

    /// Everything happens until then.
    pub(crate) async fn play_until(&mut self, end: Timestamp) {
        while let Some(entry) = self.happenings.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let happening = entry.remove();
            let clock = self.deployment.sandbox.clock();
            clock.set(at.max(clock.now()));
            Box::pin(self.happens(happening)).await;
            self.follow_up();
        }
        let clock = self.deployment.sandbox.clock();
        clock.set(end.max(clock.now()));
    }

    /// Whether deliveries, batches, late calls or frozen processes are under way.
    pub(crate) fn is_busy(&self) -> bool {
        let waits = |happening: &Happening| {
            matches!(
                happening,
                Happening::Deliver(_)
                    | Happening::Receive
                    | Happening::Thaw(_)
                    | Happening::Late(_)
            )
        };
        self.happenings.values().any(waits)
    }

    async fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Deliver(delivery) => self.deliver(delivery).await,
            Happening::Receive => self.receive().await,
            Happening::Thaw(frozen) => self.thaws(*frozen).await,
            Happening::Late(call) => call.arrive().await,
            Happening::Reconcile => {
                self.reconcile().await;
                // Its schedule is not punctual.
                let minutes = if self.is_stormy {
                    self.size.reconcile
                } else {
                    180
                };
                let pause = SignedDuration::from_mins(minutes);
                let pause = pause / 2 + self.about(pause / 2);
                self.after(pause, Happening::Reconcile);
            }
            Happening::Outage => {
                let length = self.about(SignedDuration::from_mins(50));
                self.down_until = self.now() + length;
                let pause = self.about(SignedDuration::from_hours(30));
                self.after(pause, Happening::Outage);
            }
            Happening::Redrive => {
                if self.is_stormy {
                    let pause = self.about(SignedDuration::from_hours(30));
                    self.redrive(40);
                    self.after(pause, Happening::Redrive);
                }
            }
            Happening::World(deed) => self.deed(deed),
        }
    }

    /// What a happening has led to beyond itself.
    fn follow_up(&mut self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for call in late {
            let pause = call.at.duration_since(self.now()).max(SignedDuration::ZERO);
            self.after(pause, Happening::Late(Box::new(call)));
        }
        self.packages_are_told();
        let calls = self.deployment.sandbox.calls().take();
        if calls
            .iter()
            .any(|call| call.operation == "StartPipelineExecution")
        {
            self.runs_are_noticed();
            self.deployments_are_noticed();
        }
    }

    /// Adds to the digest of all that happened.
    pub(crate) fn record(&mut self, what: &impl std::fmt::Debug) {
        for byte in format!("{} {what:?}", self.now()).bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}
