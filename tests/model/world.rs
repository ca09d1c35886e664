//! What can happen, and what follows from it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use retrain_core::event::{Event, Told};
use retrain_core::slot::{Phase, Slot};

use crate::aws::end_execution;
use crate::books::Books;
use crate::mutant::Mutant;
use crate::print::{Print, Shared};
use crate::replay::Call;
use crate::search::{Broken, Model, Step};
use crate::setup::{Ends, Jump, News, Setup, at, seconds};
use crate::state::{Asked, Parcel, Registered, State, Worker};

/// How long a call may be under way for whose effect nobody waits any more, in seconds.
pub(crate) const LATE: i64 = 30;

/// A configuration, and what was found out about its workers.
pub(crate) struct World {
    pub(crate) setup: Setup,
    /// What a worker does next is a function of what it was told: a call, or nothing more,
    /// and then whether it has understood its event.
    pub(crate) next: RefCell<HashMap<Print, Result<Rc<Asked>, bool>>>,
    /// The states from which all comes to rest as it should.
    pub(crate) rested: RefCell<HashSet<Print>>,
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// News are delivered to a new worker, or a person acts.
    Deliver { parcel: usize, skew: i64 },
    /// The reconciler looks at a slot.
    Look { lane: usize, skew: i64 },
    /// A worker's call is answered.
    Answer { worker: usize, how: How },
    /// A worker dies.
    Crash { worker: usize },
    /// A call has its effect for which nobody waits any more.
    Late { call: usize },
    /// An execution ends.
    End { execution: usize, ends: Ends },
    /// Time passes.
    Pass(Jump),
}

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Well,
    /// It has no effect, and the worker does not learn that.
    LostCall,
    /// It has its effect, and the worker does not learn that.
    LostAnswer,
    /// It has its effect later, and the worker does not learn that.
    LateCall,
    NoCapacity,
    Misconfigured,
    /// Its item is written, and the worker dies before the rest is. Only a wrong protocol
    /// has calls like that.
    Half,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            next: RefCell::default(),
            rested: RefCell::default(),
        }
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.setup.mutant == Some(mutant)
    }

    fn actions(&self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        let left = &state.left;
        let may_begin = state.workers.len() < self.setup.workers;
        for (place, parcel) in state.news.iter().enumerate() {
            if parcel.left == 0 || parcel.from > state.now {
                continue;
            }
            if parcel.news.is_deed() {
                actions.push(Action::Deliver {
                    parcel: place,
                    skew: 0,
                });
            } else if may_begin {
                let skews = self.setup.skews.iter();
                actions.extend(skews.map(|skew| Action::Deliver {
                    parcel: place,
                    skew: *skew,
                }));
            }
        }
        for (lane, slot) in state.slots.iter().enumerate().filter(|_| may_begin) {
            for skew in self.setup.skews {
                let due = slot.due_at.map(seconds);
                if due.is_some_and(|due| due <= state.now + skew || left.early_looks > 0) {
                    actions.push(Action::Look { lane, skew: *skew });
                }
            }
        }
        for (place, worker) in state.workers.iter().enumerate() {
            let ways = self.ways(state, worker);
            actions.extend(ways.map(|how| Action::Answer { worker: place, how }));
            if left.crashes > 0 {
                actions.push(Action::Crash { worker: place });
            }
        }
        let late = state.late.iter().enumerate();
        let late = late.filter(|(_, late)| late.until >= state.now);
        actions.extend(late.map(|(call, _)| Action::Late { call }));
        for (execution, ran) in state.executions.iter().enumerate() {
            if ran.ended.is_none() && left.ends > 0 {
                let ends = self.setup.ends.iter();
                actions.extend(ends.map(|ends| Action::End {
                    execution,
                    ends: *ends,
                }));
            }
        }
        if left.jumps > 0 {
            actions.extend(self.setup.jumps.iter().copied().map(Action::Pass));
        }
        actions
    }

    /// How the call of a worker can be answered.
    fn ways(&self, state: &State, worker: &Worker) -> impl Iterator<Item = How> + use<> {
        let left = state.left;
        let of_commit = match &worker.next.call {
            Call::Commit { commit, .. } => {
                let is_apart = self.is(Mutant::MarkerBefore) || self.is(Mutant::MarkerAfter);
                is_apart && commit.marker.is_some() && left.crashes > 0
            }
            _ => false,
        };
        let is_start = matches!(worker.next.call, Call::Start { .. });
        let writes = is_start || matches!(worker.next.call, Call::UpdatePackage { .. });
        let in_time = worker.is_in_time(state.now);
        [
            (How::Well, true),
            (How::LostCall, writes && in_time && left.lost_calls > 0),
            (How::LostAnswer, writes && in_time && left.lost_answers > 0),
            (How::LateCall, writes && in_time && left.late_calls > 0),
            (How::NoCapacity, is_start && in_time && left.no_capacity > 0),
            (
                How::Misconfigured,
                is_start && in_time && left.misconfigured > 0,
            ),
            (How::Half, of_commit),
        ]
        .into_iter()
        .filter_map(|(how, is_possible)| is_possible.then_some(how))
    }

    fn act(&self, state: &State, action: Action) -> Result<State, Broken> {
        let mut next = state.clone();
        match action {
            Action::Deliver { parcel, skew } => self.deliver(&mut next, parcel, skew),
            Action::Look { lane, skew } => {
                let due = next.slots[lane].due_at.map(seconds);
                if due.is_none_or(|due| due > next.now + skew) {
                    next.left.early_looks -= 1;
                }
                self.begin(&mut next, lane, &Shared::new(Event::Tick), None, skew);
            }
            Action::Answer { worker, how } => {
                let worker = next.workers.remove(worker);
                self.answer(&mut next, worker, how)?;
            }
            Action::Crash { worker } => {
                next.left.crashes -= 1;
                let worker = next.workers.remove(worker);
                next.leave(&worker, false);
            }
            Action::Late { call } => {
                let late = next.late.remove(call);
                self.land(&mut next, &late)?;
            }
            Action::End { execution, ends } => {
                next.left.ends -= 1;
                end_execution(&mut next, execution, ends);
            }
            Action::Pass(jump) => {
                next.left.jumps -= 1;
                self.pass(&mut next, jump);
            }
        }
        next.workers
            .sort_by_key(|worker| (worker.print, worker.source));
        Ok(next)
    }

    pub(crate) fn pass(&self, state: &mut State, jump: Jump) {
        let now = match jump {
            Jump::By(seconds) => state.now + seconds,
            Jump::Due => {
                let due = state.slots.iter().filter_map(|slot| slot.due_at);
                let due = due.map(seconds).filter(|due| *due > state.now).min();
                due.unwrap_or(state.now)
            }
        };
        state.pass_until(now);
        // Lambda ends an invocation at its timeout. Whoever decides by what he has found
        // out of packages relies on that, as does whoever has described an execution
        // before he reads his slot. Every other worker may be frozen as long as you like.
        let timeout = self.setup.timing.send_within();
        let relies = |worker: &Worker| {
            let is_described = matches!(*worker.event, Event::Status(_));
            !self.setup.packages.is_empty() || (is_described && worker.heard.is_empty())
        };
        let is_too_old =
            |worker: &Worker| relies(worker) && worker.began + timeout < at(now + worker.skew);
        let workers = std::mem::take(&mut state.workers).into_iter();
        let (dead, workers): (Vec<_>, Vec<_>) = workers.partition(is_too_old);
        state.workers = workers;
        for worker in dead {
            state.leave(&worker, false);
        }
    }

    fn deliver(&self, state: &mut State, parcel: usize, skew: i64) {
        let news = state.news[parcel].news.clone();
        state.news[parcel].left -= 1;
        if self.is(Mutant::AcknowledgedOnReceipt) {
            state.news[parcel].owed = false;
        }
        let (lane, event) = match &*news {
            News::Event { lane, event } => (*lane, event.clone()),
            News::Execution(execution) => {
                let ran = &state.executions[*execution];
                (ran.lane, Event::Status(ran.report()))
            }
            News::Package {
                package,
                told,
                at: when,
            } => {
                let description = Box::new(self.describe_package(state, *package));
                let told = Some(Told {
                    approval: *told,
                    at: at(*when),
                });
                let lane = self.setup.lane_of_package(*package);
                (lane, Event::Package { description, told })
            }
            deed => return self.do_deed(state, deed),
        };
        self.begin(state, lane, &Shared::new(event), Some(parcel), skew);
    }
}

