//! Many events in little memory.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use jiff::Timestamp;
use retrain_core::drift::{AlarmState, AlarmTransition, Silenced};
use retrain_core::event::ExecutionReport;
use retrain_core::names::AlarmArn;
use retrain_core::sequencer::Sequencer;
use retrain_core::token::ClientRequestToken;
use retrain_events::{CodeRequest, ObjectCreated, Request};
use serde::Serialize;
use serde_json::Value;

use super::files::{self, Batch};
use super::progress::{Bar, Counted};
use super::span::Span;
use super::told::{Told, told};
use crate::exit::Failure;

/// How many events that cannot be read are shown one by one.
const SHOWN: usize = 10;

/// All events of some files, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// What came.
    pub(crate) events: Vec<Recorded>,
    /// How many events were read.
    pub(crate) read: u64,
    /// What was nothing to decide about, by reason.
    pub(crate) nothing: BTreeMap<&'static str, u64>,
    /// How many events cannot be read.
    pub(crate) unreadable: u64,
    /// The first of them.
    pub(crate) shown: Vec<Unreadable>,
    span: Span,
    statuses: Statuses,
    alarms: Alarms,
    buckets: Buckets,
}

/// Which statuses of recorded executions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Statuses {
    /// None: the rule of then has started the executions, and under another rule they
    /// would not have run.
    #[default]
    None,
    /// Those of executions that no controller has named: people have started them.
    Foreign,
    /// All.
    All,
}

impl Statuses {
    fn keep(self, report: &ExecutionReport) -> bool {
        let name = report.display_name.as_deref();
        match self {
            Self::None => false,
            Self::Foreign => !name.is_some_and(ClientRequestToken::is_display_name),
            Self::All => true,
        }
    }
}

/// An event that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Unreadable {
    /// The file.
    pub(crate) file: String,
    /// The line, or the number of the event in a file that has no lines.
    pub(crate) number: u64,
    /// What is wrong with it.
    pub(crate) why: String,
}

/// An event that came.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// When it came.
    pub(crate) at: Timestamp,
    /// Its place among those that came at the same moment.
    order: u64,
    /// What it tells.
    pub(crate) what: What,
}

/// What an event tells, in little memory.
#[derive(Debug)]
pub(crate) enum What {
    /// An alarm changed its state.
    Alarm(AlarmTold),
    /// An object was created.
    Object(Box<ObjectTold>),
    /// An execution had a status.
    Status(Box<ExecutionReport>),
    /// A schedule or a person asked for something.
    Request(Box<Request>),
    /// A stage of a release asked for retraining.
    Code(Box<CodeRequest>),
}

/// A transition of an alarm.
#[derive(Debug)]
pub(crate) struct AlarmTold {
    /// Which alarm.
    pub(crate) alarm: usize,
    state: AlarmState,
    at: Timestamp,
    rest: Option<Box<(Option<Silenced>, Option<String>)>>,
}

impl AlarmTold {
    /// Makes any transition of the alarm the one that was told.
    pub(crate) fn tell(&self, alarm: &mut AlarmTransition) {
        alarm.state = self.state;
        alarm.at = self.at;
        (alarm.silenced, alarm.reason) = match &self.rest {
            Some(rest) => (**rest).clone(),
            None => (None, None),
        };
    }
}

/// An object that was created.
#[derive(Debug)]
pub(crate) struct ObjectTold {
    bucket: usize,
    key: Box<str>,
    size: Option<u64>,
    sequencer: Option<Box<str>>,
    at: Timestamp,
}

/// Alarms, each as often as it is configured differently, in a transition without
/// a moment of its own.
#[derive(Debug, Default)]
struct Alarms {
    known: Vec<AlarmTransition>,
    by_arn: HashMap<AlarmArn, Vec<usize>>,
}

impl Alarms {
    fn number(&mut self, mut alarm: AlarmTransition) -> usize {
        alarm.at = Timestamp::UNIX_EPOCH;
        alarm.state = AlarmState::Alarm;
        let numbers = self.by_arn.entry(alarm.alarm.clone()).or_default();
        let is_it = |number: &&usize| self.known.get(**number) == Some(&alarm);
        if let Some(number) = numbers.iter().find(is_it) {
            return *number;
        }
        let number = self.known.len();
        numbers.push(number);
        self.known.push(alarm);
        number
    }
}

/// Buckets by number.
#[derive(Debug, Default)]
struct Buckets {
    known: Vec<Box<str>>,
    numbers: HashMap<Box<str>, usize>,
}

impl Buckets {
    fn number(&mut self, name: String) -> usize {
        if let Some(number) = self.numbers.get(name.as_str()) {
            return *number;
        }
        let number = self.known.len();
        self.known.push(name.as_str().into());
        self.numbers.insert(name.into(), number);
        number
    }
}

impl Recording {
    /// How many alarms there are; each configuration of an alarm counts.
    pub(crate) fn alarms(&self) -> &[AlarmTransition] {
        &self.alarms.known
    }

    /// An object as it was told, without what no decision looks at.
    pub(crate) fn object(&self, told: &ObjectTold) -> Option<ObjectCreated> {
        Some(ObjectCreated {
            bucket: self.buckets.known.get(told.bucket)?.to_string(),
            key: told.key.to_string(),
            size: told.size,
            etag: None,
            version_id: None,
            sequencer: told.sequencer.as_deref().and_then(Sequencer::parse),
            at: told.at,
            reason: None,
            event_id: None,
            replay_name: None,
        })
    }

