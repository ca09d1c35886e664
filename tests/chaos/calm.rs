//! The end: nothing goes wrong any more, and everything must come to rest.

use jiff::SignedDuration;
use retrain_controller::{SlotStore as _, Wanted};
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{EnvironmentName, ModelName};
use retrain_core::slot::{Phase, Slot};

use super::account::Account;
use super::model::MIN_ROWS;
use super::town::Town;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

const PRODUCTION: &str = "production";

/// Longer than the budget's window.
const LONGEST: i64 = 24 * 10;

impl Town {
    /// The storm is over. What is under way arrives or is a dead letter; then the letters
    /// are delivered again, and all comes to rest.
    pub(crate) async fn calm_down(&mut self) -> Account {
        self.is_stormy = false;
        loop {
            let end = self.now() + HOUR * 7;
            Box::pin(self.play_until(end)).await;
            if !self.is_busy() {
                break;
            }
        }
        let mut account = self.account().await;
        self.redrive(100);
        let end = self.now() + HOUR * 3;
        Box::pin(self.play_until(end)).await;
        assert!(!self.is_busy(), "an event is never understood");
        self.go_on().await;
        self.come_to_rest().await;
        self.judge_the_end(&mut account).await;
        account
    }

    /// People let everything go on, and a retry that nobody has told of is told.
    async fn go_on(&mut self) {
        self.order(None, "resume");
        for model in 0..self.models.len() {
            if self.slot(model, Lane::Retrain).await.paused.is_some() {
                self.order(Some(model), "resume");
            }
            let retried: Vec<String> = self.models[model].retried.keys().cloned().collect();
            for arn in retried {
                self.tell(model, &arn);
            }
        }
    }

    async fn come_to_rest(&mut self) {
        let mut restless: Vec<(usize, Lane)> = Vec::new();
        for model in 0..self.models.len() {
            let lanes = self.lanes(model).into_iter();
            restless.extend(lanes.map(|lane| (model, lane)));
        }
        for _ in 0..LONGEST / 6 {
            let end = self.now() + HOUR * 6;
            Box::pin(self.play_until(end)).await;
            let mut still = Vec::new();
            for (model, lane) in restless {
                if !is_at_rest(&lane, &self.slot(model, lane.clone()).await) {
                    still.push((model, lane));
                }
            }
            restless = still;
            if restless.is_empty() {
                return;
            }
        }
        let (model, lane) = restless.swap_remove(0);
        let slot = self.slot(model, lane.clone()).await;
        panic!("promises 3 and 11: {lane} of model {model} never rests: {slot:#?}");
    }

    /// The lanes of a model that start something.
    pub(crate) fn lanes(&self, model: usize) -> Vec<Lane> {
        let mut lanes = vec![Lane::Retrain];
        if self.models[model].is_gated {
            let environment = |name| Lane::Deploy(EnvironmentName::parse(name).unwrap());
            lanes.extend(["staging", PRODUCTION].map(environment));
        }
        lanes
    }

    pub(crate) fn key(&self, model: usize, lane: Lane) -> SlotKey {
        let name = ModelName::parse(self.models[model].name.as_str()).unwrap();
        SlotKey::new(name, lane)
    }

    pub(crate) async fn slot(&self, model: usize, lane: Lane) -> Slot {
        let key = self.key(model, lane);
        let loaded = self
            .deployment
            .store()
            .load(Wanted::slot(&key), self.now())
            .await;
        loaded.unwrap().slot
    }
}

fn is_at_rest(lane: &Lane, slot: &Slot) -> bool {
    // What was staged waits in production for a person, for as long as he likes.
    let may_hold = matches!(lane, Lane::Deploy(environment) if environment.as_str() == PRODUCTION);
    slot.phase == Phase::Idle
        && (slot.held.is_empty() || may_hold)
        && slot.errands.open().is_empty()
        && slot.data.tally.rows < MIN_ROWS
}
