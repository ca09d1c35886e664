//! What the world answers to the calls of workers.

use std::rc::Rc;

use retrain_controller::{
    Committed, Condition, Found, Item, Loaded, Started, Updated, transaction,
};
use retrain_core::event::Refusal;
use retrain_core::lane::Lane;
use retrain_core::package::{PackageApproval, PackageUpdate};
use retrain_core::slot::Claim;
use retrain_core::step::Commit;

use crate::mutant::Mutant;
use crate::print::{Print, Shared};
use crate::replay::{Answer, Call};
use crate::search::Broken;
use crate::setup::{at, index_of, seconds};
use crate::state::{Asked, Late, LateCall, State, Worker};
use crate::world::{How, LATE, World};

impl World {
    /// A worker's call is answered: it has its effect, and the worker goes on.
    pub(crate) fn answer(
        &self,
        state: &mut State,
        mut worker: Worker,
        how: How,
    ) -> Result<(), Broken> {
        let asked = Rc::clone(&worker.next);
        let answer = match &asked.call {
            Call::Load { .. } => {
                self.load(state, worker);
                return Ok(());
            }
            Call::Commit { lane, commit } => {
                let lane = self.setup.lane(lane);
                match self.commit(state, &mut worker, lane, commit, &asked, how)? {
                    Some(Committed::Written) => Answer::Committed(Committed::Written),
                    Some(Committed::LostRace) => {
                        self.lose(state, worker);
                        return Ok(());
                    }
                    None => {
                        state.left.crashes -= 1;
                        state.leave(&worker, false);
                        return Ok(());
                    }
                }
            }
            Call::Start { claim, .. } => Answer::Started(self.start(state, &worker, claim, how)?),
            Call::UpdatePackage { update, .. } => {
                Answer::Updated(Self::update(state, &worker, update, how)?)
            }
            Call::Find { claim, earliest } => {
                let earliest = seconds(*earliest);
                Answer::Found(self.find(state, claim, earliest))
            }
            Call::Describe(execution) => {
                let ran = state.execution(execution);
                Answer::Described(ran.expect("only what has run is described").report().into())
            }
            Call::InAlarm(alarms) => {
                let alarms = alarms.iter().filter(|alarm| self.rings(state, alarm));
                Answer::InAlarm(alarms.cloned().collect())
            }
            Call::NewestApproved => Answer::Newest(Self::newest_approved(state)),
            Call::DescribePackage(package) => {
                let index = index_of(package);
                worker.saw = Some(state.packages[index].approval);
                let mut described = self.describe_package(state, index);
                self.mistake(&worker, &mut described.approval);
                Answer::Package(Some(described.into()))
            }
        };
        let print = Print::of_shown(&answer);
        self.tell(state, worker, answer, print);
        Ok(())
    }

    /// One consistent read of a slot, a marker and objects.
    pub(crate) fn load(&self, state: &mut State, mut worker: Worker) {
        let asked = Rc::clone(&worker.next);
        let Call::Load {
            lane,
            marker,
            objects,
        } = &asked.call
        else {
            unreachable!("it reads: {}", asked.call)
        };
        let lane = self.setup.lane(lane);
        let slot = &state.slots[lane];
        let seen = marker
            .as_ref()
            .and_then(|key| state.markers.get(&(lane, key.clone())));
        let known = state.objects.iter().filter(|(id, _)| objects.contains(id));
        let known = known.map(|(id, record)| (id.clone(), record.clone()));
        worker.knows.insert(lane, slot.print());
        let print = (
            slot.print(),
            seen.map(|seen| (seen.decision, seen.claim)),
            (!objects.is_empty()).then(|| state.objects.print()),
        );
        let loaded = Loaded {
            slot: slot.as_ref().clone(),
            seen: seen.cloned(),
            objects: known.collect(),
            controller: self.setup.controller.clone(),
        };
        let print = Print::of(&print);
        self.tell(state, worker, Answer::Loaded(Box::new(loaded)), print);
    }

    /// Writes a commit as its transaction says; nothing if its worker dies meanwhile.
    fn commit(
        &self,
        state: &mut State,
        worker: &mut Worker,
        lane: usize,
        commit: &Commit,
        asked: &Asked,
        how: How,
    ) -> Result<Option<Committed>, Broken> {
        let is_half = how == How::Half;
        let only_marker = is_half && self.is(Mutant::MarkerBefore);
        let no_marker = is_half && self.is(Mutant::MarkerAfter);
        let marker_apart = self.is(Mutant::MarkerBefore) || self.is(Mutant::MarkerAfter);
        let holds = |item: &Item<'_>, condition: Condition<'_>| match (item, condition) {
            (Item::Marker(..), _) if marker_apart => true,
            (Item::Slot(_), _) if self.is_unfenced(commit) => true,
            (_, Condition::None) => true,
            (Item::Slot(_), Condition::Absent) => state.slots[lane].version == 0,
            (Item::Slot(_), Condition::Version(read)) => state.slots[lane].version == read,
            (Item::Marker(key, _), Condition::Absent | Condition::AbsentOrExpired) => {
                // Markers live for weeks, and the time that is explored is shorter.
                !state.markers.contains_key(&(lane, (*key).clone()))
            }
            (Item::Object(record), Condition::Absent) => {
                !state.objects.contains_key(&record.version.id())
            }
            (Item::Object(record), Condition::Sequencer(read)) => {
                let known = state.objects.get(&record.version.id());
                known.is_some_and(|known| known.version.sequencer == *read)
            }
            (item, condition) => unreachable!("{condition:?} of {item:?}"),
        };
        let fits = transaction(commit).all(|put| holds(&put.item, put.condition));
        if !fits && !only_marker {
            return Ok(Some(Committed::LostRace));
        }
        for put in transaction(commit) {
            match put.item {
                Item::Marker(key, seen) if !no_marker => {
                    let marker = (lane, key.clone());
                    let seen = seen.clone();
                    state.markers = state.markers.with(|markers| {
                        markers.insert(marker, seen);
                    });
                }
                _ if only_marker => {}
                Item::Slot(_) => {
                    self.judge(state, worker, lane, commit)?;
                    let slot = asked.slot.clone().expect("a commit has a slot");
                    let slot = self.spoiled(commit, slot);
                    worker.knows.insert(lane, slot.print());
                    state.slots[lane] = slot;
                }
                Item::Object(record) => {
                    state.objects = state.objects.with(|objects| {
                        objects.insert(record.version.id(), record.clone());
                    });
                }
                // Decisions are the books' business.
                Item::Decision(_) | Item::Marker(..) => {}
            }
        }
        Ok((!is_half).then_some(Committed::Written))
    }

