//! What always happens in the end. From each state that is explored a fair future is
//! played: all workers die, AWS tells nothing more, people let everything go on, events
//! that are owed arrive, executions succeed, and the reconciler looks at what is due, when
//! it is due. Then all must come to rest as promised.

use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::order::{Order, OrderKind};
use retrain_core::package::PackageApproval;
use retrain_core::slot::{Phase, Slot};

use crate::books::Fate;
use crate::print::{Print, Shared};
use crate::search::{Broken, broken};
use crate::setup::{Ends, Jump, Limits, News, package, seconds};
use crate::state::State;
use crate::world::{How, World};

/// After how many seconds all that is looked at each hour has been looked at.
const LONG: i64 = 8_000;

/// How often the reconciler looks before it must be quiet.
const LOOKS: usize = 60;

impl World {
    pub(crate) fn check_rest(&self, state: &State) -> Result<(), Broken> {
        let mut state = state.clone();
        for worker in std::mem::take(&mut state.workers) {
            state.leave(&worker, false);
        }
        state.late.clear();
        state.left = Limits::default();
        state.news.retain(|parcel| parcel.owed);
        for parcel in &mut state.news {
            parcel.left = 1;
        }
        if !self.rested.borrow_mut().insert(Print::of(&state)) {
            return Ok(());
        }
        for parcel in std::mem::take(&mut state.news) {
            state.now = state.now.max(parcel.from);
            match &*parcel.news {
                News::Event { lane, event } => self.handle(&mut state, *lane, event.clone())?,
                News::Package { package, .. } => {
                    let lane = self.setup.lane_of_package(*package);
                    let description = Box::new(self.describe_package(&state, *package));
                    let told = None;
                    self.handle(&mut state, lane, Event::Package { description, told })?;
                }
                _ => {}
            }
        }
        let until = state.now + LONG;
        for _ in 0..LOOKS {
            for execution in 0..state.executions.len() {
                let ran = &mut state.executions[execution];
                if ran.ended.is_none() {
                    *ran = ran.with(|ran| ran.ended = Some(Ends::As(ExecutionStatus::Succeeded)));
                }
            }
            self.go_on(&mut state)?;
            // A package is looked at each hour.
            let nothing_due = state.slots.iter().all(|slot| slot.due_at.is_none());
            let is_over = state.packages.is_empty() || state.now >= until || nothing_due;
            if is_over && state.slots.iter().all(|slot| is_quiet(slot)) {
                return self.judge_rest(&state);
            }
            self.pass(&mut state, Jump::Due);
            for lane in 0..state.slots.len() {
                let due = state.slots[lane].due_at.map(seconds);
                if due.is_some_and(|due| due <= state.now) {
                    self.handle(&mut state, lane, Event::Tick)?;
                }
            }
        }
        let slots = state.slots.iter().filter(|slot| !is_quiet(slot));
        broken(
            3,
            format!("it never comes to rest: {:?}", slots.collect::<Vec<_>>()),
        )
    }

    /// People let everything go on.
    fn go_on(&self, state: &mut State) -> Result<(), Broken> {
        for lane in 0..state.slots.len() {
            let (by, why) = ("ana".to_owned(), "go on".to_owned());
            let slot = &state.slots[lane];
            if slot.paused.is_some() || slot.misconfigured.is_some() {
                let (by, why) = (by.clone(), why.clone());
                self.handle(
                    state,
                    lane,
                    Event::Order(Order::new(OrderKind::Resume, by, why)),
                )?;
            }
            if state.slots[lane].breaker_open.is_some() {
                self.handle(
                    state,
                    lane,
                    Event::Order(Order::new(OrderKind::ResetBreaker, by, why)),
                )?;
            }
        }
        Ok(())
    }

    /// One worker does all that an event calls for, and nothing goes wrong.
    fn handle(&self, state: &mut State, lane: usize, event: Event) -> Result<(), Broken> {
        self.begin(state, lane, &Shared::new(event), None, 0);
        while let Some(worker) = state.workers.pop() {
            self.answer(state, worker, How::Well)?;
        }
        state.news.clear();
        self.check_slots(state)
    }

    /// Everything has come to rest.
    fn judge_rest(&self, state: &State) -> Result<(), Broken> {
        if let Some(cause) = state.books.open().keys().next() {
            return broken(3, format!("{cause} was never served"));
        }
        for (_, _, news) in &self.setup.news {
            if let News::Event { lane, event } = news
                && let Some(key) = event.dedupe_key()
                && !state.books.decided.contains(&(*lane, Print::of(&key)))
            {
                return broken(3, format!("{key} was never decided"));
            }
        }
        for ((lane, claim), known) in &state.books.claims {
            let ours = state.executions.iter();
            let ours = ours.filter(|ran| ran.lane == *lane && ran.claim == *claim);
            let count = ours.count();
            let expected = match known.fate {
                Fate::Open => count == 1,
                Fate::Released => count == 0,
                Fate::Abandoned => count <= 1,
            };
            if !expected {
                let fate = known.fate;
                return broken(
                    5,
                    format!("claim {claim} is {fate:?} and has {count} executions"),
                );
            }
        }
        for (index, known) in state.packages.iter().enumerate() {
            let lane = &state.slots[self.setup.lane_of_package(index)];
            let Some(review) = &lane.review else {
                continue;
            };
            if review.approval != known.approval {
                let (truth, told) = (known.approval, review.approval);
                return broken(11, format!("package {} is {truth}, not {told}", index + 1));
            }
            if known.approval == PackageApproval::Approved && review.contested.is_none() {
                judge_served(state, index)?;
            }
        }
        Ok(())
    }
}

/// A package that is approved in the end runs, or a later one does.
fn judge_served(state: &State, index: usize) -> Result<(), Broken> {
    let deployment = &state.slots[1].deployment;
    let own = package(index);
    let was_tried = state
        .executions
        .iter()
        .any(|ran| ran.package == Some(index));
    if deployment.runs(&own) || deployment.runs_later_than(&own) || was_tried {
        return Ok(());
    }
    broken(
        3,
        format!("package {} was approved and never deployed", index + 1),
    )
}

/// Whether nothing is under way, and nothing waits but for what may never come.
fn is_quiet(slot: &Slot) -> bool {
    let writes = slot.review.as_ref().is_some_and(|review| {
        let write = review.write.as_ref();
        write.is_some_and(|write| write.resume_at.is_some())
    });
    slot.phase == Phase::Idle
        && slot.held.is_empty()
        && slot.errands.open().is_empty()
        && slot.foreign.is_empty()
        && !writes
}