impl News {
    /// Whether a person does it, without any worker.
    fn is_deed(&self) -> bool {
        match self {
            Self::Event { .. } | Self::Execution(_) | Self::Package { .. } => false,
            Self::StartByHand | Self::Decide { .. } | Self::Edit(_) => true,
        }
    }

    /// Whether AWS delivers it until it is understood. A person is told when a request
    /// fails, and asks again or does not.
    fn is_owed(&self) -> bool {
        match self {
            Self::Event { event, .. } => !matches!(event, Event::Order(_)),
            Self::Package { .. } => true,
            _ => false,
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn first(&self) -> State {
        let setup = &self.setup;
        let news = setup.news.iter().map(|(from, again, news)| Parcel {
            from: *from,
            left: again + 1,
            owed: news.is_owed(),
            news: Shared::new(news.clone()),
        });
        State {
            now: 0,
            slots: vec![Shared::new(Slot::new()); setup.lanes.len()],
            markers: Shared::new(BTreeMap::new()),
            objects: Shared::new(BTreeMap::new()),
            news: news.collect(),
            workers: Vec::new(),
            late: Vec::new(),
            executions: Vec::new(),
            packages: setup.packages.iter().map(|_| Registered::new()).collect(),
            left: setup.limits,
            books: Books::default(),
        }
    }

    fn next(&self, state: &State) -> Vec<Step<Self>> {
        let actions = self.actions(state).into_iter();
        actions
            .map(|action| (action, self.act(state, action)))
            .collect()
    }

    fn describe(&self, state: &State, action: &Action) -> String {
        let what = match action {
            Action::Deliver { parcel, .. } => format!("{:?}", state.news[*parcel].news),
            Action::Look { lane, .. } => self.setup.lanes[*lane].0.to_string(),
            Action::Answer { worker, .. } | Action::Crash { worker } => {
                let worker = &state.workers[*worker];
                let lane = &self.setup.lanes[worker.lane].0;
                format!("{} in {lane}: {}", *worker.event, worker.next.call)
            }
            Action::Late { call } => format!("{:?}", state.late[*call].call),
            Action::End { .. } | Action::Pass(_) => String::new(),
        };
        let phases = state.slots.iter().map(|slot| match &slot.phase {
            Phase::Idle => format!("{} idle", slot.version),
            Phase::Starting(claim) => format!(
                "{} starting {}.{}",
                slot.version, claim.number, claim.attempt
            ),
            Phase::Running(run) => format!("{} running {}", slot.version, run.claim.number),
        });
        let phases: Vec<String> = phases.collect();
        format!(
            "{:>5} s [{}] {action:?} {what}",
            state.now,
            phases.join(", ")
        )
    }

    fn check(&self, state: &State) -> Result<(), Broken> {
        self.check_slots(state)?;
        self.check_rest(state)
    }
}
