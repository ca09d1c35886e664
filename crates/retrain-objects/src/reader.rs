//! Reading one object: pinned, checked and metered.

use bytes::Bytes;

use crate::objects::{Body, ObjectVersion, Objects, Read, Span, Unread};
use crate::outcome::{Count, CountError, How, Uncounted};

/// What was spent so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) bytes: u64,
    pub(crate) requests: u32,
}

impl Spent {
    pub(crate) const fn count(self, rows: u64, how: How) -> Count {
        Count {
            rows,
            how,
            bytes_read: self.bytes,
            requests: self.requests,
        }
    }
}

/// Reads one object.
pub(crate) struct Reader<'a, O> {
    objects: &'a O,
    object: ObjectVersion,
    spent: &'a mut Spent,
}

impl<'a, O: Objects> Reader<'a, O> {
    pub(crate) const fn new(objects: &'a O, object: ObjectVersion, spent: &'a mut Spent) -> Self {
        Self {
            objects,
            object,
            spent,
        }
    }

    /// How many bytes the object has, if that is known before the first answer.
    pub(crate) const fn size(&self) -> Option<u64> {
        self.object.size
    }

    /// The number of rows in the object's user metadata, if there is one.
    ///
    /// A value that is no number is passed over: the object itself can be counted.
    pub(crate) async fn metadata(&mut self, key: &str) -> Result<Option<u64>, CountError> {
        self.spent.requests = self.spent.requests.saturating_add(1);
        let head = self
            .objects
            .head(&self.object)
            .await
            .map_err(|unread| CountError::unread(unread, &self.object))?;
        self.pin(head.total, head.etag)?;
        Ok(head
            .metadata
            .get(&key.to_ascii_lowercase())
            .and_then(|value| value.trim().parse::<i64>().ok())
            .and_then(|rows| u64::try_from(rows).ok()))
    }

    /// Begins to read a part.
    pub(crate) async fn open(&mut self, span: Span) -> Result<Opened<'_, O::Body>, CountError> {
        self.spent.requests = self.spent.requests.saturating_add(1);
        let Read {
            total,
            length,
            etag,
            body,
        } = self
            .objects
            .read(&self.object, span)
            .await
            .map_err(|unread| CountError::unread(unread, &self.object))?;
        self.pin(total, etag)?;
        Ok(Opened {
            total,
            left: length,
            body,
            object: &self.object,
            spent: self.spent,
        })
    }

    /// What the first answer says holds for all: an object that was not pinned when it was
    /// announced must not be replaced between two requests either.
    fn pin(&mut self, total: u64, etag: Option<String>) -> Result<(), Uncounted> {
        if *self.object.size.get_or_insert(total) != total {
            return Err(Uncounted::Replaced);
        }
        if self.object.etag.is_none() {
            self.object.etag = etag;
        }
        Ok(())
    }
}

/// A part that is being read.
pub(crate) struct Opened<'a, B> {
    /// How many bytes the whole object has.
    pub(crate) total: u64,
    left: u64,
    body: B,
    object: &'a ObjectVersion,
    spent: &'a mut Spent,
}

impl<B: Body> Opened<'_, B> {
    /// The next bytes. A body that ends early was not read: that says nothing about the object.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, CountError> {
        let chunk = self
            .body
            .chunk()
            .await
            .map_err(|unread| CountError::unread(unread, self.object))?;
        let length = chunk.as_ref().map_or(0, Bytes::len) as u64;
        self.spent.bytes = self.spent.bytes.saturating_add(length);
        match self.left.checked_sub(length) {
            Some(0) => self.left = 0,
            Some(left) if chunk.is_some() => self.left = left,
            Some(left) => return Err(self.broken(format!("the body ended {left} bytes early"))),
            None => return Err(self.broken("the body is longer than announced".to_owned())),
        }
        Ok(chunk)
    }

    fn broken(&self, why: String) -> CountError {
        CountError::unread(Unread::Unavailable(why.into()), self.object)
    }
}
