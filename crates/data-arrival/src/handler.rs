//! From a batch of messages to decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use retrain_aws::{Answer, AwsController};
use retrain_controller::{Class, Clock, MAX_OBJECTS};
use retrain_core::data::{ObjectId, ObjectVersion};
use retrain_core::event::Event;
use retrain_core::policy::{Is, PolicyInForce};
use retrain_events::{Arrival, BatchResponse, DataMessage, data_message};
use retrain_lambda::{Failure, Handle, InvocationClock, Settings};
use retrain_objects::{CountError, S3Objects};
use retrain_policies::{Arrived, Folded, ForModel, Message, arrivals};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use crate::count::rows;

/// How many objects are read from S3 at once.
const READS_AT_ONCE: usize = 16;

/// The function.
#[derive(Debug)]
pub struct Handler {
    controller: AwsController,
    objects: S3Objects,
}

/// The answer to an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// To a batch: the messages that must come again.
    Batch(BatchResponse),
    /// To an event that came alone.
    Direct(Summary),
}

/// What became of an event that came alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What was decided.
    pub answers: Vec<Answer>,
    /// How many arrivals were nothing to decide about, by reason.
    pub ignored: BTreeMap<&'static str, usize>,
}

/// An event without the field by which S3 orders the versions of an object.
#[derive(Debug, Error)]
#[error("the event of the object {0:?} has no sequencer")]
struct NoSequencer(String);

/// The function's time is over before all objects were handled.
#[derive(Debug, Error)]
#[error("no time is left for {0} object(s)")]
struct NoTimeLeft(usize);

/// An object says that a batch is complete, but another of the batch is unread.
#[derive(Debug, Error)]
#[error("an object of the batch that is said to be complete could not be read")]
struct BatchIncomplete;

/// What a batch came to, so far.
#[derive(Default)]
struct Results {
    answers: Vec<Answer>,
    failures: Vec<(BTreeSet<Message>, Failure)>,
}

/// What stays the same while a batch is handled for one model.
struct Turn<'a, C> {
    policy: &'a PolicyInForce,
    /// When half of the function's time is over: the other half is for what has begun.
    until: Timestamp,
    clock: &'a C,
}

/// An object that was counted, and the messages that tell of it.
struct Piece {
    version: ObjectVersion,
    is: Is,
    messages: BTreeSet<Message>,
}

impl Handler {
    /// The function with clients for this configuration.
    pub fn new(settings: &Settings, aws: &SdkConfig) -> Self {
        Self {
            controller: AwsController::new(settings, aws),
            objects: S3Objects::new(aws_sdk_s3::Client::new(aws)),
        }
    }

    /// Handles one invocation.
    pub async fn handle_at(&self, event: &Value, clock: &impl Clock) -> Result<Reply, Failure> {
        match data_message(event) {
            Ok(DataMessage::Direct(arrivals)) => {
                let (results, ignored) = self.all(vec![Ok(arrivals)], clock).await?;
                let failures = results.failures.into_iter().map(|(_, failure)| failure);
                Failure::all(failures.collect()).map_or_else(
                    || {
                        Ok(Reply::Direct(Summary {
                            answers: results.answers,
                            ignored,
                        }))
                    },
                    Err,
                )
            }
            Ok(DataMessage::Batch(records)) => {
                let (ids, messages): (Vec<_>, Vec<_>) = records
                    .into_iter()
                    .map(|record| {
                        let told = record.arrivals;
                        let told = told.map_err(|error| Failure::terminal(error.name(), &error));
                        (record.message_id, told)
                    })
                    .unzip();
                let (results, _) = self.all(messages, clock).await?;
                let mut failed: BTreeSet<Message> = BTreeSet::new();
                for (messages, failure) in &results.failures {
                    retrain_lambda::record_failed(failure);
                    failed.extend(messages);
                }
                let ids = ids.into_iter().enumerate();
                let failed = ids.filter(|(at, _)| failed.contains(at));
                Ok(Reply::Batch(failed.map(|(_, id)| id).collect()))
            }
            Err(error) => Err(Failure::terminal(error.name(), &error)),
        }
    }

    /// Handles what all messages tell, model by model.
    async fn all(
        &self,
        messages: Vec<Result<Vec<Arrival>, Failure>>,
        clock: &impl Clock,
    ) -> Result<(Results, BTreeMap<&'static str, usize>), Failure> {
        let policies = self.controller.policies(clock).await?;
        let mut folded = Folded::default();
        let mut results = Results::default();
        for (message, told) in messages.into_iter().enumerate() {
            match told {
                Ok(arrivals) => {
                    for arrival in arrivals {
                        folded.add(&policies, message, arrival);
                    }
                }
                Err(failure) => results.fail([message].into(), failure),
            }
        }
        // Such an object waits in the dead-letter queue until the policy is mended.
        for (message, invalid) in &folded.broken {
            let failure = Failure::terminal("InvalidPolicy", *invalid);
            results.fail([*message].into(), failure);
        }
        for (message, key) in folded.unordered {
            let failure = Failure::terminal("MissingField", &NoSequencer(key));
            results.fail([message].into(), failure);
        }
        for (why, count) in &folded.ignored {
            AwsController::ignore(&format!("{count} object(s)"), why, clock);
        }
        let models = folded.models.into_values();
        for done in join_all(models.map(|model| self.model(model, clock))).await {
            results.answers.extend(done.answers);
            results.failures.extend(done.failures);
        }
        Ok((results, folded.ignored))
    }