    fn keep(&mut self, told: Told) -> Result<What, &'static str> {
        Ok(match told {
            Told::Alarm(alarm) => {
                let mut alarm = *alarm;
                let (state, at) = (alarm.state, alarm.at);
                let rest = (alarm.silenced.take(), alarm.reason.take());
                What::Alarm(AlarmTold {
                    alarm: self.alarms.number(alarm),
                    state,
                    at,
                    rest: (rest != (None, None)).then(|| Box::new(rest)),
                })
            }
            Told::Object(object) => What::Object(Box::new(ObjectTold {
                bucket: self.buckets.number(object.bucket),
                key: object.key.into(),
                size: object.size,
                sequencer: object.sequencer.map(|number| {
                    let digits = number.as_str().trim_start_matches('0');
                    if digits.is_empty() { "0" } else { digits }.into()
                }),
                at: object.at,
            })),
            Told::Status(report) if self.statuses.keep(&report) => What::Status(report),
            Told::Status(_) => return Err("recorded_run"),
            Told::Request(request) => What::Request(request),
            Told::Code(request) => What::Code(request),
            Told::Nothing(why) => return Err(why),
        })
    }

    fn refuse(&mut self, file: &Path, number: u64, why: String) {
        self.unreadable += 1;
        self.shown.push(Unreadable {
            file: file.display().to_string(),
            number,
            why,
        });
        // Workers are not in order; the first ones stay.
        if self.shown.len() > 2 * SHOWN {
            self.shown.sort();
            self.shown.truncate(SHOWN);
        }
    }

    fn add(&mut self, (file, path): (usize, &Path), read: Vec<Read>) {
        for Read {
            number,
            order,
            told,
        } in read
        {
            self.read += 1;
            for told in told {
                let (at, told) = match told {
                    Ok(told) => told,
                    Err(why) => {
                        self.refuse(path, number, why);
                        continue;
                    }
                };
                match (self.keep(told), at) {
                    (Err(why), _) => *self.nothing.entry(why).or_default() += 1,
                    (Ok(what), Some(at)) => {
                        self.span.widen(at, file, number);
                        self.events.push(Recorded { at, order, what });
                    }
                    (Ok(_), None) => self.refuse(path, number, NO_MOMENT.to_owned()),
                }
            }
        }
    }

    fn in_order(mut self) -> Self {
        self.events.sort_by_key(|event| (event.at, event.order));
        self.shown.sort();
        self.shown.truncate(SHOWN);
        self
    }
}

/// What an event without a moment is told.
const NO_MOMENT: &str =
    r#"it does not tell when it came: wrap it as {"at": "2026-01-05T06:00:00Z", "event": ...}"#;

/// An event that was read: its place, and what it tells.
struct Read {
    number: u64,
    order: u64,
    told: Vec<ToldAt>,
}

/// A piece of a file on its way to a worker.
struct Work {
    file: usize,
    order: u64,
    batch: Batch,
}

/// Reads all files, on all processors.
pub(crate) fn read(
    paths: &[PathBuf],
    statuses: Statuses,
    quiet: bool,
) -> Result<Recording, Failure> {
    let files = files::all(paths)?;
    let counted = Counted::default();
    let mut bar = Bar::new(&files, &counted, quiet);
    let recording = Mutex::new(Recording {
        statuses,
        ..Recording::default()
    });
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (send, receive) = sync_channel::<Work>(workers * 2);
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&receive, &files, &recording));
        }
        // The workers end when nothing more is sent.
        let send = send;
        let mut order = 0;
        files.iter().enumerate().try_for_each(|(file, path)| {
            files::read(path, &counted, |batch| {
                order += 1;
                // Fails only when all workers are gone, and they end after this.
                let _ = send.send(Work { file, order, batch });
                if let Some(bar) = &mut bar {
                    bar.draw(locked(&recording).read);
                }
            })
        })
    })?;
    let recording = recording.into_inner();
    let recording = recording.unwrap_or_else(PoisonError::into_inner);
    recording.span.check(&files)?;
    Ok(recording.in_order())
}

fn work(receive: &Mutex<Receiver<Work>>, files: &[PathBuf], recording: &Mutex<Recording>) {
    loop {
        let work = locked(receive).recv();
        let Ok(Work { file, order, batch }) = work else {
            return;
        };
        let Some(path) = files.get(file) else { return };
        let read = parsed(order, batch);
        locked(recording).add((file, path), read);
    }
}

/// A thread that panicked has left nothing half done here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Events of one piece keep their order, and pieces theirs.
const PER_PIECE: u64 = 1 << 32;

fn parsed(order: u64, batch: Batch) -> Vec<Read> {
    let mut read = Vec::new();
    let mut add = |number, told| {
        read.push(Read {
            number,
            order: order * PER_PIECE + read.len() as u64,
            told,
        });
    };
    match batch {
        Batch::Lines { bytes, first } => {
            for (line, number) in bytes.split(|byte| *byte == b'\n').zip(first..) {
                // Firehose puts nothing between the records that it writes.
                for value in serde_json::Deserializer::from_slice(line).into_iter::<Value>() {
                    add(number, of_value(value));
                }
            }
        }
        Batch::Values { values, first } => {
            for (value, number) in values.into_iter().zip(first..) {
                add(number, of_value(Ok(value)));
            }
        }
        Batch::Broken { after, why } => add(after + 1, vec![Err(format!("is not JSON: {why}"))]),
    }
    read
}

type ToldAt = Result<(Option<Timestamp>, Told), String>;

fn of_value(value: serde_json::Result<Value>) -> Vec<ToldAt> {
    match value {
        Ok(value) => {
            let told = told(&value).into_iter();
            told.map(|told| told.map_err(|error| error.to_string()))
                .collect()
        }
        Err(error) => vec![Err(format!("is not JSON: {error}"))],
    }
}
