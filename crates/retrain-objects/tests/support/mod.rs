//! Objects in memory, made as they are read, and everything that was asked of them.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use retrain_objects::{Body, Head, ObjectVersion, Objects, Read, Span, Unread};

/// What an object has from a byte on: some bytes. None end every body there.
type Content = Arc<dyn Fn(u64) -> Bytes + Send + Sync>;

/// An object.
#[derive(Clone)]
pub struct Stored {
    pub total: u64,
    pub etag: String,
    pub metadata: BTreeMap<String, String>,
    content: Content,
}

impl Stored {
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let total = bytes.len() as u64;
        Self::made(total, move |start| {
            bytes.slice(usize::try_from(start).unwrap()..)
        })
    }

    /// An object that is never in memory as a whole.
    pub fn made(total: u64, content: impl Fn(u64) -> Bytes + Send + Sync + 'static) -> Self {
        Self {
            total,
            etag: "etag".to_owned(),
            metadata: BTreeMap::new(),
            content: Arc::new(content),
        }
    }

    /// Zeros up to the given end.
    pub fn ending_with(total: u64, end: impl Into<Bytes>) -> Self {
        let end = end.into();
        let zeros = Bytes::from(vec![0; 64 << 10]);
        let end_at = total - end.len() as u64;
        Self::made(total, move |start| match end_at.checked_sub(start) {
            None | Some(0) => end.slice(usize::try_from(start - end_at).unwrap()..),
            Some(left) => zeros.slice(..zeros.len().min(usize::try_from(left).unwrap())),
        })
    }
}

/// A bucket that answers at once.
#[derive(Default)]
pub struct Memory {
    objects: BTreeMap<String, Stored>,
    asked: Mutex<Vec<Asked>>,
    /// The longest chunk of a body.
    pub chunk: Option<usize>,
    /// After this many bytes every body breaks.
    pub breaks_after: Option<u64>,
}

/// What was asked of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Head(String),
    Read(String, Span),
}

impl Memory {
    pub fn with(key: &str, object: Stored) -> Self {
        let mut memory = Self::default();
        memory.put(key, object);
        memory
    }

    pub fn put(&mut self, key: &str, object: Stored) {
        self.objects.insert(key.to_owned(), object);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn answer(&self, asked: Asked, object: &ObjectVersion) -> Result<&Stored, Unread> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(asked);
        let stored = self.objects.get(&object.key).ok_or(Unread::Gone)?;
        match object.bare_etag() {
            Some(etag) if etag != stored.etag => Err(Unread::Replaced),
            _ => Ok(stored),
        }
    }
}

impl Objects for Memory {
    type Body = MemoryBody;

    async fn head(&self, object: &ObjectVersion) -> Result<Head, Unread> {
        let stored = self.answer(Asked::Head(object.key.clone()), object)?;
        Ok(Head {
            total: stored.total,
            etag: Some(format!("\"{}\"", stored.etag)),
            metadata: stored.metadata.clone(),
        })
    }

    async fn read(&self, object: &ObjectVersion, span: Span) -> Result<Read<MemoryBody>, Unread> {
        let stored = self.answer(Asked::Read(object.key.clone(), span), object)?;
        let total = stored.total;
        let (start, end) = match span {
            Span::Whole => (0, total),
            Span::Last(_) if total == 0 => return Err(Unread::NoSuchRange),
            Span::Last(length) => (total.saturating_sub(length), total),
            Span::Part { start, .. } if start >= total => return Err(Unread::NoSuchRange),
            Span::Part { start, length } => (start, (start + length).min(total)),
        };
        Ok(Read {
            total,
            length: end - start,
            etag: Some(format!("\"{}\"", stored.etag)),
            body: MemoryBody {
                content: Arc::clone(&stored.content),
                at: start,
                end,
                chunk: self.chunk.unwrap_or(64 << 10),
                breaks_at: self.breaks_after.map(|bytes| start + bytes),
            },
        })
    }
}

pub struct MemoryBody {
    content: Content,
    at: u64,
    end: u64,
    chunk: usize,
    breaks_at: Option<u64>,
}

impl Body for MemoryBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Unread> {
        if self.breaks_at.is_some_and(|end| self.at >= end) {
            return Err(Unread::Unavailable("the connection was lost".into()));
        }
        if self.at == self.end {
            return Ok(None);
        }
        let mut chunk = (self.content)(self.at);
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        chunk.truncate(self.chunk.min(left));
        if chunk.is_empty() {
            return Ok(None);
        }
        self.at += chunk.len() as u64;
        Ok(Some(chunk))
    }
}

/// The answer of a future that waits for nothing.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits for something"),
    }
}
