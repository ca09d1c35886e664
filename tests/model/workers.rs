//! Invocations: how they begin, go on and end.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use retrain_controller::Committed;
use retrain_core::event::Event;
use retrain_core::lane::Lane;

use crate::mutant::Mutant;
use crate::print::{Print, Shared};
use crate::replay::{Answer, Call, Heard, Next, resume};
use crate::setup::at;
use crate::state::{Asked, State, Worker};
use crate::world::World;

impl World {
    /// A worker begins, and runs up to its first call.
    ///
    /// That is to read the slot. Unless the worker has looked at AWS before, it has no past
    /// yet: then it might as well begin when its call is answered, so it is answered at
    /// once.
    pub(crate) fn begin(
        &self,
        state: &mut State,
        lane: usize,
        event: &Shared<Event>,
        source: Option<usize>,
        skew: i64,
    ) {
        let began = at(state.now + skew);
        let print = Print::of(&(lane, event, began.as_nanosecond()));
        let worker = |next| Worker {
            lane,
            event: event.clone(),
            source,
            skew,
            began,
            heard: Vec::new(),
            print,
            knows: BTreeMap::new(),
            saw: None,
            asked: state.now,
            next,
        };
        let next = self.next_of(print, event, &self.setup.lanes[lane].0, began, &[]);
        let worker = worker(next.expect("a worker reads its slot first"));
        if matches!(**event, Event::Status(_) | Event::Package { .. }) {
            state.workers.push(worker);
        } else {
            self.load(state, worker);
        }
    }

    /// A lost race changes nothing, so it might as well be lost when the slot is read
    /// again: that happens at once. A worker that has written nothing yet begins anew.
    pub(crate) fn lose(&self, state: &mut State, worker: Worker) {
        if worker.heard.iter().any(is_written) {
            let lost = Answer::Committed(Committed::LostRace);
            let Some(worker) = self.hear(state, worker, lost, Print::default()) else {
                return;
            };
            return self.load(state, worker);
        }
        let began = at(state.now + worker.skew);
        let next = Worker {
            began,
            heard: Vec::new(),
            print: Print::of(&(worker.lane, &worker.event, began.as_nanosecond())),
            knows: BTreeMap::new(),
            saw: None,
            asked: state.now,
            ..worker
        };
        let lane = &self.setup.lanes[next.lane].0;
        let asked = self.next_of(next.print, &next.event, lane, began, &[]);
        let next = Worker {
            next: asked.expect("a worker reads its slot first"),
            ..next
        };
        self.load(state, next);
    }

    /// A worker hears an answer, and runs up to its next call.
    pub(crate) fn tell(&self, state: &mut State, worker: Worker, answer: Answer, print: Print) {
        let worker = self.hear(state, worker, answer, print);
        state.workers.extend(worker);
    }

    /// A worker hears an answer; it is over, or asks something else.
    fn hear(
        &self,
        state: &mut State,
        mut worker: Worker,
        answer: Answer,
        print: Print,
    ) -> Option<Worker> {
        let now = if self.is(Mutant::ClockStandsStill) {
            worker.began
        } else {
            at(state.now + worker.skew)
        };
        worker.heard.push(Heard {
            answer: answer.into(),
            at: now,
        });
        worker.print = Print::of(&(worker.print, print, now.as_nanosecond()));
        let lane = &self.setup.lanes[worker.lane].0;
        let (event, heard) = (&worker.event, &worker.heard);
        match self.next_of(worker.print, event, lane, worker.began, heard) {
            Ok(next) => Some(Worker {
                next,
                asked: state.now,
                ..worker
            }),
            Err(understood) => {
                state.leave(&worker, understood);
                None
            }
        }
    }

    fn next_of(
        &self,
        print: Print,
        event: &Event,
        lane: &Lane,
        began: Timestamp,
        heard: &[Heard],
    ) -> Result<Rc<Asked>, bool> {
        let known = self.next.borrow().get(&print).cloned();
        known.unwrap_or_else(|| {
            let setup = &self.setup;
            let next = resume(event, &setup.policy, lane, setup.timing, began, heard);
            let next = match next {
                Next::Over { understood } => Err(understood),
                Next::Call(call) => Ok(Rc::new(Asked {
                    slot: match &call {
                        Call::Commit { commit, .. } => Some(Shared::new((*commit.slot).clone())),
                        _ => None,
                    },
                    call,
                })),
            };
            self.next.borrow_mut().insert(print, next.clone());
            next
        })
    }
}

/// Whether the worker has changed something.
fn is_written(heard: &Heard) -> bool {
    matches!(*heard.answer, Answer::Committed(Committed::Written))
}

impl Worker {
    /// Whether its call can still have its effect while it waits.
    pub(crate) fn is_in_time(&self, now: i64) -> bool {
        let timeout = match &self.next.call {
            Call::Start { timeout, .. } | Call::UpdatePackage { timeout, .. } => *timeout,
            _ => return true,
        };
        let timeout = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        now <= self.asked + timeout
    }
}

impl State {
    /// A worker is over, or dead. What it has not understood is delivered again.
    pub(crate) fn leave(&mut self, worker: &Worker, understood: bool) {
        let Some(parcel) = worker.source.map(|source| &mut self.news[source]) else {
            return;
        };
        if understood {
            parcel.owed = false;
        } else if parcel.owed {
            parcel.left = parcel.left.max(1);
        }
    }
}