    /// Handles what a batch tells one model, a transaction's worth at a time.
    async fn model(&self, model: ForModel<'_>, clock: &impl Clock) -> Results {
        let mut results = Results::default();
        let turn = Turn {
            policy: model.policy,
            until: clock.now() + self.controller.timing().send_within() / 2,
            clock,
        };
        let mut objects = model.in_order();
        while !objects.is_empty() {
            if turn.left().is_zero() {
                let failure = no_time_left(objects.len());
                let messages = objects.into_iter().flat_map(|(_, of)| of.messages);
                results.fail(messages.collect(), failure);
                break;
            }
            let rest = objects.split_off(objects.len().min(MAX_OBJECTS));
            let part = std::mem::replace(&mut objects, rest);
            match self.unknown(&turn, part).await {
                Ok(part) => {
                    let mut pieces = self.read(&turn, part, &mut results).await;
                    results.keep_incomplete(&mut pieces);
                    self.commit(&turn, pieces, &mut results).await;
                }
                Err((messages, failure)) => results.fail(messages, failure),
            }
        }
        results
    }

    /// Counts objects, many at a time. One that takes longer than there is time comes
    /// again, and does not keep the others from being committed.
    async fn read(
        &self,
        turn: &Turn<'_, impl Clock>,
        part: Vec<Arrived>,
        results: &mut Results,
    ) -> Vec<Piece> {
        let trusted = turn.policy.policy.data.as_ref();
        let trusted = trusted.and_then(|data| data.trusted_row_count.as_deref());
        let counts = part.into_iter().map(async |arrived| {
            let rows = timeout(turn.left(), rows(&self.objects, &arrived, trusted)).await;
            (rows, arrived)
        });
        let mut counts = stream::iter(counts).buffered(READS_AT_ONCE);
        let mut pieces = Vec::new();
        while let Some((rows, arrived)) = counts.next().await {
            match rows {
                Ok(Ok(version)) => pieces.push(Piece {
                    version,
                    is: arrived.is,
                    messages: arrived.messages,
                }),
                Ok(Err(error)) => results.fail(arrived.messages, unread(&error)),
                Err(_) => results.fail(arrived.messages, no_time_left(1)),
            }
        }
        pieces
    }

    /// Commits what was counted. A part that the table refuses is tried again in
    /// halves, so that what is wrong with one object keeps no other.
    async fn commit(&self, turn: &Turn<'_, impl Clock>, pieces: Vec<Piece>, results: &mut Results) {
        let mut work = vec![pieces];
        while let Some(mut pieces) = work.pop() {
            if pieces.is_empty() {
                continue;
            }
            let counted = pieces.iter().map(|piece| (piece.is, piece.version.clone()));
            let event = Event::Data(arrivals(counted));
            let subject = event.to_string();
            let handled = self
                .controller
                .handle(&subject, &event, turn.policy, turn.clock)
                .await;
            match handled {
                Ok(answer) => results.answers.push(answer),
                Err(failure) if failure.class() == Class::Terminal && pieces.len() > 1 => {
                    let second = pieces.split_off(pieces.len() / 2);
                    work.push(second);
                    work.push(pieces);
                }
                Err(failure) => {
                    let messages = pieces.into_iter().flat_map(|piece| piece.messages);
                    results.fail(messages.collect(), failure);
                }
            }
        }
    }

    /// Those of the objects that are not known yet in this version or a later one.
    async fn unknown(
        &self,
        turn: &Turn<'_, impl Clock>,
        part: Vec<(ObjectId, Arrived)>,
    ) -> Result<Vec<Arrived>, (BTreeSet<Message>, Failure)> {
        let ids: Vec<ObjectId> = part.iter().map(|(id, _)| id.clone()).collect();
        let model = &turn.policy.model;
        let known = match self.controller.known_objects(model, &ids, turn.clock).await {
            Ok(known) => known,
            Err(failure) => {
                let messages = part.into_iter().flat_map(|(_, of)| of.messages);
                return Err((messages.collect(), failure));
            }
        };
        let is_news = |(id, arrived): &(ObjectId, Arrived)| {
            known
                .get(id)
                .is_none_or(|known| known.version.sequencer < arrived.sequencer)
        };
        let news = part.into_iter().filter(is_news);
        Ok(news.map(|(_, arrived)| arrived).collect())
    }
}

impl<C: Clock> Turn<'_, C> {
    /// The time until nothing more should be begun.
    fn left(&self) -> Duration {
        let left = self.until.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or_default()
    }
}

impl Results {
    /// A batch is not complete while an object that came with it is unread: what says
    /// so comes again together with it.
    fn keep_incomplete(&mut self, pieces: &mut Vec<Piece>) {
        if self.failures.is_empty() {
            return;
        }
        let (signs, data): (Vec<_>, Vec<_>) = std::mem::take(pieces)
            .into_iter()
            .partition(|piece| piece.is == Is::Completion);
        *pieces = data;
        if !signs.is_empty() {
            let messages = signs.into_iter().flat_map(|sign| sign.messages);
            let failure = Failure::retryable("BatchIncomplete", &BatchIncomplete);
            self.fail(messages.collect(), failure);
        }
    }

    fn fail(&mut self, messages: BTreeSet<Message>, failure: Failure) {
        self.failures.push((messages, failure));
    }
}

fn no_time_left(objects: usize) -> Failure {
    Failure::retryable("NoTimeLeft", &NoTimeLeft(objects))
}

/// An object that the function may not read comes again too, so that it ends in the
/// dead-letter queue instead of being forgotten.
fn unread(error: &CountError) -> Failure {
    Failure::retryable(error.name(), error)
}

impl Handle for Handler {
    type Answer = Reply;

    async fn handle(&self, event: &Value, clock: &InvocationClock) -> Result<Reply, Failure> {
        self.handle_at(event, clock).await
    }
}
