//! What the sandbox keeps about queues.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

/// A message that is in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// What it carries.
    pub body: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was sent; a dead letter keeps the time of its first queue.
    pub sent: Timestamp,
    /// Whether a receiver has it, so that no other sees it.
    pub hidden: bool,
}

/// An attribute of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, each with or without a label behind a dot.
    pub data_type: String,
    /// Its value; Base64 of what is binary.
    pub value: String,
}

impl Attribute {
    /// An attribute of this type.
    pub fn new(data_type: &str, value: &str) -> Self {
        Self {
            data_type: data_type.to_owned(),
            value: value.to_owned(),
        }
    }
}

/// A control call that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// There is no such queue.
    #[error("there is no queue {0}")]
    Unknown(String),
    /// The name is none of AWS's.
    #[error("{0} is not 1 to 80 letters, digits, hyphens and underscores")]
    Name(String),
    /// There is one already.
    #[error("there is a queue {0} already")]
    Exists(String),
    /// It is behind no queue.
    #[error("the queue {0} has no dead letters")]
    NoDeadLetters(String),
}

/// A message and what SQS remembers of it.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) sent: Timestamp,
    /// How often it was received from this queue.
    pub(super) receives: u32,
    pub(super) first_received: Option<Timestamp>,
    pub(super) visible_at: Timestamp,
    /// The queue that gave it up.
    pub(super) source: Option<String>,
}

impl Message {
    pub(super) fn letter(&self, now: Timestamp) -> Letter {
        Letter {
            id: self.id.clone(),
            body: self.body.clone(),
            attributes: self.attributes.clone(),
            sent: self.sent,
            hidden: self.is_hidden(now),
        }
    }

    pub(super) fn is_hidden(&self, now: Timestamp) -> bool {
        self.visible_at > now
    }

    /// Every time it is received it has another.
    pub(super) fn receipt(&self) -> String {
        format!("{}/{}", self.id, self.receives)
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order in which they came.
    pub(super) messages: Vec<Message>,
    /// The queue that takes what was received too often, and how often that is.
    pub(super) redrive: Option<(String, u32)>,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queues: BTreeMap<String, Queue>,
    sent: u64,
}

impl State {
    pub(super) fn create(
        &mut self,
        name: &str,
        redrive: Option<(String, u32)>,
    ) -> Result<(), QueueError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !(1..=80).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(QueueError::Name(name.to_owned()));
        }
        if let Some((behind, _)) = &redrive {
            self.queue(behind)?;
        }
        if self.queues.contains_key(name) {
            return Err(QueueError::Exists(name.to_owned()));
        }
        let queue = Queue {
            redrive,
            ..Queue::default()
        };
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    pub(super) fn queue(&self, name: &str) -> Result<&Queue, QueueError> {
        let unknown = || QueueError::Unknown(name.to_owned());
        self.queues.get(name).ok_or_else(unknown)
    }

    pub(super) fn send(
        &mut self,
        queue: &str,
        body: &str,
        attributes: BTreeMap<String, Attribute>,
        now: Timestamp,
    ) -> Result<String, QueueError> {
        self.queue(queue)?;
        self.sent += 1;
        let id = format!("00000000-0000-4000-a000-{:012}", self.sent);
        let message = Message {
            id: id.clone(),
            body: body.to_owned(),
            attributes,
            sent: now,
            receives: 0,
            first_received: None,
            visible_at: now,
            source: None,
        };
        let queue = self.queues.entry(queue.to_owned()).or_default();
        queue.messages.push(message);
        Ok(id)
    }

    /// Every message of the queue becomes a dead letter.
    pub(super) fn fail(&mut self, name: &str, arn: &str, now: Timestamp) -> Result<(), QueueError> {
        let unknown = || QueueError::Unknown(name.to_owned());
        let queue = self.queues.get_mut(name).ok_or_else(unknown)?;
        let Some((behind, _)) = queue.redrive.clone() else {
            return Err(QueueError::NoDeadLetters(name.to_owned()));
        };
        let dead: Vec<Message> = std::mem::take(&mut queue.messages);
        self.bury(&behind, arn, dead, now);
        Ok(())
    }

    /// Messages keep their id, their time and their attributes.
    pub(super) fn bury(&mut self, behind: &str, from: &str, dead: Vec<Message>, now: Timestamp) {
        let queue = self.queues.entry(behind.to_owned()).or_default();
        queue
            .messages
            .extend(dead.into_iter().map(|message| Message {
                receives: 0,
                first_received: None,
                visible_at: now,
                source: Some(from.to_owned()),
                ..message
            }));
    }
}

/// How long a received message stays hidden unless the caller says otherwise.
pub(super) const VISIBILITY: SignedDuration = SignedDuration::from_secs(30);

/// Lower-case hexadecimal of the digest that answers carry.
pub(super) fn md5(text: &str) -> String {
    let digest = Md5::digest(text);
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
