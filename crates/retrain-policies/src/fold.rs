//! Which models an arrival concerns, and the newest version of each object.

use std::collections::{BTreeMap, BTreeSet};

use retrain_core::data::{Arrivals, ObjectId, ObjectVersion};
use retrain_core::names::ModelName;
use retrain_core::policy::{Is, PolicyInForce};
use retrain_core::sequencer::Sequencer;
use retrain_events::{Arrival, IrrelevantObject, ObjectCreated};

use crate::invalid::InvalidPolicy;
use crate::set::PolicySet;

/// The number of a message within its batch.
pub type Message = usize;

/// What a batch tells one model.
#[derive(Debug)]
pub struct ForModel<'a> {
    /// The model's policy.
    pub policy: &'a PolicyInForce,
    /// The objects that concern it.
    pub objects: BTreeMap<ObjectId, Arrived>,
}

/// The newest version of an object that a batch tells of.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// What S3 tells of it.
    pub object: ObjectCreated,
    /// Its place among the versions of the object.
    pub sequencer: Sequencer,
    /// What it is to the model.
    pub is: Is,
    /// All messages that tell of the object: they succeed or fail together.
    pub messages: BTreeSet<Message>,
}

/// A batch, sorted by model.
#[derive(Debug, Default)]
pub struct Folded<'a> {
    /// What concerns models.
    pub models: BTreeMap<&'a ModelName, ForModel<'a>>,
    /// Messages that a broken policy would want.
    pub broken: Vec<(Message, &'a InvalidPolicy)>,
    /// Messages without a sequencer, which cannot be ordered.
    pub unordered: Vec<(Message, String)>,
    /// How many arrivals are nothing to decide about, by reason.
    pub ignored: BTreeMap<&'static str, usize>,
}

/// Why an object that arrived is nobody's.
const NOBODYS: &str = "no policy names the object";

impl<'a> Folded<'a> {
    fn ignore(&mut self, why: IrrelevantObject) {
        *self.ignored.entry(why.name()).or_default() += 1;
    }

    /// Adds what one message tells.
    pub fn add(&mut self, policies: &'a PolicySet, message: Message, arrival: Arrival) {
        let object = match arrival {
            Arrival::Created(object) => *object,
            Arrival::Irrelevant(why) => return self.ignore(why),
        };
        let routes = policies.data_routes(&object.bucket, &object.key);
        for invalid in &routes.broken {
            self.broken.push((message, *invalid));
        }
        if routes.models.is_empty() && routes.broken.is_empty() {
            *self.ignored.entry(NOBODYS).or_default() += 1;
            return;
        }
        let Some(sequencer) = object.sequencer.clone() else {
            // S3 orders the versions of a key by nothing else.
            self.unordered.push((message, object.key));
            return;
        };
        for (policy, is) in routes.models {
            let model = self
                .models
                .entry(&policy.model)
                .or_insert_with(|| ForModel {
                    policy,
                    objects: BTreeMap::new(),
                });
            model.take(Arrived {
                object: object.clone(),
                sequencer: sequencer.clone(),
                is,
                messages: [message].into(),
            });
        }
    }
}

impl ForModel<'_> {
    /// The objects in the order in which they are counted: what says that a batch is
    /// complete comes after all that it completes.
    pub fn in_order(self) -> Vec<(ObjectId, Arrived)> {
        let mut objects: Vec<_> = self.objects.into_iter().collect();
        objects.sort_by_key(|(_, arrived)| arrived.is == Is::Completion);
        objects
    }

    /// Of two tellings of one object, the later version stays.
    fn take(&mut self, arrived: Arrived) {
        let id = ObjectId::of(&arrived.object.bucket, &arrived.object.key);
        match self.objects.get_mut(&id) {
            None => {
                self.objects.insert(id, arrived);
            }
            Some(known) => {
                let mut messages = std::mem::take(&mut known.messages);
                messages.extend(&arrived.messages);
                if arrived.sequencer > known.sequencer {
                    *known = arrived;
                }
                known.messages = messages;
            }
        }
    }
}

impl Arrived {
    /// The object with its rows, or with the reason why it has none to count.
    pub fn counted(&self, rows: u64, uncounted: Option<String>) -> ObjectVersion {
        let object = &self.object;
        ObjectVersion {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version_id: object.version_id.clone(),
            etag: object.etag.clone(),
            sequencer: self.sequencer.clone(),
            rows,
            bytes: object.size.unwrap_or_default(),
            uncounted,
        }
    }

    /// The object as one that has no rows to count: it says that a batch is complete.
    pub fn completion(&self) -> ObjectVersion {
        self.counted(0, Some("it says that a batch is complete".to_owned()))
    }
}

/// Objects with what they are to a model, as one event.
pub fn arrivals(objects: impl IntoIterator<Item = (Is, ObjectVersion)>) -> Arrivals {
    let mut arrivals = Arrivals::default();
    for (is, version) in objects {
        match is {
            Is::Completion => arrivals.completions.push(version),
            Is::Data(_) => arrivals.objects.push(version),
        }
    }
    arrivals
}
