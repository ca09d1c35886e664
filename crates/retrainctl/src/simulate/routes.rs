//! Which slots a recorded event concerns, as the functions find it out.

use std::collections::HashMap;

use retrain_core::drift::{AlarmTransition, DriftKind};
use retrain_core::event::{Event, ExecutionReport};
use retrain_core::lane::Lane;
use retrain_core::names::ModelName;
use retrain_core::order::Order;
use retrain_core::policy::{Is, PolicyInForce};
use retrain_events::{Arrival, Request};
use retrain_policies::{Folded, IgnoredAlarm, PolicySet, alarm_event, arrivals};

use super::assumptions::Assumptions;
use crate::events::{AlarmTold, ObjectTold, Recorded, Recording, What};

/// What an event is to a policy set.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Something happens to these models, by number.
    Models(Vec<(usize, Event)>),
    /// The whole controller is paused, or resumed.
    Switch(Order),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// Finds the models that events concern.
#[derive(Debug)]
pub(crate) struct Routes<'a> {
    recording: &'a Recording,
    policies: &'a PolicySet,
    assumptions: &'a Assumptions,
    numbers: HashMap<&'a ModelName, usize>,
    /// By the alarm's number, once it was asked for.
    alarms: Vec<Option<KnownAlarm>>,
}

/// An alarm that was asked for.
#[derive(Clone, Debug)]
struct KnownAlarm {
    /// Its last transition, which becomes the next one: most of it stays as it is.
    transition: AlarmTransition,
    route: AlarmRoute,
}

/// Which models an alarm concerns.
#[derive(Clone, Debug)]
enum AlarmRoute {
    Drift(Vec<(usize, DriftKind)>),
    Nothing(&'static str),
}

impl AlarmRoute {
    /// An alarm concerns the same models at each of its transitions.
    fn of(
        alarm: &AlarmTransition,
        policies: &PolicySet,
        numbers: &HashMap<&ModelName, usize>,
    ) -> Self {
        let routes = policies.routes(alarm);
        let drift = routes.drift.iter().filter_map(|(policy, kind)| {
            let model = numbers.get(&policy.model)?;
            Some((*model, *kind))
        });
        let drift: Vec<_> = drift.collect();
        match (drift.as_slice(), routes.never.as_slice()) {
            ([], []) => Self::Nothing("unknown_alarm"),
            ([], _) => Self::Nothing("infrastructure_alarm"),
            _ => Self::Drift(drift),
        }
    }
}

/// An alarm of which `INSUFFICIENT_DATA` is all that is known.
const NO_ALARM: Heard = Heard::Nothing("insufficient_data");

impl<'a> Routes<'a> {
    pub(crate) fn new(
        recording: &'a Recording,
        policies: &'a PolicySet,
        assumptions: &'a Assumptions,
    ) -> Self {
        let models = policies.iter().map(|policy| &policy.model);
        Self {
            recording,
            policies,
            assumptions,
            numbers: models.zip(0..).collect(),
            alarms: vec![None; recording.alarms().len()],
        }
    }

    /// The policies, in the order of the models' numbers.
    pub(crate) fn models(&self) -> impl Iterator<Item = &'a PolicyInForce> + use<'a> {
        self.policies.iter()
    }

    /// What an event is to these policies.
    pub(crate) fn heard(&mut self, event: &Recorded) -> Heard {
        match &event.what {
            What::Alarm(told) => self.alarm(told),
            What::Object(told) => self.object(told),
            What::Status(report) => self.status(report),
            What::Request(request) => match &**request {
                Request::Model(asked) => {
                    let happens = asked.clone().event(event.at);
                    self.of_model(&asked.model, happens)
                }
                Request::Package(_) | Request::Deployment(_) => Heard::Nothing("no_retraining"),
                Request::Controller(order) => Heard::Switch(order.clone()),
            },
            What::Code(request) => self.of_model(&request.model, request.event(event.at)),
        }
    }

    fn of_model(&self, model: &ModelName, event: Event) -> Heard {
        match self.numbers.get(model) {
            Some(number) => Heard::Models(vec![(*number, event)]),
            None => Heard::Nothing("no_such_model"),
        }
    }

    fn alarm(&mut self, told: &AlarmTold) -> Heard {
        let Some(KnownAlarm { transition, route }) = self.known_alarm(told.alarm) else {
            return NO_ALARM;
        };
        told.tell(transition);
        match IgnoredAlarm::whatever_the_policies(transition) {
            Some(IgnoredAlarm::Silenced(_)) => return Heard::Nothing("silenced_alarm"),
            Some(_) => return NO_ALARM,
            None => {}
        }
        match route {
            AlarmRoute::Drift(models) => {
                let events = models.iter();
                let events = events.map(|(model, kind)| (*model, alarm_event(transition, *kind)));
                Heard::Models(events.collect())
            }
            AlarmRoute::Nothing(why) => Heard::Nothing(why),
        }
    }

    fn known_alarm(&mut self, number: usize) -> Option<&mut KnownAlarm> {
        let transition = self.recording.alarms().get(number)?;
        let (policies, numbers) = (self.policies, &self.numbers);
        let known = self.alarms.get_mut(number)?;
        Some(known.get_or_insert_with(|| KnownAlarm {
            transition: transition.clone(),
            route: AlarmRoute::of(transition, policies, numbers),
        }))
    }

    fn object(&self, told: &ObjectTold) -> Heard {
        let Some(object) = self.recording.object(told) else {
            return Heard::Nothing("no_object");
        };
        let mut folded = Folded::default();
        folded.add(self.policies, 0, Arrival::Created(Box::new(object)));
        if !folded.unordered.is_empty() {
            return Heard::Nothing("no_sequencer");
        }
        if folded.models.is_empty() {
            return Heard::Nothing("unnamed_object");
        }
        let models = folded.models.into_values();
        let events = models.filter_map(|model| {
            let number = *self.numbers.get(&model.policy.model)?;
            let counted = model.in_order().into_iter().map(|(_, arrived)| {
                let version = match arrived.is {
                    Is::Completion => arrived.completion(),
                    Is::Data(_) => {
                        let bytes = arrived.object.size.unwrap_or_default();
                        arrived.counted(self.assumptions.rows(bytes), None)
                    }
                };
                (arrived.is, version)
            });
            Some((number, Event::Data(arrivals(counted))))
        });
        Heard::Models(events.collect())
    }

    fn status(&self, report: &ExecutionReport) -> Heard {
        match self.policies.of_execution(&report.execution) {
            Some((policy, Lane::Retrain)) => {
                self.of_model(&policy.model, Event::Status(report.clone()))
            }
            Some(_) => Heard::Nothing("no_retraining"),
            None => Heard::Nothing("unknown_pipeline"),
        }
    }
}