    /// A start call. Its token is remembered for no longer than AWS has to, which is as
    /// long as its lists may lag.
    fn start(
        &self,
        state: &mut State,
        worker: &Worker,
        claim: &Claim,
        how: How,
    ) -> Result<Started, Broken> {
        let unknown = if self.is(Mutant::GivenBackOnTimeout) {
            no_capacity()
        } else {
            Started::Unknown("no answer".to_owned())
        };
        let (skew, event) = (worker.skew, worker.print);
        Ok(match how {
            How::Well if !worker.is_in_time(state.now) => unknown,
            How::Well | How::Half => Started::Accepted(self.started(state, claim, skew, event)?),
            How::LostCall => {
                state.left.lost_calls -= 1;
                unknown
            }
            How::LostAnswer => {
                state.left.lost_answers -= 1;
                self.started(state, claim, skew, event)?;
                if self.is(Mutant::RefusalAfterLostAnswer) {
                    no_capacity()
                } else {
                    unknown
                }
            }
            How::LateCall => {
                state.left.late_calls -= 1;
                let call = LateCall::Start(claim.clone().into());
                Self::delay(state, worker, call);
                unknown
            }
            How::NoCapacity => {
                state.left.no_capacity -= 1;
                no_capacity()
            }
            How::Misconfigured => {
                state.left.misconfigured -= 1;
                let what = "no such pipeline".to_owned();
                Started::Refused(Refusal::Misconfigured { what })
            }
        })
    }

    fn update(
        state: &mut State,
        worker: &Worker,
        update: &PackageUpdate,
        how: How,
    ) -> Result<Updated, Broken> {
        let unknown = Updated::Unknown("no answer".to_owned());
        Ok(match how {
            How::LostAnswer => {
                state.left.lost_answers -= 1;
                Self::write_package(state, update, worker.saw)?;
                unknown
            }
            How::LateCall => {
                state.left.late_calls -= 1;
                let call = LateCall::Update(update.clone(), worker.saw);
                Self::delay(state, worker, call);
                unknown
            }
            How::Well if worker.is_in_time(state.now) => {
                Self::write_package(state, update, worker.saw)?;
                Updated::Written
            }
            How::LostCall => {
                state.left.lost_calls -= 1;
                unknown
            }
            _ => unknown,
        })
    }

    fn delay(state: &mut State, worker: &Worker, call: LateCall) {
        state.late.push(Late {
            call: Shared::new(call),
            until: state.now + LATE,
            skew: worker.skew,
            event: worker.print,
        });
    }

    /// A call has its effect at last.
    pub(crate) fn land(&self, state: &mut State, late: &Late) -> Result<(), Broken> {
        match &*late.call {
            LateCall::Start(claim) => {
                self.started(state, claim, late.skew, late.event)?;
                Ok(())
            }
            LateCall::Update(update, saw) => Self::write_package(state, update, *saw),
        }
    }

    /// The list lags by as much as `settle` allows.
    fn find(&self, state: &State, claim: &Claim, earliest: i64) -> Option<Found> {
        if self.is(Mutant::ResumedWithoutLooking) {
            return None;
        }
        let settle = self.setup.timing.settle().as_secs();
        let token = claim.token.display_name();
        let mut executions = state.executions.iter();
        let ran = executions.find(|ran| {
            ran.token.as_ref() == Some(&token)
                && ran.started + settle <= state.now
                && ran.started >= earliest
        })?;
        Some(Found {
            execution: ran.execution.clone(),
            started_at: at(ran.started),
        })
    }

    fn is_unfenced(&self, commit: &Commit) -> bool {
        use retrain_core::event::Event;
        let event = commit.decision.as_ref().map(|decision| &decision.event);
        let is_answer = matches!(event, Some(Event::StartAnswered { .. }));
        self.is(Mutant::NoFence) || (self.is(Mutant::AnswerWithoutFence) && is_answer)
    }

    /// What a worker that does not look takes the package for.
    fn mistake(&self, worker: &Worker, approval: &mut PackageApproval) {
        let has_written = { worker.heard.iter() }
            .any(|heard| matches!(*heard.answer, Answer::Committed(Committed::Written)));
        let deploys = worker
            .knows
            .keys()
            .any(|lane| matches!(self.setup.lanes[*lane].0, Lane::Deploy(_)));
        if self.is(Mutant::WrittenBlindly) && has_written && !deploys {
            *approval = PackageApproval::PendingManualApproval;
        }
        if self.is(Mutant::ApprovalBelieved) && deploys {
            *approval = PackageApproval::Approved;
        }
    }
}

fn no_capacity() -> Started {
    let what = "too many executions".to_owned();
    Started::Refused(Refusal::NoCapacity { what })
}
